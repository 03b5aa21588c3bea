"""Scores of pixels that were counted by chip are those of the pixels themselves."""

import numpy as np
import pytest

from seedbed.evaluation.dense import class_sums, value_sums
from seedbed.evaluation.intervals import bootstrap
from seedbed.evaluation.metrics import METRICS, metrics_of
from seedbed.evaluation.scoring import read_predictions, write_predictions
from tests.support.dense import GRID


@pytest.fixture(scope="module")
def pixels():
    """Truth and prediction of twelve chips in six blocks; some pixels are unlabelled."""
    random = np.random.default_rng(5)
    truth = random.integers(-1, 3, (12, 8, 8))
    predicted = np.where(random.random(truth.shape) < 0.6, truth.clip(0), 2)
    return truth, predicted, np.arange(12) // 2


@pytest.mark.parametrize("name", ["accuracy", "f1_score", "balanced_accuracy"])
def test_draws_of_blocks_are_those_of_all_pixels(pixels, name):
    truth, predicted, block = pixels
    known = truth >= 0
    of_pixel = np.broadcast_to(block[:, None, None], truth.shape)[known]
    metric, flat = METRICS[name], np.eye(3)[predicted[known]]
    counted = bootstrap(metric, None, class_sums(truth, predicted, 3), block, 50)
    np.testing.assert_allclose(counted, bootstrap(metric, truth[known], flat, of_pixel, 50))


def test_values_are_scored_like_single_pixels(pixels):
    random = np.random.default_rng(6)
    truth = random.normal(50, 9, (4, 6, 6))
    truth[0, :3] = np.nan
    predicted, known = truth + random.normal(size=truth.shape), np.isfinite(truth)
    sums = value_sums(truth, np.nan_to_num(predicted), centre=48.0)
    for name in metrics_of("regression", dense=True):
        one = METRICS[name](truth[known], predicted[known])
        np.testing.assert_allclose(METRICS[name](None, sums), one, err_msg=name)


def test_the_mean_iou_is_that_of_its_definition(pixels):
    truth, predicted, _ = pixels
    known, found = truth >= 0, []
    for k in range(3):
        true, said = (truth == k) & known, (predicted == k) & known
        found.append((true & said).sum() / (true | said).sum())
    counted = class_sums(truth, predicted, 3)
    assert METRICS["mean_iou"](None, counted) == pytest.approx(np.mean(found))


def test_a_boundary_counts_within_the_tolerance_and_not_beyond():
    truth = np.zeros((1, 20, 20), int)
    truth[:, :, 10:] = 1
    scores = []
    for shift in (0, 2, 5):
        predicted = np.zeros_like(truth)
        predicted[:, :, 10 + shift :] = 1
        scores.append(METRICS["boundary_f1"](None, class_sums(truth, predicted, 2)))
    assert scores[0] == scores[1] == 1 and scores[2] == 0


def test_the_counts_come_back_from_their_file(pixels, tmp_path):
    import pandas as pd
    import shapely

    truth, predicted, block = pixels
    sums = class_sums(truth, predicted, 3)
    ground = [shapely.box(k, 0, k + 1, 1) for k in range(12)]
    table = pd.DataFrame({"id": [f"c{k}" for k in range(12)], "fold": 0, "scored": True})
    table = table.assign(block=block.astype(str), region="", lon=0.5, lat=0.5, footprint=ground)
    write_predictions(tmp_path / "p.gpkg", table, np.zeros(12, int), sums, ["a", "b", "c"])
    frame, again = read_predictions(tmp_path / "p.gpkg")
    np.testing.assert_array_equal(again, sums)
    assert (frame.geom_type == "Polygon").all() and GRID.a == 10
