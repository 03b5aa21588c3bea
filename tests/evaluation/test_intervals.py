"""Intervals hold what they promise."""

import numpy as np
import pytest

from seedbed.evaluation.intervals import score_with_interval
from seedbed.evaluation.metrics import METRICS


@pytest.mark.parametrize(
    "metric, blocks",
    [("accuracy", 40), pytest.param("f1_score", 40, marks=pytest.mark.slow), ("accuracy", 15)],
)
def test_intervals_cover_what_they_promise(metric, blocks):
    """Clustered data with a known score: the 95 % interval holds it in 90 to 98 of a hundred draws."""
    rng, score, size = np.random.default_rng(1), METRICS[metric], 20

    def draw(count):
        share = np.repeat(
            rng.beta(4, 1, count), size
        )  # how often a model is right differs from block to block
        y = (rng.random(count * size) < np.repeat(rng.beta(2, 2, count), size)).astype(int)
        right = rng.random(count * size) < share
        return y, np.eye(2)[np.where(right, y, 1 - y)], np.repeat(np.arange(count), size)

    true = score(*draw(20_000)[:2])
    held = [
        ci[0] <= true <= ci[1]
        for ci in (
            score_with_interval(score, *draw(blocks), resamples=400)["ci"] for _ in range(400)
        )
    ]
    assert 0.90 <= np.mean(held) <= 0.98
