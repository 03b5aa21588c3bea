"""What a person sees while notebooks run."""

import sys
from contextlib import contextmanager
from pathlib import Path

from seedbed.lib.errors import InputError


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
