"""Maps: the same pixels as in training, nothing invented, nothing lost."""

from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine

from seedbed.imagery.layout import layout_from_dict
from seedbed.imagery.missing import interpolate, missing_share
from seedbed.imagery.scene import Scene
from seedbed.map import (
    Pixels,
    applicability_of,
    cut,
    decided,
    make_map,
    map_window,
    places_of,
    side_by_side,
    stride_of,
)
from seedbed.model import cross_validate
from seedbed.models.registry import find_model, load_model
from seedbed.process import as_series
from seedbed.training.dataset import FINAL, SampleDataset
from tests.support.maps import NORTH, PIXEL, WEST
from tests.support.world import NAMES, UTM, World, make_labels, refused, write_tif

pytestmark = pytest.mark.slow

SIDE = 30  # pixels of the scene


def values_of(seed=3):
    """Integers of a scene with holes: single values, a pixel without any, a pixel with too few, whole rows without."""
    stored = (
        np.random.default_rng(seed).integers(1000, 5000, (len(NAMES), SIDE, SIDE)).astype("uint16")
    )
    stored[0, 3:6, 4:9], stored[2:4, 10, :5], stored[:, 7, 7], stored[:5, 8, 8] = 0, 0, 0, 0
    stored[:, 20:22] = 0
    return stored


@pytest.fixture(scope="module", params=["center", "chip"])
def trained(request, tmp_path_factory):
    """A project whose labels are pixels of one scene, a model that was trained on them, and the scene."""
    root = tmp_path_factory.mktemp(f"map-{request.param}")
    scene, stored = root / "scene.tif", values_of()
    with rasterio.open(
        scene,
        "w",
        driver="GTiff",
        width=SIDE,
        height=SIDE,
        count=len(NAMES),
        dtype="uint16",
        nodata=0,
        crs=UTM,
        transform=Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH),
    ) as file:
        file.write(stored)
        file.descriptions = NAMES
    row, column = (v.ravel() for v in np.mgrid[0:SIDE:3, 0:SIDE:3] + 1)
    points = gpd.GeoSeries(
        gpd.points_from_xy(WEST + PIXEL * (column + 0.3), NORTH - PIXEL * (row + 0.3)), crs=UTM
    ).to_crs(4326)
    labels = make_labels(len(row)).set_geometry(points)
    labels["id"], labels["label"] = (
        [f"{r:03d}-{c:03d}" for r, c in zip(row, column)],
        np.where(stored[5, row, column] > 3000, "high", "low"),
    )
    made = World(
        root,
        {
            "process.sampling": request.param,
            "process.chip_size": 4,
            "process.indices": "ndvi",
            "split.block_km": 0.1,
            "split.buffer_km": 0,
            "source.scale": 0.0001,
            "split.folds": 2,
            "run.resamples": 100,
        },
    )
    made.write_labels(labels)
    for name in labels["id"]:  # every label's tif is the whole scene
        made.tif(name).parent.mkdir(exist_ok=True)
        made.tif(name).symlink_to(scene)
    made.run()
    settings = made.settings()
    path = root / settings.processed_dir / "dataset.h5"
    model = find_model("logistic_regression")(0, settings.models)
    cross_validate(model, path, settings=settings, run_dir="runs/one")
    return root, path, model, root / "runs/one/models/logistic_regression/seed_0", scene


def samples_of(model, scene, window):
    """What the map feeds the model in a window, and which pixels those are."""
    X, static, _ = as_series(cut(scene, window, model.meta), scene.layout, model.meta["indices"])
    usable = np.flatnonzero(
        (missing_share(X) < 1) & (missing_share(X) <= model.meta["max_missing"])
    )
    return Pixels(
        model.meta,
        interpolate(X[usable]),
        static[usable],
        lambda: places_of(scene, window, stride_of(model.meta))[usable],
    ), usable


def test_pixels_are_prepared_bit_for_bit_as_in_training(trained):
    root, path, model, place, tif = trained
    data, model = SampleDataset(path, "train", FINAL), load_model(place)
    scene = Scene(tif, layout_from_dict(model.meta["layout"]))
    names = [tuple(map(int, i.split("-"))) for i in data.column("id")]
    pixels, compared, stride = data.arrays()[0], 0, stride_of(model.meta)
    for i, (row, column) in enumerate(
        names
    ):  # a window that begins with the label's own pixel or chip
        at = (
            (row, column, stride, stride)
            if stride == 1
            else chip_window(row, column, model.meta["chip_size"], stride)
        )
        found, usable = samples_of(model, scene, at)
        assert len(usable) == 1 and np.array_equal(found.arrays()[0][0], pixels[i])
        compared += 1
    assert compared == len(data) > 60


