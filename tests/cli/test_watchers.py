"""What a terminal shows of a run."""

import io
from pathlib import Path

from rich.console import Console

from seedbed.cli.watchers import LiveWatcher, step_line
from seedbed.running.engines import Failure, Outcome, Task


def test_a_terminal_shows_what_runs_and_keeps_what_ended():
    from rich.live import Live

    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    outcome = Outcome(Task("02_process", Path("a"), Path("b")), 1.5, Failure(3, "ValueError", "x"))
    with Live("", console=console, auto_refresh=False, transient=True) as live:
        watcher = LiveWatcher(live)
        watcher.tick([type("Running", (), {"task": outcome.task, "seconds": 1.0})()])
        watcher.finished(outcome)
    assert (
        "running" in console.file.getvalue()
        and "failed" in step_line(outcome)
        and step_line(outcome) in console.file.getvalue()
    )
