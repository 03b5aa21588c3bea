"""What the page for those who decide says of a run."""

import pytest

from seedbed.stakeholder import _better, how_often, how_sure, map_said, verdict_said

RESULTS = {
    "task": "classification",
    "data": {"n": {"val": 8403}, "classes": ["rice", "wheat", "other"]},
    "split": {"claim": "new_region"},
    "verdict": {"status": "not usable", "thresholds": {"usable": 0.75, "source": "nobody yet"}},
    "primary": {"metric": "f1_score", "value": 0.339, "n_blocks": 5, "unit": "region"},
    "certainty": {
        "nominal": 0.9,
        "covered": 0.94,
        "size": 2.2,
        "promised": False,
        "per_class": [{"class": "rice"}],
    },
}
OWN = {"metrics": {"accuracy": {"value": 0.71, "ci": [0.58, 0.76]}}}


def test_what_is_claimed_for_new_areas_is_not_said_to_hold_there():
    said = how_often(RESULTS, OWN)
    assert "in 5 areas of which it had been told nothing" in said and "It is meant for" in said
    assert "too few separate areas" in how_sure(RESULTS) and "2.2 of 3 possible" in how_sure(
        RESULTS
    )


def test_a_standard_that_counts_classes_alike_is_explained():
    assert "it gets 34 of 100 points, and 75 are asked for" in how_often(RESULTS, OWN)
    plain = RESULTS | {"primary": RESULTS["primary"] | {"metric": "accuracy"}}
    assert "alike" not in how_often(plain, OWN)


@pytest.mark.parametrize("status", ["usable", "at ceiling", "not usable", "undecided"])
def test_the_standard_of_an_example_is_nobodys(status):
    verdict = RESULTS["verdict"] | {"status": status}
    mood, said = verdict_said(RESULTS | {"verdict": verdict})
    assert mood == "open" and said.startswith("Nobody has agreed") and "be not" not in said


def test_a_run_without_a_map_says_so(tmp_path):
    assert "has not been drawn yet" in map_said(tmp_path)[0]


def test_of_masks_squares_are_counted_and_no_place_is_promised_to_be_named():
    masks = RESULTS | {
        "data": RESULTS["data"] | {"sampling": "dense"},
        "per_class": [{"class": "rice", "n": 90_000}, {"class": "wheat", "n": 4906}],
        "split": {"claim": "within_region"},
    }
    assert "found at 8,403 squares of land" in how_often(masks, OWN)
    said = _better(masks)
    assert "first with <b>wheat</b>" in said and "4,906" not in said and "can say" not in said
    plain = masks | {"data": RESULTS["data"]}
    assert "only 4,906. The program can say" in _better(plain)
