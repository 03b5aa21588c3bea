"""The `seedbed` command. What is heavy is imported where it is used, so that `seedbed --help` answers at once."""

import os
import shlex
import signal
import sys
import traceback
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Optional

import typer

import seedbed
from seedbed.lib.errors import InputError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, context_settings={"help_option_names": ["-h", "--help"]},
                  help="From labels on a map to a model that a stakeholder can use: the stage notebooks, run in order.",
                  epilog="Everything is set in settings.ini. Start with: seedbed run")


# --- options ---

def _show_version(wanted: bool):
    if wanted:
        print(f"seedbed {seedbed.__version__}")
        raise typer.Exit()


def _set_debug(wanted: bool):
    os.environ["SEEDBED_DEBUG"] = "1" if wanted else ""


Overrides = Annotated[Optional[list[str]], typer.Option("-p", metavar="SECTION.KEY=VALUE", help="Override a line of settings.ini; may be given more than once.")]
SettingsFile = Annotated[Optional[Path], typer.Option("--settings", metavar="FILE", help="Read this file instead of the project's settings.ini.")]
Debug = Annotated[bool, typer.Option("--debug", callback=_set_debug, envvar="SEEDBED_DEBUG", help="Show the whole traceback of an error.")]
Version = Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and leave.")]


# --- what a person sees while a run goes on ---

def score_of(output: Path) -> str:
    """The score of the model whose executed notebook this is; empty where there is none."""
    from seedbed.lib.files import read_json
    try: primary = read_json(output.parent / "results.json")["primary"]
    except (InputError, KeyError): return ""
    return f"{primary['metric']} {primary['value']:.3f}" if primary.get("value") is not None else ""


def step_line(outcome) -> str:
    """One line for a notebook that has ended: name, score, seconds."""
    model = "/" in outcome.task.name
    said = "failed" if outcome.failure else score_of(outcome.task.output) if model else ""
    return f"{outcome.task.name:<40} {said:<20} {outcome.seconds:6.1f} s"


class PlainProgress:
    """One line for each notebook, when it has ended."""
    def started(self, task): pass
    def tick(self, running): pass
    def finished(self, outcome): print(step_line(outcome), flush=True)


class LiveProgress:
    """The same lines, and below them what is running now. Drawn by the driver's own loop: a thread would make forking unsafe."""
    def __init__(self, live):
        self.live = live

    def started(self, task): pass

    def finished(self, outcome): self.live.console.print(step_line(outcome), style="red" if outcome.failure else None, highlight=False, markup=False)

    def tick(self, running):
        from rich.text import Text
        self.live.update(Text("\n".join(f"{process.task.name:<40} {'running':<20} {process.seconds:6.1f} s" for process in running), style="dim"), refresh=True)


@contextmanager
def progress():
    """A watcher of the run that suits where the output goes."""
    if not sys.stdout.isatty():
        yield PlainProgress()
        return
    from rich.live import Live
    with Live("loading the libraries ...", auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False) as live:
        live.refresh()
        yield LiveProgress(live)


# --- what a person sees at the end ---

def number(value, digits: int = 3) -> str:
    """A value of a table: thousands apart, fractions cut, a dash where there is none."""
    if value is None: return "-"
    if isinstance(value, bool) or not isinstance(value, (int, float)): return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"


def with_interval(value, ci) -> str:
    """A score and its interval."""
    return number(value) + (f" [{ci[0]:.3f}, {ci[1]:.3f}]" if ci else "")


def gain(difference) -> str:
    """A difference with its sign."""
    value = difference.get("value") if isinstance(difference, dict) else difference
    return "-" if value is None else f"{value:+.3f}"


def gain_heading(rows: list[dict]) -> str:
    """What the differences are to, where all are to the same."""
    others = {row["difference"].get("to") for row in rows if isinstance(row.get("difference"), dict)}
    return f"vs {others.pop()}" if len(others) == 1 and None not in others else "difference"


def worst(region) -> str:
    """A region and its score."""
    return f"{region.get('region', '')} {number(region.get('value'))}".strip() if isinstance(region, dict) else number(region)


def closing_columns(results: dict) -> list[tuple[str, int, list[str]]]:
    """Heading, importance (0 always stays) and texts of each column that has any; = marks models tied with the best."""
    rows = results.get("models", [])
    column = lambda key, form=number: [form(row.get(key)) for row in rows]
    columns = [("model", 0, [("= " if row.get("tied") else "") + str(row.get("model")) for row in rows]),
               (results.get("primary", {}).get("metric", "score"), 0, [with_interval(row.get("value"), row.get("ci")) for row in rows]),
               (gain_heading(rows), 1, column("difference", gain)),
               ("worst region", 2, column("worst_region", worst)),
               ("seeds", 6, column("seeds", lambda v: number(len(v) if isinstance(v, list) else v))),
               ("fit s", 5, column("fit_s")),
               ("us/sample", 3, column("us_per_sample", lambda v: number(v, 1))),
               ("parameters", 4, column("parameters", lambda v: number(v, 0))),
               ("verdict", 0, column("verdict"))]
    return [(heading, importance, texts) for heading, importance, texts in columns if importance == 0 or set(texts) != {"-"}]


