"""CropHarvest's layout, its channels and its tasks; on its real export where the reader has one."""

import geopandas as gpd
import h5py
import numpy as np
import pytest
import rasterio

from seedbed.export import export
from seedbed.process import process
from seedbed.sources.cropharvest import (
    CHANNELS,
    DYNAMIC,
    STATIC,
    TASKS,
    array_of_tif,
    fill_channels,
    published_ndvi,
)
from seedbed.training.dataset import SampleDataset
from tests.support.paths import SHARED
from tests.support.world import World, refused

CHIP = SHARED / "togo_cropharvest_chip/tifs/98.tif"


def make_folder(root, count=40, arrays=True, test=True):
    """A dataset in CropHarvest's layout: fields of maize and other crops in Kenya, two without a name; a test set of 30 pixels."""
    random = np.random.default_rng(0)
    for name in ("features/arrays", "test_features", "eo_data"):
        (root / name).mkdir(parents=True)
    i = np.arange(count)
    table = {
        "index": i,
        "dataset": "kenya",
        "is_crop": (i % 4 != 3).astype(int),
        "label": [
            ("maize", "tea", None, None)[k % 4]
            if k > 7 or k % 4 < 2
            else ("bean" if k % 4 == 2 else None)
            for k in i
        ],
        "lat": i // 8 * 0.2,
        "lon": 35 + i % 8 * 0.2,
        "export_end_date": "2020-02-01",
        "is_test": i == count - 1,
    }
    gpd.GeoDataFrame(
        table, geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326
    ).to_file(root / "labels.geojson")
    values = random.normal(size=(count, 12, 18)).astype("float64") + (i % 4 == 0)[:, None, None]
    for k in i if arrays else []:
        with h5py.File(root / f"features/arrays/{k}_kenya.h5", "w") as file:
            file["array"] = values[k]
    if test:
        with h5py.File(root / "test_features/Kenya_maize_2020_0_0.h5", "w") as file:
            file["x"], file["y"] = random.normal(size=(30, 12, 18)), np.resize([1, 0, -1], 30)
            file["lats"], file["lons"] = np.linspace(0.47190, 0.47749, 30), np.full(30, 34.23)
    return values


def write_export(path, pixels, lon, lat, size=17):
    """An image as CropHarvest exports it: float64, 206 bands, EPSG:4326."""
    step = 8.983152841195215e-5
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=size,
        height=size,
        count=206,
        dtype="float64",
        crs="EPSG:4326",
        transform=rasterio.Affine(step, 0, lon - size / 2 * step, 0, -step, lat + size / 2 * step),
    ) as file:
        file.write(np.broadcast_to(pixels[:, None, None], (206, size, size)))


def reference(raw, slope):
    """CropHarvest 0.7.0 in its own words: index, removal of bands, filling, in this order, by position."""
    names = [*DYNAMIC, *STATIC]
    kept = [*[b for b in DYNAMIC if b not in ("B1", "B10")], *STATIC, "NDVI"]
    a, b = raw[:, kept.index("B8")], raw[:, kept.index("B4")]
    with np.errstate(all="ignore"):
        index = np.where(a + b > 0, (a - b) / (a + b), 0)
    array = np.append(raw, index[:, None], axis=-1)[
        :, [k for k in range(20) if k not in (names.index("B1"), names.index("B10"))]
    ]
    with np.errstate(all="ignore"):
        means = np.array([np.nanmean(c) if np.isfinite(c).any() else np.nan for c in array.T])
    if np.isnan(means[kept.index("slope")]):
        means[kept.index("slope")] = slope
    return np.where(np.isnan(array), means, array)


@pytest.fixture
def project(tmp_path):
    """A function that makes a project which reads such a folder."""

    def make(task="kenya", **options):
        values = make_folder(tmp_path / "crop", **options.pop("folder", {}))
        settings = {
            "source.name": "cropharvest:crop",
            "source.task": task,
            "split.block_km": "15",
            "split.buffer_km": "0",
            "split.folds": "3",
            **options,
        }
        return World(tmp_path, settings), values

    return make


@pytest.mark.slow
def test_labels_arrays_and_test_set_reach_the_dataset(project):
    world, values = project()
    settings = world.settings()
    manifest = export(settings)
    assert manifest["target"]["classes"] == ["not_maize", "maize"] and manifest[
        "licence"
    ].startswith("CC BY-SA")
    process(settings)
    data = SampleDataset(settings.root / settings.processed_dir / "dataset.h5", None)
    assert data.bands == (*[c for c in CHANNELS if c not in STATIC], *STATIC) and data.steps == 12
    region = data.column("region")
    assert (region == "Kenya_maize_2020_0_0").sum() == 20 and (
        region == "kenya"
    ).sum() == 31  # 39 without the test row, less 8 crops without a name
    found = data.to_xarray() if pytest.importorskip("xarray") else None
    one = found.sel(sample="0_kenya")
    assert np.allclose(one["X"].values, values[0][:, [*range(15), 17]], atol=1e-5) and np.allclose(
        one["static"].values, values[0][0, 15:17], atol=1e-5
    )
    assert str(found.sel(sample="0_kenya")["start"].values) == "2019-02-06"


