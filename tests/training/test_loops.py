"""Batches in memory and batches from the file."""

import numpy as np
import pytest
import torch

from seedbed.training.dataset import SampleDataset
from seedbed.training.loops import fetcher


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
