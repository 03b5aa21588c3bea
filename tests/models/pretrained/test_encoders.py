"""Presto and Galileo: equal to their authors' outputs, and sound with weights of any kind."""

from pathlib import Path

import numpy as np
import pytest
import torch

from seedbed.base.errors import InputError
from seedbed.models.pretrained.encoder import embed, read_state, shuffled
from seedbed.models.pretrained.galileo import Galileo
from seedbed.models.pretrained.inputs import MONTH, in_unit
from seedbed.models.pretrained.presto import Presto
from tests.support.paths import SHARED

WEIGHTS = SHARED / "pretrained"
real = pytest.mark.skipif(not WEIGHTS.is_dir(), reason="the real weights are not here")
KINDS = pytest.mark.parametrize("kind", [Presto, Galileo])


def loaded(kind, name):
    """An encoder with its authors' weights."""
    return kind.loaded(read_state(WEIGHTS / name), name)


def months(n, steps=12, first=11):
    """January is 0."""
    return np.tile((first + np.arange(steps)) % 12, (n, 1))


@pytest.fixture(scope="module")
def golden():
    """Inputs and outputs of the authors' own code."""
    with np.load(WEIGHTS / "presto_golden.npz") as p, np.load(WEIGHTS / "galileo_golden.npz") as g:
        return dict(p), dict(g)


def galileo_inputs(g):
    """The authors' eight inputs, as one array and its gaps."""
    X = np.concatenate(
        [
            g["space_time"][:, 0, 0],
            np.repeat(g["space"][:, 0, :, :2], 12, 1),
            g["time"][:, :, :2],
        ],
        2,
    )
    missing = np.zeros(X.shape, bool)
    sizes = (2, 3, 3, 1, 1, 2, 1)
    each = np.repeat(np.arange(len(sizes)), sizes)
    missing[:, :, :13] = g["space_time_mask"][:, 0, 0][:, :, each] > 0
    missing[:, :, 13:15] = g["space_mask"][:, 0, :, :1] > 0
    missing[:, :, 15:] = g["time_mask"][:, :, :1] > 0
    return X.astype(np.float32), missing


@real
def test_presto_is_the_authors_presto(golden):
    p, _ = golden
    batch = torch.from_numpy(p["x"]).float().masked_fill(torch.from_numpy(p["mask"]), 0)
    rest = torch.from_numpy(p["mask"]), torch.from_numpy(months(64))
    with torch.no_grad():
        found = loaded(Presto, "presto.pt").encoded(
            batch, *rest, torch.from_numpy(p["latlon"]).float()
        )
    assert np.abs(found.numpy() - p["embedding"]).max() < 1e-4


@real
def test_galileo_is_the_authors_galileo(golden):
    p, g = golden
    X, missing = map(torch.from_numpy, galileo_inputs(g))
    place = torch.from_numpy(p["latlon"]).float()
    with torch.no_grad():
        found = loaded(Galileo, "galileo_nano_encoder.pt").encoded(
            X, missing, torch.from_numpy(g["months"]), place
        )
    assert np.abs(found.numpy() - g["embedding"]).max() < 1e-4


@real
def test_values_are_scaled_as_the_authors_scale_them(golden):
    """The scaled inputs of both golden files follow from each other through physical units."""
    p, g = golden
    presto, galileo = Presto(), Galileo()
    names = [i.name for i in galileo.inputs]
    X = np.zeros((64, 12, len(names)), np.float32)
    for k, one in enumerate(presto.inputs):
        X[:, :, names.index(one.name)] = p["x"][:, :, k] * one.scale + one.shift
    X, (wanted, missing) = torch.from_numpy(X), galileo_inputs(g)
    found = galileo.scaled(X, torch.from_numpy(missing)).numpy()
    assert np.abs(np.where(missing, 0, found - wanted)).max() < 1e-4


@KINDS
def test_gaps_are_left_out_and_batches_do_not_matter(kind):
    torch.manual_seed(0)
    encoder, rng = kind().eval(), np.random.default_rng(0)
    X = rng.uniform(0, 2000, (9, 12, len(encoder.inputs))).astype(np.float32)
    missing = rng.random(X.shape) < 0.1
    place = rng.uniform(-40, 40, (9, 2)).astype(np.float32)
    together = embed(encoder, X, missing, months(9), place)
    one = [embed(encoder, X[k:][:1], missing[k:][:1], months(1), place[k:][:1]) for k in range(9)]
    assert np.abs(together - np.concatenate(one)).max() < 1e-4
    X[missing] = 1e6
    assert np.abs(together - embed(encoder, X, missing, months(9), place)).max() < 1e-6
    assert np.abs(together - embed(encoder, X, missing, months(9, first=3), place)).max() > 1e-4


@KINDS
def test_gradients_reach_what_is_learnt_and_nothing_else(kind):
    torch.manual_seed(0)
    encoder = kind()
    X = torch.rand(2, 12, len(encoder.inputs)) * 1000
    month = torch.from_numpy(months(2))
    out = encoder(X, torch.zeros(X.shape, dtype=torch.bool), month, torch.zeros(2, 2))
    out.sum().backward()
    reached = {n for n, p in encoder.named_parameters() if p.grad is not None}
    assert not any(name.startswith(encoder.fixed) for name in reached)
    assert {name.split(".")[0] for name in reached} >= {"blocks", "norm"}


@KINDS
def test_weights_of_another_model_are_a_line(kind):
    other = {Presto: Galileo, Galileo: Presto}[kind]
    with pytest.raises(InputError, match=f"are no weights of {kind.name}"):
        kind.loaded(other().state_dict(), "file.pt")


@KINDS
def test_shuffled_weights_are_the_same_numbers_elsewhere(kind):
    torch.manual_seed(0)
    encoder = kind()
    control = shuffled(encoder)
    for (name, a), b in zip(encoder.named_parameters(), control.parameters()):
        assert torch.equal(a.flatten().sort()[0], b.flatten().sort()[0])
        assert name.startswith(encoder.fixed) == (name.split(".")[0] in encoder.fixed)
    assert torch.equal(encoder.pos_embed, control.pos_embed)


def test_larger_galileos_are_read_from_their_weights():
    large = Galileo(width=192, depth=5)
    again = Galileo.loaded(large.state_dict())
    assert (again.width, len(again.blocks)) == (192, 5) and again.size()["depth"] == 5


def test_both_want_rain_in_their_own_unit():
    units = {
        k.name: {i.name: i.unit for i in k.inputs}["total_precipitation"] for k in (Presto, Galileo)
    }
    assert units == {"presto": "m/day", "galileo": "m/month"}
    assert in_unit(np.array([0.003]), "precipitation", "m/month")[0] == pytest.approx(0.003 * MONTH)


def test_a_pickle_is_not_executed(tmp_path):
    class Evil:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "marker",))

    torch.save({"a": Evil()}, tmp_path / "w.pt")
    with pytest.raises(InputError, match="holds more than weights, or is damaged"):
        read_state(tmp_path / "w.pt")
    assert not (tmp_path / "marker").exists()