def test_without_arrays_the_exported_images_are_read(project):
    world, _ = project(folder={"arrays": False, "test": False})
    random = np.random.default_rng(1)
    labels = gpd.read_file(world.root / "crop/labels.geojson")
    for row in labels.itertuples():
        if row.index % 4 < 2:
            write_export(
                world.root / f"crop/eo_data/{row.index}-kenya_2019-02-06_2020-02-01.tif",
                random.uniform(1, 9, 206),
                row.lon,
                row.lat,
            )
    manifest = export(world.settings())
    assert (
        manifest["labels"] == 20
        and sum("neither" in r for r in manifest["left_out"].values()) == 11
    )


def test_channels_are_those_of_the_package(tmp_path):
    random = np.random.default_rng(2)
    for holes, slope in ((0, False), (30, False), (30, True)):
        pixels = random.normal(5, 3, 206)
        pixels[random.choice(204, holes, replace=False)] = np.nan
        pixels.reshape(-1)[: 12 * 17].reshape(12, 17)[0] = random.normal(
            5, 3, 17
        )  # no band is missing everywhere
        if slope:
            pixels[205] = np.nan
        write_export(tmp_path / "one.tif", pixels, 1.4, 7.7)
        if slope:
            with rasterio.open(tmp_path / "one.tif", "r+") as file:
                band = file.read(206)
                band[0, 0] = 3.5
                file.write(band, 206)
        raw = np.concatenate([pixels[:204].reshape(12, 17), np.tile(pixels[204:], (12, 1))], axis=1)
        assert np.allclose(array_of_tif(tmp_path / "one.tif", 1.4, 7.7), reference(raw, 3.5))


def test_the_published_index_is_of_b7_and_b3():
    raw = np.zeros((1, 19))
    raw[0, DYNAMIC.index("B7")], raw[0, DYNAMIC.index("B3")] = 3, 1
    assert published_ndvi(raw)[0] == 0.5 and published_ndvi(-raw)[0] == 0


def test_a_channel_that_is_missing_everywhere_makes_no_array():
    values = np.ones((12, 18))
    values[:, 3] = np.nan
    assert fill_channels(values, 2.0) is None


@pytest.mark.skipif(
    not CHIP.is_file(), reason="SEEDBED_SHARED_DATA names no folder with CropHarvest's chip"
)
def test_the_real_export():
    values = array_of_tif(CHIP, 1.4227946646383509, 7.7195701542414579)
    with rasterio.open(CHIP) as file:
        raw = file.read()[:, 8, 8]
        slope = np.nanmean(file.read(206))
        assert file.index(1.4227946646383509, 7.7195701542414579) == (8, 8)
    stacked = np.concatenate([raw[:204].reshape(12, 17), np.tile(raw[204:], (12, 1))], axis=1)
    assert (
        values.shape == (12, 18)
        and np.isfinite(values).all()
        and np.allclose(values, reference(stacked, slope))
    )
    ranges = {
        "VV": (-30, 0),
        "B4": (100, 4000),
        "temperature_2m": (290, 315),
        "elevation": (0, 1000),
    }
    for name, (low, high) in ranges.items():
        assert (values[:, CHANNELS.index(name)] >= low).all() and (
            values[:, CHANNELS.index(name)] <= high
        ).all(), name


@pytest.mark.slow
def test_faults_are_said_in_a_line(project, tmp_path):
    world, _ = project("kenia")
    refused(lambda: export(world.settings()), "source.task = kenia", "did you mean 'kenya'")
    refused(lambda: export(world.settings(["source.task=wheat@0,0,1,1"])), "no label for wheat")
    refused(lambda: export(world.settings(["source.task=togo"])), "no label for crop")
    with h5py.File(tmp_path / "crop/features/arrays/0_kenya.h5", "a") as file:
        del file["array"]
        file["array"] = np.zeros((12, 17))
    (tmp_path / "crop/features/arrays/4_kenya.h5").write_bytes(b"broken")
    left = export(world.settings(["source.task=kenya"]))["left_out"]
    assert "(12, 17)" in left["0_kenya"] and "cannot be read" in left["4_kenya"]


def test_every_task_of_the_benchmark_is_known():
    assert set(TASKS) == {"togo", "kenya", "brazil"} and all(t.test for t in TASKS.values())
