"""From tifs to dataset.h5: every number is compared with one that is worked out another way, and planted leaks stop the stage."""

import json
import time

import geopandas as gpd
import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio
import rasterio.features
import rasterio.windows
import shapely

import seedbed.process
from seedbed.base.files import project_root
from seedbed.base.settings import load_settings
from seedbed.export import export
from seedbed.imagery.labels import read_labels
from seedbed.imagery.missing import (
    fill,
)
from seedbed.process import process, write_dataset
from seedbed.splitting.folds import make_split
from seedbed.training.dataset import SampleDataset
from tests.support.world import (
    IDS,
    NAMES,
    along_time,
    make_labels,
    pixels,
    place,
    refused,
    write_tif,
)

SAMPLES = ("romania", "brandenburg")
WAYS = {
    "center": "sampling=center",
    "mean": "sampling=mean",
    "pixels": "sampling=pixels",
    "chip": "sampling=chip",
}


# --- the samples that ship, against rasterio ---


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A function: the dataset of a committed sample by a way of sampling, made in a folder of its own, with its labels and tifs."""
    home = project_root(__file__.rsplit("/", 1)[0])
    room = tmp_path_factory.mktemp("samples")
    made = {}

    def make(name, way):
        if (name, way) not in made:
            settings = load_settings(
                home / "settings.ini",
                [
                    f"source.name=sample:{name}",
                    f"process.sampling={way}",
                    "process.chip_size=5",
                    "process.pixels_per_label=6",
                    "split.allow_leakage=yes",
                ],
            )
            export_dir, out = room / name, room / f"{name}-{way}"
            if not (export_dir / "manifest.json").is_file():
                export(settings, export_dir)
            process(settings, export_dir, out)
            with h5py.File(out / "dataset.h5") as file:
                arrays = {
                    k: (v.asstr() if h5py.check_string_dtype(v.dtype) else v)[:]
                    for k, v in file.items()
                } | {"facts": dict(file.attrs)}
            made[name, way] = (
                arrays,
                read_labels(export_dir / "labels.geojson"),
                json.loads((export_dir / "manifest.json").read_text()),
                export_dir / "tifs",
            )
        return made[name, way]

    return make


def by_rasterio(path, geometry, manifest):
    """All bands as float with NaN where missing, the open file's transform, and the geometry in its CRS."""
    layout = manifest["layout"]
    with rasterio.open(path) as file:
        data = file.read().astype(float)
        missing = ~np.isfinite(data)
        for value in (file.nodata, layout.get("nodata")):
            if value is not None:
                missing |= data == value
        data = data * layout.get("scale", 1) + layout.get("offset", 0)
        data[missing] = np.nan
        shape = gpd.GeoSeries([geometry], crs=4326).to_crs(file.crs).iloc[0]
        names = list(file.descriptions)
    order = [
        names.index(f"{v}_t{t:02d}") for t in range(layout["steps"]) for v in layout["variables"]
    ]
    return data[order], file.transform, shape


def expected_of(way, data, transform, shape, lonlat, crs):
    """The bands that a label's (or a pixel's) sample must have."""
    height, width = data.shape[1:]
    if way == "mean":
        inside = (
            rasterio.features.geometry_mask([shape], (height, width), transform, invert=True)
            if shape.geom_type != "Point"
            else np.zeros((height, width), bool)
        )
        if inside.any():
            with np.errstate(invalid="ignore"):
                return np.nanmean(np.where(inside, data, np.nan).reshape(len(data), -1), axis=1)
    if way == "pixels":
        x, y = (
            gpd.GeoSeries(shapely.points([lonlat]), crs=4326)
            .to_crs(crs)
            .get_coordinates()
            .to_numpy()[0]
        )
        row, column = rasterio.transform.rowcol(transform, x, y)
        return data[:, row, column]
    middle = shape.centroid if shape.covers(shape.centroid) else shape.representative_point()
    row, column = rasterio.transform.rowcol(transform, middle.x, middle.y)
    return data[:, row, column]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["center", "mean", "pixels"])
