"""What a person sees while work goes on: notebooks of a run, chips of an export, a map's pixels."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seedbed.base.errors import InputError

from .closing import print_results, title_of
from .tables import make_console

# --- notebooks of a run ---


def score_of(output: Path) -> str:
    """The score of the model whose executed notebook this is; empty where there is none."""
    from seedbed.base.files import read_json

    try:
        primary = read_json(output.parent / "results.json")["primary"]
    except (InputError, KeyError):
        return ""
    if primary.get("value") is None:
        return ""
    return f"{title_of(primary)} {primary['value']:.3f}"


def step_line(outcome) -> str:
    """One line for a notebook that has ended: name, score, seconds."""
    task, result = outcome.task, ""
    if outcome.failure:
        result = "failed"
    elif "/" in task.name:  # a model
        result = score_of(task.output)
    seconds = f"reused from {outcome.reused}" if outcome.reused else f"{outcome.seconds:6.1f} s"
    return f"{task.name:<40} {result:<20} {seconds}"


def reason_line(task) -> str:
    """One line that says why a notebook is executed again; empty where it never was before."""
    if not task.why:
        return ""
    more = f" and {len(task.why) - 3} more" if len(task.why) > 3 else ""
    return f"{task.name:<40} again: {'; '.join(task.why[:3])}{more}"


def waiting_line(task) -> str:
    """One line that says that another run is making the same."""
    return f"{task.name:<40} another run is making it; waiting"


def print_scores(run: Path, console):
    """Print the models of a run side by side, as soon as they can be compared."""
    from seedbed.base.files import read_json

    if (run / "results.json").is_file():
        console.print()
        print_results(read_json(run / "results.json"), console)
        console.print()


class PlainWatcher:
    """Watches a run where the output is a file: one line for each notebook, when it has ended.

    Its methods are those of `seedbed.running.engines.Watcher`, which would load heavy libraries.
    """

    def says(self, text):
        print(text, flush=True)

    def waits(self, task):
        print(waiting_line(task), flush=True)

    def started(self, task):
        if task.why:
            print(reason_line(task), flush=True)

    def finished(self, outcome):
        print(step_line(outcome), flush=True)

    def scored(self, run):
        print_scores(run, make_console())

    def tick(self, running):
        """Nothing: what is running now is shown on a terminal only."""


class LiveWatcher:
    """Watches a run on a terminal: the same lines, and below them what is running now.

    The lines are drawn by the loop that starts the notebooks: a thread would make forking unsafe.
    """

    def __init__(self, live):  # rich.live.Live
        self.live = live

    def says(self, text):
        self._print(text)

    def waits(self, task):
        self._print(waiting_line(task), style="dim")

    def started(self, task):
        if task.why:
            self._print(reason_line(task), style="yellow")

    def finished(self, outcome):
        self._print(step_line(outcome), style="red" if outcome.failure else None)

    def scored(self, run):
        print_scores(run, self.live.console)

    def tick(self, running):
        from rich.text import Text

        lines = [f"{p.task.name:<40} {'running':<20} {p.seconds:6.1f} s" for p in running]
        self.live.update(Text("\n".join(lines), style="dim"), refresh=True)

    def _print(self, text, style=None):
        self.live.console.print(text, style=style, highlight=False, markup=False)


@contextmanager
def run_watcher() -> Iterator[Any]:  # PlainWatcher or LiveWatcher
    """Yield a watcher of a run that suits where the output goes."""
    if not sys.stdout.isatty():
        yield PlainWatcher()
        return
    from rich.live import Live

    with Live(
        "loading the libraries ...",
        auto_refresh=False,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as live:
        live.refresh()
        yield LiveWatcher(live)


# --- chips and pixels, which are counted ---


def make_progress(every: float, **counting):
    """A `Progress` that is drawn in place on a terminal; elsewhere it prints lines at intervals."""
    from seedbed.base.progress import Progress

    if not sys.stdout.isatty():
        return Progress(every, say=lambda line: print(line, flush=True), **counting)
    return Progress(0.2, say=lambda line: print(f"\r{line:<100}", end="", flush=True), **counting)


def end_line():
    """End a line that was drawn in place."""
    if sys.stdout.isatty():
        print()


def pixel_report(every: float = 30) -> Callable[[int, int, float], None]:
    """A function for `make_map`: takes pixels done, pixels in all and seconds since the start."""
    progress = make_progress(every, unit="pixels", fails=False)
    begun = False

    def report(done: int, total: int, seconds: float):
        nonlocal begun
        if not begun:
            progress.begin(total, ago=seconds)
            begun = True
        progress.reach(done)
        if done == total:
            progress.end()
            end_line()

    return report
