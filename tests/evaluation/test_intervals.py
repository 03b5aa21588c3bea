"""Intervals hold what they promise."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import seedbed.evaluation.scoring as scoring
from seedbed.evaluation.intervals import block_weights, bootstrap, drawn_sizes, score_with_interval
from seedbed.evaluation.metrics import METRICS, decision_parts, within_folds
from seedbed.evaluation.units import Units


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


@pytest.fixture(scope="module")
def field():
    """Truth, probabilities and blocks of an area where neighbouring blocks are alike."""
    rng, side, size = np.random.default_rng(0), 12, 10
    east, north = np.divmod(np.arange(side**2), side)
    number = np.repeat(np.arange(side**2), size)
    right = rng.random(len(number)) < (0.5 + 0.04 * east)[number]
    y = rng.integers(0, 3, len(number))
    places = np.column_stack([20 + 0.1 * east, 45 + 0.1 * north])
    z = rng.normal(0, 0.3, (len(y), 3)) + 1.5 * np.eye(3)[np.where(right, y, (y + 1) % 3)]
    proba = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    return y, proba.round(2), Units(number, places=places, size_km=10)


def test_draws_look_at_the_labels_once(field, monkeypatch):
    """Super-blocks and influences come from the sums of blocks; all classes from the same ones."""
    y, proba, units = field
    passes = []

    def parts(*given):
        passes.append(1)
        return decision_parts(*given)

    metric = replace(METRICS["f1_score"], parts=parts)
    sizes, _, p = drawn_sizes(metric, y, proba, units, 200)
    assert p < 0.05 and len(sizes) > 1 and len(passes) == 1
    for size, (draws, count) in enumerate(sizes):
        group = units.at(size)
        rows = [np.flatnonzero(group == k) for k in range(count)]
        for drawn, score in zip(block_weights(count, 200)[:5].astype(int), draws):
            here = np.concatenate([np.tile(r, n) for r, n in zip(rows, drawn)])
            assert score == pytest.approx(metric(y[here], proba[here]), abs=1e-12)
    passes.clear()
    monkeypatch.setattr(scoring, "decision_parts", parts)
    table = pd.DataFrame({"block": units.number, "region": "", "scored": True})
    scoring.score_record(table, y, proba, list("abc"), "classification", "f1_score", 20)
    assert len(passes) == 2  # all scores of decisions, then those of the classes


@pytest.mark.parametrize("name", ["roc_auc", "average_precision"])
def test_ranks_of_draws_are_those_of_the_drawn_labels(field, name):
    """Equal scores, folds, blocks that no draw holds, and those that a draw leaves out."""
    y, proba, units = field
    fold = units.number % 4
    for left_out in (False, True):
        found = bootstrap(
            within_folds(METRICS[name], fold), y, proba, units.number, 5, left_out=left_out
        )
        draws = block_weights(units.count, 5).astype(int)
        for drawn, score in zip((draws == 0).astype(int) if left_out else draws, found):
            here = np.repeat(np.arange(len(y)), drawn[units.number])
            again = within_folds(METRICS[name], fold[here])
            assert score == pytest.approx(again(y[here], proba[here]), abs=1e-12)
