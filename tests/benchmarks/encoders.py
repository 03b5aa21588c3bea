"""Pretrained encoders, without their weights: samples a second, and a map against the encoder's own batches."""

import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
import torch
from harness import Row, in_child, race

from seedbed.base.settings import load_settings
from seedbed.export import export
from seedbed.imagery.layout import layout_from_dict
from seedbed.imagery.scene import Scene
from seedbed.map import applicability_of, make_map, map_parts
from seedbed.models.base import save_model
from seedbed.models.pretrained.encoder import embed
from seedbed.models.pretrained.features import load_encoder
from seedbed.models.pretrained.presto import Presto
from seedbed.models.registry import find_model, load_model
from seedbed.process import process
from seedbed.training.dataset import FINAL, SampleDataset

RANDOM = ("presto = random",)
SIDE = 48  # pixels of a scene
WINDOW = 100_000  # values of a window


def with_gaps(n=1000, steps=12, seed=0):
    """Samples with all of Presto's inputs, months of clouds and 32 patterns of gaps."""
    rng = np.random.default_rng(seed)
    X = np.stack(
        [rng.normal(i.shift + i.scale / 2, i.scale / 10, (n, steps)) for i in Presto.inputs], 2
    )
    groups = [i.group.startswith("S2") for i in Presto.inputs]
    cloudy = (rng.random((32, steps)) < 0.2)[np.arange(n) % 32]
    missing = cloudy[:, :, None] & np.array(groups)
    month = np.tile(np.arange(steps), (n, 1))
    return X.astype(np.float32), missing, month, rng.uniform(-60, 60, (n, 2)).astype(np.float32)


def part_of_scene(target, times):
    """A corner of the sample's scene, repeated side by side."""
    with rasterio.open(load_settings().root / "data/sample/romania/scene.tif") as file:
        data, profile = file.read()[:, :SIDE, :SIDE], file.profile
        names = file.descriptions
    many = np.tile(data, (1, times, times))
    size = {"width": many.shape[2], "height": many.shape[1], "tiled": True}
    with rasterio.open(
        target, "w", **profile | size | dict(blockxsize=256, blockysize=256)
    ) as file:
        file.write(many)
        file.descriptions = names
    return target


def run():
    """The rows of the table."""
    torch.set_num_threads(1)
    encoder = load_encoder(Presto, RANDOM).encoder
    samples = with_gaps()
    start = time.process_time()
    embed(encoder, *samples)
    seconds = time.process_time() - start
    rows = [
        Row(
            "1,000 samples with all of Presto's inputs, 12 months, 32 patterns of gaps: seconds",
            seconds,
            "<= 5",
            f"{1000 / seconds:,.0f} samples/s of one core",
        )
    ]
    with tempfile.TemporaryDirectory() as folder:
        return rows + rows_of_map(Path(folder))


def rows_of_map(root):
    """Speed and memory of maps with Presto."""
    asked = [f"paths.{name}={root / name}" for name in ("exports", "processed", "cache")]
    settings = load_settings(overrides=[*asked, "models.weights=presto = random"])
    export(settings), process(settings)
    path = settings.root / settings.processed_dir / "dataset.h5"
    place = root / "run/models/presto/seed_0"
    save_model(
        find_model("presto")(0, settings.models).train(SampleDataset(path, "train", FINAL)), place
    )
    model = load_model(place)
    scene = Scene(part_of_scene(root / "one.tif", 1), layout_from_dict(model.meta["layout"]))
    near, pixels, count = applicability_of(model, place, path), SIDE * SIDE, iter(range(100))
    encoder = load_encoder(Presto, RANDOM).encoder
    months = model.meta["steps"]
    missing = np.ones((pixels, months, len(Presto.inputs)), bool)
    wanted = [i.name in model.meta["pretrained"]["plan"]["columns"] for i in Presto.inputs]
    wanted[-1] = True  # NDVI, from red and near infrared
    missing[:, :, wanted] = False
    X = with_gaps(pixels, months)[0]
    memory = X, missing, np.tile(np.arange(months), (pixels, 1)), np.zeros((pixels, 2), np.float32)

    def mapped():
        aside = root / f"parts-{next(count)}"
        aside.mkdir()
        map_parts(model, scene, near, aside, WINDOW, workers=1, start="2018-04-01")

    seconds = race(3, memory=lambda: embed(encoder, *memory), map=mapped)
    said = f"{pixels / seconds['map']:,.0f} pixels/s of one core; {pixels / seconds['memory']:,.0f} in the encoder's own batches"
    small, large = (
        in_child(
            lambda: (
                make_map(
                    load_model(place),
                    place,
                    part_of_scene(root / f"{times}.tif", times),
                    path,
                    root / f"map-{times}",
                    workers=1,
                    window_values=WINDOW,
                    start="2018-04-01",
                )
                and None
            )
        )[2]
        for times in (1, 3)
    )
    return [
        Row(
            "map with presto: times the encoder's own batches in memory",
            seconds["map"] / seconds["memory"],
            "<= 1.3",
            said,
        ),
        Row(
            "MB more that a map with presto of 9 times the pixels takes",
            large - small,
            "<= 64",
            f"{small:.0f} MB and {large:.0f} MB; GDAL keeps up to 64 MB of a scene, this has 30",
        ),
    ]
