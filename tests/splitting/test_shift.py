"""How different training and validation are."""

import numpy as np
import pytest

from seedbed.splitting.shift import adversarial_auc, largest_gap, shift_report


def series(n, level=0.0, seed=0):
    """Series of three steps and two bands; the last band of the second step has another level."""
    X = np.random.default_rng(seed).normal(size=(n, 3, 2))
    X[:, 1, 1] += level
    return X


@pytest.mark.parametrize("level, low, high", [(0, 0.4, 0.6), (1, 0.65, 0.85), (9, 0.99, 1)])
@pytest.mark.slow
def test_a_forest_tells_validation_from_training_where_they_differ(level, low, high):
    assert low <= adversarial_auc(series(150), series(150, level, seed=1)) <= high


def test_the_band_that_differs_is_named():
    gap, where = largest_gap(series(200), series(200, 2, seed=1), ["red", "nir"])
    assert gap > 0.5 and where == "nir at step 1"


@pytest.mark.slow
def test_a_report_has_a_row_for_each_comparison():
    X = np.concatenate([series(60), series(30, 9, seed=1)])
    subset = np.repeat(["train", "val"], [60, 30])
    rng = np.random.default_rng(0)
    place = np.column_stack([rng.uniform(26, 27, 90), rng.uniform(45, 46, 90)])
    block = np.arange(90) // 10
    rows = shift_report(X, subset, place, block, ["red", "nir"])
    text = " ".join(row["found"] for row in rows)
    assert len(rows) == 4 and "nir at step 1" in text and "100 % of the samples" in text
    assert {row["status"] for row in rows} == {"info"}
