"""Models are cross-validated: scores, thresholds, the test that is opened on request."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from seedbed.base.results import read_results
from seedbed.base.settings import make_settings
from seedbed.evaluation.metrics import METRICS
from seedbed.evaluation.scoring import read_predictions
from seedbed.export import export
from seedbed.model import (
    at_threshold,
    cross_validate,
    threshold_candidates,
    threshold_record,
    tuned_threshold,
    tuning_metric,
)
from seedbed.models.registry import find_model, load_model
from seedbed.process import process
from seedbed.training.dataset import FINAL, SampleDataset
from tests.support.models import ALL, SETTINGS, TASKS, each_model
from tests.support.paths import ROOT
from tests.support.world import pixels, refused

# --- all models ---


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", each_model())
@pytest.mark.slow
def test_validate(name, task, made, tmp_path):
    val = made[task][1]
    record = cross_validate(
        ALL[name](0, SETTINGS[task].models), val.path, settings=SETTINGS[task], run_dir=tmp_path
    )
    folder = tmp_path / "models" / name / "seed_0"
    written = read_results(folder / "results.json")
    assert (
        written["model"] == name and written["sees"] == record["sees"] and written["task"] == task
    )
    frame = gpd.read_file(folder / "predictions.gpkg")
    assert len(frame) == 2 * len(val) and frame["id"].is_unique and frame.crs == 4326
    assert not [
        c for c in frame if c != "geometry" and frame[c].dtype.kind == "f" and frame[c].isna().any()
    ]


# --- the samples ---


@pytest.mark.slow
@pytest.mark.parametrize("source", ["sample:brandenburg", "sample:romania"])
def test_models_learn_from_the_samples(source, tmp_path):
    """A fast network and a tree model beat the models that see no satellite, on blocks they have not seen."""

    settings = make_settings(
        {"source": {"name": source}, "models": {"epochs": 25, "device": "cpu"}}, root=ROOT
    )
    export(settings, tmp_path / "export")
    process(settings, tmp_path / "export", tmp_path / "processed")
    train, val = (
        SampleDataset(tmp_path / "processed" / "dataset.h5", side) for side in ("train", "val")
    )

    def score(name):
        return METRICS["f1_score"](val.y, ALL[name](0, settings.models).train(train).predict(val))

    blind = max(score(name) for name in ("majority", "coordinates", "date"))
    for name in ("hist_gradient_boosting", "mlp", "gru", "knn"):
        assert score(name) > blind + 0.03


# --- splits ---


@pytest.mark.parametrize("how", ["yes", "no"])
def test_what_is_validated_on_one_fold_is_trained_once(how, project, monkeypatch):
    """And what is shipped is the model that was scored."""
    label = ["maize", "wheat", "barley"] * 24
    world = project(72, label=label, ini={"split.buffer_km": "0", "run.resamples": "100"})
    trained = []
    kind = find_model("logistic_regression")
    train = kind.train
    monkeypatch.setattr(
        kind, "train", lambda self, data: (trained.append(data.fold), train(self, data))[1]
    )
    world.run(f"split.cross_validate={how}")
    settings = world.settings([f"split.cross_validate={how}"])
    path = settings.root / settings.processed_dir / "dataset.h5"
    cross_validate(kind(), path, settings=settings, run_dir="runs/a")
    folds = SampleDataset(path).folds
    assert trained == ([0] if how == "no" else [*range(folds), FINAL])
    if how == "no":
        place = settings.root / "runs/a/models/logistic_regression/seed_0"
        table, said = read_predictions(place / "predictions.gpkg")
        val = SampleDataset(path, "val", 0)
        assert list(table["id"]) == list(val.column("id"))
        np.testing.assert_allclose(load_model(place).predict(val), said, atol=1e-6)


@pytest.mark.slow
def test_held_out_regions_are_opened_on_request(project):
    """Nobody trains on or validates the test; each opening is counted."""
    world = project(
        72,
        region=[("east", "north", "west")[i % 3] for i in range(72)],
        ini={"split.test": "west", "split.buffer_km": "0", "run.resamples": "100"},
    )
    out = world.run()
    assert all(set(out["sides"][:, i]) == {"test"} for i in np.flatnonzero(out["region"] == "west"))
    assert "test" not in set(out["sides"][:, out["region"] != "west"].ravel())
    settings = world.settings()
    path = settings.root / settings.processed_dir / "dataset.h5"
    shut = cross_validate(find_model("majority")(), path, settings=settings, run_dir="runs/a")
    assert shut["test"] is None and shut["data"]["n"]["val"] == 48
    opened = [
        cross_validate(
            find_model("majority")(),
            path,
            settings=world.settings(["run.open_test=yes"]),
            run_dir="runs/b",
        )["test"]
        for _ in range(2)
    ]
    assert (
        opened[0]["regions"] == ["west"]
        and opened[0]["n"] == 24
        and [o["opened_count"] for o in opened] == [1, 2]
    )
    assert not set(SampleDataset(path, "train", FINAL).column("region")) & {"west"}
    refused(
        lambda: world.settings(["split.test=none", "run.open_test=yes"]),
        "open_test = yes",
        "split.test",
    )
    refused(lambda: world.run("split.test=wst"), "split.test = wst", "west")


# --- what success means ---


@pytest.mark.slow
def test_a_metric_and_a_quantity_of_ones_own(project, monkeypatch):
    """module:function decides, with an interval; a class that there is not is refused at once."""
    world = project(
        60,
        ini={
            "success.metric": "own_metrics:half",
            "run.resamples": "100",
            "success.quantity": "count:wheat",
        },
    )
    (world.root / "own_metrics.py").write_text(
        "def half(y, p): return float((p.argmax(1) == y).mean() / 2)\n"
    )
    monkeypatch.syspath_prepend(str(world.root))
    world.run()
    settings = world.settings()
    record = cross_validate(
        find_model("majority")(),
        settings.root / settings.processed_dir / "dataset.h5",
        settings=settings,
        run_dir="runs/a",
    )
    assert (
        record["primary"]["value"] == pytest.approx(record["accuracy"] / 2)
        and record["primary"]["ci"]
    )
    assert (
        record["quantity"]["true"] == 30 and record["primary"]["smallest_detectable_difference"] > 0
    )
    refused(
        lambda: world.export("success.quantity=count:weat"),
        "success.quantity = count:weat",
        "did you mean 'wheat'",
    )


@pytest.mark.slow
def test_the_threshold_is_tuned_on_train(project):
    """A rare class is found at a lower threshold, which no validation label has had a say in."""
    rng = np.random.default_rng(0)
    rare = rng.random(240) < 0.2
    world = project(
        240,
        label=["wheat" if r else "forest" for r in rare],
        ini={"run.resamples": "100", "split.buffer_km": "0", "split.block_km": "25"},
        make=lambda i: pixels(i) + np.float32(0.12 * rare[i]),
    )
    world.run()
    settings = world.settings()
    path = settings.root / settings.processed_dir / "dataset.h5"
    record = cross_validate(
        find_model("logistic_regression")(), path, settings=settings, run_dir="runs/a"
    )
    assert len(record["threshold"]["values"]) == 5 and all(
        0 < v < 1 for v in record["threshold"]["values"]
    )
    assert min(record["threshold"]["values"]) < 0.5
    train = SampleDataset(path, "train", 0)
    assert (
        tuned_threshold(find_model("logistic_regression")(), train, "f1_score")
        == record["threshold"]["values"][0]
    )


# --- rare classes ---


def test_the_threshold_of_a_rare_class_is_found():
    """Of 6,000 samples 57 are of the class; most have a probability between 0.2 and 0.5."""
    rng = np.random.default_rng(0)
    y = np.zeros(6000, int)
    y[rng.choice(6000, 57, replace=False)] = 1
    p = np.where(y == 1, rng.uniform(0.2, 0.6, 6000), rng.beta(0.4, 12, 6000))
    tried = threshold_candidates(p, y)
    assert 0.5 in tried and (np.diff(tried) > 0).all()
    assert ((tried > 0.2) & (tried < 0.5)).sum() > 20
    old = np.unique(np.r_[0.5, np.quantile(p, np.linspace(0.02, 0.98, 49))])
    best, best_of_old = (
        max(METRICS["f1_score"](y, at_threshold(p, t)) for t in values) for values in (tried, old)
    )
    assert best > best_of_old + 0.05


def test_a_threshold_is_tuned_by_a_metric_that_scores_decisions():
    assert tuning_metric("f1:crop") == "f1:crop" and tuning_metric("accuracy") == "accuracy"
    assert {tuning_metric(m) for m in ("average_precision", "roc_auc", "m:cost")} == {"f1_score"}


def test_the_record_of_a_threshold_says_what_becomes_of_each_class():
    table = pd.DataFrame({"fold": [0, 0, 1, 1], "threshold": [0.2, 0.2, 0.4, 0.4]})
    table = table.assign(block=["a", "b", "c", "d"], scored=True)
    y, p = np.array([1, 0, 1, 0]), np.array([0.3, 0.1, 0.3, 0.1])
    prediction = np.column_stack([1 - p, p])
    found = threshold_record(table, y, prediction, 100, 0.95, ["other", "crop"], "f1:crop")
    assert found["values"] == [0.2, 0.4] and found["shipped"] == pytest.approx(0.3)
    assert found["scores"]["f1:crop"]["value"] == pytest.approx(2 / 3)
    assert found["per_class"][1]["producers_accuracy"] == 0.5
