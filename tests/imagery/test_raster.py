"""Reading many tifs: the fast way gives what the general one gives, and batches give what one read gives."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
import torch
from affine import Affine
from seedbed.training.dataset import SampleDataset

from seedbed.imagery.chips import write_chip
from seedbed.imagery.labels import read_labels
from seedbed.imagery.layout import layout_from_dict
from seedbed.imagery.missing import fill, medians, moments, scaling, statistics
from seedbed.imagery.raster import _read_fast, _read_general
from seedbed.imagery.samples import Spool, in_order, processes
from seedbed.process import read_samples
from seedbed.training.loops import fetcher
from world import pixels

TYPES = ("uint8", "int16", "float32", "float64")


def tiled(path, data, **options):
    """A small image in one large tile, as Earth Engine writes it."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(data),
        height=data.shape[1],
        width=data.shape[2],
        dtype=data.dtype,
        crs="EPSG:4326",
        transform=Affine(9e-5, 0, 1.2, 0, -9e-5, 6.9),
        tiled=True,
        blockxsize=256,
        blockysize=256,
        **options,
    ) as file:
        file.write(data)
    return path


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("predictor", [1, 2, 3])
def test_rows_that_exist_are_all_that_an_lzw_tile_is_unpacked_for(
    tmp_path, dtype, interleave, predictor
):
    if predictor == 3 and not dtype.startswith("float"):
        pytest.skip("this predictor is for floating point")
    data = np.random.default_rng(0).normal(100, 30, (5, 17, 17)).astype(dtype)
    path = tiled(
        tmp_path / "a.tif", data, compress="lzw", interleave=interleave, predictor=predictor
    )
    assert np.array_equal(_read_fast(path).data, data) and np.array_equal(
        _read_general(path).data, data
    )


@pytest.mark.parametrize("size", [(17, 300), (300, 17), (256, 256), (257, 17)])
@pytest.mark.parametrize("compress", ["lzw", "deflate", None])
def test_images_larger_than_a_tile(tmp_path, size, compress):
    data = np.random.default_rng(0).integers(0, 50, (2, *size)).astype("uint16")
    path = tiled(tmp_path / "a.tif", data, **({"compress": compress} if compress else {}))
    assert np.array_equal(_read_fast(path).data, data)


def test_a_written_chip_is_the_chip_and_costs_little_to_read(tmp_path):
    values = np.random.default_rng(0).normal(size=(6, 9, 7)).astype("float32")
    place = Affine(10, 0, 5e5, 0, -10, 5e6)
    values[2, :3] = np.nan
    names = [f"B{k % 2}_t{k // 2:02d}" for k in range(6)]
    write_chip(tmp_path / "a.tif", values, place, "EPSG:32635", names, ORIGIN="test")
    for raster in (_read_fast(tmp_path / "a.tif"), _read_general(tmp_path / "a.tif")):
        assert np.array_equal(raster.data, values, equal_nan=True) and np.isnan(raster.nodata)
        assert (
            raster.transform == place
            and raster.crs == "EPSG:32635"
            and list(raster.descriptions) == names
        )
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.tags()["ORIGIN"] == "test" and file.compression is None
        assert file.interleaving.value == "BAND" and set(file.block_shapes) == {(9, 7)}


@pytest.mark.skipif("SEEDBED_SHARED_DATA" not in os.environ, reason="the real chip is not at hand")
def test_a_real_export_of_earth_engine():
    for path in Path(os.environ["SEEDBED_SHARED_DATA"], "togo_cropharvest_chip/tifs").glob("*.tif"):
        fast, general = _read_fast(path), _read_general(path)
        assert np.array_equal(fast.data, general.data, equal_nan=True)
        assert fast.descriptions == general.descriptions and fast.crs == general.crs


@pytest.mark.parametrize("sampling", ["mean", "chip"])
def test_a_batch_is_the_same_however_it_comes(project, sampling, monkeypatch):
    made = project(30)
    made.run(f"process.sampling={sampling}", "process.chip_size=4")
    settings = made.settings([f"process.sampling={sampling}", "process.chip_size=4"])
    data = SampleDataset(settings.root / settings.processed_dir / "dataset.h5", "train")
    rows, cpu = np.array([3, 0, 5, 3]), torch.device("cpu")
    kept, read = fetcher(data, cpu), fetcher(data, cpu, most=0)
    for a, b, c in zip(kept(rows), read(rows), data[rows]):
        assert torch.equal(a, b) and torch.equal(b, c)
    whole = data.arrays()[0]
    monkeypatch.setattr("seedbed.dataset.CACHE", 1)
    assert np.array_equal(data.arrays()[0], whole) and len(data[[]][0]) == 0


