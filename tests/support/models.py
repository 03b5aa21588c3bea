"""Datasets that are easily learnt, every model that ships, and networks before training."""

import numpy as np
import pytest
import torch

from seedbed.base.settings import make_settings
from seedbed.models.network import Network
from seedbed.models.registry import list_models
from seedbed.process import write_dataset
from seedbed.training.dataset import SampleDataset
from seedbed.training.loops import (
    seed_everything,
)
from tests.support.paths import ROOT


def needs_weights(kind):
    """Whether a model is one of those on pretrained encoders."""
    return kind.__module__.startswith("seedbed.models.pretrained.")


def needs_data_of_its_own(kind):
    """Whether a model needs weights, chips or label rasters; such models have tests of their own."""
    return needs_weights(kind) or kind.dense or getattr(kind, "sees_space", False)


ALL = {name: kind for name, kind in list_models().items() if not needs_data_of_its_own(kind)}
NETWORKS = sorted(name for name, kind in ALL.items() if issubclass(kind, Network))
QUICK = {"majority", "coordinates", "date", "logistic_regression", "knn", "mlp", "gru"}


def each_model(names=ALL):
    """Models as parameters of a test: `make check` tries the quick ones, `make test` all."""
    return [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in sorted(names)]


STOCHASTIC = sorted(name for name, kind in ALL.items() if kind.stochastic)
TASKS = ("classification", "regression")
BANDS, STEPS, CLASSES = 3, 5, ["barley", "maize", "never", "wheat"]
ABSENT = CLASSES.index("never")
SUCCESS = {"classification": {"metric": "f1_score"}, "regression": {"metric": "r2"}}
SETTINGS = {
    task: make_settings(
        {
            "success": SUCCESS[task],
            "models": {"epochs": 3, "device": "cpu"},
            "run": {"resamples": 100},
        },
        root=ROOT,
    )
    for task in TASKS
}


def make_arrays(task, steps, window, n):
    """Samples whose level of the first band tells the class or the value; class `never` has samples for validation only, in fold 0."""
    rng = np.random.default_rng(0)
    answer = rng.choice([k for k in range(len(CLASSES)) if k != ABSENT], n)
    X = rng.normal(size=(n, steps, BANDS, *window)).astype("float32")
    X[:, :, 0] += 2 * answer.reshape(n, *[1] * (X.ndim - 2))
    number = np.arange(n)
    sides = np.stack(
        [
            np.where(number % 4 == 3, "val", "train"),
            np.where(number % 4 == 1, "val", "train"),
            np.full(n, "train"),
        ]
    )
    if task == "classification":
        y = np.where(number % 24 == 3, ABSENT, answer)
    else:
        y = (10 * answer + rng.normal(size=n)).astype("float32")
    name = np.array([f"label_{i:03d}" for i in number])
    return {
        "X": X,
        "static": rng.normal(size=(n, 1)).astype("float32"),
        "y": y,
        "id": name,
        "label_id": name,
        "lon": 20 + rng.random(n),
        "lat": 45 + rng.random(n),
        "start": np.array(["2018-04-01", "2019-03-01", "", "2018-09-01"])[answer],
        "group": np.full(n, ""),
        "region": np.where(number % 8 < 4, "west", "east"),
        "block": np.array([f"0_{i // 4 % 12}" for i in number]),
        "split": sides,
        "missing": np.zeros(n, "float32"),
    }


def make_attributes(task, steps, window):
    """The attributes of dataset.h5."""
    split = {
        "method": "blocks",
        "leaky": False,
        "fingerprint": "0" * 64,
        "fold": "all",
        "fold_names": ["0", "1"],
        "cross_validated": True,
        "seed": 0,
        "claim": "within_region",
        "block_km": 1.0,
        "buffer_km": 0.0,
        "warnings": [],
    }
    return {
        "schema_version": 1,
        "name": "made",
        "source": "made",
        "licence": "CC0-1.0",
        "attribution": "",
        "label_kind": "survey",
        "task": task,
        "target": "label",
        "unit": "" if task == "classification" else "t",
        "split": split,
        "classes": CLASSES if task == "classification" else [],
        "variables": ["red", "nir", "swir"],
        "static_names": ["height"],
        "steps": steps,
        "step_months": 1,
        "sampling": "chip" if window else "mean",
        "chip_size": window[0] if window else 8,
        "max_missing": 0.7,
        "indices": [],
        "layout": {"variables": ["red", "nir", "swir"], "static": ["height"], "steps": steps},
        "medians": np.zeros((3, steps, BANDS)),
        "mean": np.ones((3, BANDS)),
        "std": np.full((3, BANDS), 1.5),
        "static_medians": np.zeros((3, 1)),
        "static_mean": np.zeros((3, 1)),
        "static_std": np.ones((3, 1)),
    }


def make_dataset(folder, task="classification", steps=STEPS, window=(), n=96):
    """Both sides of the first fold of a dataset that is easily learnt."""
    path = folder / f"{task}-{steps}-{len(window)}" / "dataset.h5"
    write_dataset(path, make_arrays(task, steps, window, n), make_attributes(task, steps, window))
    return SampleDataset(path, "train"), SampleDataset(path, "val")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Train and validation side of each task."""
    folder = tmp_path_factory.mktemp("made")
    return {task: make_dataset(folder, task) for task in TASKS}


@pytest.fixture(scope="module")
def fitted(made):
    """Fitted models, each fitted once."""
    kept = {}

    def fit(name, task, seed=0):
        if (name, task, seed) not in kept:
            kept[name, task, seed] = ALL[name](seed, SETTINGS[task].models).train(made[task][0])
        return kept[name, task, seed]

    return fit


def check_answers(prediction, data):
    """Probabilities of each class, or a value for each sample."""
    assert np.isfinite(prediction).all()
    assert prediction.shape == ((len(data), len(data.classes)) if data.classes else (len(data),))
    if data.classes:
        np.testing.assert_allclose(prediction.sum(1), 1, atol=1e-5)
        assert (prediction >= 0).all()


def fresh_network(name, task, steps=STEPS, bands=4):
    """A network as it is before training, for classes 0 to 2 or for values around 20."""
    seed_everything(0)
    meta = {"outputs": 3} if task == "classification" else {"outputs": 1, "mean": 20.0, "std": 10.0}
    return ALL[name]().build(task, bands, steps, **meta)


def random_batch(task, n, seed, steps=STEPS, bands=4):
    """Samples with the answer in the first band."""
    generator = torch.Generator().manual_seed(seed)
    answer = torch.randint(3, (n,), generator=generator)
    X = torch.randn(n, steps, bands, generator=generator)
    X[:, :, 0] += 2 * answer[:, None]
    return X, answer if task == "classification" else 10.0 * answer + 10
