"""From tifs to dataset.h5: every number is compared with one that is worked out another way."""

import json

import geopandas as gpd
import h5py
import numpy as np
import pytest
import rasterio
import rasterio.features
import rasterio.windows
import shapely

from seedbed.base.files import project_root
from seedbed.base.settings import load_settings
from seedbed.export import export
from seedbed.imagery.labels import read_labels
from seedbed.imagery.missing import (
    fill,
    interpolate,
    medians,
    missing_by_step,
    missing_counts,
    missing_share,
    statistics,
)
from seedbed.process import process
from world import UTM, World, make_labels, pixels, place, write_tif

SAMPLES = ("romania", "brandenburg")
WAYS = {
    "center": "sampling=center",
    "mean": "sampling=mean",
    "pixels": "sampling=pixels",
    "chip": "sampling=chip",
}


# --- the samples that ship, against rasterio ------------------------------------------------------------------------------------


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


def along_time(series):
    """Straight lines over holes, by numpy: [T, ...]."""
    out = series.reshape(len(series), -1).copy()
    for column in out.T:
        known = np.flatnonzero(np.isfinite(column))
        if len(known):
            column[:] = np.interp(np.arange(len(column)), known, column[known])
    return out.reshape(series.shape)


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


# --- synthetic projects, by hand -----------------------------------------------------------------------------------------------


def test_mean_of_a_polygon(project):
    """25 m around the middle of a 10 m grid: five pixels by five."""
    out = project(shape="polygon").run("process.sampling=mean")
    expected = [pixels(i)[:, 2:7, 2:7].mean((1, 2)) for i in range(30)]
    assert np.allclose(out["X"][np.argsort(out["id"])].reshape(30, -1), expected, atol=1e-6)


def test_mean_leaves_missing_pixels_out(project):
    """A cloud over a part of the field does not darken the mean; a pixel that is all there is, is enough."""

    def make(i):
        data = pixels(i)
        data[0, 2:4] = np.nan
        data[1, 2:7, 2:7], data[1, 4, 4] = np.nan, 0.25
        return data

    out = project(shape="polygon", make=make).run("process.sampling=mean")
    order = np.argsort(out["id"])
    assert np.allclose(
        out["X"][order][:, 0, 0], [pixels(i)[0, 4:7, 2:7].mean() for i in range(30)], atol=1e-6
    )
    assert np.allclose(out["X"][order][:, 0, 1], 0.25) and np.allclose(out["missing"], 0)


def test_pixels_are_drawn_by_the_label_alone(project):
    """The same pixels whatever other labels there are."""
    world = project(shape="polygon")
    whole = world.run("process.sampling=pixels", "process.pixels_per_label=3")
    frame = gpd.read_file(world.data / "labels.geojson")
    world.write_labels(frame.iloc[:12])
    part = world.run("process.sampling=pixels", "process.pixels_per_label=3")
    assert len(part["X"]) == 36 and set(part["id"]) < set(whole["id"])
    rows = [list(whole["id"]).index(k) for k in part["id"]]
    assert np.array_equal(whole["X"][rows], part["X"])


def test_chips_at_the_edge(tmp_path):
    """A window that reaches beyond the tif is NaN there, counted as missing and filled for the model."""
    world, frame = World(tmp_path), make_labels()
    world.write_labels(frame)
    for i in range(30):
        write_tif(world.tif(f"s{i:02d}"), pixels(i, size=5), *place(i))
    out = world.run("process.sampling=chip", "process.chip_size=7")
    data = out["X"][list(out["id"]).index("s03")].reshape(6, 7, 7)
    assert (
        np.array_equal(data[:, 1:6, 1:6], pixels(3, size=5))
        and np.isnan(data[:, 0]).all()
        and np.isnan(data[:, :, 6]).all()
    )
    assert np.allclose(out["missing"], 24 / 49)


def windows_of(out, pixel=10.0, size=8):
    """The ground of each chip, from its place alone."""
    centroids_xyz = gpd.GeoSeries(gpd.points_from_xy(out["lon"], out["lat"], crs=4326)).to_crs(UTM)
    return shapely.box(
        centroids_xyz.x - pixel * size / 2,
        centroids_xyz.y - pixel * size / 2,
        centroids_xyz.x + pixel * size / 2,
        centroids_xyz.y + pixel * size / 2,
    )


