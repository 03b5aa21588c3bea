"""How cost grows: the same stages with ten and a hundred times as many samples."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import phenology
from harness import Row, in_child

SIZES = tuple(int(n) for n in os.environ.get("SEEDBED_BENCH_SIZES", "1000,10000,100000").split(","))
OVERRIDES = ["process.sampling=center", "split.folds=3", "run.workers=1", "models.names=logistic_regression,hist_gradient_boosting"]


def settings_of(root):
    """Settings of a project in a folder."""
    from seedbed.lib.settings import load_settings
    return load_settings(Path(root, "settings.ini"), OVERRIDES)


def stage_process(root): from seedbed.process import process; process(settings_of(root), "export", "made")
def stage_dataset(root):
    """One epoch of shuffled batches."""
    from seedbed.dataset import SampleDataset
    for X, y in SampleDataset(Path(root, "made/dataset.h5")).loader(256, shuffle=True): pass
def stage_train(root):
    """Boosting on one fold."""
    from seedbed.dataset import SampleDataset
    from seedbed.model import find_model
    model = find_model("hist_gradient_boosting")(0)
    model.fit(SampleDataset(Path(root, "made/dataset.h5"))); model.predict(SampleDataset(Path(root, "made/dataset.h5"), "val"))
def stage_score(root):
    """All scores with their intervals, of answers that are right in four of five cases."""
    from seedbed.dataset import SampleDataset
    from seedbed.model import answers, score_record
    data, rng = SampleDataset(Path(root, "made/dataset.h5"), None), np.random.default_rng(0)
    proba = rng.dirichlet(np.ones(4), len(data)) * .4
    proba[np.arange(len(data)), np.where(rng.random(len(data)) < .8, data.y, rng.integers(0, 4, len(data)))] += .6
    table, y, proba = answers(data, proba)
    score_record(table.assign(judged=True), y, proba, data.classes, "classification", "f1_score")
def stage_compare(root):
    """Two models' intervals and their paired difference."""
    from seedbed.dataset import SampleDataset
    from seedbed.lib.judging.comparison import candidate, comparison_rows
    from seedbed.lib.judging.metrics import METRICS
    data, rng, metric = SampleDataset(Path(root, "made/dataset.h5"), None), np.random.default_rng(0), METRICS["f1_score"]
    answer = lambda: np.eye(4)[np.where(rng.random(len(data)) < .8, data.y, rng.integers(0, 4, len(data)))]
    two = [candidate(name, "bands", metric, data.y, data.column("block"), {0: answer(), 1: answer()}) for name in "ab"]
    comparison_rows(two, metric)


STAGES = {"process (tifs to dataset.h5)": stage_process, "dataset (an epoch of batches)": stage_dataset,
          "train (boosting, one fold)": stage_train, "score (all intervals)": stage_score, "compare (two models)": stage_compare}


def warm():
    """Import here what the stages import, so that no child pays for it."""
    import seedbed.compare, seedbed.model, seedbed.process # noqa: F401


def run():
    """The rows of the table: cost a sample with the most samples over the cost with ten times fewer."""
    from seedbed.lib.files import project_root
    found = {}
    warm()
    for n in SIZES:
        with tempfile.TemporaryDirectory() as root:
            shutil.copy(project_root() / "settings.ini", root)
            phenology.export(Path(root, "export"), n, size=4)
            for name, stage in STAGES.items(): found[name, n] = in_child(stage, root)[1:]
    rows = []
    for name in STAGES:
        us, kb = [1e6 * found[name, n][0] / n for n in SIZES], [1024 * found[name, n][1] / n for n in SIZES]
        said = " | ".join(f"{v:.0f}" for v in us) + " us at " + " | ".join(f"{n:,}" for n in SIZES)
        rows.append(Row(f"{name}: time a sample, {SIZES[-1]:,} over {SIZES[-2]:,}", us[-1] / us[-2], "<= 1.3", said))
        said = " | ".join(f"{v:.1f}" for v in kb) + " KB more than at the start"
        rows.append(Row(f"{name}: memory a sample", max(kb[-1], .01) / max(kb[-2], .01), "<= 1.3", said))
    return rows
