"""Whole runs, from settings.ini to results.json, on a reduced sample and on both samples."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import h5py
import numpy as np
import pandas as pd
import pytest

from seedbed.base.files import read_json
from seedbed.base.results import check_results
from seedbed.base.settings import load_settings
from seedbed.compare import gather
from seedbed.export import export
from seedbed.model import cross_validate
from seedbed.models.registry import find_model, load_model
from seedbed.process import process
from seedbed.training.dataset import SampleDataset
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow
QUICK = [
    "models.names=majority, coordinates, logistic_regression, tempcnn",
    "models.epochs=4",
    "run.seeds=0, 1",
    "run.resamples=200",
    "split.folds=3",
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A project of its own, outside of git, with a reduced sample."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(ROOT / "nbs", root / "nbs")
    for name in ("settings.ini", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    sample, reduced = ROOT / "data/sample/romania", root / "data/sample/romania"
    reduced.mkdir(parents=True)
    for name in ("manifest.json", "scene.tif"):
        shutil.copy(sample / name, reduced)
    record = json.loads((sample / "labels.geojson").read_text())
    record["features"] = record["features"][::4]
    for number, feature in enumerate(record["features"]):  # farms that nobody names as groups
        feature["properties"]["farm"] = f"{feature['properties']['label'][0]}{number % 13}"
    (reduced / "labels.geojson").write_text(json.dumps(record))
    windows = pd.read_csv(sample / "windows.csv")
    kept = [feature["properties"]["id"] for feature in record["features"]]
    windows[windows["id"].isin(kept)].to_csv(reduced / "windows.csv", index=False)
    return root


def seedbed(root, *words):
    return subprocess.run(
        [str(Path(sys.executable).with_name("seedbed")), *words],
        cwd=root,
        capture_output=True,
        text=True,
    )


def run(root, *overrides, words=()):
    done = seedbed(root, "run", *words, *[word for o in [*QUICK, *overrides] for word in ("-p", o)])
    assert done.returncode == 0, done.stderr + done.stdout
    return max((root / "runs").iterdir(), key=lambda p: p.stat().st_mtime), done.stdout


def without_times(value):
    """A record without what differs between two runs: times, names and counts."""
    volatile = {
        "run_id",
        "started_at",
        "ended_at",
        "fit_s",
        "us_per_sample",
        "memory_mb",
        "timings",
        "val_evaluations_count",
        "stages",
        "artifacts",
        "git",
    }
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items() if k not in volatile}
    return [without_times(v) for v in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def first(small):
    return run(small)


one_run = pytest.mark.xdist_group("runs")  # `first` is made once


@one_run
def test_a_planted_group_is_in_the_results(first):
    warnings = read_json(first[0] / "results.json")["warnings"]
    assert sum("set labels.group = farm" in line for line in warnings) == 1


@one_run
def test_the_run_folder(first):
    folder, said = first
    expected = {
        "00_success.ipynb",
        "01_export.ipynb",
        "02_process.ipynb",
        "03_dataset.ipynb",
        "05_compare.ipynb",
        "06_map.ipynb",
        "07_report.ipynb",
        "settings.ini",
        "run.json",
        "success.json",
        "results.json",
        "figures/overview.png",
        "figures/scores.png",
        "figures/optimism.png",
        "figures/map.png",
        "maps/scene/map.json",
        "maps/scene/map.tif",
        "maps/scene/map.tif.aux.xml",
        "maps/scene/quality.tif",
        "maps/applicability-logistic_regression-seed_0.npz",
        "manifest.json",  # of checksums, sealed
        "relabel.geojson",
        "report.html",
        "stakeholder.html",
    }
    for model, seeds in {
        "majority": [0],
        "coordinates": [0],
        "logistic_regression": [0],
        "tempcnn": [0, 1],
    }.items():
        expected |= {
            f"models/{model}/seed_{seed}/{name}"
            for seed in seeds
            for name in (
                "04_model.ipynb",
                "results.json",
                "predictions.gpkg",
                "model.json",
                "model.bin",
            )
        }
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == expected
    assert "tempcnn" in said and "verdict" in said


@one_run
def test_results_follow_the_schema(first):
    folder, _ = first
    records = [read_json(p) for p in folder.rglob("results.json")]
    assert len(records) == 6
    for record in records:
        check_results(record)
    whole = read_json(folder / "results.json")
    assert next(iter(whole)) == "accuracy" and whole["kind"] == "run"
    assert (
        whole["f1_score"]
        == whole["primary"]["value"]
        == max(row["value"] for row in whole["models"])
    )
    assert whole["git"]["commit"] is None and whole["seeds"] == [0, 1]
    assert set(whole["timings"]) >= {
        "00_success",
        "01_export",
        "02_process",
        "03_dataset",
        "04_model/tempcnn/seed_1",
    }


@one_run
def test_scores_follow_from_the_predictions(first):
    from sklearn.metrics import accuracy_score, f1_score

    folder = first[0] / "models/tempcnn/seed_1"
    frame, record = gpd.read_file(folder / "predictions.gpkg"), read_json(folder / "results.json")
    assert (
        frame.crs.to_epsg() == 4326
        and len(frame) == record["data"]["n"]["val"] == frame["id"].nunique()
    )
    assert record["accuracy"] == pytest.approx(accuracy_score(frame["y_true"], frame["y_pred"]))
    assert record["f1_score"] == pytest.approx(
        f1_score(frame["y_true"], frame["y_pred"], average="macro")
    )
    assert (frame.filter(like="p_").idxmax(axis=1).str[2:] == frame["y_pred"]).all()


@one_run
def test_executed_notebooks_carry_values_and_figures(first):
    text = (first[0] / "02_process.ipynb").read_text()
    assert "injected-parameters" in text and "image/png" in text and '"status": "completed"' in text
    assert (
        'model = \\"tempcnn\\"' in (first[0] / "models/tempcnn/seed_1/04_model.ipynb").read_text()
    )


@one_run
def test_the_same_run_twice_gives_the_same_numbers(small, first):
    again, _ = run(small, words=["--force"])
    for path in sorted(p.relative_to(again) for p in again.rglob("results.json")):
        assert without_times(read_json(again / path)) == without_times(
            read_json(first[0] / path)
        ), path
    for path in sorted(p.relative_to(again) for p in again.rglob("predictions.gpkg")):
        pd.testing.assert_frame_equal(gpd.read_file(again / path), gpd.read_file(first[0] / path))


@one_run
def test_a_saved_model_answers_again(small, first):
    settings = load_settings(first[0] / "settings.ini").model_copy(update={"root": small})
    everything = SampleDataset(small / settings.processed_dir / "dataset.h5", None, fold=-1)
    for name in ("logistic_regression", "tempcnn"):
        answer = load_model(first[0] / f"models/{name}/seed_0").predict(everything)
        assert answer.shape == (len(everything), 3) and np.allclose(answer.sum(1), 1, atol=1e-5)


@one_run
def test_a_scene_is_mapped_by_the_command(small, first):
    done = seedbed(
        small,
        "map",
        "--run",
        first[0].name,
        "--scene",
        str(ROOT / "data/sample/romania/scene.tif"),
        "--model",
        "tempcnn/seed_1",
    )
    assert (
        done.returncode == 0 and "pixels/s" in done.stdout and "not an estimate" in done.stdout
    ), done.stderr
    record = read_json(first[0] / "maps/scene/map.json")
    assert (
        record["model"] == "tempcnn"
        and record["seed"] == 1
        and sum(record["pixels"].values()) == 100 * 100
    )
    refused = seedbed(small, "map", "--run", "nothing", "--scene", "scene.tif")
    assert refused.returncode == 1 and refused.stderr.startswith(
        "nothing: no such complete run; use one of: "
    )
    shutil.rmtree(first[0] / "maps/scene")


def test_regression_and_one_fold(small):
    folder, said = run(
        small,
        "labels.target=tree_cover",
        "success.metric=rmse",
        "success.usable=15",
        "success.ceiling=5",
        "success.worst_region_min=none",
        "split.cross_validate=no",
        "models.names=majority, logistic_regression",
    )
    record = read_json(folder / "results.json")
    assert (
        record["best_model"] == "logistic_regression"
        and record["task"] == "regression"
        and record["rmse"] == record["primary"]["value"]
    )
    assert record["data"]["n"]["val"] < 175 / 2 and record["split"]["fold"] != "all"


@one_run
@pytest.mark.parametrize("words", [(), ("--force", "01_export")], ids=["exported before", "anew"])
def test_a_wrong_metric_for_the_task_stops_early(small, first, words):
    asked = [
        *QUICK,
        "success.metric=rmse",
        "success.usable=15",
        "success.ceiling=5",
        "success.worst_region_min=none",
    ]
    done = seedbed(small, "run", *words, *[w for o in asked for w in ("-p", o)])
    assert (
        done.returncode == 1
        and "success.metric = rmse: is for regression, the task is classification" in done.stderr
    )
    latest = max((small / "runs").iterdir(), key=lambda p: p.stat().st_mtime)
    assert not (latest / "results.json").exists()
    assert not (latest / "01_export.ipynb").exists()  # the first look at the data stops it


@one_run
def test_an_encoder_that_would_refuse_an_earlier_export_stops_a_run_early(small, first):
    asked = [*QUICK, "models.names=majority, presto", "models.weights=presto = random"]
    asked.append("models.units=B4: m/month")
    done = seedbed(small, "run", *[w for o in asked for w in ("-p", o)])
    assert done.returncode == 1 and "presto refuses these labels: " in done.stderr
    latest = max((small / "runs").iterdir(), key=lambda p: p.stat().st_mtime)
    assert not (latest / "02_process.ipynb").exists()


@one_run
def test_runs_are_compared_on_one_split_only(small, first):
    folder, other = first[0], first[0].with_name("copy")
    shutil.copytree(folder, other)
    try:
        done = seedbed(small, "compare", folder.name, "copy", "--all")
        assert (
            done.returncode == 0 and "tempcnn" in done.stdout and "has been scored" in done.stdout
        ), done.stderr
        record = read_json(other / "results.json")
        record["split"]["fingerprint"] = "0" * 64
        (other / "results.json").write_text(json.dumps(record))
        done = seedbed(small, "compare", folder.name, "copy")
        assert done.returncode == 1 and "validation set: " in done.stderr
        record = read_json(folder / "results.json")
        record["primary"]["metric"], record["data"]["bands"] = "accuracy", ["B4"]
        record["verdict"]["thresholds"]["usable"] = 0.99
        (other / "results.json").write_text(json.dumps(record))
        done = seedbed(small, "compare", folder.name, "copy")
        assert done.returncode == 0 and "here it is scored by" in done.stdout, done.stderr
        said = " ".join(done.stdout.split())
        assert "against 0.99" in said and "against B4" in said and "thresholds of the first" in said
        record["data"]["labels"] = "0" * 64
        (other / "results.json").write_text(json.dumps(record))
        done = seedbed(small, "compare", folder.name, "copy")
        assert done.returncode == 1 and "labels or their truth: " in done.stderr
        done = seedbed(small, "compare", folder.name, "none")
        assert done.returncode == 1 and "none: no such complete run" in done.stderr
    finally:
        shutil.rmtree(other)


@one_run
def test_another_split_is_not_compared(small, first, tmp_path):
    shutil.copytree(first[0] / "models", tmp_path / "models")
    path = tmp_path / "models/majority/seed_0/results.json"
    record = read_json(path)
    record["split"]["fingerprint"] = "0" * 64
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="validation set: "):
        gather(tmp_path, load_settings())


@pytest.mark.parametrize(
    "sample, overrides, least",
    [
        ("romania", [], 0.8),
        ("romania", ["labels.target=tree_cover", "success.metric=r2"], 0.75),
        ("romania", ["process.sampling=chip", "process.indices=ndvi"], 0.7),
        ("brandenburg", [], 0.45),
        ("brandenburg", ["process.sampling=pixels", "process.pixels_per_label=5"], 0.45),
        ("brandenburg", ["split.method=column"], 0.35),
    ],
)
def test_both_samples(sample, overrides, least, tmp_path):
    settings = load_settings(
        overrides=[
            f"source.name=sample:{sample}",
            f"paths.exports={tmp_path}/exports",
            f"paths.processed={tmp_path}/processed",
            *overrides,
        ]
    )
    export(settings)
    process(settings)
    path = settings.root / settings.processed_dir / "dataset.h5"
    score, blind = (
        cross_validate(find_model(name)(), path, settings=settings, run_dir=tmp_path)["primary"]
        for name in ("logistic_regression", "coordinates")
    )
    assert score["value"] > least and score["value"] > blind["value"]
    if score["n_blocks"] >= 5:
        assert score["ci"][0] < score["value"] < score["ci"][1]
    else:
        assert score["ci"] is None
    with h5py.File(path) as file:
        assert file["X"].dtype == np.float32 and file["X"].id.get_offset() is not None
