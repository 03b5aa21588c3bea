"""Models on encoders: trained, saved, read, mapped, and honest about units and weights."""

import numpy as np
import pytest
import torch

from seedbed.base.errors import InputError
from seedbed.base.settings import make_settings
from seedbed.models.pretrained import features
from seedbed.models.pretrained.inputs import (
    check_one_unit,
    checked_unit,
    month_places,
    physical_values,
    plan_inputs,
    prepared,
)
from seedbed.models.pretrained.presto import Presto
from seedbed.models.registry import list_models, load_model
from seedbed.pretraining import pretraining_curves
from seedbed.process import write_dataset
from seedbed.report import pretraining_section
from seedbed.training.dataset import FINAL, SampleDataset
from tests.support.models import make_arrays, make_attributes, needs_weights
from tests.support.paths import ROOT

BANDS = ("B4", "B8", "total_precipitation")
OURS = sorted(name for name, kind in list_models().items() if needs_weights(kind))
ENCODERS = [name for name in OURS if name.startswith(("presto", "galileo"))]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A dataset with two reflectances and rain, whose classes the red band tells."""
    return write(tmp_path_factory.mktemp("data"), "classification")


def write(folder, task):
    """A small dataset whose bands have names that an encoder knows."""
    arrays = make_arrays(task, 5, (), 96)
    X = arrays["X"]
    arrays["X"] = np.stack(
        [0.05 + 0.03 * X[:, :, 0] ** 2, 0.3 + 0.01 * X[:, :, 1], 0.003 + 0.0005 * X[:, :, 2]], 2
    ).astype(np.float32)
    arrays["start"] = np.array(["2018-04-01"] * len(X))
    names = {"variables": list(BANDS), "static_names": ["elevation"]}
    meta = make_attributes(task, 5, ()) | names
    arrays["static"] = np.full((len(X), 1), 300, np.float32)
    write_dataset(folder / "dataset.h5", arrays, meta)
    return folder / "dataset.h5"


def options(**more):
    """[models] with encoders that no one has trained."""
    weights = ("presto = random", "galileo = random")
    asked = {"weights": weights, "units": ("total_precipitation: m/day",), "device": "cpu"}
    return make_settings({"models": {"epochs": 2, **asked, **more}}, root=ROOT).models


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    settings = make_settings({"paths": {"cache": str(tmp_path)}}, root=ROOT)
    monkeypatch.setattr(features, "settings_or_defaults", lambda: settings)
    features._MEMORY.clear()


def test_they_are_found():
    assert {"presto", "presto_fused", "presto_tuned", "galileo", "raw_probe", "embedding"} <= set(
        OURS
    )


@pytest.mark.parametrize("name", ENCODERS)
def test_a_model_predicts_the_same_after_it_was_read(name, path, tmp_path):
    train, val = SampleDataset(path, "train"), SampleDataset(path, "val")
    model = list_models()[name](0, options()).train(train)
    said = model.predict(val)
    assert said.shape == (len(val), 4) and np.allclose(said.sum(1), 1)
    model.save(tmp_path / name)
    again = load_model(tmp_path / name)
    assert np.abs(again.predict(val) - said).max() < 1e-6
    record = model.weights_record()
    assert record["source"].startswith("random") and record["licence"] == "none"
    assert record["absent"] and 0 < record["seen"] < 1 and len(record["sha256"]) == 64


@pytest.mark.parametrize("name", ["presto", "presto_tuned", "raw_probe"])
def test_a_quantity_is_predicted_in_its_unit(name, tmp_path):
    path = write(tmp_path, "regression")
    train, val = SampleDataset(path, "train"), SampleDataset(path, "val")
    said = list_models()[name](0, options()).train(train).predict(val)
    assert said.shape == (len(val),) and 0 < said.mean() < 40


def test_learnt_weights_move_and_the_head_moves_faster(path):
    train = SampleDataset(path, "train", FINAL)
    model = list_models()["presto_tuned"](0, options(epochs=1))
    model.train(train)
    groups = model.parameter_groups(model.model)
    assert max(g["lr"] for g in groups) == pytest.approx(0.001)
    assert min(g["lr"] for g in groups) == pytest.approx(0.0001 * 0.7**2)
    torch.manual_seed(0)
    start = features.load_encoder(Presto, ("presto = random",)).encoder.state_dict()
    encoder = model.model[0][1].encoder.state_dict()
    assert not torch.equal(encoder["blocks.0.mlp.fc1.weight"], start["blocks.0.mlp.fc1.weight"])
    assert torch.equal(encoder["pos_embed"], start["pos_embed"])


def test_other_weights_than_those_of_training_are_refused(path, tmp_path):
    train, val = SampleDataset(path, "train"), SampleDataset(path, "val")
    model = list_models()["presto"](0, options()).train(train)
    model.save(tmp_path / "m")
    torch.manual_seed(1)
    torch.save(Presto().state_dict(), tmp_path / "other.pt")
    again = load_model(tmp_path / "m")
    again.options = options(weights=(f"presto = {tmp_path / 'other.pt'}",))
    with pytest.raises(InputError, match="name the same, or train again"):
        again.predict(val)


def test_without_weights_it_is_a_line(path, tmp_path, monkeypatch):
    settings = make_settings({"paths": {"weights": str(tmp_path)}}, root=ROOT)
    monkeypatch.setattr(features, "settings_or_defaults", lambda: settings)
    model = list_models()["presto"](0, options(weights=()))
    with pytest.raises(InputError, match="get them once with: seedbed weights get presto"):
        model.train(SampleDataset(path, "train"))


def test_embeddings_are_kept_by_what_went_in(path, tmp_path):
    model = list_models()["presto"](0, options()).train(SampleDataset(path, "train"))
    kept = set((tmp_path / "embeddings").glob("*.npz"))
    features._MEMORY.clear()
    list_models()["presto"](1, options()).train(SampleDataset(path, "train", 1))
    assert set((tmp_path / "embeddings").glob("*.npz")) == kept and len(kept) == 1
    other = options(units=("total_precipitation: m/month",))
    list_models()["presto"](0, other).train(SampleDataset(path, "train"))
    assert len(set((tmp_path / "embeddings").glob("*.npz"))) == 2
    next(iter(kept)).write_bytes(b"cut")
    features._MEMORY.clear()
    assert model.predict(SampleDataset(path, "val")).shape[1] == 4


@pytest.mark.parametrize(
    "units, says",
    [
        (("total_precipitation: m/month",), None),
        (("total_precipitation: furlong",), "its unit is 'furlong', not one of precipitation"),
        (("total_precipitation: mm/month",), None),
        ((), "its unit is not stated, and its mean, 0.00.*may be m/day or m/month"),
        (("B8: 1e-4", "total_precipitation: m/day"), "B8: its mean is 0.3.* 1e-4, which"),
        (("total_precipitation",), "write `band: unit`"),
    ],
)
def test_units_are_checked(path, units, says):
    data = SampleDataset(path, None)
    if says is None:
        plan = plan_inputs(Presto.inputs, data, units, "presto")
        assert "total_precipitation" in plan.converted and "NDVI" not in plan.absent
        return
    with pytest.raises(InputError, match=says):
        plan_inputs(Presto.inputs, data, units, "presto")


def test_an_ndvi_is_read_where_it_cannot_be_computed(path):
    data = SampleDataset(path, None)
    X, _ = physical_values(data, 0, len(data))
    data.bands = ("ndvi", "nir", "rain", "elevation")
    plan = plan_inputs(Presto.inputs, data, (), "presto")
    assert list(plan.columns) == ["elevation", "NDVI"] and not plan.converted
    part = next(prepared(Presto.inputs, plan, data, "presto"))
    assert np.array_equal(part.X[:, :, -1], X[:, :, 0]) and not part.missing[:, :, -1].any()
    assert part.missing[:, :, :14].all()
    wanted = Presto.inputs[-1]
    with pytest.raises(InputError, match=r"is no ndvi in 1; set models.units = ndvi: 1 \| 1e-4"):
        checked_unit(np.array([5000.0, 8000]), wanted, "ndvi", None)
    assert checked_unit(np.array([5000.0, 8000]), wanted, "ndvi", "1e-4") == ("1e-4", False)


def test_rain_of_a_month_is_not_taken_for_rain_of_a_day():
    rain = next(i for i in Presto.inputs if i.kind == "precipitation")
    with pytest.raises(InputError, match="its values fit mm/day or m/month: set models.units"):
        checked_unit(np.array([0.05, 0.14]), rain, "total_precipitation", "m/day")


@pytest.mark.parametrize(
    "name, most, few",
    [("B4", "1e-4", "1"), ("B4", "1", "1e-4"), ("temperature_2m", "K", "C")],
)
def test_two_units_in_one_column_are_a_line(name, most, few):
    wanted = next(i for i in Presto.inputs if i.name == name)
    typical = {"1e-4": 900.0, "1": 0.09, "K": 288.0, "C": 15.0}
    means = np.full(100, typical[most])
    check_one_unit(means, wanted, name, most)
    means[::20] = typical[few]
    with pytest.raises(InputError, match=f"those of 5 of 100 samples fit {few} alone"):
        check_one_unit(means, wanted, name, most)


def test_too_many_months_and_no_dates_are_lines(path, tmp_path):
    assert month_places(7, 1.0).tolist() == list(range(7))
    assert month_places(5, 0.5).tolist() == [0, 0, 1, 1, 2]
    data = SampleDataset(path, None)
    data.meta["step_months"] = 7.0
    with pytest.raises(InputError, match="reads 24 months at most, and there are 29"):
        plan_inputs(Presto.inputs, data, (), "presto")


def test_an_embedding_product_goes_through_the_same_probes(tmp_path):
    arrays = make_arrays("classification", 1, (), 96)
    rng = np.random.default_rng(0)
    product = rng.normal(size=(96, 1, 32)) + arrays["X"][:, :, :1]
    arrays["X"] = np.concatenate([arrays["X"], product], 2).astype(np.float32)
    names = ["B2", "B3", "B4", *(f"A{k:02d}" for k in range(32))]
    meta = make_attributes("classification", 1, ()) | {"variables": names, "static_names": []}
    arrays["static"] = np.zeros((96, 0), np.float32)
    meta |= {"medians": np.zeros((3, 1, 35)), "mean": np.zeros((3, 35)), "std": np.ones((3, 35))}
    meta |= {name: np.zeros((3, 0)) for name in ("static_medians", "static_mean", "static_std")}
    write_dataset(tmp_path / "dataset.h5", arrays, meta)
    train, val = (SampleDataset(tmp_path / "dataset.h5", part) for part in ("train", "val"))
    right = {}
    for name in ("embedding", "embedding_fused"):
        model = list_models()[name](0, options()).train(train)
        right[name] = (model.predict(val).argmax(1) == val.y).mean()
        assert model.model.n_features_in_ == (32 if name == "embedding" else 35)
    assert min(right.values()) > 0.5


def test_an_embedding_alone_has_nothing_to_be_compared_with(tmp_path):
    arrays = make_arrays("classification", 1, (), 96)
    arrays["X"] = np.random.default_rng(0).normal(size=(96, 1, 32)).astype(np.float32)
    arrays["static"] = np.zeros((96, 0), np.float32)
    names = [f"A{k:02d}" for k in range(32)]
    meta = make_attributes("classification", 1, ()) | {"variables": names, "static_names": []}
    meta |= {"medians": np.zeros((3, 1, 32)), "mean": np.zeros((3, 32)), "std": np.ones((3, 32))}
    meta |= {name: np.zeros((3, 0)) for name in ("static_medians", "static_mean", "static_std")}
    write_dataset(tmp_path / "dataset.h5", arrays, meta)
    settings = make_settings({"models": {"names": ("embedding",)}}, root=ROOT)
    (found,) = pretraining_curves(tmp_path / "dataset.h5", settings)
    assert found["status"] == "undecided" and found["rows"] == []
    assert "no raw bands to compare it with" in found["sentence"]
    page = pretraining_section({"pretraining": [found], "primary": "f1_score"})
    assert "no raw bands" in page and "<svg" not in page
