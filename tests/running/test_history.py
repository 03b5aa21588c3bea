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


def test_a_failed_run_can_go_once_a_later_one_is_complete(tmp_path):
    from seedbed.running.history import unreferenced

    root = make_project(tmp_path / "p")
    for name, status in (("1_a", "failed"), ("2_b", "complete"), ("3_c", "failed")):
        (root / "runs" / name).mkdir(parents=True)
        (root / "runs" / name / "run.json").write_text(json.dumps({"status": status}))
    found = unreferenced(load_settings(root / "settings.ini"))
    assert [(path.name, what) for path, _, what in found] == [("1_a", "a run that failed")]


def a_scored_run(name, commit, split="same", metric="f1_score", **values):
    """A run of which only its results are known."""
    from pathlib import Path

    from seedbed.running.history import Run

    rows = [{"model": model, "value": value} for model, value in values.items()]
    primary = {"metric": metric, "greater_is_better": metric != "rmse"}
    results = {"primary": primary, "split": {"fingerprint": split}, "models": rows}
    return Run(Path(name), {"git": {"commit": commit * 40, "dirty": False}}, results, "complete")


def test_scores_of_one_metric_are_subtracted_and_the_commit_is_named():
    from seedbed.running.history import score_lines

    a, b = a_scored_run("one", "a", forest=0.8), a_scored_run("two", "b", forest=0.85, linear=0.5)
    assert score_lines(a, b) == [
        "forest 0.8000 -> 0.8500 (+0.0500, better with commit bbbbbbb)",
        "linear - -> 0.5000",
    ]
    a, b = (a_scored_run(n, n[0], metric="rmse", forest=v) for n, v in (("a", 1.0), ("b", 1.5)))
    assert score_lines(a, b) == ["forest 1.0000 -> 1.5000 (+0.5000, worse with commit bbbbbbb)"]


@pytest.mark.parametrize(
    "other, words",
    [
        ({"metric": "accuracy"}, "metric: f1_score against accuracy; seedbed compare"),
        ({"split": "another"}, "validation set: "),
    ],
)
def test_what_cannot_be_subtracted_is_not(other, words):
    from seedbed.running.history import score_lines

    lines = score_lines(
        a_scored_run("one", "a", forest=0.8), a_scored_run("two", "b", forest=0.9, **other)
    )
    assert words in lines[0] and "not subtracted" in lines[0]
    assert not any("->" in line or "+0.1" in line for line in lines)
    assert lines[1].startswith("one: forest f1_score 0.8000")
