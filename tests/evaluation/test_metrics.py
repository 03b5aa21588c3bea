"""Scores of rare classes, of many classes, and of values with a large offset."""

import tracemalloc

import numpy as np
import pytest
from sklearn import metrics as sk

from seedbed.base.registry import object_named
from seedbed.evaluation.intervals import bootstrap
from seedbed.evaluation.metrics import (
    METRICS,
    largest_rows,
    metric_named,
    precision_recall,
    within_folds,
)
from tests.support.world import refused

CLASSES = ["wheat", "winter wheat", 'the "other" one', "it's grass"]


@pytest.fixture(scope="module")
def drawn():
    """True classes and probabilities of four classes, one of them rare."""
    rng = np.random.default_rng(0)
    y = rng.choice(4, 500, p=[0.5, 0.3, 0.18, 0.02])
    return y, rng.dirichlet(np.full(4, 0.4), 500) * 0.6 + 0.4 * np.eye(4)[y]


@pytest.mark.parametrize("k", range(4))
def test_a_metric_of_one_class_is_that_of_scikit_learn(drawn, k):
    y, proba = drawn
    f1 = metric_named(f"f1:{CLASSES[k]}", "classification", CLASSES)
    assert f1(y, proba) == pytest.approx(sk.f1_score(y == k, proba.argmax(1) == k))
    average = metric_named(f"average_precision:{CLASSES[k]}", "classification", CLASSES)
    assert average(y, proba) == pytest.approx(sk.average_precision_score(y == k, proba[:, k]))
    assert CLASSES[k] in f1.title and CLASSES[k] in average.title


def test_the_name_of_a_class_may_stand_in_quotes(drawn):
    y, proba = drawn
    bare, quoted = (
        metric_named(f"f1:{name}", "classification", CLASSES)
        for name in ("winter wheat", ' "winter wheat"')
    )
    assert bare(y, proba) == quoted(y, proba) != metric_named("f1:wheat", None, CLASSES)(y, proba)


def test_an_unknown_class_is_reported_with_those_that_there_are():
    refused(
        lambda: metric_named("f1:maize", "classification", CLASSES),
        "success.metric = f1:maize: no class is called maize; the classes are: wheat, winter wheat",
    )
    many = [f"c{k}" for k in range(300)]
    refused(lambda: metric_named("f1:maize", "classification", many), "c39 and 260 more")
    refused(lambda: metric_named("f1:maize", "regression"), "the target is a number")


def test_average_precision_of_two_classes_is_that_of_the_second():
    rng = np.random.default_rng(1)
    y = (rng.random(2000) < 0.02).astype(int)
    p = np.clip(0.2 * y + rng.random(2000) * 0.5, 0, 1)
    proba = np.column_stack([1 - p, p])
    wanted = sk.average_precision_score(y, p)
    assert METRICS["average_precision"](y, proba) == pytest.approx(wanted)
    curve = precision_recall(y == 1, p)
    precision, recall, _ = sk.precision_recall_curve(y, p, drop_intermediate=False)
    assert np.allclose(curve["precision"], precision[:-1][::-1])
    assert np.allclose(curve["recall"], recall[:-1][::-1])


def test_r2_of_values_far_from_zero():
    rng = np.random.default_rng(0)
    y = (1e6 + rng.normal(size=400)).astype(np.float32)
    prediction = (y + rng.normal(size=400) * 0.1).astype(np.float32)
    wanted = sk.r2_score(y.astype(float), prediction.astype(float))
    assert METRICS["r2"](y, prediction) == pytest.approx(wanted, abs=1e-9)


def test_intervals_of_three_hundred_classes_need_little_memory():
    rng = np.random.default_rng(0)
    y = np.arange(900) % 300
    proba = rng.dirichlet(np.full(300, 0.05), 900)
    block = np.arange(900) // 6
    tracemalloc.start()
    for name in ("accuracy", "f1_score", "balanced_accuracy"):
        bootstrap(METRICS[name], y, proba, block, 2000)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    assert peak < 200, f"{peak:.0f} MB"  # with the whole matrix 1,440 MB for the draws alone


