"""Sets of classes and intervals that hold the truth: against other implementations and the truth."""

import numpy as np
import pandas as pd
import pytest

from seedbed.evaluation.conformal import (
    Certainty,
    behind,
    certainty_of,
    certainty_record,
    fit_certainty,
    hit_and_size,
    recalibrated,
    score_threshold,
    tried,
    units_needed,
)
from seedbed.evaluation.units import Units


def worlds(units, each, rng, spread=1.0):
    """Three classes whose boundary differs from unit to unit, and a model that cannot see that."""
    shift = np.repeat(rng.normal(0, spread, units), each)
    x = rng.normal(size=units * each)
    y = np.digitize(x + shift + rng.normal(0, 0.5, len(x)), [-0.5, 0.5])
    logits = -np.abs(x[:, None] - np.array([-1, 0, 1])) * 3
    proba = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return y, proba, Units(np.repeat(np.arange(units), each), "region")


def test_quantile_of_single_labels_is_that_of_split_conformal():
    crepes = pytest.importorskip("crepes", reason="the extra oracles is not installed")
    residual = np.random.default_rng(0).normal(size=498)
    other = crepes.ConformalRegressor().fit(residual)
    bounds = other.predict_int(np.zeros(1), confidence=0.9)
    ours = score_threshold(np.abs(residual), np.arange(498), 0.9)
    assert ours == pytest.approx(bounds[0, 1])


def test_intervals_are_those_of_mapie_where_every_label_is_a_unit():
    pytest.importorskip("mapie", reason="the extra oracles is not installed")
    from mapie.regression import SplitConformalRegressor
    from sklearn.linear_model import LinearRegression

    rng = np.random.default_rng(1)
    X = rng.normal(size=(600, 1))
    y = X[:, 0] + rng.normal(size=600)
    fitted = LinearRegression().fit(X[:200], y[:200])
    other = SplitConformalRegressor(fitted, confidence_level=0.9, prefit=True)
    other.conformalize(X[200:], y[200:])
    _, ends = other.predict_interval(X[:1])
    found = fit_certainty(y[200:], fitted.predict(X[200:]), Units(np.arange(400)), 0.9)
    assert 2 * found.half_width == pytest.approx(float(ends[0, 1, 0] - ends[0, 0, 0]))


def test_new_units_are_covered_where_the_usual_way_fails():
    rng = np.random.default_rng(2)
    ours, usual = [], []
    for _ in range(30):
        y, proba, units = worlds(40, 40, rng)
        new = units.number >= 30
        known = Units(units.number[~new], "region")
        each = Units(np.arange((~new).sum()), "region")
        ours.append(hit_and_size(fit_certainty(y[~new], proba[~new], known), y[new], proba[new])[0])
        one = fit_certainty(y[~new][:40], proba[~new][:40], Units(each.number[:40], "region"))
        usual.append(hit_and_size(one, y[new], proba[new])[0])
    assert np.mean(ours) >= 0.89
    assert np.mean(usual) < np.mean(ours)


def test_a_rare_class_is_covered_as_often_as_a_common_one():
    rng = np.random.default_rng(3)
    y = (rng.random(6000) < 0.05).astype(int)
    logit = rng.normal(2 * y - 2.5, 1)
    proba = np.stack([1 / (1 + np.exp(logit)), 1 / (1 + np.exp(-logit))], 1)
    units = Units(np.arange(6000) // 100)
    covered, size, _ = tried(y, proba, units)
    assert covered[y == 1].mean() > 0.85 and 1 <= size.mean() < 2


def test_few_units_promise_nothing_and_say_so():
    y, proba, units = worlds(5, 100, np.random.default_rng(4))
    found = fit_certainty(y, proba, units)
    assert not found.promised and units_needed(0.9) == 9 and units_needed(0.95) == 19
    assert found.said() == (
        "5 regions can promise nothing about another one at 90 %: that takes at least 9"
    )


def test_one_unit_answers_with_every_class():
    y, proba, _ = worlds(1, 50, np.random.default_rng(5))
    found = fit_certainty(y, proba, Units(np.zeros(50, int), "region"))
    assert found.sets(proba).all() and not found.promised


def test_the_most_probable_class_always_belongs():
    found = Certainty(0.9, [0.0, 0.0], 2.0, "block", 50, True)
    proba = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert found.sets(proba).tolist() == [[True, False], [False, True]]
    assert (recalibrated(proba, 3.0).argmax(1) == proba.argmax(1)).all()
    assert behind(proba).min() == 0


@pytest.mark.parametrize("kind", ["classes", "values"])
def test_the_record_gives_the_same_certainty_back(kind):
    y, proba, units = worlds(12, 30, np.random.default_rng(6))
    table = pd.DataFrame({"region": np.where(units.number < 6, "a", "b")})
    prediction, classes = (proba, list("xyz")) if kind == "classes" else (proba[:, 0], [])
    record = certainty_record(table, y, prediction, classes, units)
    assert certainty_of(record) == fit_certainty(y, prediction, units)
    assert [r["region"] for r in record["per_region"]] == ["a", "b"]
    assert sum(r["n"] * r["covered"] for r in record["per_region"]) / 360 == pytest.approx(
        record["covered"]
    )
    assert certainty_of(None) is None
