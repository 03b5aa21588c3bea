"""Areas with fewer labels, on a tile whose truth is known."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from seedbed.evaluation.area import Sample
from seedbed.evaluation.assisted import Ground, assisted_share

LARGE_AND_RARE = {4: 2.35, 7: 3.49, 6: 2.2}  # labels that others save on this tile with 400 places


@pytest.fixture(scope="module")
def tile():
    spec = importlib.util.find_spec("oe_inferencex")
    if spec is None:
        pytest.skip("the extra oracles is not installed")
    with np.load(
        Path(spec.origin).parent / "sample/dynamic_world_tile.npz", allow_pickle=True
    ) as f:
        proba, truth = f["probs"].astype(float).reshape(9, -1).T, f["expert"].ravel()
    proba, truth = proba[truth >= 0], truth[truth >= 0]
    return proba / proba.sum(1, keepdims=True), proba.argmax(1), truth


def known(tile):
    proba, mapped, _ = tile
    pixels = np.bincount(mapped, minlength=9)
    sums = np.stack([np.bincount(mapped, proba[:, k], 9) for k in range(9)], 1)
    return Ground(pixels.astype(float), sums / np.maximum(pixels, 1)[:, None])


def samples(tile, n, repeats, draws):
    """Estimates of each class from many samples, and the shares of the labels alone."""
    proba, mapped, truth = tile
    ground, size, rng = known(tile), len(truth), np.random.default_rng(n)
    out = {k: [] for k in np.unique(truth)}
    for _ in range(repeats):
        rows = rng.choice(size, n, replace=False)
        sample = Sample(np.zeros(n, int), np.ones(n), np.array([float(size)]), np.array([size]))
        for k in out:
            here = truth[rows] == k
            one = assisted_share(here, mapped[rows], proba[rows, k], sample, ground, k, draws=draws)
            out[k].append((one["value"], *one["ci"], here.mean()))
    return {k: np.array(v) for k, v in out.items()}


@pytest.mark.slow
def test_labels_saved_and_coverage_of_small_samples(tile):
    found = samples(tile, 400, 300, 1)
    for k, gain in LARGE_AND_RARE.items():
        assert found[k][:, 3].var() / found[k][:, 0].var() > gain
    for k, values in samples(tile, 100, 300, 300).items():
        share = (tile[2] == k).mean()
        held = (values[:, 1] <= share) & (share <= values[:, 2])
        assert held.mean() >= 0.94 - 3 * (0.95 * 0.05 / 300) ** 0.5


def test_probabilities_without_meaning_do_no_harm():
    rng, size = np.random.default_rng(0), 5000
    truth, score, mapped = rng.random(size) < 0.3, rng.random(size), rng.integers(0, 2, size)
    means = np.array([[score[mapped == m].mean()] * 2 for m in (0, 1)])
    ground = Ground(np.bincount(mapped).astype(float), means)
    values, alone = [], []
    for _ in range(200):
        rows = rng.choice(size, 150, replace=False)
        sample = Sample(np.zeros(150, int), np.ones(150), np.array([5000.0]), np.array([size]))
        one = assisted_share(truth[rows], mapped[rows], score[rows], sample, ground, 0, draws=1)
        values.append(one["value"])
        alone.append(truth[rows].mean())
    assert abs(np.mean(values) - truth.mean()) < 0.01
    assert np.var(values) < 1.2 * np.var(alone)


def test_a_census_has_no_interval():
    truth = np.arange(40) % 3 == 0
    mapped, score = truth.astype(int), np.full(40, 0.5)
    sample = Sample(np.zeros(40, int), np.ones(40), np.array([40.0]), np.array([40]))
    ground = Ground(np.bincount(mapped).astype(float), np.full((2, 2), 0.5))
    one = assisted_share(truth, mapped, score, sample, ground, 1)
    assert one["ci"] == pytest.approx([truth.mean()] * 2)
