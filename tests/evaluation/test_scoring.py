"""Predictions are written and read with any names of classes."""

import numpy as np
import pandas as pd

from seedbed.evaluation.scoring import distinct_columns, read_predictions, write_predictions


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
