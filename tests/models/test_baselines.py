"""Baselines that are as good as they can be."""

import numpy as np
import pytest

from seedbed.base.results import count_evaluation, evaluations
from seedbed.models.baselines import best_rule, fit_rule, place_rules, rule_prediction, rule_scores


def places(n=600):
    """Places in 36 blocks of a square, and a noisy number that varies smoothly."""
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 60, (n, 2))
    block = np.array([f"{int(x // 10)}_{int(y // 10)}" for x, y in xy])
    return xy, np.sin(xy[:, 0] / 9) + np.cos(xy[:, 1] / 9) + rng.normal(0, 1, n), block


def test_the_best_rule_is_chosen():
    X, y, block = places()
    scores = rule_scores(X, y, block, "regression")
    assert set(scores) == set(place_rules("regression", 600))
    assert scores["nearest"] < scores["15 nearest"]
    assert getattr(best_rule(X, y, block, "regression"), "n_neighbors", 0) != 1


def test_probabilities_are_smoothed():
    X, y, block = places()
    labels = np.digitize(y, [-1, 1]) * 2  # classes 1 and 3 do not occur in training
    for rule in place_rules("classification", len(y)).values():
        proba = rule_prediction(fit_rule(rule, X, labels, "classification"), X, "classification", 5)
        assert np.allclose(proba.sum(1), 1) and (proba[:, [1, 3]] == 0).all()
        assert 0 < proba[:, [0, 2, 4]].min() and proba.max() < 1


@pytest.mark.parametrize("block", [np.full(600, "a"), np.array(["a", "b"] * 300)])
def test_few_blocks_are_enough(block):
    X, y, _ = places()
    assert np.isfinite(best_rule(X, y, block, "regression").predict(X)).all()


def test_looks_are_counted_over_the_seeds_of_a_split(tmp_path):
    for seed in (0, 1):
        (tmp_path / f"seed{seed}").mkdir()
        look = {"split": f"split {seed}", "labels": "the same", "model": "forest"}
        count = count_evaluation(tmp_path / f"seed{seed}", look)
        assert count == seed + 1
    assert evaluations(tmp_path / "seed0", "split 0") == 1
    assert evaluations(tmp_path / "seed0", "split 7", "the same") == 2