@pytest.mark.parametrize("name", SAMPLES)
def test_values_of_the_samples(sample, name, way):
    """Each sample's values are those that rasterio reads at that place."""
    arrays, labels, manifest, tifs = sample(name, way)
    geometry, layout = dict(zip(labels["id"], labels.geometry)), manifest["layout"]
    chosen = np.random.default_rng(0).choice(len(arrays["X"]), 60, replace=False)
    for i in chosen:
        label = arrays["label_id"][i]
        with rasterio.open(tifs / f"{label}.tif") as file:
            crs = file.crs
        data, transform, shape = by_rasterio(tifs / f"{label}.tif", geometry[label], manifest)
        with np.errstate(all="ignore"):
            expected = expected_of(
                way, data, transform, shape, (arrays["lon"][i], arrays["lat"][i]), crs
            )
        series = along_time(expected.reshape(layout["steps"], -1))
        assert np.allclose(arrays["X"][i], series, rtol=1e-5, atol=1e-7, equal_nan=True), label
        assert np.isclose(arrays["missing"][i], np.isnan(expected).mean())


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_chips_of_the_samples(sample, name):
    """A chip is the window around the label's middle, without a shift, NaN beyond the tif."""
    arrays, labels, manifest, tifs = sample(name, "chip")
    geometry, layout = dict(zip(labels["id"], labels.geometry)), manifest["layout"]
    assert arrays["X"].shape[1:] == (layout["steps"], len(layout["variables"]), 5, 5)
    for i in np.random.default_rng(1).choice(len(arrays["X"]), 40, replace=False):
        label = arrays["label_id"][i]
        data, transform, shape = by_rasterio(tifs / f"{label}.tif", geometry[label], manifest)
        column, row = ~transform @ (shape.centroid.x, shape.centroid.y)
        top, left = round(row - 2.5), round(column - 2.5)
        padded = np.pad(data, ((0, 0), (9, 9), (9, 9)), constant_values=np.nan)[
            :, top + 9 : top + 14, left + 9 : left + 14
        ]
        series = along_time(padded.reshape(layout["steps"], -1, 5, 5))
        assert np.allclose(arrays["X"][i], series, rtol=1e-5, atol=1e-7, equal_nan=True), label


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_pixels_of_the_samples(sample, name):
    """At most six pixels of a label, all different, all in the label or under it."""
    arrays, labels, _, _ = sample(name, "pixels")
    geometry = dict(zip(labels["id"], labels.geometry))
    count = {k: int((arrays["label_id"] == k).sum()) for k in set(arrays["label_id"])}
    assert max(count.values()) <= 6
    assert len(set(zip(arrays["label_id"], arrays["lon"], arrays["lat"]))) == len(arrays["X"])
    for label, lon, lat in zip(arrays["label_id"][:200], arrays["lon"], arrays["lat"]):
        assert geometry[label].buffer(1e-7).covers(shapely.Point(lon, lat)) or count[label] == 1


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_what_every_dataset_keeps(sample, way):
    """Types, lengths, statistics from training alone, arrays in one piece."""
    arrays, labels, manifest, _ = sample("romania", way)
    count = len(arrays["X"])
    assert arrays["X"].dtype == np.float32 and arrays["y"].dtype == np.int64
    assert {len(v) for k, v in arrays.items() if k not in ("facts", "split")} == {count} and arrays[
        "split"
    ].shape[1] == count
    assert len(set(arrays["id"])) == count
    truth = dict(zip(labels["id"], labels["label"]))
    classes = json.loads(arrays["facts"]["classes"])
    assert [classes[k] for k in arrays["y"]] == [truth[k] for k in arrays["label_id"]]
    for row, side in enumerate(arrays["split"].astype(str)):
        train = fill(arrays["X"][side == "train"], arrays["facts"]["medians"][row]).astype(float)
        axes = (0, 1, *range(3, train.ndim))
        assert np.allclose(
            arrays["facts"]["mean"][row], train.mean(axes), rtol=1e-4
        ) and np.allclose(arrays["facts"]["std"][row], train.std(axes), rtol=1e-3)


