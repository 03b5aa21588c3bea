"""What a terminal shows of a run."""

import io
import json
from pathlib import Path

from rich.console import Console

from seedbed.cli.watchers import LiveWatcher, step_line
from seedbed.running.engines import Failure, Outcome, Task


def test_a_terminal_shows_the_scores_as_soon_as_they_are_there(tmp_path):
    from rich.live import Live

    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    with Live("", console=console, auto_refresh=False, transient=True) as live:
        watcher = LiveWatcher(live)
        watcher.scored(tmp_path)  # nothing yet
        primary = {"metric": "f1_score", "value": 0.5}
        results = {"primary": primary, "models": [{"model": "gru", "value": 0.5}]}
        (tmp_path / "results.json").write_text(json.dumps(results))
        watcher.scored(tmp_path)
    said = console.file.getvalue()
    assert said.count("macro-F1") == 1 and "gru" in said and "0.500" in said


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
