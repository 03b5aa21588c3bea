"""Runs, results and weights of version 0.1 are read by today's commands."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio

import seedbed as sb
from seedbed.base.errors import InputError
from seedbed.base.registry import current_name
from seedbed.base.results import read_results, upgraded
from seedbed.base.settings import load_settings
from seedbed.compare import across_runs
from seedbed.evaluation.scoring import read_predictions
from seedbed.map import best_model, make_map
from seedbed.models.registry import load_model, read_model_record
from seedbed.process import ready_dataset
from seedbed.report import model_table, origin_table
from seedbed.running.history import find_run, list_runs, run_row
from seedbed.training.dataset import FINAL, SampleDataset

ROOT = Path(__file__).resolve().parents[2]
OLD = ROOT / "tests/data/run-0.1"
EXPECTED = np.load(OLD / "expected.npz")  # what version 0.1 gave
NAME = "2026-11-30_081814-romania-1f269e0"


@pytest.fixture
def old(tmp_path):
    """Settings of a project that holds a run of version 0.1."""
    shutil.copytree(OLD, tmp_path / NAME)
    return load_settings(ROOT / "settings.ini", [f"paths.runs={tmp_path}"])


def test_results_are_read_with_todays_names():
    record = read_results(OLD / "results.json")
    assert record["schema_version"] == 2
    assert {row["model"] for row in record["models"] if row["beats_non_imagery"]} >= {
        "logistic_regression"
    }
    assert all("beats_blind" not in row for row in record["models"])


def test_rows_of_the_optimism_curve_are_read_with_todays_names():
    old = {"schema_version": 1, "optimism": [{"split": "blocks", "blind": 0.4}]}
    assert upgraded(old)["optimism"] == [{"split": "blocks", "coordinates": 0.4}]


def test_the_run_is_listed_and_opened(old):
    run = find_run(old, "last")
    assert [r.name for r in list_runs(old)] == [NAME] and run.status == "complete"
    assert run_row(run)["score"] == "macro-F1 0.870 [0.815, 0.907]"
    opened = sb.open_run(NAME[:10], old)
    assert opened.table().loc["logistic_regression", "verdict"] == "usable"


def test_the_run_is_compared(old):
    found = across_runs([find_run(old, NAME).folder], every=True)
    rows = {row["model"]: row for row in found["rows"]}
    assert rows["logistic_regression"]["value"] == pytest.approx(0.870, abs=5e-4)
    assert rows["gru"]["verdict"] and found["looks"] >= 1


def test_the_report_shows_its_results():
    record = read_results(OLD / "results.json")
    shown = model_table(record) + origin_table(record)
    assert "logistic_regression" in shown and "0.870" in shown and "1f269e0" in shown


def test_predictions_say_which_labels_were_scored():
    table, _ = read_predictions(OLD / "models/gru/seed_0/predictions.gpkg")
    assert table["scored"].all() and "judged" not in table


@pytest.mark.slow
@pytest.mark.parametrize("name", ["logistic_regression", "gru"])
def test_saved_models_predict_as_they_did(name):
    folder = OLD / "models" / name / "seed_0"
    data = SampleDataset(ready_dataset(load_settings(ROOT / "settings.ini")), "train", FINAL)
    prediction = load_model(folder, trust=True).predict(data)
    np.testing.assert_allclose(prediction[::20], EXPECTED[name], atol=1e-6)
    assert read_model_record(folder)["meta"]["classes"] == ["open", "mixed", "dense"]


@pytest.mark.slow
def test_a_saved_model_makes_the_same_map(old, tmp_path):
    model, place = best_model(find_run(old, "last").folder, "logistic_regression", trust=True)
    scene = ROOT / "data/sample/romania/scene.tif"
    make_map(model, place, scene, ready_dataset(load_settings(ROOT / "settings.ini")), tmp_path)
    with rasterio.open(tmp_path / "map.tif") as file:
        counts = np.bincount(file.read(1).ravel(), minlength=4)
    assert counts.tolist() == EXPECTED["map_counts"].tolist()


def test_pickled_weights_of_somebody_else_are_refused():
    with pytest.raises(InputError, match="would execute: a pickle"):
        load_model(OLD / "models/logistic_regression/seed_0")


def test_moved_modules_have_one_table():
    assert current_name("seedbed.model:BaseModel") == "seedbed.models.base:BaseModel"
    assert current_name("my_module:Mine") == "my_module:Mine"