# --- synthetic projects, by hand ---


@pytest.mark.slow
def test_max_missing(project):
    """A sample that misses more than its share is left out; one that misses exactly the share stays."""

    def make(i):
        data = pixels(i)
        data[: (4 if i == 7 else 5 if i == 8 else 0)] = np.nan
        return data

    world = project(make=make)
    left_out = world.run("process.max_missing=0.7")["report"]["left_out"]
    assert (
        list(left_out) == ["s08"]
        and "83 % of its values are missing, more than process.max_missing = 0.7" in left_out["s08"]
    )
    assert world.run("process.max_missing=1")["report"]["left_out"] == {}
    assert sorted(world.run("process.max_missing=0")["report"]["left_out"]) == ["s07", "s08"]


def test_static_bands(project):
    """Bands without time stand apart, with statistics of their own; a hole in them is not NaN in the statistics."""

    def make(i):
        data = pixels(i)
        data[5] = np.nan if i < 4 else 100 + i
        return data

    names = ("B4_t00", "B8_t00", "B4_t01", "B8_t01", "elevation", "slope")
    world = project(make=make)
    for i in range(30):
        write_tif(world.tif(f"s{i:02d}"), make(i), *place(i), names=names)
    out = world.run()
    order = np.argsort(out["id"])
    assert json.loads(out["facts"]["static_names"]) == ["elevation", "slope"] and out[
        "X"
    ].shape == (30, 2, 2)
    assert np.allclose(out["static"][order], [make(i)[4:, 4, 4] for i in range(30)], equal_nan=True)
    for row, side in enumerate(out["sides"]):
        slope = out["static"][side == "train", 1]
        middle = np.nanmedian(slope)
        filled = np.where(np.isnan(slope), middle, slope)
        assert (
            np.isclose(out["facts"]["static_medians"][row][1], middle)
            and np.isclose(out["facts"]["static_mean"][row][1], filled.mean())
            and np.isclose(out["facts"]["static_std"][row][1], filled.std(), rtol=1e-3)
        )


@pytest.mark.slow
def test_statistics_never_see_validation(project):
    """Validation values a thousand times as large leave the numbers of their fold alone."""
    world = project()
    first = world.run()
    for name in first["id"][first["sides"][0] == "val"]:
        i = int(name[1:])
        write_tif(world.tif(name), pixels(i) * 1000, *place(i))
    second = world.run()
    assert np.array_equal(first["sides"], second["sides"])
    for key in ("mean", "std", "medians"):
        assert np.array_equal(
            first["facts"][key][0], second["facts"][key][0]
        ) and not np.array_equal(first["facts"][key][1], second["facts"][key][1])


def test_regression(project):
    """A quantity stays a number, with a unit from nobody and no classes."""
    target = [i * 1.5 - 7.25 for i in range(30)]
    out = project(label=target, ini={"success.metric": "r2"}).run()
    assert (
        json.loads(out["facts"]["task"]) == "regression"
        and json.loads(out["facts"]["classes"]) == []
    )
    assert out["y"].dtype == np.float32 and np.allclose(out["y"][np.argsort(out["id"])], target)


@pytest.mark.slow
def test_regression_of_the_sample(tmp_path):
    """Tree cover of romania in percent."""
    home = project_root(__file__.rsplit("/", 1)[0])
    settings = load_settings(
        home / "settings.ini", ["labels.target=tree_cover", "success.metric=r2"]
    )
    export(settings, tmp_path / "export")
    process(settings, tmp_path / "export", tmp_path / "processed")
    with h5py.File(tmp_path / "processed" / "dataset.h5") as file:
        y = file["y"][:]
        assert (
            y.min() >= 0
            and 90 < y.max() <= 100
            and json.loads(file.attrs["task"]) == "regression"
            and json.loads(file.attrs["unit"]) == "%"
        )


