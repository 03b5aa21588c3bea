"""Predictions are written and read with any names of classes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from seedbed.evaluation.metrics import METRICS
from seedbed.evaluation.scoring import (
    by_region,
    distinct_columns,
    read_predictions,
    write_predictions,
)


def test_classes_that_a_geopackage_takes_for_one(tmp_path):
    """Case, Unicode form and a name that is taken already: every class keeps its column."""
    classes = ["maïs", "Maïs", "mai\u0308s", "MAIS", "mais", "mais_2", "fid", "a b", 'say "x"']
    count = len(classes)
    table = pd.DataFrame(
        {
            "id": [f"s{i}" for i in range(count)],
            "fold": 0,
            "scored": True,
            "region": "",
            "block": "0_0",
            "lon": np.nan,
            "lat": np.nan,
        }
    )
    prediction = np.random.default_rng(0).dirichlet(np.ones(count), count)
    write_predictions(tmp_path / "p.gpkg", table, np.arange(count), prediction, classes)
    rows, found = read_predictions(tmp_path / "p.gpkg")
    assert np.array_equal(found, prediction) and rows["y_true"].tolist() == classes


def test_names_stay_as_they_are_where_they_differ():
    """A number is added only where it must be."""
    assert distinct_columns(["p_a", "p_b"]) == ["p_a", "p_b"]
    assert distinct_columns(["p_a", "p_A", "p_a_2"]) == ["p_a", "p_A_2", "p_a_2_2"]


def test_macro_f1_of_a_region_is_over_the_classes_that_are_there():
    """The east lacks two of five classes: they do not count as zero, a wrong answer still does."""
    rng = np.random.default_rng(0)
    y = np.concatenate([rng.integers(0, 5, 200), rng.integers(0, 3, 200)])
    answer = np.where(rng.random(400) < 0.9, y, (y + 1) % 5)
    table = pd.DataFrame({"region": np.repeat(["west", "east"], 200)})
    rows = by_region(table, y, np.eye(5)[answer], "classification", METRICS["f1_score"])
    found = {row["region"]: row["f1_score"] for row in rows}
    for region, labels, here in (
        ("west", range(5), slice(200)),
        ("east", range(3), slice(200, 400)),
    ):
        expected = f1_score(y[here], answer[here], labels=list(labels), average="macro")
        assert found[region] == pytest.approx(expected)
