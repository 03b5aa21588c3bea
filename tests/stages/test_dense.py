"""Dense targets through the stages: dataset, models, scores, comparison and map."""

import copy
import dataclasses
from concurrent.futures import Future

import h5py
import numpy as np
import pytest
import rasterio

from seedbed.base.errors import InputError
from seedbed.base.files import read_json
from seedbed.compare import compare
from seedbed.evaluation.metrics import METRICS
from seedbed.evaluation.scoring import pixel_table, read_predictions
from seedbed.imagery.raster import transformer
from seedbed.map import best_model, make_map
from seedbed.model import cross_validate
from seedbed.models.base import BaseModel
from seedbed.models.records import predicted_labels
from seedbed.models.registry import find_model, load_model
from seedbed.optimism import optimism_curve, write_pixels
from seedbed.process import process, ready_dataset
from seedbed.report import importance
from seedbed.training.dataset import SampleDataset
from seedbed.training.pixels import every_pixel, labelled_pixels
from tests.support.dense import (
    GRID,
    dense_settings,
    truth,
    write_raster,
    write_scene,
)
from tests.support.device import device

pytestmark = pytest.mark.xdist_group("dense")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Settings and dataset of the small scene with a label raster."""
    root = tmp_path_factory.mktemp("dense")
    write_scene(root)
    write_raster(root / "mask.tif", truth().astype("uint8"))
    labels = {"masks": "mask.tif", "values": "0=bare, 1=crop, 2=wood"}
    settings = dense_settings(root, labels=labels)
    return settings, ready_dataset(settings)


@pytest.fixture(scope="module")
def run(made, tmp_path_factory):
    """A run of three models."""
    settings, path = made
    folder = tmp_path_factory.mktemp("run")
    for name in ("majority", "pixel_forest", "unet"):
        model = find_model(name)(0, settings.models)
        cross_validate(model, path, folder / "models" / name / "seed_0", settings, folder)
    return folder, compare(folder, settings, folder)


def test_tiles_hold_image_and_target_of_the_same_ground(made):
    _, path = made
    data = SampleDataset(path, None)
    X, Y = data.arrays()
    assert X.shape == (144, 1, 2, 8, 8) and Y.shape == (144, 8, 8)
    transform, _ = data.grid()
    for t, target in zip(transform, Y):
        row, column = round((5_800_000 - t[5]) / 10), round((t[2] - 400_000) / 10)
        np.testing.assert_array_equal(target, truth()[row : row + 8, column : column + 8])


def test_a_batch_turns_image_and_target_together(made):
    data = SampleDataset(made[1], "train", augment=("flips",))
    plain = SampleDataset(made[1], "train")
    X, Y = next(iter(data.loader(8)))
    x, y = next(iter(plain.loader(8)))
    assert (X != x).any()
    for k in range(3):  # the mean of the first band over each class stays
        for i in range(8):
            here, there = X[i, 0, 0][Y[i] == k], x[i, 0, 0][y[i] == k]
            assert len(here) == len(there)
            assert not len(here) or abs(here.mean() - there.mean()) < 1e-5


def test_networks_beat_the_majority_and_their_counts_are_those_of_all_pixels(run, made):
    folder, result = run
    assert result["data"]["sampling"] == "dense"
    rows = {row["model"]: row["value"] for row in result["models"]}
    assert rows["pixel_forest"] > 0.6 and rows["majority"] < 0.3
    for name in rows:
        table, counted = read_predictions(folder / f"models/{name}/seed_0/predictions.gpkg")
        assert counted[:, :, :3].sum() == 96 * 96 and len(table) == 144
    _, counted = read_predictions(folder / "models/unet/seed_0/predictions.gpkg")
    with rasterio.open(folder / "models/unet/seed_0/prediction.tif") as file:
        predicted, true = file.read()
    np.testing.assert_array_equal(true, truth())
    accuracy = (predicted == true).mean()
    assert accuracy == pytest.approx(METRICS["accuracy"](None, counted))


def test_probabilities_of_some_pixels_are_kept_and_say_how_sure_a_map_is(run, made):
    folder, result = run
    place = folder / "models/unet/seed_0"
    table, proba = read_predictions(place / "predictions.gpkg", "pixels")
    truth_of = np.array(["bare", "crop", "wood"], object)
    assert len(table) == 96 * 96  # fewer than are drawn at most, so all of them
    assert np.allclose(proba.sum(1), 1)
    with rasterio.open(place / "prediction.tif") as file:
        predicted = file.read(1)
        x, y = transformer("EPSG:4326", file.crs.to_string()).transform(
            table.geometry.x, table.geometry.y
        )
        column, row = ~file.transform @ (np.array(x), np.array(y))
    seen = truth_of[predicted[row.astype(int), column.astype(int)]]
    assert (seen == table["y_pred"]).all()
    assert (truth_of[truth()[row.astype(int), column.astype(int)]] == table["y_true"]).all()
    record = read_json(place / "results.json")
    assert sum(bin["n"] for bin in record["calibration"]) == len(table)
    assert 0.8 < record["certainty"]["covered"] <= 1
    assert "of the pixels of another one" in record["certainty"]["said"]
    assert result["certainty"]["nominal"] == 0.9


def test_the_pixels_that_are_kept_are_the_same_for_all_models(run, made, monkeypatch):
    monkeypatch.setattr("seedbed.models.records.SAMPLE", 500)
    folder, _ = run
    data = SampleDataset(made[1], "val")
    kept = []
    for name in ("pixel_forest", "unet"):
        table, *_ = predicted_labels(load_model(folder / f"models/{name}/seed_0"), data)
        kept.append(pixel_table(table)[0])
    assert (kept[0][["lon", "lat"]] == kept[1][["lon", "lat"]]).all(None)
    assert len(kept[0]) < 96 * 96 / 2 and set(kept[0]["id"]) == set(data.column("label_id"))


def test_a_saved_network_predicts_the_same(run, made):
    folder, _ = run
    model = load_model(folder / "models/unet/seed_0")
    val = SampleDataset(made[1], "val")
    first = model.predict(val)
    assert first.shape == (len(val), 3, 8, 8)
    np.testing.assert_array_equal(first, load_model(folder / "models/unet/seed_0").predict(val))


def test_a_map_is_complete_and_equal_for_any_windows(run, made, tmp_path):
    folder, _ = run
    place = folder / "models/unet/seed_0"
    scene, found = made[0].root / "scene.tif", []
    for values in (10**6, 2 * 40**2):
        model = load_model(place)
        record = make_map(model, place, scene, made[1], tmp_path / str(values), 1, values)
        assert record["pixels"] == {"mapped": 96 * 96, "without data": 0, "with too little data": 0}
        with rasterio.open(tmp_path / str(values) / "map.tif") as file:
            classes = file.read(1)
        with rasterio.open(tmp_path / str(values) / "quality.tif") as file:
            found.append((classes, file.read(1)))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    assert np.abs(found[0][1] - found[1][1]).max() < 1e-5


class InThisThread:
    """A pool whose jobs are done when they are handed in; the fake device belongs to one thread."""

    def __init__(self, *_):
        pass

    def submit(self, function, *arguments):
        found = Future()
        found.set_result(function(*arguments))
        return found

    def shutdown(self, **_):
        pass

    __enter__ = __exit__ = lambda self, *_: None


def test_a_network_learns_and_maps_the_same_on_another_device(made, run, tmp_path, monkeypatch):
    settings, path = made
    scene, place, found = settings.root / "scene.tif", run[0] / "models/unet/seed_0", {}
    monkeypatch.setattr("seedbed.map.ThreadPoolExecutor", InThisThread)
    for name in ("cpu", "mps"):
        options = settings.models.model_copy(update={"device": name})
        with device(name, monkeypatch) as fake:
            model = find_model("unet")(0, options).train(SampleDataset(path, "train", 0))
            make_map(model, place, scene, path, tmp_path / name)
        assert (fake.moved > 50) == (name != "cpu")
        with rasterio.open(tmp_path / name / "quality.tif") as file:
            found[name] = file.read()
    np.testing.assert_array_equal(found["cpu"], found["mps"])


def bands_of(path):
    """The bands of a tif by their names, and its tags."""
    with rasterio.open(path) as file:
        return dict(zip(file.descriptions, file.read())), file.tags()


@pytest.mark.parametrize("name", ["unet", "pixel_forest"])
def test_a_map_says_which_classes_are_possible_and_where_it_is_of_no_use(run, made, tmp_path, name):
    folder, _ = run
    model, place = best_model(folder, name, largest=1)
    found = read_json(place / "results.json")["certainty"]
    assert model.certainty.thresholds == found["thresholds"]
    model.certainty = dataclasses.replace(model.certainty, thresholds=[0.9] * 3)
    record = make_map(model, place, made[0].root / "scene.tif", made[1], tmp_path, 1)
    quality, tags = bands_of(tmp_path / "quality.tif")
    assert list(quality) == ["probability", "applicability", "set_size", "useful"]
    size = quality["set_size"]
    assert set(np.unique(size)) <= {1, 2, 3} and len(np.unique(size)) > 1
    np.testing.assert_array_equal(quality["useful"], size <= 1)
    assert record["no_useful_answer"] == pytest.approx((size > 1).mean())
    assert "set_size is above 1" in tags["useful"]
    assert [row["class"] for row in found["per_class"]] == ["bare", "crop", "wood"]
    assert sum(row["n"] for row in found["per_class"]) == found["n"]
    assert record["certainty"]["said"] == found["said"]


def test_of_a_quantity_the_intervals_hold_and_the_map_shows_their_width(tmp_path):
    write_scene(tmp_path)
    values = 10.0 * truth() + np.random.default_rng(1).normal(0, 1, (96, 96))
    write_raster(tmp_path / "mask.tif", values.astype("float32"))
    settings = dense_settings(
        tmp_path, labels={"masks": "mask.tif"}, success={"metric": "r2"}, split={"block_km": 0.24}
    )
    path, model = ready_dataset(settings), find_model("unet")(0, settings.models)
    place = tmp_path / "run/models/unet/seed_0"
    found = cross_validate(model, path, place, settings, tmp_path / "run")["certainty"]
    assert found["promised"] and 0.87 < found["covered"] < 0.97
    assert found["per_class"] is None and found["size"] == pytest.approx(
        2 * found["thresholds"][0], rel=0.2
    )
    model, place = best_model(tmp_path / "run", "unet", largest=1.0)
    record = make_map(model, place, tmp_path / "scene.tif", path, tmp_path / "map", 1)
    quality, tags = bands_of(tmp_path / "map/quality.tif")
    assert list(quality) == ["applicability", "interval_width", "useful"]
    assert quality["interval_width"] == pytest.approx(2 * found["thresholds"][0], rel=1e-6)
    assert (quality["useful"] == 0).all() and record["no_useful_answer"] == 1
    assert "interval_width is above 1" in tags["useful"]
    model, _ = best_model(tmp_path / "run", "unet")  # of one place nothing is known
    model.certainty = dataclasses.replace(model.certainty, thresholds=[np.inf])
    record = make_map(model, place, tmp_path / "scene.tif", path, tmp_path / "other", 1)
    quality, tags = bands_of(tmp_path / "other/quality.tif")
    assert (quality["useful"] == 0).all() and record["no_useful_answer"] == 1
    assert "interval_width is without limit" in tags["useful"]


def test_the_optimism_curve_is_that_of_pixels(made, tmp_path, monkeypatch):
    settings, path = made
    data = SampleDataset(path, None)
    pixels = SampleDataset(write_pixels(path, tmp_path / "dataset.h5", most=500), None)
    drawn = labelled_pixels(data, 500)
    for ours, theirs in zip(pixels.arrays(), drawn.arrays()):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(pixels.coordinates(), drawn.coordinates())
    monkeypatch.setattr("seedbed.optimism.PIXELS", 1000)
    rows = optimism_curve(path, settings)
    assert rows[0]["split"] == "random" and sum(row["used"] for row in rows) == 1
    assert rows[0]["coordinates"] > 0.7  # the next pixel of the same square is in training
    for row in rows[1:]:
        assert 0.8 < row["covered"] <= 1 and 0.8 < row["covered_usual"] <= 1
        assert row["value"] > 0.6 > row["coordinates"]
    of_boundaries = settings.updated(success={"metric": "boundary_f1"})
    assert optimism_curve(path, of_boundaries) == []


def test_chips_that_overlap_never_meet_across_the_split(tmp_path):
    (tmp_path / "tifs").mkdir()
    (tmp_path / "masks").mkdir()
    y, random = truth(), np.random.default_rng(0)
    for k in range(21):  # each chip shares half of its ground with the next one
        grid, target = GRID @ GRID.translation(4 * k, 0), y[:8, 4 * k : 4 * k + 8]
        image = (target + random.normal(0, 0.1, target.shape)).astype("float32")
        write_raster(tmp_path / f"tifs/c{k:02d}.tif", image, grid, names=["red_t00"])
        write_raster(tmp_path / f"masks/c{k:02d}.tif", target.astype("uint8"), grid)
    settings = dense_settings(
        tmp_path,
        labels={"masks": "masks/{id}.tif"},
        source={"name": f"folder:{tmp_path}"},
        split={"buffer_km": 0.0, "block_km": 0.4},
    )
    data = SampleDataset(ready_dataset(settings), None)
    column = np.round((data.grid()[0][:, 2] - 400_000) / 10)
    for fold in range(data.folds):
        train, val = (SampleDataset(data.path, part, fold).rows for part in ("train", "val"))
        assert np.abs(column[train][:, None] - column[val]).min() >= 8
        assert (SampleDataset(data.path, "dropped", fold).rows >= 0).any()


def test_a_network_wider_than_the_buffer_is_refused(made):
    settings, path = made
    model = find_model("unet")(0, settings.models)
    data = SampleDataset(path)
    data.meta = data.meta | {"field": 32}
    with pytest.raises(InputError, match="sees 32 pixels across, 0.32"):
        model.train(data)


def test_where_the_buffer_leaves_too_little_the_largest_field_is_named(made):
    settings = made[0].updated(labels={"field": 96}, split={"block_km": None})
    export = made[0].export_dir
    from seedbed.export import export as run_export

    run_export(settings, settings.export_dir)
    with pytest.raises(InputError, match=r"largest field that fits is labels\.field = \d+"):
        process(settings)
    assert export != settings.export_dir


def test_what_was_never_measured_has_no_target(tmp_path):
    path = write_scene(tmp_path)
    with rasterio.open(path, "r+") as file:
        data = file.read()
        data[:, :5, :5] = np.nan
        file.write(data)
    write_raster(tmp_path / "mask.tif", truth().astype("uint8"))
    made = ready_dataset(dense_settings(tmp_path, labels={"masks": "mask.tif"}))
    Y = SampleDataset(made, None).targets()
    with h5py.File(made) as file:
        seen = file["observed"][:]
    assert (Y == -1).sum() == 25 and (~seen).sum() == 2 * 25


def test_models_of_labels_and_of_pixels_are_kept_apart(made, tmp_path):
    class Wrong(BaseModel):
        name = "wrong"
        dense = True

        def train(self, data):
            self.model = "fitted"

        def predict(self, data):
            return np.zeros((len(data), 3))

    settings, path = made
    with pytest.raises(InputError, match="an answer for each pixel; fix its predict"):
        cross_validate(Wrong(), path, tmp_path, settings)
    pixels = every_pixel(SampleDataset(path, "train").part([0]))
    with pytest.raises(InputError, match="set labels.kind = dense, or leave the model out"):
        flat = copy.copy(pixels)
        flat.meta = pixels.meta | {"sampling": "mean"}
        Wrong().train(flat)


def test_a_network_that_adds_nothing_is_said_to_add_nothing(run):
    _, result = run
    order = [row["model"] for row in result["models"]]
    tied = {row["model"]: row["tied"] for row in result["models"]}
    beaten = order[0] == "unet" and not tied["pixel_forest"]
    said = [line for line in result["warnings"] if "which sees single pixels" in line]
    assert bool(said) != beaten


@pytest.mark.slow
def test_the_threshold_of_pixels_of_two_classes_is_tuned_and_scored(tmp_path):
    write_scene(tmp_path)
    rare = (truth() == 2) & (np.random.default_rng(0).random((96, 96)) < 0.3)
    write_raster(tmp_path / "mask.tif", rare.astype("uint8"))
    settings = dense_settings(tmp_path, labels={"masks": "mask.tif", "values": "0=no, 1=wood"})
    model = find_model("unet")(0, settings.models)
    record = cross_validate(model, ready_dataset(settings), tmp_path / "m", settings, tmp_path)
    found = record["threshold"]
    assert found["tuned_by"] == "mean_iou" and len(found["values"]) == 3
    assert found["shipped"] < 0.5  # a third of the wood is labelled
    assert found["scores"]["mean_iou"]["value"] > record["mean_iou"]
    assert sum(row["n"] for row in found["per_class"]) == 96 * 96


def test_what_a_network_owes_to_a_band_is_told_by_its_pixels(made):
    settings, path = made
    for name in ("pixel_forest", "unet"):
        model = find_model(name)(0, settings.models)
        loss = importance(model, path, "mean_iou", most=1)["bands"]
        assert loss.shape[0] == 2 and (loss.mean(1) > 0.02).all()