def chip_window(row, column, size, stride):
    """The window whose first sample is the chip that training has cut around a pixel."""
    top, left = round(row + 0.3 - size / 2), round(column + 0.3 - size / 2)
    before = (size - stride) // 2
    return top + before, left + before, stride, stride


def test_nothing_is_lost_and_nothing_invented(trained, tmp_path):
    root, path, model, place, tif = trained
    record = make_map(
        load_model(place), place, tif, path, tmp_path / "map", window_values=500, workers=2
    )
    with rasterio.open(tmp_path / "map/map.tif") as file:
        found, profile = file.read(1), file.profile
        assert (
            file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            and file.crs.to_string() == UTM
            and file.transform == Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH)
        )
        assert (
            file.tags(1) | {"class_1": "high", "class_2": "low"} == file.tags(1)
            and file.nodata == 0
            and profile["dtype"] == "uint8"
        )
        assert file.colormap(1)[1][:3] == (0x4A, 0x5B, 0xBF)
    with rasterio.open(tmp_path / "map/quality.tif") as file:
        probability, ratio = file.read()
    if model.meta["sampling"] == "center":
        empty = np.zeros((SIDE, SIDE), bool)
        empty[7, 7], empty[8, 8], empty[20:22] = (
            True,
            True,
            True,
        )  # the second has too few values for training as well
        assert np.array_equal(found == 0, empty)
        assert record["pixels"] == {
            "mapped": int((~empty).sum()),
            "without data": 2 * SIDE + 1,
            "with too little data": 1,
        }
    assert np.array_equal(np.isnan(probability), found == 0) and np.array_equal(
        np.isnan(ratio), found == 0
    )
    assert np.nanmin(probability) >= 0.5 and (ratio[found > 0] >= 0).all()
    assert (
        sum(c["pixels"] for c in record["area"]["classes"]) == (found > 0).sum()
        and record["area"]["estimate"] is False
    )


def test_windows_and_workers_change_nothing(trained, tmp_path):
    root, path, model, place, tif = trained
    one, many = (
        make_map(
            load_model(place),
            place,
            tif,
            path,
            tmp_path / name,
            window_values=values,
            workers=workers,
        )
        for name, values, workers in (("one", 10**7, 1), ("many", 120, 3))
    )
    for name, band in (("map.tif", 1), ("quality.tif", 1), ("quality.tif", 2)):
        with (
            rasterio.open(tmp_path / "one" / name) as a,
            rasterio.open(tmp_path / "many" / name) as b,
        ):
            assert np.allclose(a.read(band), b.read(band), rtol=1e-5, atol=1e-6, equal_nan=True)


def test_a_map_goes_on_where_it_stopped(trained, tmp_path):
    root, path, model, place, tif = trained
    told, folder = [], tmp_path / "map"

    def stop(done, total, seconds):
        told.append((done, total))
        if len(told) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_map(
            load_model(place), place, tif, path, folder, window_values=300, workers=1, report=stop
        )
    assert not (folder / "map.tif").exists() and not (folder / "map.json").exists()
    first, told[:] = told[0][1], []
    make_map(
        load_model(place),
        place,
        tif,
        path,
        folder,
        window_values=300,
        workers=1,
        report=lambda *a: told.append(a),
    )
    assert 0 < told[0][1] < first and told[-1][0] == told[-1][1]
    assert sorted(p.name for p in folder.iterdir()) == [
        "map.json",
        "map.tif",
        "map.tif.aux.xml",
        "quality.tif",
    ]


def test_the_map_is_what_the_model_says(trained):
    root, path, model, place, tif = trained
    model = load_model(place)
    scene = Scene(tif, layout_from_dict(model.meta["layout"]))
    found = map_window(model, scene, (0, 0, SIDE, SIDE), applicability_of(model, place, path))
    pixels, usable = samples_of(model, scene, (0, 0, SIDE, SIDE))
    said = model.predict(pixels)
    assert np.array_equal(found["value"][usable], said.argmax(1)) and np.allclose(
        found["probability"][usable], said.max(1)
    )


def test_a_scene_with_other_bands_is_refused(trained, tmp_path):
    root, path, model, place, tif = trained
    write_tif(
        tmp_path / "other.tif", np.ones((2, 9, 9), "float32"), 27, 45, names=("B4_t00", "B11_t00")
    )
    refused(
        lambda: make_map(load_model(place), place, tmp_path / "other.tif", path, tmp_path / "map"),
        "other.tif",
        "lacks 5 of 6 bands",
        "B4, B8 at 3 steps",
    )
    refused(
        lambda: make_map(load_model(place), place, tmp_path / "none.tif", path, tmp_path / "map"),
        "none.tif: no such scene",
    )


