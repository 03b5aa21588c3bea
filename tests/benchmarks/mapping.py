"""Maps: pixels a second against the model's own speed, and against a DataLoader that is asked for one pixel at a time."""

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
from seedbed.imagery.missing import interpolate
from seedbed.imagery.scene import Scene
from seedbed.map import Pixels, applicability_of, make_map, map_parts, windows_of
from seedbed.models.base import save_model
from seedbed.models.registry import find_model, load_model
from seedbed.process import as_series, process
from seedbed.training.dataset import FINAL, SampleDataset

PIXELS = 3  # times the sample's scene, in both directions


def large_scene(source, target, times):
    """A scene repeated side by side, in tiles of 256 pixels."""
    with rasterio.open(source) as file:
        data, profile, names = file.read(), file.profile, file.descriptions
    many = np.tile(data, (1, times, times))
    with rasterio.open(
        target,
        "w",
        **profile
        | dict(
            width=many.shape[2],
            height=many.shape[1],
            tiled=True,
            blockxsize=256,
            blockysize=256,
            zlevel=1,
        ),
    ) as file:
        file.write(many)
        file.descriptions = names
    return target


class OnePixel(torch.utils.data.Dataset):
    """What a template offers at first: an item is a pixel, read and prepared alone."""

    def __init__(self, scene, meta):
        self.scene, self.meta = scene, meta

    def __len__(self):
        return self.scene.height * self.scene.width

    def __getitem__(self, i):
        values = self.scene.read(i // self.scene.width, i % self.scene.width, 1, 1).reshape(1, -1)
        X, static, _ = as_series(values, self.scene.layout, self.meta["indices"])
        return Pixels(self.meta, interpolate(X), static, None).arrays()[0][0]


def one_by_one(model, scene, count):
    """Seconds a pixel of a loop over a DataLoader."""
    loader = torch.utils.data.DataLoader(
        torch.utils.data.Subset(OnePixel(scene, model.meta), range(count)), batch_size=64
    )
    start = time.process_time()
    for X in loader:
        stand_in = Pixels(model.meta, X.numpy(), np.zeros((len(X), 0), np.float32), None)
        stand_in._arrays = X.numpy()
        model.predict(stand_in)
    return (time.process_time() - start) / count


def trained(root):
    """The sample's dataset, and models that were trained on all of it."""
    settings = load_settings(
        overrides=[
            f"paths.exports={root}/exports",
            f"paths.processed={root}/processed",
            "models.epochs=5",
        ]
    )
    export(settings), process(settings)
    path = settings.root / settings.processed_dir / "dataset.h5"
    for name in ("random_forest", "tempcnn", "logistic_regression"):
        model, place = find_model(name)(0, settings.models), root / "run/models" / name / "seed_0"
        save_model(model.train(SampleDataset(path, "train", FINAL)), place)
        yield load_model(place), place, path


def trained_of_pixels(root, names=("unet", "utae")):
    """Networks with an answer for each pixel of brandenburg, trained for a moment."""
    settings = load_settings(
        overrides=[
            "source.name=sample:brandenburg",
            "labels.kind=dense",
            f"paths.exports={root}/dense/exports",
            f"paths.processed={root}/dense/processed",
            "models.epochs=1",
        ]
    )
    export(settings), process(settings)
    path = settings.root / settings.processed_dir / "dataset.h5"
    for name in names:
        model, place = find_model(name)(0, settings.models), root / "run/models" / name / "seed_0"
        save_model(model.train(SampleDataset(path, "train", FINAL)), place)
        yield load_model(place), place, path


def dense_rows(root):
    """A map of networks that see space against their own speed on arrays in memory."""
    source, rows = load_settings().root / "data/sample/brandenburg/scene.tif", []
    for model, place, path in trained_of_pixels(root):
        tif = large_scene(source, root / "dense.tif", 2)
        scene = Scene(tif, layout_from_dict(model.meta["layout"]))
        near, count = applicability_of(model, place, path), iter(range(100))
        pictures, pixels = [], 0
        for row, column, height, width in windows_of(model, scene)[:6]:
            X, static, _ = as_series(
                scene.read(row, column, height, width)[None], scene.layout, model.meta["indices"]
            )
            pictures.append(Pixels(model.meta, interpolate(X), static, None))
            pictures[-1].arrays()
            pixels += height * width
        some = windows_of(model, scene)[:6]
        seconds = race(
            5,
            memory=lambda: [model.predict(picture) for picture in pictures],
            map=lambda: map_parts(
                model,
                scene,
                near,
                _folder(root / f"parts-{model.name}-{next(count)}"),
                workers=1,
                todo=some,
            ),
        )
        us = {name: 1e6 * value / pixels for name, value in seconds.items()}
        rows.append(
            Row(
                f"map with {model.name} (dense): share of the model's own speed in memory",
                seconds["memory"] / seconds["map"],
                ">= 0.77",
                f"{us['map']:.2f} us a pixel of 13 bands from a compressed scene, with margins;"
                f" {us['memory']:.2f} us from the same windows in memory",
            )
        )
    small, large = (
        mapped_mb(place, large_scene(source, root / f"d{n}.tif", n), path, root / f"d{n}")
        for n in (2, 4)
    )
    rows.append(
        Row(
            "memory of a dense map of 4 times the pixels",
            large / small,
            "<= 1.3",
            f"{small:.0f} MB and {large:.0f} MB, {model.name}",
        )
    )
    return rows


def mapped_mb(place, tif, path, folder):
    """Peak memory of mapping a scene, in MB beyond what was held before."""
    return in_child(
        lambda: make_map(load_model(place), place, tif, path, folder, workers=1) and None
    )[2]


def run():
    """The rows of the table."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        return rows_in(Path(folder)) + dense_rows(Path(folder))


def rows_in(root):
    """The same, with what is trained and mapped below a folder."""
    rows = []
    for model, place, path in trained(root):
        if model.name == "logistic_regression":
            continue  # for memory alone: its map takes as long as reading
        tif = large_scene(
            load_settings().root / "data/sample/romania/scene.tif",
            root / f"{model.name}.tif",
            PIXELS,
        )
        scene = Scene(tif, layout_from_dict(model.meta["layout"]))
        near, pixels = applicability_of(model, place, path), scene.height * scene.width
        values = scene.read(0, 0, scene.height, scene.width)
        X, static, _ = as_series(
            np.ascontiguousarray(values.reshape(len(values), -1).T),
            scene.layout,
            model.meta["indices"],
        )
        memory = Pixels(model.meta, interpolate(X), static, None)
        memory.arrays()
        count = iter(range(100))
        seconds = race(
            4,
            memory=lambda: model.predict(memory),
            map=lambda: map_parts(
                model, scene, near, _folder(root / f"parts-{model.name}-{next(count)}"), workers=1
            ),
        )
        single = one_by_one(model, scene, 400) * pixels
        speed = f"{pixels / seconds['map']:,.0f} pixels/s of one core; {pixels / seconds['memory']:,.0f} from arrays in memory"
        rows.append(
            Row(
                f"map with {model.name}: times the model's own speed in memory",
                seconds["map"] / seconds["memory"],
                "<= 1.3",
                speed,
            )
        )
        rows.append(
            Row(
                f"map with {model.name}: times faster than one pixel at a time",
                single / seconds["map"],
                ">= 10",
                "a DataLoader of single pixels, batches of 64",
            )
        )
    small, large = (
        mapped_mb(
            place,
            large_scene(
                load_settings().root / "data/sample/romania/scene.tif", root / f"m{n}.tif", n
            ),
            path,
            root / f"m{n}",
        )
        for n in (5, 15)
    )
    rows.append(
        Row(
            "memory of a map of 9 times the pixels",
            large / small,
            "<= 1.3",
            f"{small:.0f} MB and {large:.0f} MB, logistic_regression",
        )
    )
    return rows


def _folder(path):
    path.mkdir()
    return path
