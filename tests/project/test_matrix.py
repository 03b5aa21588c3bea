"""Whole runs on small data of every form: source, task and models, in pairs."""

import pytest

from tests.matrix import MODELS, SOURCES, TASKS, covering, run


def test_every_source_and_every_kind_of_model_with_every_task():
    cases = covering()
    assert [case.source for case in cases] == list(SOURCES)
    assert {(c.task, c.models) for c in cases} == {(t, m) for t in TASKS for m in MODELS}


EXPLORED = ("folder, chips", "scene, tiles", "table, csv")


def test_what_is_explored_is_of_many_kinds():
    cases = [case for case in covering() if case.source in EXPLORED]
    assert {case.task for case in cases} == set(TASKS) and len(cases) == len(EXPLORED)


@pytest.mark.slow
@pytest.mark.parametrize("case", covering(), ids=lambda case: case.name)
def test_a_run_ends_with_scores(case, tmp_path):
    outcome = run(case, tmp_path, explore=case.source in EXPLORED)
    assert outcome.fault() == "", outcome.said[-3000:]
