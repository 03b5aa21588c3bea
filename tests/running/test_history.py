"""Runs are listed, found, compared and removed."""

import json
import shutil

import pytest

from seedbed.base.settings import load_settings
from seedbed.running.cache import Cache
from tests.support.notebooks import ALL, executed, make_project, record_of
from tests.support.world import refused


@pytest.mark.slow
def test_runs_are_listed_compared_and_what_none_needs_is_removed(made):
    from seedbed.running.history import compare_runs, find_run, list_runs, remove, unreferenced

    root, first = made
    second = executed(root, "split.folds=7")[1]
    settings = load_settings(root / "settings.ini")
    assert [r.name for r in list_runs(settings)] == [second.name, first.name] and [
        r.name for r in list_runs(settings, ["folds=7"])
    ] == [second.name]
    assert compare_runs(find_run(settings, first.name), find_run(settings, second.name))[
        "settings"
    ] == ["split.folds 5 -> 7"]
    assert unreferenced(settings) == []
    place = record_of(second)["places"]["processed_dir"]
    shutil.rmtree(second)
    gone = unreferenced(settings)
    assert root / place in [path for path, _, _ in gone] and len(gone) == 5 + (len(ALL) - 6)
    remove(path for path, _, _ in gone)
    assert (
        not (root / place).exists()
        and executed(root)[0] == []
        and executed(root, "split.folds=7")[0][0] == "02_process"
    )


@pytest.mark.slow
def test_a_killed_run_is_called_so(made):
    from seedbed.running.history import find_run

    root, first = made
    record = record_of(first)
    (first / "run.json").write_text(json.dumps(record | {"status": "running"}))
    settings = load_settings(root / "settings.ini")
    assert find_run(settings, first.name).status == "killed"
    with Cache(settings).lock("run", first.name):
        assert find_run(settings, first.name).status == "running"


def test_a_run_is_found_in_many_ways_by_every_command(tmp_path):
    from seedbed.running.history import find_run

    settings = load_settings(make_project(tmp_path / "p") / "settings.ini")
    refused(lambda: find_run(settings, "last"), "holds no run; make one: seedbed run")
    for name, files in {
        "2026-01-01_a": 2,
        "2026-01-02_b": 2,
        "2026-02-01_c": 2,
        "2026-03-01_b2026-01": 1,
    }.items():
        (tmp_path / "p/runs" / name).mkdir(parents=True)
        for file in ("run.json", "results.json")[:files]:
            (tmp_path / "p/runs" / name / file).write_text('{"status": "complete"}')
    name = lambda word, **options: find_run(settings, word, **options).name
    assert (
        name("2026-02")
        == name("_c")
        == name("last", complete=True)
        == name("latest", complete=True)
        == "2026-02-01_c"
    )
    assert (
        name("last") == name("b2026") == "2026-03-01_b2026-01"
        and name(tmp_path / "p/runs/2026-01-02_b") == "2026-01-02_b"
    )
    shutil.copytree(tmp_path / "p/runs/2026-01-01_a", tmp_path / "elsewhere")
    assert (
        find_run(settings, str(tmp_path / "elsewhere"), complete=True).folder
        == tmp_path / "elsewhere"
    )
    refused(lambda: find_run(settings, "2026-01"), "2026-01: fits 2 runs", "write more of the name")
    refused(lambda: find_run(settings, "2026-03", complete=True), "2026-03: no such complete run; ")
