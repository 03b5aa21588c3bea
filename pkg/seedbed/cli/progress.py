"""What a person sees while notebooks run."""

import sys
from contextlib import contextmanager
from pathlib import Path

from seedbed.base.errors import InputError


def score_of(output: Path) -> str:
    """The score of the model whose executed notebook this is; empty where there is none."""
    from seedbed.base.files import read_json

    try:
        primary = read_json(output.parent / "results.json")["primary"]
    except (InputError, KeyError):
        return ""
    return f"{primary['metric']} {primary['value']:.3f}" if primary.get("value") is not None else ""


def step_line(outcome) -> str:
    """One line for a notebook that has ended: name, score, seconds."""
    model = "/" in outcome.task.name
    said = "failed" if outcome.failure else score_of(outcome.task.output) if model else ""
    seconds = f"reused from {outcome.reused}" if outcome.reused else f"{outcome.seconds:6.1f} s"
    return f"{outcome.task.name:<40} {said:<20} {seconds}"


def reason_line(task) -> str:
    """Why a notebook is executed again; empty where it never was before."""
    more = f" and {len(task.why) - 3} more" if len(task.why) > 3 else ""
    return f"{task.name:<40} again: {'; '.join(task.why[:3])}{more}" if task.why else ""


def waiting_line(task) -> str:
    """That another run is at work on the same."""
    return f"{task.name:<40} another run is making it; waiting"


class PlainProgress:
    """One line for each notebook, when it has ended."""

    def says(self, text):
        print(text, flush=True)

    def waits(self, task):
        print(waiting_line(task), flush=True)

    def started(self, task):
        if task.why:
            print(reason_line(task), flush=True)

    def tick(self, running):
        pass

    def finished(self, outcome):
        print(step_line(outcome), flush=True)


class LiveProgress:
    """The same lines, and below them what is running now. Drawn by the driver's own loop: a thread would make forking unsafe."""

    def __init__(self, live):
        self.live = live

    def says(self, text):
        self.live.console.print(text, highlight=False, markup=False)

    def waits(self, task):
        self.live.console.print(waiting_line(task), style="dim", highlight=False, markup=False)

    def started(self, task):
        if task.why:
            self.live.console.print(
                reason_line(task), style="yellow", highlight=False, markup=False
            )

    def finished(self, outcome):
        self.live.console.print(
            step_line(outcome),
            style="red" if outcome.failure else None,
            highlight=False,
            markup=False,
        )

    def tick(self, running):
        from rich.text import Text

        self.live.update(
            Text(
                "\n".join(
                    f"{process.task.name:<40} {'running':<20} {process.seconds:6.1f} s"
                    for process in running
                ),
                style="dim",
            ),
            refresh=True,
        )


@contextmanager
def progress():
    """A watcher of the run that suits where the output goes."""
    if not sys.stdout.isatty():
        yield PlainProgress()
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
        yield LiveProgress(live)