@pytest.mark.slow
def test_dataset_twice_is_the_same(project):
    """The same bytes from the same input, the next day as well."""
    world = project(shape="polygon", make=lambda i: np.where(pixels(i) < 0.1, np.nan, pixels(i)))
    settings = world.settings(["process.sampling=pixels", "process.indices=ndvi"])
    path = settings.root / settings.processed_dir
    read = lambda: [(path / n).read_bytes() for n in ("dataset.h5", "audit.json")]
    export(settings)
    process(settings)
    first = read()
    process(settings)
    assert read() == first
    export(settings)
    process(settings)
    assert read() == first and list(world.root.rglob(".tmp-*")) == []


def test_dataset_is_contiguous(project):
    """A memory map needs arrays in one piece."""
    world = project()
    world.run()
    settings = world.settings()
    with h5py.File(settings.root / settings.processed_dir / "dataset.h5") as file:
        assert all(
            file[k].chunks is None and file[k].id.get_offset() is not None
            for k in ("X", "y", "lon", "lat", "missing")
        )


# --- rows and tifs that do not match ---


def test_on_fault_stop_in_process(project):
    """Tifs that cannot be used are told together."""
    world = project(ini={"labels.on_fault": "stop"})
    world.tif("s05").write_bytes(b"II*\0 nothing")
    write_tif(world.tif("s06"), pixels(6)[:4], *place(6), names=NAMES[:4])
    world.refuses_process(
        "2 faults",
        "labels.on_fault = stop",
        "s05",
        "cannot be read",
        "s06",
        "lacks 2 of 6 bands, first B4 at step 2",
    )


# --- too little ---


def test_one_class_only(project):
    """One class cannot be told from another."""
    project(label=["wheat"] * 30).refuses_process("'wheat'", "two classes or more")


def test_three_samples(project):
    """Three labels are too few."""
    project(3).refuses_process("3 labels are too few", "at least 10")


def test_all_in_one_place(project):
    """Labels in one block cannot be split by place; smaller blocks mend it."""
    world = project(12)
    world.refuses_process("no label is for", "split.block_km", overrides=["split.block_km=2000"])


def test_class_in_one_place_only(project):
    """A class that no fold can have on both sides is named."""
    world = project(
        label=["rare" if i in (28, 29) else "wheat" if i % 2 else "forest" for i in range(30)]
    )
    warnings = world.run("split.block_km=25", "split.buffer_km=0")["report"]["split"]["warnings"]
    assert any("class 'rare' lies in" in w and "left out of the score" in w for w in warnings), (
        warnings
    )


@pytest.mark.slow
def test_all_pixels_missing(project):
    """Samples without values are left out; when all are, the run stops."""
    world = project(make=lambda i: pixels(i) * np.nan if i < 3 else pixels(i))
    left_out = world.run()["report"]["left_out"]
    assert sorted(left_out) == IDS[:3] and all(
        "100 % of its values are missing" in r and "process.max_missing = 0.7" in r
        for r in left_out.values()
    )


def test_nothing_but_missing(project):
    """Not one value anywhere."""
    world = project(make=lambda i: pixels(i) * np.nan)
    world.refuses_process("no sample is left", "100 %", "process.max_missing")


# --- shapes ---


