"""Every model that ships: it learns, it is reproducible, it comes back from disk, it is refused where it is broken."""

import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from seedbed.base.errors import InputError
from seedbed.base.results import read_results
from seedbed.base.settings import make_settings
from seedbed.model import cross_validate, subset
from seedbed.models.base import BaseModel, save_model
from seedbed.models.network import Network
from seedbed.models.registry import find_model, list_models, load_model
from seedbed.process import process, write_dataset
from seedbed.training.dataset import SampleDataset, WithValues
from seedbed.training.loops import (
    fetcher,
    loss_of,
    mean_loss,
    run_network,
    seed_everything,
    train_epoch,
)

ALL = list_models()
NETWORKS = sorted(name for name, kind in ALL.items() if issubclass(kind, Network))
STOCHASTIC = sorted(name for name, kind in ALL.items() if kind.stochastic)
TASKS = ("classification", "regression")
BANDS, STEPS, CLASSES = 3, 5, ["barley", "maize", "never", "wheat"]
ABSENT = CLASSES.index("never")

HOME = Path(__file__).resolve().parents[1]
SUCCESS = {"classification": {"metric": "f1_score"}, "regression": {"metric": "r2"}}
SETTINGS = {
    task: make_settings(
        {
            "success": SUCCESS[task],
            "models": {"epochs": 3, "device": "cpu"},
            "run": {"resamples": 100},
        },
        root=HOME,
    )
    for task in TASKS
}


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Results are compared to the last digit."""
    seed_everything(0)


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


# ---- networks


def test_networks_are_found():
    assert {"gru", "lstm", "ltae", "mlp", "tempcnn", "transformer"} <= set(NETWORKS)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", NETWORKS)
def test_loss_falls_on_one_batch(name, task):
    network, (X, y) = fresh_network(name, task), random_batch(task, 32, 0)
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3)
    losses = []
    network.train()
    for _ in range(40):
        loss = loss_of(network, X, y, task)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:3])


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", NETWORKS)
def test_every_parameter_gets_a_gradient(name, task):
    network = fresh_network(name, task).train()
    learnt = dict(network.named_parameters())
    assert sum(p.numel() for p in learnt.values()) > 5_000
    largest = dict.fromkeys(learnt, 0.0)
    for seed in range(4):
        network.zero_grad()
        loss_of(network, *random_batch(task, 32, seed), task).backward()
        for key, parameter in learnt.items():
            assert parameter.grad is not None, f"{key} takes no part in the answer"
            assert torch.isfinite(parameter.grad).all(), key
            largest[key] = max(largest[key], parameter.grad.abs().max().item())
    assert [key for key, value in largest.items() if value == 0] == []


@pytest.mark.parametrize("name", NETWORKS)
def test_shapes(name):
    for steps, n in ((1, 2), (1, 7), (STEPS, 2), (12, 3)):
        X = random_batch("classification", n, 0, steps)[0]
        assert fresh_network(name, "classification", steps)(X).shape == (n, 3)
        assert fresh_network(name, "regression", steps)(X).shape == (n,)
    assert run_network(
        fresh_network(name, "classification"),
        random_batch("classification", 1, 0)[0].numpy(),
        "classification",
    ).shape == (1, 3)


@pytest.mark.parametrize("name", NETWORKS)
def test_small_last_batch(name, made):
    train = made["classification"][0]
    network = ALL[name]().build("classification", len(train.bands), train.steps, len(CLASSES))
    optimiser, cpu = torch.optim.AdamW(network.parameters()), torch.device("cpu")
    for rows in (33, 34):
        assert np.isfinite(
            train_epoch(
                network, fetcher(train, cpu), np.arange(rows), optimiser, 32, "classification", cpu
            )
        )
    assert np.isfinite(mean_loss(network, fetcher(train, cpu), np.arange(33), 4, "classification"))
    assert all(torch.isfinite(p).all() for p in network.parameters())


@pytest.mark.parametrize("name", ["gru", "lstm", "ltae", "tempcnn", "transformer"])
def test_order_of_steps_matters(name):
    network = fresh_network(name, "classification", 8).eval()
    X = random_batch("classification", 16, 0, 8)[0]
    with torch.no_grad():
        assert (network(X) - network(X[:, torch.randperm(8)])).abs().max() > 1e-3


@pytest.mark.parametrize("name", ["ltae", "transformer"])
def test_order_is_known_by_positions_alone(name):
    network = fresh_network(name, "classification", 8).eval()
    next(b for key, b in network.named_buffers() if key.endswith("places")).zero_()
    X = random_batch("classification", 16, 0, 8)[0]
    with torch.no_grad():
        torch.testing.assert_close(
            network(X), network(X[:, torch.randperm(8)]), atol=1e-4, rtol=1e-4
        )


def test_positions_tell_steps_apart():
    from seedbed.models.attention import positions

    places = positions(24, 16, 1000.0)
    assert places.shape == (24, 16) and positions(1, 7).shape == (1, 7)
    distance = torch.cdist(places, places) + 9 * torch.eye(24)
    assert distance.min() > 0.1


def test_one_head_sees_its_own_channels():
    from seedbed.models.attention import Heads

    heads = Heads(32, 4, 8).eval()
    X = torch.randn(3, 6, 32)
    weights = heads.weights(X)
    torch.testing.assert_close(weights.sum(2), torch.ones(3, 4))
    by_hand = torch.cat(
        [weights[:, h, None] @ X[:, :, 8 * h : 8 * h + 8] for h in range(4)], 2
    ).squeeze(1)
    torch.testing.assert_close(heads(X), by_hand)


@pytest.mark.parametrize("name", ["ltae", "lstm", "mlp"])
def test_published_size(name):
    """Layers counted by hand for 6 bands, 7 steps, 3 classes."""
    count = {
        "mlp": 42 * 256 + 256 + 256 * 256 + 256 + 256 * 3 + 3,
        "lstm": 4 * 128 * (6 + 128 + 2) + 128 * 128 + 128 * 3 + 3,
        "ltae": 6 * 256
        + 256
        + 2 * 7 * 256
        + 16 * 8
        + 256 * 128
        + (256 * 128 + 2 * 128)
        + 2 * 128
        + (128 * 64 + 2 * 64)
        + (64 * 32 + 2 * 32)
        + 32 * 3
        + 3,
    }
    assert sum(p.numel() for p in ALL[name]().network(6, 7, 3).parameters()) == count[name]


# ---- all models


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", sorted(ALL))
def test_fit_and_predict(name, task, made, fitted):
    model, val = fitted(name, task), made[task][1]
    prediction = model.predict(val)
    check_answers(prediction, val)
    json.dumps(model.params(), allow_nan=False)
    assert model.parameters() is None or model.parameters() > 0
    if task == "classification":
        assert (prediction[:, ABSENT] == 0).all() and (val.y == ABSENT).any()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", sorted(ALL))
def test_round_trip(name, task, made, fitted, tmp_path):
    model, val = fitted(name, task), made[task][1]
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    np.testing.assert_array_equal(again.predict(val), model.predict(val))
    assert (
        type(again) is type(model)
        and again.params() == model.params()
        and again.parameters() == model.parameters()
    )
    save_model(again, tmp_path / "copy")
    records = [
        json.loads((folder / "model.json").read_text()) | {"weights_sha256": ""}
        for folder in (tmp_path, tmp_path / "copy")
    ]
    assert records[0] == records[1]


@pytest.mark.parametrize("name", sorted(ALL))
def test_seed(name, made, fitted):
    train, val = made["classification"]
    first = fitted(name, "classification").predict(val)
    other = fitted(name, "classification", 1).predict(val)
    np.random.seed(99), torch.manual_seed(99)
    again = ALL[name](0, SETTINGS["classification"].models).train(train).predict(val)
    np.testing.assert_array_equal(again, first)
    assert np.array_equal(first, other) != (name in STOCHASTIC)


@pytest.mark.parametrize("name", sorted(set(ALL) - set(NETWORKS)))
def test_threads_change_nothing(name, made, fitted):
    train, val = made["regression"]
    with threadpool_limits(2):
        assert np.array_equal(
            ALL[name](0).train(train).predict(val), fitted(name, "regression").predict(val)
        )


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "steps,window", [(1, ()), (1, (3, 4)), (2, (4, 4))], ids=["one-step", "one-step-chips", "chips"]
)
def test_one_step_and_chips(task, steps, window, tmp_path):
    train, val = make_dataset(tmp_path, task, steps, window, 48)
    options = SETTINGS[task].models.model_copy(update={"epochs": 1})
    for name, kind in ALL.items():
        check_answers(kind(0, options).train(train).predict(val), val)


@pytest.mark.parametrize("name", sorted(set(ALL) - {"majority", "coordinates"}))
def test_beats_majority(name, made):
    """Every model learns what is plain to see: here both the first band and the date tell the class."""
    train, val = made["classification"]
    options = SETTINGS["classification"].models.model_copy(
        update={"epochs": 30, "learning_rate": 3e-3}
    )
    known = val.y != ABSENT
    right = (ALL[name](0, options).train(train).predict(val).argmax(1) == val.y)[known].mean()
    assert right > 0.8, f"{right:.2f} right"


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", sorted(ALL))
def test_validate(name, task, made, tmp_path):
    val = made[task][1]
    record = cross_validate(
        ALL[name](0, SETTINGS[task].models), val.path, settings=SETTINGS[task], run_dir=tmp_path
    )
    folder = tmp_path / "models" / name / "seed_0"
    written = read_results(folder / "results.json")
    assert (
        written["model"] == name and written["sees"] == record["sees"] and written["task"] == task
    )
    frame = gpd.read_file(folder / "predictions.gpkg")
    assert len(frame) == 2 * len(val) and frame["id"].is_unique and frame.crs == 4326
    assert not [
        c for c in frame if c != "geometry" and frame[c].dtype.kind == "f" and frame[c].isna().any()
    ]


# ---- the date baseline


def test_date_sees_dates(made, fitted):
    val = made["classification"][1]
    prediction = fitted("date", "classification").predict(val)
    by_date = {}
    for start, row in zip(val.column("start"), prediction):
        by_date.setdefault(start, set()).add(tuple(row))
    assert set(by_date) == {"2018-04-01", "2019-03-01", "2018-09-01"} and all(
        len(rows) == 1 for rows in by_date.values()
    )


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("date", ["", "2018-04-01"])
def test_date_without_differences_is_majority(task, date, tmp_path):
    arrays = make_arrays(task, 1, (), 48)
    path = tmp_path / "dataset.h5"
    write_dataset(path, arrays | {"start": np.full(48, date)}, make_attributes(task, 1, ()))
    train, val = SampleDataset(path, "train"), SampleDataset(path, "val")
    answers = [ALL[name]().train(train).predict(val) for name in ("date", "majority")]
    np.testing.assert_allclose(*answers, rtol=1e-6)


def test_date_features_are_a_circle():
    from seedbed.models.dates import date_features

    rows = date_features(["2018-12-31", "2019-01-01", "2019-07-02", ""])
    assert (
        np.linalg.norm(rows[0, :2] - rows[1, :2])
        < 0.03
        < 1.9
        < np.linalg.norm(rows[1, :2] - rows[2, :2])
    )
    assert rows[:, 2].tolist() == [2018, 2019, 2019, 0] and (rows[3] == 0).all()


# ---- models of one's own, and broken ones

OWN = '''
import numpy as np
from seedbed.model import BaseModel

class Mine(BaseModel):
    """Always the same."""
    name = "mine"
    def train(self, data): return np.bincount(data.y, minlength=len(data.classes)) / len(data)
    def predict(self, data): return np.tile(self.model, (len(data), 1))
'''


def test_networks_take_batches_of_the_size_that_settings_say(made, tmp_path):
    val = made["classification"][1]
    small = SETTINGS["classification"].model_copy(
        update={"dataset": make_settings({"dataset": {"batch_size": 8}}, root=HOME).dataset}
    )
    answers = {}
    for size, settings in ((64, SETTINGS["classification"]), (8, small)):
        model = ALL["mlp"](0, settings.models)
        assert (
            cross_validate(model, val.path, settings=settings, run_dir=tmp_path / str(size))[
                "params"
            ]["batch_size"]
            == size
        )
        answers[size] = model.predict(val)
    assert not np.allclose(answers[64], answers[8])
    own = type("Own", (ALL["mlp"],), {"name": "own", "batch_size": 16})
    assert (
        cross_validate(own(0, small.models), val.path, settings=small, run_dir=tmp_path / "own")[
            "params"
        ]["batch_size"]
        == 16
    )


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_training_side_of_one_class_is_answered_by_that_class(name, made):
    train, val = made["classification"]
    alone = subset(train, train.y == 1)
    found = ALL[name](0, SETTINGS["classification"].models).train(alone).predict(val)
    assert (
        found.shape == (len(val), len(CLASSES))
        and (found.argmax(1) == 1).all()
        and np.allclose(found.sum(1), 1)
    )


def test_a_model_of_ones_own(made, tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_models", raising=False)
    val = made["classification"][1]
    model = find_model("own_models:Mine")(0)
    record = cross_validate(model, val.path, settings=SETTINGS["classification"], run_dir=tmp_path)
    assert record["model"] == "mine"
    again = load_model(tmp_path / "models" / "mine" / "seed_0")
    np.testing.assert_array_equal(again.predict(val), model.predict(val))
    with pytest.raises(InputError, match="own_models:Yours"):
        find_model("own_models:Yours")
    with pytest.raises(InputError, match="no_such_module"):
        find_model("no_such_module:Mine")


class Broken(BaseModel):
    """Answers whatever it is told to."""

    name = "broken"

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def train(self, data):
        return None

    def predict(self, data):
        return self.answer(data)


@pytest.mark.parametrize(
    "task,answer,message",
    [
        ("classification", lambda d: np.full((len(d), len(d.classes)), np.nan), "not finite"),
        ("regression", lambda d: np.full(len(d), np.nan), "not finite"),
        ("regression", lambda d: np.full(len(d), np.inf), "not finite"),
        ("classification", lambda d: np.zeros((len(d), 2)), "shape"),
        ("regression", lambda d: np.zeros((len(d), 1)), "shape"),
        ("classification", lambda d: np.ones((len(d), len(d.classes))), "add up to 1"),
    ],
)
def test_broken_answers_are_refused(task, answer, message, made, tmp_path):
    with pytest.raises(InputError, match=f"model broken: .*{message}"):
        cross_validate(
            Broken(answer), made[task][0].path, settings=SETTINGS[task], run_dir=tmp_path
        )
    assert not list(tmp_path.rglob("results.json"))


@pytest.mark.parametrize("task", TASKS)
def test_a_network_that_has_exploded_is_refused(task, made, tmp_path):
    options = SETTINGS[task].models.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(InputError, match="not finite; train with a smaller learning rate"):
        cross_validate(
            ALL["mlp"](0, options), made[task][0].path, settings=SETTINGS[task], run_dir=tmp_path
        )


# ---- the samples


@pytest.mark.parametrize("source", ["sample:brandenburg", "sample:romania"])
def test_models_learn_from_the_samples(source, tmp_path):
    """A fast network and a tree model beat the models that see no satellite, on blocks they have not seen."""
    from seedbed.evaluation.metrics import METRICS
    from seedbed.export import export

    settings = make_settings(
        {"source": {"name": source}, "models": {"epochs": 25, "device": "cpu"}}, root=HOME
    )
    export(settings, tmp_path / "export")
    process(settings, tmp_path / "export", tmp_path / "processed")
    train, val = (
        SampleDataset(tmp_path / "processed" / "dataset.h5", side) for side in ("train", "val")
    )

    def score(name):
        return METRICS["f1_score"](val.y, ALL[name](0, settings.models).train(train).predict(val))

    blind = max(score(name) for name in ("majority", "coordinates", "date"))
    for name in ("hist_gradient_boosting", "mlp", "gru", "knn"):
        assert score(name) > blind + 0.1


def test_a_network_answers_what_it_is_given(made):
    """Altered values are predicted from, not those of the file: importance would be nothing otherwise."""
    train, val = made["classification"]
    model = find_model("mlp")(
        0, SETTINGS["classification"].models.model_copy(update={"epochs": 3})
    ).train(train)
    assert np.array_equal(model.predict(WithValues(val, val.arrays()[0])), model.predict(val))
    assert not np.allclose(model.predict(WithValues(val, -val.arrays()[0])), model.predict(val))
