"""Whether pretraining pays: nested draws, and a verdict that a control can refuse."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from seedbed.base.settings import make_settings
from seedbed.pretraining import (
    Pooled,
    curve_rows,
    drawing_order,
    pretraining_curves,
    sentence_of,
    strata_of,
    verdict_of,
)
from seedbed.process import write_dataset
from tests.support.models import CLASSES, make_arrays, make_attributes
from tests.support.paths import ROOT

SETTINGS = make_settings({"run": {"resamples": 200}}, root=ROOT)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A dataset, of which only classes and split count here."""
    file = tmp_path_factory.mktemp("data") / "dataset.h5"
    write_dataset(
        file, make_arrays("classification", 5, (), 96), make_attributes("classification", 5, ())
    )
    return file


def pooled(right, n=600, draws=3):
    """Predictions of three sides that are right about these shares of the labels."""
    rng = np.random.default_rng(0)
    y = rng.choice([0, 1, 3], n)
    table = pd.DataFrame(
        {
            "block": [f"{k // 10}_0" for k in range(n)],
            "lon": 20 + np.arange(n) // 10 * 0.05,
            "lat": 45.0,
            "fold": np.arange(n) // 10 % 5,
            "scored": True,
        }
    )
    found = {}
    for side, share in zip(("raw", "pretrained", "control"), right):
        for size, count in ((30, draws), (None, 1)):
            for draw in range(count):
                said = np.where(rng.random(n) < share, y, rng.choice([0, 1, 3], n))
                found[side, size, draw] = np.eye(len(CLASSES))[said]
    return Pooled(table, y, found, [30, None], {30: 30, None: 400}, {})


@pytest.mark.parametrize(
    "right, status",
    [
        ((0.4, 0.8, 0.4), "pays"),
        ((0.8, 0.4, 0.4), "does not pay"),
        ((0.4, 0.8, 0.8), "undecided"),  # a shuffled encoder gains as much
        ((0.6, 0.64, 0.6), "undecided"),
    ],
)
def test_a_verdict_needs_a_gain_over_raw_values_and_over_the_control(path, right, status):
    rows = curve_rows(pooled(right), path, SETTINGS)
    assert verdict_of(rows)[0] == status
    assert status in sentence_of("presto", rows, "within_region", "macro-F1")


def test_every_beginning_of_a_draw_has_all_classes_in_their_shares():
    rng = np.random.default_rng(0)
    y, block = rng.choice(4, 400, p=[0.6, 0.25, 0.1, 0.05]), rng.integers(0, 40, 400)
    order = drawing_order(y, block, seed=3)
    assert sorted(order) == list(range(400))
    for n in (30, 60, 120):
        share = np.bincount(y[order[:n]], minlength=4) / n
        assert np.abs(share - np.bincount(y) / 400).max() < 0.09 and share.min() > 0
    assert len(set(block[order[:40]])) > 20
    assert not np.array_equal(order, drawing_order(y, block, seed=4))
    assert np.bincount(strata_of(rng.random(100), "regression")).tolist() == [20] * 5


def test_a_split_that_does_not_test_the_claim_stays_undecided():
    said = sentence_of("presto", [], "new_year", "F1", "split.method = blocks tests no new year")
    assert said == "presto: undecided for a new year, since split.method = blocks tests no new year"


def test_without_encoders_nothing_is_computed(path):
    assert pretraining_curves(path, SETTINGS) == []


def test_the_guide_says_what_the_last_table_says():
    table = (ROOT / "tests/pretraining/table.md").read_text(encoding="utf-8")
    guide = json.loads((ROOT / "nbs/guides/foundation_models.ipynb").read_text(encoding="utf-8"))
    rows = "".join("".join(cell["source"]) for cell in guide["cells"]).splitlines()
    verdicts = re.findall(
        r"^### (.+?): .+\n\n(\w+): (pays|does not pay|undecided).*?, for the claim ([\w ]+): "
        r"macro-F1 ([+-][\d.]+ \[[^]]+\])",
        table,
        re.MULTILINE,
    )
    real = [found for found in verdicts if "random" not in found[0]]
    assert len(real) >= 4
    for _, encoder, status, claim, gain in real:
        told = [row for row in rows if f"| {gain} |" in row]
        assert len(told) == 1 and f"| {encoder} | {status}" in told[0] and f"| {claim} |" in told[0]
    for value in re.findall(
        r"linear probe on Presto scores (0\.\d+) .* and (0\.\d+) where", "".join(rows)
    )[0]:
        assert re.search(rf"^\| east africa \| presto.* / {value} \|", table, re.MULTILINE)