def test_a_long_table_counts_what_it_does_not_show():
    rows = [{"class": f"c{k}", "n": k, "f1_score": 0.0 if k < 10 else 0.5} for k in range(300)]
    shown, note = largest_rows(rows)
    assert [row["n"] for row in shown] == list(range(299, 274, -1))
    assert note == (
        "275 more classes with 37,675 labels are not shown;"
        " 10 of them were never predicted correctly"
    )
    assert largest_rows(rows[:25]) == (rows[:25], "")


def test_a_metric_beside_settings_ini_is_found(tmp_path, monkeypatch):
    (tmp_path / "settings.ini").write_text("[success]\n")
    (tmp_path / "my_cost_of_this_test.py").write_text("def cost(y, p):\n    return 7.0\n")
    monkeypatch.setenv("SEEDBED_ROOT", str(tmp_path))
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    assert object_named("my_cost_of_this_test:cost", "success.metric")(None, None) == 7.0
    refused(lambda: object_named("no_such_module_at_all:cost", "success.metric"), "settings.ini")


OWN = """
def missed(y, prediction, classes):
    first = list(classes).index("maize")
    return (prediction.argmax(1)[y == first] != first).mean()

missed.greater_is_better, missed.title = False, "maize missed"
"""


def test_a_metric_of_ones_own_gets_the_classes_and_is_named_where_it_fails(tmp_path, monkeypatch):
    (tmp_path / "settings.ini").write_text("[success]\n")
    (tmp_path / "losses_of_this_test.py").write_text(OWN)
    monkeypatch.setenv("SEEDBED_ROOT", str(tmp_path))
    monkeypatch.setattr("sys.path", list(__import__("sys").path))
    y, proba = np.array([0, 1, 1, 1]), np.eye(2)[[0, 0, 1, 0]]
    name, task = "losses_of_this_test:missed", "classification"
    metric = metric_named(name, task, ["other", "maize"])
    assert metric(y, proba) == pytest.approx(2 / 3)
    assert (metric.title, metric.greater_is_better) == ("maize missed", False)
    other = metric_named(name, task, ["other", "wheat"])
    place = "correct losses_of_this_test.py, line 3"
    refused(lambda: other(y, proba), f"success.metric = {name}: ValueError", place)


@pytest.mark.parametrize("name", ["average_precision", "average_precision:b", "roc_auc"])
def test_ranks_are_compared_within_folds_alone(name):
    """By scikit-learn in each fold; the folds weigh by the samples of the class, or by pairs."""
    rng = np.random.default_rng(0)
    fold, y = rng.integers(0, 4, 600), rng.integers(0, 2, 600)
    level = np.array([0.1, 0.3, 0.5, 0.6])[fold]  # of each fold's model
    score = np.clip(level + 0.15 * y + rng.normal(0, 0.1, 600), 0, 1)
    proba = np.column_stack([1 - score, score])
    score_of = sk.roc_auc_score if name == "roc_auc" else sk.average_precision_score
    values, weights = [], []
    for f in range(4):
        here = fold == f
        values.append(score_of(y[here], score[here]))
        weights.append(y[here].sum() * ((1 - y[here]).sum() if name == "roc_auc" else 1))
    metric = metric_named(name, "classification", ["a", "b"])
    found = within_folds(metric, fold)
    assert found(y, proba) == pytest.approx(np.average(values, weights=weights))
    assert found(y, proba) > metric(y, proba) + 0.05
    shifted = np.clip(proba + 0.3 * np.where(fold == 0, [[-1], [1]], 0).T, -9, 9)
    assert found(y, shifted) == pytest.approx(found(y, proba))  # a level says nothing
    drawn = rng.integers(0, 3, (5, 600))
    for w, value in zip(drawn, found.weighted(y, proba, drawn, np.arange(600))):
        rows = np.repeat(np.arange(600), w)
        assert value == pytest.approx(within_folds(metric, fold[rows])(y[rows], proba[rows]))
