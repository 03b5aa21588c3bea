"""Whole runs on small data of every form: source, task and models, in pairs."""

import pytest

from tests.matrix import MODELS, SOURCES, TASKS, covering, run


def test_every_two_meet():
    cases = covering()
    quantities = [source for source in SOURCES if source != "cropharvest"]
    assert {(c.source, c.task) for c in cases} >= {(s, t) for s in quantities for t in TASKS}
    assert {(c.task, c.models) for c in cases} == {(t, m) for t in TASKS for m in MODELS}


@pytest.mark.slow
@pytest.mark.parametrize("case", covering(), ids=lambda case: case.name)
def test_a_run_ends_with_scores(case, tmp_path):
    outcome = run(case, tmp_path)
    assert outcome.fault() == "", outcome.said[-3000:]