LIMITED = """
import resource, sys
import numpy as np
import torch
from seedbed.dataset import SampleDataset
data = SampleDataset(sys.argv[1], None)
used = int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmData"))) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + 100 * 2**20,) * 2)
try: np.ones(data.facts["steps"] * len(data) * 8 * 32 * 32, "float32"); raise SystemExit("the limit does not hold")
except MemoryError: pass
print(sum(float(X.sum()) * 0 + len(y) for X, y in data.loader(32, shuffle=True)))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is limited by Linux")
def test_a_dataset_larger_than_the_memory_that_is_left(tmp_path):
    path, n, shape = tmp_path / "dataset.h5", 3000, (4, 8, 32, 32)  # 393 MB, and 100 MB are left
    with h5py.File(path, "w") as file:
        file.create_dataset("X", (n, *shape), "float32")
        for start in range(0, n, 500):
            file["X"][start : start + 500] = np.ones((500, *shape), "float32")
        file["static"], file["y"] = np.zeros((n, 0), "float32"), np.zeros(n, int)
        file.create_dataset("split", data=np.full((2, n), b"train", "S7"))
        meta = {
            "task": "classification",
            "classes": ["a"],
            "unit": "",
            "steps": 4,
            "variables": list("abcdefgh"),
            "static_names": [],
        }
        for name, value in meta.items():
            file.attrs[name] = json.dumps(value)
        for name, size in {
            "medians": (2, 4, 8),
            "mean": (2, 8),
            "static_medians": (2, 0),
            "static_mean": (2, 0),
        }.items():
            file.attrs[name] = np.zeros(size, "float32")
        for name, size in {"std": (2, 8), "static_std": (2, 0)}.items():
            file.attrs[name] = np.ones(size, "float32")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == "3000.0", done.stderr[-2000:]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Labels, layout and settings of a project with holes, an unreadable tif and a label that is all cloud."""
    from world import build

    def make(i):
        values = pixels(i)
        if i % 3 == 0:
            values[i % 6, :4] = np.nan
        if i == 5:
            values[:] = np.nan
        return values

    world = build(tmp_path_factory.mktemp("world"), 30, make=make)
    world.export()
    settings = world.settings()
    folder = settings.root / settings.export_dir
    (folder / "tifs/s07.tif").unlink()
    (folder / "tifs/s07.tif").write_bytes(b"no tif")
    layout = layout_from_dict(json.loads((folder / "manifest.json").read_text())["layout"])
    return folder, read_labels(folder / "labels.geojson"), layout, settings.process


@pytest.mark.parametrize("sampling", ["center", "mean", "pixels", "chip"])
def test_batches_and_processes_change_nothing(exported, sampling, tmp_path):
    *given, process = exported
    given.append(process.model_copy(update={"sampling": sampling, "chip_size": 4}))
    whole, faults = read_samples(*given, size=1000)
    with processes(2) as pool:
        parts, again = read_samples(
            *given, spread=partial(in_order, executor=pool), size=4, room=tmp_path
        )
    assert (
        faults == again
        and set(faults) == {"s05", "s07"}
        and "100 %" in faults["s05"]
        and not list(tmp_path.iterdir())
    )
    for name in ("X", "static", "label", "place", "missing", "digest", "gaps"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
    for name in ("level", "absent", "total", "square"):
        np.testing.assert_array_equal(getattr(whole.moments, name), getattr(parts.moments, name))
    assert whole.ground == parts.ground and not {5, 7} & set(whole.label.tolist())


@pytest.mark.parametrize("window", [(), (4, 4), (5, 3)])
def test_sums_say_what_the_pixels_say(window):
    rng = np.random.default_rng(1)
    X = rng.normal(3, 2, (40, 3, 4, *window)).astype("float32")
    X[rng.random(X.shape) < 0.1] = np.nan
    X[:, 1, 2] = np.nan
    sums, train = moments(X), rng.random(40) < 0.7
    middle, mean, std = scaling(sums[train])
    np.testing.assert_allclose((mean, std), statistics(fill(X[train], middle)), rtol=1e-6)
    if not window:
        assert np.array_equal(middle, medians(X[train]))
    np.testing.assert_allclose(
        scaling(sums[train], middle + 1)[1], statistics(fill(X[train], middle + 1))[0], rtol=1e-6
    )


def test_a_spool_without_rows(tmp_path):
    spool = Spool(tmp_path)
    spool.append(np.zeros((0, 3, 2), "float32"))
    assert spool.array().shape == (0, 3, 2)
