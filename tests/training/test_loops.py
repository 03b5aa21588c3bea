"""Batches in memory and batches from the file."""

import numpy as np
import pytest
import torch

from seedbed.training.dataset import SampleDataset
from seedbed.training.loops import class_weights, fetcher, loss_of


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
