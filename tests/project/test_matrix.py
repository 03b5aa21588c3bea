"""Whole runs on small data of every form: source, task and models, in pairs."""

import pytest

from tests.matrix import MODELS, SOURCES, TASKS, covering, run


def test_every_source_and_every_kind_of_model_with_every_task():
    cases = covering()
    assert [case.source for case in cases] == list(SOURCES)
    assert {(c.task, c.models) for c in cases} == {(t, m) for t in TASKS for m in MODELS}


@pytest.mark.slow
@pytest.mark.parametrize("case", covering(), ids=lambda case: case.name)
def test_a_run_ends_with_scores(case, tmp_path):
    outcome = run(case, tmp_path)
    assert outcome.fault() == "", outcome.said[-3000:]