def fitting(columns: list[tuple[str, int, list[str]]], width: int) -> list[tuple[str, int, list[str]]]:
    """The columns without the least important ones, so that a line holds them."""
    wide = lambda c: max(len(text) for text in [c[0], *c[2]]) + 2
    columns = list(columns)
    while sum(map(wide, columns)) > width and any(importance for _, importance, _ in columns):
        columns.remove(max(columns, key=lambda c: c[1]))
    return columns


def make_console():
    """A terminal as wide as it is; elsewhere 100 columns of plain text."""
    from rich.console import Console
    return Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=100)


def print_table(columns: list[tuple[str, list[str]]], console):
    """Columns of text, numbers to the right."""
    from rich import box
    from rich.table import Table
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading, texts in columns:
        table.add_column(heading, justify="right" if all(t[:1].isdigit() or t[:1] in "-+" for t in texts) else "left", no_wrap=heading in ("model", "name"))
    for row in zip(*(texts for _, texts in columns)): table.add_row(*(_literal(text) for text in row))
    console.print(table)


def _literal(text: str):
    from rich.text import Text
    return Text(text)


def print_results(results: dict, console):
    """The models side by side, the verdict with its reasons, and the warnings."""
    print_table([(heading, texts) for heading, _, texts in fitting(closing_columns(results), console.width)], console)
    verdict = results.get("verdict", {})
    lines = [f"verdict on {results.get('best_model', 'the best model')}: {verdict['status']}"] if "status" in verdict else []
    lines += [f"  {reason}" for reason in verdict.get("reasons", [])]
    if any(row.get("tied") for row in results.get("models", [])): lines.append("  =: the difference to the best could be chance; choose by cost")
    lines += [f"warning: {warning}" for warning in results.get("warnings", [])]
    if lines: console.print("\n" + "\n".join(lines), markup=False)


# --- commands ---

@app.callback()
def seedbed_command(version: Version = False): pass


@app.command()
def run(overrides: Overrides = None, settings_file: SettingsFile = None, debug: Debug = False):
    """Execute all stages into a new folder under runs/, and show which model is best and whether it is good enough."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1" # before numpy is there: its threads would not survive the fork
    from seedbed.lib.files import read_json, relative
    from seedbed.lib.pipeline import RunFailed, run_pipeline
    for name in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, name): signal.signal(getattr(signal, name), signal.default_int_handler)
    try:
        with progress() as watcher: folder = run_pipeline(overrides=overrides or (), settings_file=settings_file, command=shlex.join(["seedbed", *sys.argv[1:]]), watcher=watcher)
    except RunFailed as failed:
        if os.environ.get("SEEDBED_DEBUG"): print(failed.outcome.failure.traceback, file=sys.stderr)
        _leave(str(failed), 1)
    except KeyboardInterrupt as stopped:
        _leave(f"interrupted; what was done so far: {stopped}" if str(stopped) else "interrupted", 130)
    console = make_console()
    if (folder / "results.json").is_file(): print_results(read_json(folder / "results.json"), console)
    console.print(f"\nThe run: {relative(folder)}", markup=False, soft_wrap=True)


@app.command()
def models(debug: Debug = False):
    """List the models that settings.ini can name."""
    from seedbed.model import list_models
    found = list_models()
    described = [(found[name].__doc__ or "").strip().partition("\n")[0] for name in found]
    print_table([("name", list(found)), ("what it is", described)], make_console())


@app.command()
def metrics(debug: Debug = False):
    """List the metrics that settings.ini can name."""
    from seedbed.lib.metrics import METRICS
    found = METRICS.values()
    print_table([("name", [m.name for m in found]), ("what it is", [m.title for m in found]), ("task", [m.task for m in found]),
                 ("better", ["greater" if m.greater_is_better else "smaller" for m in found])], make_console())


@app.command()
def settings(overrides: Overrides = None, debug: Debug = False):
    """Print the settings that a run would use, every value spelt out."""
    from seedbed.lib.settings import load_settings, to_ini
    print(to_ini(load_settings(overrides=overrides or ())), end="")


def _leave(message: str, code: int):
    print(message, file=sys.stderr)
    raise typer.Exit(code)


def main():
    """Run the command; tell an error in a line, and with --debug in full."""
    try: app()
    except Exception as error:
        if os.environ.get("SEEDBED_DEBUG"): traceback.print_exc()
        elif isinstance(error, InputError): print(error, file=sys.stderr)
        else: print(f"{type(error).__name__}: {' '.join(str(error).split())}; --debug shows where", file=sys.stderr)
        sys.exit(1)
