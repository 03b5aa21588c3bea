"""Which results may be compared, and what is said of the others."""

import pytest

from seedbed.base.results import check_comparable, comparable, differing
from tests.support.world import refused

RECORD = {
    "task": "classification",
    "primary": {"metric": "f1_score", "unit": "block", "level": 0.95},
    "data": {"target": "crop", "classes": ["a", "b"], "labels": "1" * 64, "bands": ["B4"]},
    "split": {"claim": "within_region", "method": "blocks", "fingerprint": "2" * 64},
    "verdict": {"thresholds": {"usable": 0.7}},
}


@pytest.mark.parametrize(
    "section, name, value, said",
    [
        ("primary", "metric", "accuracy", "metric: f1_score against accuracy"),
        ("data", "target", "height", "target: crop against height"),
        ("data", "labels", "3" * 64, "labels or their truth: 11111111 against 33333333"),
        ("split", "claim", "new_year", "claim: within_region against new_year"),
        ("split", "fingerprint", "4" * 64, "validation set: 22222222 against 44444444"),
    ],
)
def test_what_must_not_be_subtracted(section, name, value, said):
    other = RECORD | {section: RECORD[section] | {name: value}}
    assert comparable(RECORD, RECORD) == [] and comparable(RECORD, other) == [said]


def test_what_may_differ():
    other = RECORD | {
        "data": RECORD["data"] | {"bands": ["B4", "ndvi"]},
        "verdict": {"thresholds": {"usable": 0.8}},
    }
    assert comparable(RECORD, other) == []
    assert differing(RECORD, other) == ["usable: 0.7 against 0.8", "bands: B4 against B4, ndvi"]
    older = {"task": "classification", "primary": {"metric": "f1_score"}}
    assert comparable(RECORD, older) == []


def test_scores_that_are_made_anew_may_have_had_another_metric():
    other = RECORD | {"primary": RECORD["primary"] | {"metric": "accuracy"}}
    check_comparable([RECORD, other], ["one", "two"], rescored=True)
    refused(
        lambda: check_comparable([RECORD, RECORD, other], ["one", "two", "three"]),
        "three cannot be compared with one: metric: f1_score against accuracy",
    )