@pytest.mark.parametrize("step", [3e-4, 7e-4, 1.2e-3])
def test_chip_windows_never_overlap_across_the_split(tmp_path, step):
    """Points so near that their chips overlap: training loses those whose window reaches a validation window."""
    world, frame = World(tmp_path), make_labels(64)
    frame = frame.set_geometry(
        gpd.points_from_xy(
            [26 + step * (i % 8) for i in range(64)],
            [45 + step * (i // 8) for i in range(64)],
            crs=4326,
        )
    )
    world.write_labels(frame)
    world.write_tifs(frame)
    out = world.run(
        "process.sampling=chip",
        "process.chip_size=8",
        f"split.block_km={step * 400}",
        "split.buffer_km=0",
    )
    shapes = windows_of(out)
    inner = shapely.buffer(shapes, -5.01)  # the window snaps to pixels, by half a pixel at most
    for side in out["sides"][:-1]:
        tree = shapely.STRtree(inner[side == "train"])
        assert len(tree.query(inner[side == "val"], "intersects")[0]) == 0
        assert (side == "train").any() and (side == "val").any()


def test_indices_by_hand(project):
    """NDVI from the filled-in bands' raw values; an index that needs what is not there is refused."""

    def make(i):
        data = pixels(i)
        data[2:4] = 0  # 0 / 0 at step 1
        return data

    world = project(make=make)
    out = world.run("process.indices=ndvi")
    red, nir = np.moveaxis(np.array([pixels(i)[:, 4, 4].reshape(3, 2) for i in range(30)]), 2, 0)
    ndvi = (nir - red) / (nir + red)
    ndvi[:, 1] = (ndvi[:, 0] + ndvi[:, 2]) / 2
    assert json.loads(out["facts"]["variables"]) == ["B4", "B8", "ndvi"]
    assert np.allclose(out["X"][np.argsort(out["id"])][:, :, 2], ndvi, atol=1e-6)
    world.refuses_process(
        "process.indices: 'evi' needs a blue band", "B4, B8", overrides=["process.indices=evi"]
    )
    world.refuses_process("process.indices: 'ndwii'", "ndvi", overrides=["process.indices=ndwii"])


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


# --- holes ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 7, 3), (5, 1, 2), (6, 4, 2, 3, 3)])
def test_interpolation_is_numpys(shape):
    """Straight lines inside, the nearest value at the ends, NaN where there is no value."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape).astype(np.float32)
    X[rng.random(shape) < 0.5] = np.nan
    before = X.copy()
    out = interpolate(X)
    assert np.array_equal(X, before, equal_nan=True)
    for sample in range(shape[0]):
        assert np.allclose(out[sample], along_time(X[sample]), atol=1e-6, equal_nan=True)


def test_steps_that_are_missing_as_a_whole():
    """Filled like any other; what is missing is counted once and says where to look."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6, 2, 3, 3)).astype(np.float32)
    X[rng.random((40, 6)) < 0.4] = np.nan
    X[30:][rng.random(X[30:].shape) < 0.2] = np.nan
    X[0], X[1] = np.nan, 1
    counts = missing_counts(X)
    assert np.array_equal(counts, np.isnan(X).sum((3, 4))) and np.array_equal(
        missing_counts(X[..., 1, 1]), np.isnan(X[..., 1, 1])
    )
    out = interpolate(X, counts)
    assert np.array_equal(out, interpolate(X), equal_nan=True)
    for given, filled in zip(X, out):
        assert np.allclose(filled, along_time(given), atol=1e-6, equal_nan=True)


def test_fill_and_medians():
    """Median by step and band over samples and pixels; only holes change."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(9, 3, 2, 2, 2)).astype(np.float32)
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:, 1, 1] = np.nan
    middle = medians(X)
    assert middle[1, 1] == 0 and np.isclose(middle[0, 1], np.nanmedian(X[:, 0, 1]))
    out = fill(X, middle)
    assert (
        np.isfinite(out).all()
        and np.array_equal(out[np.isfinite(X)], X[np.isfinite(X)])
        and (out[:, 1, 1] == 0).all()
    )


def test_shares_of_what_is_missing():
    """By sample, by step and band; no sample is no trouble."""
    X = np.zeros((2, 2, 2), np.float32)
    X[0, 0] = np.nan
    assert missing_share(X).tolist() == [0.5, 0] and missing_by_step(X).tolist() == [
        [0.5, 0.5],
        [0, 0],
    ]
    assert missing_share(X[:0]).tolist() == []


def test_statistics_of_large_and_constant_bands():
    """A deviation needs digits: values around 10,000 keep theirs, constant bands have 1."""
    rng = np.random.default_rng(2)
    X = np.stack(
        [10_000 + rng.normal(0, 1, (500, 4)), np.full((500, 4), 273.15), np.zeros((500, 4))], axis=2
    ).astype(np.float32)
    mean, std = statistics(X)
    assert np.allclose(mean, X.astype(float).mean((0, 1)), rtol=1e-6)
    assert np.isclose(std[0], X[:, :, 0].astype(float).std(), rtol=1e-3) and std[1:].tolist() == [
        1,
        1,
    ]
