"""Dense maps of made-up scenes as large as real ones: memory and speed. Takes long, so only where it is named."""

import multiprocessing
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
import torch
from harness import Row, in_child, peak_mb

from seedbed.map import make_map
from seedbed.models.base import save_model
from seedbed.models.registry import find_model, load_model
from seedbed.process import ready_dataset
from seedbed.training.dataset import FINAL, SampleDataset
from tests.support.dense import CRS, GRID, dense_settings, truth, write_raster

SCENES = (  # side in pixels, bands, dates, model
    (10_000, 13, 1, "unet"),
    (1_500, 10, 12, "utae"),
    (3_000, 10, 12, "utae"),
)
WORKERS = 2  # windows side by side
BLOCK = 512


def names_of(bands, steps):
    """Descriptions of bands."""
    return [f"B{b:02d}_t{t:02d}" for t in range(steps) for b in range(bands)]


def noise(rng, count, side):
    """Values of some bands, smooth enough to be compressed, uint16."""
    coarse = rng.integers(200, 4000, (count, side // 8, side // 8), dtype=np.uint16)
    fine = rng.integers(0, 64, (count, side, side), dtype=np.uint16)
    return coarse.repeat(8, 1).repeat(8, 2) + fine


def large(path, side, bands, steps):
    """A scene of so many pixels a side, written block by block."""
    profile = {
        "driver": "GTiff",
        "height": side,
        "width": side,
        "count": bands * steps,
        "dtype": "uint16",
        "crs": CRS,
        "transform": GRID,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "interleave": "band",
        "compress": "deflate",
        "zlevel": 1,
        "bigtiff": "yes",
    }
    some = [noise(np.random.default_rng(k), bands * steps, BLOCK) for k in range(3)]
    with rasterio.open(path, "w", **profile) as file:
        for number, (row, column) in enumerate(np.ndindex(-(-side // BLOCK), -(-side // BLOCK))):
            r, c = row * BLOCK, column * BLOCK
            h, w = min(BLOCK, side - r), min(BLOCK, side - c)
            file.write(some[number % 3][:, :h, :w], window=((r, r + h), (c, c + w)))
        file.descriptions = names_of(bands, steps)
    return path


def trained(root, name, bands, steps):
    """A network that has seen a small scene of such bands for a moment."""
    write_raster(
        root / "scene.tif",
        noise(np.random.default_rng(9), bands * steps, 96),
        names=names_of(bands, steps),
    )
    write_raster(root / "mask.tif", truth().astype("uint8"))
    labels = {"masks": "mask.tif", "values": "0=bare, 1=crop, 2=wood", "field": 32, "tile": 8}
    split = {"block_km": 0.3, "folds": 2, "method": "random", "allow_leakage": True}
    settings = dense_settings(root, labels=labels, split=split, models={"epochs": 1})
    path, place = ready_dataset(settings), root / "run/models" / name / "seed_0"
    save_model(
        find_model(name)(0, settings.models).train(SampleDataset(path, "train", FINAL)), place
    )
    return place, path


def mapped_alone(place, scene, path, root):
    """Pixels of a map, the peak of this process in MB, how much more that is than before, and CPU seconds."""
    torch.set_num_threads(1)
    before, start = peak_mb(), time.process_time()
    record = make_map(load_model(place), place, scene, path, root / "map", WORKERS)
    used = time.process_time() - start
    return record["pixels"]["mapped"], peak_mb(), peak_mb() - before, used


def mapped(side, bands, steps, name):
    """What a map of such a scene takes."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        place, path = in_child(trained, root, name, bands, steps)[0]
        scene = large(root / "large.tif", side, bands, steps)
        began = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(1) as fresh:  # holds nothing of the training
            pixels, whole, more, computed = fresh.apply(mapped_alone, (place, scene, path, root))
        seconds = time.perf_counter() - began
    assert pixels == side * side
    return Row(
        f"memory of a dense map of {side:,} x {side:,} pixels, in GB",
        whole / 1000,
        "<= 1",
        f"{name}, {bands} bands x {steps} dates, {WORKERS} windows at a time at most; {more:.0f} MB more"
        f" than before the map; {seconds:.0f} s, {1e6 * computed / side**2:.2f} us of computing a"
        f" pixel; {pixels:,} pixels predicted",
    )


def run():
    """The rows of the table."""
    torch.set_num_threads(1)
    return [mapped(*scene) for scene in SCENES]
