"""Batches in memory and batches from the file."""

import numpy as np
import pytest
import torch

from seedbed.training.dataset import SampleDataset
from seedbed.training.loops import (
    class_weights,
    fetcher,
    fit_network,
    loss_of,
    stopping_rows,
    stopping_slice,
)
from tests.support.chips import Chips, OneNumber


@pytest.mark.parametrize("sampling", ["mean", "chip"])
@pytest.mark.slow
def test_a_batch_is_the_same_however_it_comes(project, sampling, monkeypatch):
    made = project(30)
    made.run(f"process.sampling={sampling}", "process.chip_size=4")
    settings = made.settings([f"process.sampling={sampling}", "process.chip_size=4"])
    data = SampleDataset(settings.root / settings.processed_dir / "dataset.h5", "train")
    rows, cpu = np.array([3, 0, 5, 3]), torch.device("cpu")
    kept, read = fetcher(data, cpu), fetcher(data, cpu, most=0)
    for a, b, c in zip(kept(rows), read(rows), data[rows]):
        assert torch.equal(a, b) and torch.equal(b, c)
    whole = data.arrays()[0]
    monkeypatch.setattr("seedbed.training.dataset.CACHE", 1)
    assert np.array_equal(data.arrays()[0], whole) and len(data[[]][0]) == 0


def test_with_weights_every_class_counts_alike():
    y = np.repeat([0, 1, 3], [80, 15, 5])
    weight = class_weights(y, 4)
    assert weight[y].mean() == pytest.approx(1) and weight[2] == 0
    sums = [weight[y[y == k]].sum() for k in (0, 1, 3)]
    assert sums == pytest.approx([100 / 3] * 3)


def test_a_weighted_loss_is_the_mean_of_weighted_losses():
    X, y = torch.randn(40, 3, generator=torch.Generator().manual_seed(0)), torch.arange(40) % 3
    weight = torch.tensor([1.0, 2.0, 0.5])
    same, plain, weighted = torch.nn.Identity(), torch.ones(3), weight
    assert torch.allclose(
        loss_of(same, X, y, "classification", plain), loss_of(same, X, y, "classification")
    )
    each = torch.nn.functional.cross_entropy(X, y, reduction="none")
    wanted = (each * weight[y]).mean()
    assert torch.allclose(loss_of(same, X, y, "classification", weighted), wanted)


@pytest.mark.parametrize("seed", range(12))
def test_a_large_block_is_never_held_out_whole(seed):
    """One block of 900 and twenty of 5: about .15 is held out, never more than .225."""
    block = np.r_[np.full(900, "large"), np.repeat([f"s{k}" for k in range(20)], 5)]
    place = np.random.default_rng(seed).uniform(0, 1, (1000, 2))
    label = np.r_[np.repeat(np.arange(300), 3), 300 + np.arange(100)].astype(str)
    held = stopping_rows(block, seed=seed, place=place, together=label)
    assert 0.075 <= held.mean() <= 0.225
    assert not set(label[held]) & set(label[~held])
    assert 0 < stopping_rows(block, seed=seed).mean() <= 0.225


@pytest.mark.parametrize("share", [0.1, 0.15, 0.3])
def test_blocks_of_any_size(share):
    """Whatever the blocks, the slice keeps to its share; whole blocks as before where they fit."""
    rng = np.random.default_rng(0)
    for seed in range(40):
        sizes = np.maximum(1, rng.lognormal(1, 2, rng.integers(1, 40)).astype(int))
        block = np.repeat([f"b{k}" for k in range(len(sizes))], sizes)
        if len(block) < 60:
            continue
        place = rng.uniform(0, 1, (len(block), 2))
        held = stopping_rows(block, share, seed, place)
        assert 0.5 * share - 0.02 <= held.mean() <= 1.5 * share
        cut = set(block[held]) & set(block[~held])
        assert len(cut) <= 1


def test_the_cut_is_one_of_place():
    """Held out is one end of a long block, and those at one place stay together."""
    lon = np.repeat(np.arange(100), 10) / 100
    place = np.column_stack([lon, np.full(1000, 45.0)])
    held = stopping_rows(np.full(1000, "one"), place=place)
    assert held.mean() == 0.15 and lon[held].max() < lon[~held].min()
    assert not stopping_rows(np.full(1000, "one"), place=place * np.nan).any()


def test_a_dataset_of_one_block_is_cut_by_labels(project):
    """Pixels of a label are on one side of the cut."""
    made = project(40, shape="polygon")
    ini = ["process.sampling=pixels", "process.pixels_per_label=4"]
    made.run(*ini)
    settings = made.settings(ini)
    data = SampleDataset(settings.root / settings.processed_dir / "dataset.h5", "train")
    column = data.column
    data.column = lambda name: np.full(len(data), "one") if name == "block" else column(name)
    held = stopping_slice(data)
    assert 0.075 <= held.mean() <= 0.225
    assert not set(column("label_id")[held]) & set(column("label_id")[~held])


def test_with_a_peak_the_weights_of_the_last_epochs_are_kept(monkeypatch):
    """The loss is lowest in the second epoch, at a high rate, then in the last but one."""
    losses = iter([5.0, 0.1, *[4.0] * 16, 3.0, 3.5] * 2)
    monkeypatch.setattr("seedbed.training.loops.mean_loss", lambda *args: next(losses))
    chips = Chips()
    history = fit_network(OneNumber(), chips, epochs=20, patience=2, batch_size=4, peak=5.0)
    assert (history.best, len(history.stop)) == (18, 20)
    history = fit_network(OneNumber(), chips, epochs=20, patience=2, batch_size=4)
    assert (history.best, len(history.stop)) == (1, 4)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_a_few_epochs_with_a_peak_leave_the_weights_of_the_last(epochs):
    assert fit_network(OneNumber(), Chips(), epochs=epochs, peak=5.0).best == epochs - 1
