"""How cost grows: the same stages with ten and a hundred times as many samples."""

import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from harness import Row, in_child

from tests.support import phenology

SIZES = tuple(int(n) for n in os.environ.get("SEEDBED_BENCH_SIZES", "1000,10000,100000").split(","))
NOISE = 20  # MB that a process takes and gives back as it likes
OVERRIDES = [
    "process.sampling=center",
    "split.folds=3",
    "run.workers=1",
    "models.names=logistic_regression,hist_gradient_boosting",
]


MODEL = "run/models/hist_gradient_boosting/seed_0"


def scene(path, pixels):
    """An image of fields of 100 x 100 pixels, as many as asked for."""
    side, crops = int(pixels**0.5), np.repeat(list(phenology.CROPS), 2500)
    field = phenology.series(crops).reshape(100, 100, 72).transpose(2, 0, 1)
    image = np.tile(field, (1, side // 100 + 1, side // 100 + 1))[:, :side, :side]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=side,
        height=side,
        count=72,
        dtype="float32",
        crs="EPSG:4326",
        nodata=np.nan,
        transform=Affine(9e-5, 0, 10, 0, -9e-5, 46),
        tiled=True,
        blockxsize=256,
        blockysize=256,
    ) as file:
        file.write(image)
        file.descriptions = [f"B{b}_t{t:02d}" for t in range(12) for b in range(6)]


def settings_of(root):
    """Settings of a project in a folder."""
    from seedbed.base.settings import load_settings

    return load_settings(Path(root, "settings.ini"), OVERRIDES)


def stage_export(root):
    """From a folder of labels and tifs."""
    from seedbed.base.settings import load_settings
    from seedbed.export import export

    export(load_settings(Path(root, "settings.ini"), ["source.name=folder:export"]), "again")


def stage_process(root):
    from seedbed.process import process

    process(settings_of(root), "export", "made")


def stage_dataset(root):
    """One epoch of shuffled batches."""
    from seedbed.training.dataset import SampleDataset

    for X, y in SampleDataset(Path(root, "made/dataset.h5")).loader(256, shuffle=True):
        pass


def stage_train(root):
    """Boosting on one fold."""
    from seedbed.models.base import save_model
    from seedbed.models.registry import find_model
    from seedbed.training.dataset import SampleDataset

    model = find_model("hist_gradient_boosting")(0)
    model.train(SampleDataset(Path(root, "made/dataset.h5")))
    model.predict(SampleDataset(Path(root, "made/dataset.h5"), "val"))
    save_model(model, Path(root, MODEL))


def stage_map(root):
    """A map of ten times as many pixels as there are samples, and what the training data look like."""
    from seedbed.map import make_map
    from seedbed.models.registry import load_model

    make_map(
        load_model(Path(root, MODEL)),
        Path(root, MODEL),
        Path(root, "scene.tif"),
        Path(root, "made/dataset.h5"),
        Path(root, "map"),
        workers=1,
    )


def stage_score(root):
    """All scores with their intervals, of answers that are right in four of five cases."""
    from seedbed.evaluation.scoring import score_record
    from seedbed.models.records import per_label_predictions
    from seedbed.training.dataset import SampleDataset

    data, rng = SampleDataset(Path(root, "made/dataset.h5"), None), np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(4), len(data)) * 0.4
    proba[
        np.arange(len(data)),
        np.where(rng.random(len(data)) < 0.8, data.y, rng.integers(0, 4, len(data))),
    ] += 0.6
    table, y, proba = per_label_predictions(data, proba)
    score_record(table.assign(scored=True), y, proba, data.classes, "classification", "f1_score")


def stage_compare(root):
    """Two models' intervals and their paired difference."""
    from seedbed.evaluation.comparison import candidate, comparison_rows
    from seedbed.evaluation.metrics import METRICS
    from seedbed.training.dataset import SampleDataset

    data = SampleDataset(Path(root, "made/dataset.h5"), None)
    rng = np.random.default_rng(0)
    metric = METRICS["f1_score"]
    answer = lambda: np.eye(4)[
        np.where(rng.random(len(data)) < 0.8, data.y, rng.integers(0, 4, len(data)))
    ]
    two = [
        candidate(name, "bands", metric, data.y, data.column("block"), {0: answer(), 1: answer()})
        for name in "ab"
    ]
    comparison_rows(two, metric)


STAGES = {
    "export (of a folder)": stage_export,
    "process (tifs to dataset.h5)": stage_process,
    "dataset (an epoch of batches)": stage_dataset,
    "train (boosting, one fold)": stage_train,
    "map (ten pixels a sample)": stage_map,
    "score (all intervals)": stage_score,
    "compare (two models)": stage_compare,
}


def warm():
    """Import here what the stages import, so that no child pays for it."""
    import seedbed.compare
    import seedbed.export
    import seedbed.map
    import seedbed.model
    import seedbed.process  # noqa: F401


def run():
    """The rows of the table: cost a sample with the most samples over the cost with ten times fewer."""
    from seedbed.base.files import project_root

    found = {}
    warm()
    for n in SIZES:
        with tempfile.TemporaryDirectory() as root:
            shutil.copy(project_root() / "settings.ini", root)
            phenology.export(Path(root, "export"), n, size=4)
            scene(Path(root, "scene.tif"), 10 * n)
            for name, stage in STAGES.items():
                found[name, n] = in_child(stage, root)[1:]
    rows = []
    for name in STAGES:
        us, mb = [1e6 * found[name, n][0] / n for n in SIZES], [found[name, n][1] for n in SIZES]
        said = lambda values, unit: (
            " | ".join(f"{v:,.0f}" for v in values)
            + f" {unit} at "
            + " | ".join(f"{n:,}" for n in SIZES)
        )
        rows.append(
            Row(
                f"{name}: time a sample, {SIZES[-1]:,} over {SIZES[-2]:,}",
                us[-1] / us[-2],
                "<= 1.3",
                said(us, "us"),
            )
        )
        each = [max(m, NOISE) / n for m, n in zip(mb, SIZES)]
        rows.append(
            Row(
                f"{name}: memory a sample",
                each[-1] / each[-2],
                "<= 1.3",
                said(mb, "MB more than at the start"),
            )
        )
    return rows
