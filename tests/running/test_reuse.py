"""What is reused; runs that are killed, and runs side by side."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys

import pytest

from seedbed.base.settings import load_settings
from seedbed.running.cache import Cache
from seedbed.running.pipeline import RunFailed
from seedbed.running.replay import field_differences
from tests.support.notebooks import ALL, edit, executed, record_of


@pytest.mark.slow
def test_nothing_runs_twice(made):
    root, first = made
    begun, again = executed(root)
    assert begun == []
    record = record_of(again)
    assert record["status"] == "complete" and {g["reused"] for g in record["graph"].values()} == {
        first.name
    }
    files = lambda run: {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file()}
    assert files(again) == files(first)
    assert (
        "Executed in the run" in (again / "02_process.ipynb").read_text()
        and "Executed in the run" not in (first / "02_process.ipynb").read_text()
    )
    assert json.loads((again / "results.json").read_text())["run_id"] == again.name
    third = executed(root)[1]
    assert (third / "02_process.ipynb").read_text().count("Executed in the run") == 1
    assert {g["reused"] for g in record_of(third)["graph"].values()} == {first.name}


@pytest.mark.slow
def test_two_ways_of_processing_lie_side_by_side(made):
    root, first = made
    run = executed(root, "split.folds=7")[1]
    places = [record_of(r)["places"]["processed_dir"] for r in (first, run)]
    assert [(root / p / "dataset.h5").read_text() for p in places] == ["5 folds", "7 folds"]
    assert (
        load_settings(run / "settings.ini").processed_dir == places[1]
        and load_settings(root / "settings.ini").processed_dir not in places
    )


@pytest.mark.slow
def test_altered_files_are_made_again(made):
    root, first = made
    (root / record_of(first)["places"]["processed_dir"] / "dataset.h5").write_text("other")
    found, run = executed(root)
    assert found == ["02_process"] and record_of(run)["graph"]["02_process"]["why"] == [
        "what it had made was altered or removed"
    ]


@pytest.mark.slow
def test_a_failed_run_keeps_what_was_done(made):
    root, _ = made
    shutil.rmtree(root / "data/cache/stages")
    edit(root, "03_dataset", "\n1 / 0")
    with pytest.raises(RunFailed):
        executed(root)
    edit(root, "03_dataset", "", replace="\n1 / 0")
    assert executed(root)[0][0] == "03_dataset"


# --- kills ---


def start(root, *words):
    """A run in a process group of its own."""
    code = f"from seedbed.running.pipeline import run_pipeline\nrun_pipeline({str(root)!r}, {list(words)!r}, libraries=())"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def kill(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.mark.slow
def test_a_run_that_is_killed_at_any_moment_goes_on(made):
    (root, first), done, moments = made, set(ALL), random.Random(0)
    for _ in range(int(os.environ.get("SEEDBED_KILLS", 4))):
        if done == set(ALL):
            shutil.rmtree(root / "data/cache/stages")
            done = set()  # begin again
        process = start(root)
        try:
            process.communicate(timeout=moments.uniform(1.5, 5.5))
        except subprocess.TimeoutExpired:
            kill(process)
        kept = {e.record["name"] for e in Cache(load_settings(root / "settings.ini")).entries()}
        assert done <= kept, "nothing is lost"
        done = kept
    begun, run = executed(root)
    assert set(begun) == set(ALL) - done and record_of(run)["status"] == "complete"
    assert (
        field_differences(*(json.loads((r / "results.json").read_text()) for r in (first, run)))
        == []
    )
    assert executed(root)[0] == []


@pytest.mark.slow
def test_two_runs_at_once_make_each_thing_once(made):
    root, _ = made
    shutil.rmtree(root / "data/cache/stages")
    shutil.rmtree(root / "runs")
    edit(
        root,
        "02_process",
        "\nimport time; time.sleep(1)\nwith open(settings.root / 'count', 'a') as file: file.write('x');",
    )
    both = [start(root), start(root)]
    for process in both:
        assert process.communicate(timeout=120)[1] == b"" and process.returncode == 0
    assert (root / "count").read_text() == "x"
    records = [record_of(run) for run in (root / "runs").iterdir()]
    assert [r["status"] for r in records] == ["complete"] * 2
    assert sorted(bool(r["graph"]["02_process"]["reused"]) for r in records) == [False, True]


@pytest.mark.slow
def test_code_that_is_edited_while_it_runs_is_not_kept(made):
    root, _ = made
    edit(
        root,
        "03_dataset",
        "\n(settings.root / 'nbs' / 'helper.py').write_text('def used(): return 9')\nbatch = 1",
        cell=-1,
    )
    edit(root, "03_dataset", "\nimport helper; helper.used()", cell=-1)
    executed(root)
    assert executed(root)[0][0] == "02_process" and "03_dataset" in executed(root, force=["03"])[0]
