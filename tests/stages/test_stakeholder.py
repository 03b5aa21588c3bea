"""What the page for those who decide says of a run."""

import json
from pathlib import Path

import numpy as np
import pytest

from seedbed.base.files import fingerprint
from seedbed.cli.area import renew_page
from seedbed.running.verify import Verified, _check_files, _check_seal, write_manifest
from seedbed.stakeholder import (
    _better,
    _key_of,
    _title,
    how_often,
    how_sure,
    map_said,
    verdict_said,
)

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


BLIND = {"model": "coordinates", "sees": "coordinates", "value": 0.31, "beats_non_imagery": None}
SEEN = {"model": "logit", "sees": "bands", "value": 0.339, "beats_non_imagery": False}
MAJORITY = {"model": "majority", "sees": "nothing", "value": 0.2, "beats_non_imagery": None}
AREA = {
    "n": 191,
    "overall_accuracy": {"value": 0.935, "ci": [0.871, 0.957]},
    "classes": [
        {"class": "rice", "hectares": {"value": 76, "ci": [70, 80]}},
        {"class": "wheat", "hectares": {"value": 24, "ci": [20, 30]}},
    ],
    "level": 0.95,
}


def test_a_model_that_is_no_better_than_a_guess_is_not_praised():
    results = RESULTS | {"models": [SEEN, BLIND, MAJORITY]}
    mood, said = verdict_said(results)
    assert mood == "bad" and "Nobody has agreed" in said
    assert said.startswith(
        "Counting each kind alike, it does no better than guessing from the position alone"
    )
    guesses = {name: {"metrics": {"accuracy": {"value": 0.455}}} for name in ("majority",)}
    said = how_often(results, OWN, guesses)
    assert 'class="dots plain"' in said and "naming the commonest kind is right at 46." in said
    assert "position alone gets 31, which is too close" in said
    better = results | {"models": [SEEN | {"beats_non_imagery": True}, BLIND]}
    assert verdict_said(better)[0] == "open" and "plain" not in how_often(better, OWN)
    unknown = results | {"models": [SEEN | {"beats_non_imagery": None}, BLIND]}
    assert "no better" not in verdict_said(unknown)[1]
    far = {"metrics": {"mae": {"value": 12.0, "ci": None}}}
    values = results | {"task": "regression", "data": {"n": {"val": 9}, "unit": "%"}}
    assert "the same number is off by about 12 %." in how_often(values, far, {"majority": far})


def test_the_area_that_is_right_comes_before_places_that_were_not_drawn():
    rows = [{"class": name, "n": n} for name, n in (("rice", 45), ("wheat", 30), ("other", 25))]
    said = how_often(RESULTS | {"per_class": rows}, OWN, None, AREA)
    first = "Of the map's area, about <b>94 %</b> is right; it could be between 87 and 96 %."
    assert first in said and said.index(first) < said.index("Of 100 other places")
    assert "<b>rice</b> makes up 45 % of them, and about 76 % of the area" in said
    assert "tell nothing" not in said
    none = how_often(RESULTS, OWN, None, AREA | {"overall_accuracy": None})
    for said in (how_often(RESULTS, OWN), none):
        assert "not drawn at random tell nothing about the share of the map" in said
        assert "Of the map's area" not in said


def test_what_was_not_drawn_is_no_map_and_a_share_beyond_100_is_an_error():
    assert _title("rice and wheat", True, False) == "A model that tells rice and wheat apart"
    assert _title("cover in %", False, False) == "A model of cover in %"
    assert _title("cover in %", False, True) == "A map of cover in %"
    record, line = {"classes": [], "unit": "%"}, "below 0 or above 100 % are errors of the map"
    assert line in _key_of(record, np.array([-10.0, 117, np.nan]))
    assert line not in _key_of(record, np.array([0.0, 100]))
    assert line not in _key_of(record | {"unit": "m"}, np.array([-10.0, 117]))


def test_an_estimate_renews_the_page_and_the_run_is_still_as_it_was_made(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("SEEDBED_STATE", str(tmp_path / "state"))
    run, place = tmp_path / "run", tmp_path / "run/maps/scene"
    place.mkdir(parents=True)
    monkeypatch.setattr("seedbed.stakeholder.stakeholder_page", lambda run: "new")
    for name in ("stakeholder.html", "results.json", "maps/scene/map.tif"):
        (run / name).write_text("old")
    design = {"map": "/moved/since/map.tif", "map_sha256": fingerprint(place / "map.tif")}
    write_manifest(run, {}, None)

    def faults() -> list[str]:
        found, manifest = Verified(), json.loads((run / "manifest.json").read_text())
        _check_seal(manifest, True, found)
        _check_files(run, manifest["files"], found)
        return found.faults

    for estimate, known in (
        (place / "other.json", design),
        (place / "area.json", design | {"map_sha256": "0" * 64}),
        (place / "area.json", design | {"map": "another.tif"}),
        (Path("area.json"), design),
    ):
        renew_page(known, estimate)
        assert (run / "stakeholder.html").read_text() == "old" and not capsys.readouterr().out
    renew_page(design, place / "area.json")
    assert "stakeholder.html: written anew" in capsys.readouterr().out
    assert (run / "stakeholder.html").read_text() == "new" and not faults()
    (run / "results.json").write_text("better")
    renew_page(design, place / "area.json")
    assert faults() == ["results.json: was altered after the run had ended"]
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["files"]["results.json"] = "0" * 64
    (run / "manifest.json").write_text(json.dumps(manifest))
    renew_page(design, place / "area.json")
    assert "not sealed by you" in faults()[0]