def test_tiles_make_the_same_map(trained, tmp_path):
    root, path, model, place, tif = trained
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    with rasterio.open(tif) as file:
        for r in (0, 16):
            for c in (0, 16):
                part = rasterio.windows.Window(c, r, min(16, SIDE - c), min(16, SIDE - r))
                with rasterio.open(
                    tiles / f"{r}-{c}.tif",
                    "w",
                    **file.profile
                    | dict(
                        width=part.width, height=part.height, transform=file.window_transform(part)
                    ),
                ) as out:
                    out.write(file.read(window=part))
                    out.descriptions = file.descriptions
    make_map(load_model(place), place, tif, path, tmp_path / "whole")
    make_map(load_model(place), place, tiles, path, tmp_path / "tiled")
    with (
        rasterio.open(tmp_path / "whole/map.tif") as a,
        rasterio.open(tmp_path / "tiled/map.tif") as b,
    ):
        assert np.array_equal(a.read(), b.read()) and a.transform == b.transform


def test_a_model_of_dates_wants_a_date(tmp_path, project):
    made = project(30, start=["2018-04-01", "2021-04-01"] * 15)
    made.run()
    settings = made.settings()
    path = made.root / settings.processed_dir / "dataset.h5"
    place = made.root / "runs/one/models/date/seed_0"
    cross_validate(find_model("date")(), path, settings=settings, run_dir="runs/one")
    refused(
        lambda: make_map(load_model(place), place, made.tif("s03"), path, tmp_path / "a"),
        "looks at dates",
        "seedbed map --start 2021-04-01",
    )
    assert (
        make_map(
            load_model(place), place, made.tif("s03"), path, tmp_path / "b", start="2021-04-01"
        )["pixels"]["mapped"]
        > 0
    )


def test_a_quantity_is_mapped(tmp_path, project):
    made = project(
        30,
        ini={
            "success.metric": "rmse",
            "success.usable": 20,
            "success.ceiling": 1,
            "run.resamples": 100,
        },
        label=[float(i) + 0.5 for i in range(30)],
    )
    made.run()
    settings = made.settings()
    path = made.root / settings.processed_dir / "dataset.h5"
    for name in ("logistic_regression", "coordinates", "tempcnn"):
        model = find_model(name)(0, settings.models.model_copy(update={"epochs": 2}))
        cross_validate(model, path, settings=settings, run_dir="runs/one")
        record = make_map(
            load_model(made.root / f"runs/one/models/{name}/seed_0"),
            made.root / f"runs/one/models/{name}/seed_0",
            made.tif("s03"),
            path,
            tmp_path / name,
        )
        with rasterio.open(tmp_path / name / "map.tif") as file:
            assert file.dtypes == ("float32",) and np.isfinite(file.read()).all()
        with rasterio.open(tmp_path / name / "quality.tif") as file:
            assert file.descriptions == ("applicability",)
        assert record["area"]["classes"] is None


def test_windows_side_by_side_follow_from_memory():
    """A network of many dates gets fewer windows at a time than one of a single date, one at least."""
    image = SimpleNamespace(bands=range(120), height=5000, width=5000)
    light, heavy = (
        SimpleNamespace(dense=True, stride=4, _margin=16, _numbers=numbers) for numbers in (36, 144)
    )
    few = [side_by_side(heavy, image, 4_000_000, workers) for workers in (1, 2, 16)]
    many = [side_by_side(light, image, 4_000_000, workers) for workers in (1, 2, 16)]
    assert few[:2] == [1, 1] and many == [1, 2, 16]
    assert few[2] < 16
    assert side_by_side(SimpleNamespace(dense=False), image, 4_000_000, 5) == 5


def test_memory_beyond_what_is_allowed_is_given_back(trained, tmp_path, monkeypatch):
    root, path, model, place, tif = trained
    calls = []
    monkeypatch.setattr("seedbed.map.give_back_memory", lambda: calls.append(1))
    make = lambda name: make_map(load_model(place), place, tif, path, tmp_path / name, 1, 500)
    make("enough")
    assert not calls
    monkeypatch.setattr("seedbed.map.MEMORY", -(10**12))
    make("little")
    assert len(calls) > 3


@pytest.mark.parametrize("threshold", [None, 0.3, 0.5])
def test_one_rule_decides(threshold):
    """The first of equal classes; the second of two from the threshold on."""
    proba = np.random.default_rng(0).integers(0, 11, 200) / 10
    proba = np.stack([1 - proba, proba])
    value, chosen = decided(proba, threshold)
    wanted = proba.argmax(0) if threshold is None else proba[1] >= threshold
    assert np.array_equal(value, wanted) and value.dtype == np.float32
    assert np.array_equal(chosen, proba[wanted.astype(int), np.arange(200)])