@pytest.mark.slow
@pytest.mark.parametrize(
    "overrides",
    [
        ["split.buffer_km=0"],
        ["split.buffer_km=0", "split.block_km=0.001"],
        ["split.method=column", "split.column=side", "split.buffer_km=0"],
    ],
)
@pytest.mark.parametrize("apart", [0.0, 2e-5], ids=["same geometry", "same pixel"])
@pytest.mark.parametrize("shape", ["point", "polygon"])
def test_two_labels_on_one_place_never_meet(empty, overrides, apart, shape):
    """Two labels on one pixel are on one side, or one goes, or the run stops."""
    world = empty()
    frame = make_labels(36, shape, metres=2, side=["a" if i % 3 else "b" for i in range(36)])
    shapes = frame.geometry.copy()
    for i in range(0, 36, 2):
        shapes[i + 1] = shapely.affinity.translate(shapes[i], apart)
    frame = frame.set_geometry(shapes)
    world.write_labels(frame)
    for i, name in enumerate(frame["id"]):
        write_tif(world.tif(name), pixels(i // 2 * 2), *place(i // 2 * 2))
    try:
        out = world.run(*overrides)
    except ValueError as error:
        assert "the split leaks" in str(error) or "no label is for" in str(error)
        assert world.made(*overrides) == ["manifest.json"]
        return
    for row in out["sides"]:
        side = dict(zip(out["label_id"], row))
        assert not [
            i
            for i in range(0, 36, 2)
            if {side[f"s{i:02d}"], side[f"s{i + 1:02d}"]} == {"train", "val"}
        ]


# --- planted leaks, through the whole stage ---


@pytest.mark.slow
def test_the_same_polygon_on_both_sides(project, monkeypatch):
    """A split that forgets its buffer and puts a redrawn field on the other side is stopped."""

    def forgetful(labels, *args, **options):
        sides, block, record = make_split(labels, *args, **options)
        number = int(np.flatnonzero(labels["id"] == "s35")[0])
        sides[:, number] = np.where(sides[:, number - 1] == "val", "train", "val")
        return sides, block, record

    world = project(36, "polygon")
    frame = make_labels(36, "polygon")
    frame.loc[35, "geometry"] = frame.geometry[34]
    world.write_labels(frame)
    world.write_tifs(frame)
    monkeypatch.setattr(seedbed.process, "make_split", forgetful)
    world.refuses_process("shapes that touch across the split", "split.allow_leakage = yes")


@pytest.mark.parametrize(
    "noise, what",
    [(0, "the same values on both sides"), (1e-4, "almost the same values on both sides")],
)
@pytest.mark.slow
def test_duplicated_rows(project, noise, what):
    """One field's pixels under two ids, far apart: equal, or equal but for the last digits."""

    def make(i):
        data = pixels(0 if i in (0, 1, 2, 3) else i)
        return data + np.float32(noise) * np.random.default_rng(i).normal(size=data.shape).astype(
            np.float32
        )

    world = project(
        make=lambda i: np.concatenate([make(i), make(i)[::-1] ** 2]),
        ini={"source.variables": "B4, B8"},
    )
    world.refuses_process(what, overrides=["process.sampling=center"])


@pytest.mark.slow
def test_statistics_fitted_on_all(project, monkeypatch):
    """Scaling that has seen every sample is stopped."""
    honest = seedbed.process.all_statistics
    monkeypatch.setattr(
        seedbed.process,
        "all_statistics",
        lambda samples, sides: honest(samples, np.full(sides.shape, "train", object)),
    )
    project(36).refuses_process("statistics that are not those of training alone", "mean of")


# --- through the whole stage ---


@pytest.mark.slow
def test_random_split_stops(project):
    """A random split is refused, and stamped where it is allowed."""
    world = project()
    world.refuses_process(
        "the split leaks",
        "split.method = random",
        "split.allow_leakage = yes",
        overrides=["split.method=random"],
    )
    out = world.run("split.method=random", "split.allow_leakage=yes")
    split = json.loads(out["facts"]["split"])
    assert split["leaky"] and any("LEAKY" in w for w in split["warnings"])
    assert json.loads(world.run()["facts"]["split"])["leaky"] is False


@pytest.mark.slow
def test_identical_tifs_stop(project):
    """The same field under two ids, far apart on the map."""
    world = project(make=lambda i: pixels(0 if i in (0, 1, 2, 3, 4) else i))
    world.refuses_process("the same values on both sides", "split.allow_leakage = yes")
    out = world.run("split.allow_leakage=yes")
    split = json.loads(out["facts"]["split"])
    assert split["leaky"] and any(w.startswith("LEAKY: the same values") for w in split["warnings"])
    settings = world.settings(["split.allow_leakage=yes"])
    assert (
        json.loads((settings.root / settings.processed_dir / "audit.json").read_text())["split"]
        == split
    )


@pytest.mark.slow
def test_groups_through_the_stage(project):
    """labels.group keeps a farm on one side."""
    out = project(60, owner=[f"o{i % 20}" for i in range(60)]).run("labels.group=owner")
    assert set(out["group"]) == {f"o{i}" for i in range(20)}
    for side in out["sides"]:
        assert not set(out["group"][side == "train"]) & set(out["group"][side == "val"])


@pytest.mark.slow
def test_pixels_of_a_label_stay_together(project):
    """All samples of a label lie on its side."""
    out = project(36, "polygon").run(
        "process.sampling=pixels", "split.block_km=0.02", "split.buffer_km=0"
    )
    assert (
        max(pd.Series(side).groupby(out["label_id"]).nunique().max() for side in out["sides"]) == 1
        and len(out["X"]) > 36
    )


def left_over(folder):
    """Everything in a folder but the files that a test asked for."""
    return sorted(p.name for p in folder.iterdir())


def test_write_dataset_is_whole_or_absent(tmp_path):
    """An array that HDF5 cannot hold leaves no dataset."""
    with pytest.raises(Exception):
        write_dataset(
            tmp_path / "dataset.h5",
            {"X": np.ones(3), "bad": np.array([{1: 2}, object()], object)},
            {},
        )
    assert left_over(tmp_path) == []


@pytest.mark.slow
def test_write_dataset_twice_is_the_same(tmp_path):
    """Not a byte depends on the clock; arrays lie in one piece."""
    arrays = {
        "X": np.arange(600, dtype="float32").reshape(10, 6, 10),
        "id": np.array(["ä", "b"] * 5, object),
        "split": np.array([["train"] * 10], "S7"),
    }
    for name in ("a.h5", "b.h5"):
        write_dataset(tmp_path / name, arrays, {"classes": ["ä"], "mean": np.ones(3)})
        time.sleep(1.1 if name == "a.h5" else 0)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["X"].chunks is None and file["X"].id.get_offset() is not None
        assert list(file["id"].asstr()[:2]) == ["ä", "b"] and json.loads(file.attrs["classes"]) == [
            "ä"
        ]


# --- steps in time ---


def series_project(empty, dates, X=None, count=60, **further):
    """A table of series with the dates of every step [T] or [n, T]; the arrays of its dataset."""
    world = empty(**{"source__name": "table:mine/data.npz"})
    dates = np.asarray(dates)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(count, dates.shape[-1], 2)) if X is None else X
    xy = np.array([place(i) for i in range(count)])
    y = np.array(["a", "b"])[np.arange(count) % 2]
    arrays = {"X": X, "y": y, "id": np.arange(count), "lon": xy[:, 0], "lat": xy[:, 1]}
    np.savez(world.data / "data.npz", bands=["red", "nir"], dates=dates, **arrays | further)
    settings = world.settings()
    return world.run(), settings.root / settings.processed_dir / "dataset.h5"


def test_newest_first_is_the_same_dataset(empty):
    """The order of the dates makes no difference: not to values, steps, windows or dates."""
    months = np.array([f"2019-{m:02d}-01" for m in range(1, 7)])
    X = np.random.default_rng(1).normal(size=(60, 6, 2))
    one, path = series_project(empty, months, X)
    bytes_of_one = path.read_bytes()
    other, path = series_project(empty, months[::-1], X[:, ::-1])
    assert np.array_equal(one["X"], other["X"]) and path.read_bytes() == bytes_of_one
    assert json.loads(other["facts"]["step_months"]) == 1
    assert set(other["start"]) == {"2019-01-01"} and "dates" not in other
    assert other["report"]["split"]["window_days"] == pytest.approx(182.6, abs=0.1)


def test_dates_that_differ_are_kept_for_each_sample(empty):
    """Irregular steps: to_xarray has the days on which each label was observed."""
    rng = np.random.default_rng(0)
    days = np.datetime64("2019-04-01") + np.sort(rng.choice(200, (60, 5)), axis=1)
    out, path = series_project(empty, days.astype(str))
    data = SampleDataset(path, None)
    for name, kept in zip(data.column("id"), data.dates()):
        kept, own = kept[~np.isnat(kept)], days[int(name)]
        assert len(kept) and (kept >= own.min()).all() and (kept <= own.max()).all()
    assert (data.observed().any(2) == ~np.isnat(data.dates())).all()
    val = SampleDataset(path, "val")
    rows = [data.column("id").tolist().index(name) for name in val.column("id")]
    assert np.array_equal(val.dates(), data.dates()[rows], equal_nan=True)
    pytest.importorskip("xarray")
    time = data.to_xarray()["time"].values.astype("M8[D]")
    assert np.array_equal(time, data.dates(), equal_nan=True)
    with h5py.File(path) as file:
        assert file["dates"].attrs["units"] == "days since 1970-01-01"


def test_single_dates_and_dekads_become_cubes(empty):
    pytest.importorskip("xarray")
    _, path = series_project(empty, ["2020-05-03"])
    assert str(SampleDataset(path, None).to_xarray()["time"].values[0, 0])[:10] == "2020-05-03"
    dekads = np.datetime64("2020-01-01") + 10 * np.arange(36)
    _, path = series_project(empty, dekads.astype(str))
    cube = SampleDataset(path, None).to_xarray()
    assert np.array_equal(cube["time"].values[0].astype("M8[D]"), dekads)


def test_numbers_in_the_thousands(empty):
    """As Sentinel-2 stores them: statistics are those of the values, and the demos hold."""
    X = np.random.default_rng(0).integers(1000, 5000, (60, 4, 2)).astype(float)
    out, path = series_project(empty, [f"2020-0{m}-01" for m in range(1, 5)], X)
    data = SampleDataset(path)
    mean, std = data.meta["mean"][0], data.meta["std"][0]
    off = np.abs(X[data.column("id").astype(int)].mean((0, 1)) - mean)
    assert (off <= 1e-4 * std + 1e-6 * np.abs(mean)).all()


def exported(made):
    """The settings of a project, and the manifest of its export: the file and what it holds."""
    made.export()
    settings = made.settings()
    manifest = settings.root / settings.export_dir / "manifest.json"
    return settings, manifest, json.loads(manifest.read_text())


def test_series_that_run_backwards_are_refused(project):
    settings, manifest, record = exported(project(30))
    record["layout"]["step_months"] = -1
    manifest.write_text(json.dumps(record))
    refused(lambda: process(settings), "step_months = -1", "export again")


def test_dates_of_a_manifest_are_those_of_all_labels(project):
    """Scenes of known days: one date for each step."""
    settings, manifest, record = exported(project(30))
    days = ["2020-04-03", "2020-05-01", "2020-05-30"]
    manifest.write_text(json.dumps(record | {"dates": days}))
    process(settings)
    data = SampleDataset(settings.root / settings.processed_dir / "dataset.h5", None)
    assert set(map(tuple, data.dates().astype(str))) == {tuple(days)}
    manifest.write_text(json.dumps(record | {"dates": days[:2]}))
    refused(lambda: process(settings), "manifest.json", "2 dates", "expected 3")
