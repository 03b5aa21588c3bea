"""Networks on a device that is not the processor, where there is none: see tests/support/device.py."""

import numpy as np
import pytest
import torch

from seedbed.base.settings import make_settings
from seedbed.models.pretrained.encoder import embed
from seedbed.models.pretrained.galileo import Galileo
from seedbed.models.pretrained.presto import Presto
from seedbed.models.registry import find_model, load_model
from seedbed.training.loops import fetcher
from tests.support.device import device
from tests.support.models import make_dataset

CPU = torch.device("cpu")


def trained(where, name, train, val, **more):
    """A network of few epochs, and what it says."""
    asked = {"epochs": 3, "device": where, **more}
    model = find_model(name)(0, make_settings({"models": asked}).models).train(train)
    return model, model.predict(val)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_another_device_learns_the_same(task, tmp_path, monkeypatch):
    subsets = make_dataset(tmp_path, task)
    more = {"class_weight": "balanced"}
    _, wanted = trained("cpu", "gru", *subsets, **more)
    with device("mps", monkeypatch) as fake:
        model, said = trained("mps", "gru", *subsets, **more)
        model.save(tmp_path / "saved")
    assert fake.moved > 20 and not fake.in_16_bits and not fake.fused
    np.testing.assert_array_equal(said, wanted)
    again = load_model(tmp_path / "saved")
    again.options = again.options.model_copy(update={"device": "cpu"})
    np.testing.assert_allclose(again.predict(subsets[1]), wanted, atol=1e-6)


def test_a_gpu_trains_in_16_bits_and_predicts_in_32(tmp_path, monkeypatch):
    subsets = make_dataset(tmp_path)
    _, wanted = trained("cpu", "tempcnn", *subsets)
    with device("cuda", monkeypatch) as fake:
        model, said = trained("cuda", "tempcnn", *subsets)
    assert fake.in_16_bits == fake.fused == model.history.steps
    assert 0 < np.abs(said - wanted).max() < 0.05
    assert {p.dtype for p in model.model.parameters()} == {torch.float32}


def test_what_does_not_fit_on_the_device_is_pinned_and_comes_batch_by_batch(tmp_path, monkeypatch):
    train, _ = make_dataset(tmp_path)
    rows = np.array([3, 0, 5, 3])
    wanted = fetcher(train, CPU)(rows)
    with device("cuda", monkeypatch) as fake:
        for most, pinned in ((2**30, 0), (0, 2)):
            batch = fetcher(train, torch.device("cuda"), most)(rows)
            assert fake.pinned == pinned and {t.device.type for t in batch} == {"cuda"}
            assert all(torch.equal(a.cpu(), b) for a, b in zip(batch, wanted))


@pytest.mark.parametrize("kind", [Presto, Galileo])
def test_an_encoder_embeds_the_same_on_a_device_without_64_bits(kind, monkeypatch):
    torch.manual_seed(0)
    encoder, rng = kind(), np.random.default_rng(0)
    shape = (4, 3, len(encoder.inputs))
    X, missing = rng.normal(0.2, 0.1, shape).astype("float32"), rng.random(shape) < 0.3
    month, place = rng.integers(0, 12, shape[:2]), rng.uniform(-50, 50, (4, 2)).astype("float32")
    wanted = embed(encoder, X, missing, month, place)
    with device("mps", monkeypatch):
        found = embed(encoder, X, missing, month, place, torch.device("mps"))
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_the_fake_device_has_a_device_s_manners(monkeypatch):
    with device("mps", monkeypatch) as fake:
        there = torch.ones(3).to("mps")
        assert there.device == (there * 2).device == fake.device
        with pytest.raises(RuntimeError, match="same device"):
            there + torch.ones(3)
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        with pytest.raises(TypeError, match="float64"):
            torch.ones(3, dtype=torch.float64).to("mps")
        with pytest.raises(TypeError, match="float64"):
            there.double()
        assert there.cpu().numpy().sum() == 3
