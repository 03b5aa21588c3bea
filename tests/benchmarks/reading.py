"""From tifs to arrays, and from tifs to a finished dataset."""

import os
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
import tifffile
from affine import Affine
from harness import Row, in_child, race
from rasterio.windows import Window

from seedbed.base.settings import load_settings
from seedbed.imagery.chips import read_chip, write_chip
from seedbed.imagery.layout import Layout, layout_from_names
from seedbed.imagery.raster import Heads
from seedbed.process import process
from tests.support import phenology


def like_cropharvest(path):
    """What CropHarvest's engineer does with a tif: lazy xarray, step by step with the static bands, the middle pixel, holes filled by band."""
    import xarray as xr

    with rasterio.open(path) as file:
        left, bottom, right, top = file.bounds
        places = {
            "y": np.linspace(top, bottom, file.height),
            "x": np.linspace(left, right, file.width),
        }

        def bands(first, last):  # of a lazy array, a slice is read when it is used
            return xr.DataArray(
                file.read(list(range(first + 1, last + 1))),
                dims=("band", "y", "x"),
                coords={"band": range(first, last), **places},
            )

        static, steps = bands(204, 206), []
        for k in range(12):
            steps.append(
                xr.concat([bands(17 * k, 17 * (k + 1)), static], "band").assign_coords(
                    band=range(19)
                )
            )
        stack = xr.concat(steps, "time").values
    middle = stack[:, :, stack.shape[2] // 2, stack.shape[3] // 2]
    return np.where(np.isnan(middle), np.nanmean(stack, axis=(0, 2, 3)), middle)


def windowed(path):
    """rasterio's window read, as TorchGeo and others do it."""
    with rasterio.open(path) as file:
        return file.read(window=Window(0, 0, 16, 16))


def by_tifffile(path):
    """The values of a tif, without a word on where they lie."""
    with tifffile.TiffFile(path) as file:
        return file.pages[0].asarray()


def earth_engine_chips(folder, count=6):
    """Chips as Earth Engine exports them: 17 x 17, 206 bands of float64, one LZW tile of 256; the real one where it is at hand."""
    rng = np.random.default_rng(0)
    real = next(
        Path(os.environ.get("SEEDBED_SHARED_DATA", "/nowhere"), "togo_cropharvest_chip/tifs").glob(
            "*.tif"
        ),
        None,
    )
    names = [f"V{b}_{k}" for k in range(12) for b in range(17)] + ["elevation", "slope"]
    if real is not None:
        with rasterio.open(real) as file:
            data, names = file.read(), file.descriptions
    else:
        data = rng.normal(0.2, 0.1, (206, 17, 17)).round(4)
    for i in range(count):
        with rasterio.open(
            folder / f"{i}.tif",
            "w",
            driver="GTiff",
            width=17,
            height=17,
            count=206,
            dtype="float64",
            crs="EPSG:4326",
            compress="lzw",
            interleave="pixel",
            tiled=True,
            blockxsize=256,
            blockysize=256,
            transform=Affine(8.98e-5, 0, 1 + i, 0, -8.98e-5, 7),
        ) as file:
            file.write(data + rng.normal(0, 1e-4, data.shape))
            file.descriptions = names
    kind = "the real chip, jittered" if real is not None else "made like a real chip"
    return sorted(folder.glob("*.tif")), layout_from_names(names), kind


def own_chips(folder, count=20):
    """Chips of twelve steps of 18 bands, written by seedbed's own writer; and the same ones deflated, one strip of mixed bands."""
    layout = Layout(tuple(f"B{i}" for i in range(18)), 12)
    leaves = phenology.series(phenology.table(count)["label"], bands=18, missing=0).reshape(
        count, -1, 1, 1
    )
    reflectance = (
        (leaves + np.random.default_rng(0).normal(0, 0.02, (count, 216, 16, 16)))
        .round(4)
        .astype("float32")
    )
    packed = {
        "driver": "GTiff",
        "width": 16,
        "height": 16,
        "count": 216,
        "dtype": "float32",
        "crs": "EPSG:32635",
        "nodata": np.nan,
        "transform": Affine(10, 0, 5e5, 0, -10, 5e6),
        "compress": "deflate",
        "zlevel": 1,
        "interleave": "pixel",
        "blockysize": 16,
    }
    for i, values in enumerate(reflectance):
        write_chip(
            folder / f"own/{i}.tif", values, packed["transform"], packed["crs"], layout.descriptions
        )
        with rasterio.open(folder / f"packed{i}.tif", "w", **packed) as file:
            file.write(values)
            file.descriptions = layout.descriptions
    return sorted(folder.glob("own/*.tif")), sorted(folder.glob("*.tif")), layout


def finished(folder, sampling="chip"):
    """CPU seconds of process(), and of reading the same tifs alone."""
    settings = load_settings(
        overrides=[f"process.sampling={sampling}", "process.chip_size=16", "run.workers=1"]
    )
    start = time.process_time()
    report = process(settings, folder, Path(folder, "made"))
    return time.process_time() - start, sum(report["split"]["labels"].values())


def run():
    """The rows of the table."""
    rows, many = [], lambda read, paths: lambda: [read(p) for p in paths]
    with tempfile.TemporaryDirectory() as folder:
        paths, layout, kind = earth_engine_chips(Path(folder))
        heads = Heads()
        ours = lambda p: read_chip(p, layout, heads)
        t = race(
            4,
            ours=many(ours, paths),
            window=many(windowed, paths),
            peer=many(like_cropharvest, paths),
        )
        ms = {k: 1000 * v / len(paths) for k, v in t.items()}
        said = f"{ms['ours']:.1f} ms against {ms['peer']:.0f} ms; {kind}"
        rows.append(
            Row(
                "Earth Engine's chips: files/s, times CropHarvest's reading",
                t["peer"] / t["ours"],
                ">= 30",
                said,
            )
        )
        rows.append(
            Row(
                "the same, times rasterio's window read",
                t["window"] / t["ours"],
                "",
                f"{ms['window']:.0f} ms",
            )
        )
    with tempfile.TemporaryDirectory() as folder:
        paths, packed, layout = own_chips(Path(folder))
        heads = Heads()
        ours = lambda p: read_chip(p, layout, heads)
        t = race(
            6,
            ours=many(ours, paths),
            window=many(windowed, paths),
            packed=many(ours, packed),
            packed_window=many(windowed, packed),
            bytes=many(lambda p: p.read_bytes(), paths),
        )
        ms = {k: 1000 * v / len(paths) for k, v in t.items()}
        kb = {k: p[0].stat().st_size / 1024 for k, p in (("ours", paths), ("packed", packed))}
        said = f"{ms['ours']:.2f} ms against {ms['window']:.1f} ms; the bytes alone {ms['bytes']:.2f} ms; {kb['ours']:.0f} KB"
        rows.append(
            Row(
                "seedbed's own chips: files/s, times rasterio's window read",
                t["window"] / t["ours"],
                ">= 5",
                said,
            )
        )
        said = f"{ms['packed']:.2f} ms against {ms['packed_window']:.1f} ms; {kb['packed']:.0f} KB: what they would cost, compressed"
        rows.append(Row("the same chips deflated", t["packed_window"] / t["packed"], "", said))
    with tempfile.TemporaryDirectory() as folder:
        count = int(os.environ.get("SEEDBED_BENCH_CHIPS", 10_000))
        phenology.export(Path(folder, "export"), count, bands=6, steps=12)
        paths = sorted(Path(folder, "export/tifs").glob("*.tif"))
        layout = Layout(tuple(f"B{b}" for b in range(6)), 12)
        start = time.process_time()
        heads = Heads()
        for p in paths:
            read_chip(p, layout, heads)
        alone = time.process_time() - start
        (seconds, labels), _, memory = in_child(finished, str(Path(folder, "export")))
        some = paths[:: len(paths) // 200 + 1]
        peers = race(2, window=many(windowed, some), tifffile=many(by_tifffile, some))
        by_rasterio, bare = (value * len(paths) / len(some) for value in peers.values())
        said = f"{seconds:.1f} s against {alone:.1f} s of one core, {by_rasterio:.0f} s with rasterio; {memory:.0f} MB more than at the start"
        rows.append(
            Row(
                f"{count:,} chips to a finished dataset.h5, times reading them",
                seconds / alone,
                "<= 1.5",
                said,
            )
        )
        rows.append(
            Row(
                "the same, times reading them with tifffile",
                seconds / bare,
                "",
                f"{bare:.1f} s: a file each, values alone",
            )
        )
    return rows
