"""Whole runs on small data of every form: source, task and models, in pairs."""

import pytest

from tests.matrix import MODELS, SOURCES, TASKS, covering, run

# Half a minute each; `make matrix` runs the others.
HERE = ("folder, chips", "table, csv", "stac", "earthengine", "cropharvest")
ELSEWHERE = {"sample", "dense", "scene"}  # tests/stages and tests/cli run and map them
EXPLORED = ("folder, chips", "table, csv")


def test_every_source_and_every_kind_of_model_with_every_task():
    cases = covering()
    assert [case.source for case in cases] == list(SOURCES)
    assert {(c.task, c.models) for c in cases} == {(t, m) for t in TASKS for m in MODELS}


CASES = [case for case in covering() if case.source in HERE]


def test_runs_are_of_many_kinds():
    kinds = {source.partition(",")[0] for source in SOURCES}
    assert {case.source.partition(",")[0] for case in CASES} == kinds - ELSEWHERE
    assert {case.task for case in CASES} == set(TASKS)
    assert {case.models for case in CASES} == set(MODELS)
    assert set(EXPLORED) <= set(HERE)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_run_ends_with_scores(case, tmp_path):
    outcome = run(case, tmp_path, explore=case.source in EXPLORED)
    assert outcome.fault() == "", outcome.said[-3000:]
