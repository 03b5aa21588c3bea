"""Networks that look at chips: every number takes part, they learn, and come back from disk."""

import numpy as np
import pytest
import torch

from seedbed.base.errors import InputError
from seedbed.models.base import save_model
from seedbed.models.images import CNN, CNNAttention
from seedbed.models.registry import load_model
from seedbed.models.tempcnn import TempCNN
from seedbed.training.loops import seed_everything
from tests.support.models import SETTINGS, check_answers, make_dataset

KINDS = [CNN, CNNAttention]


@pytest.mark.parametrize("task", SETTINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_from_chips_and_comes_back_from_disk(kind, task, tmp_path):
    train, val = make_dataset(tmp_path, task, window=(8, 8))
    options = SETTINGS[task].models.model_copy(update={"epochs": 12, "learning_rate": 0.01})
    model = kind(0, options).train(train)
    found = model.predict(val)
    check_answers(found, val)
    truth = val.y if task == "regression" else (val.y == 3).astype(float)
    answer = found if task == "regression" else found[:, 3]
    assert np.corrcoef(truth, answer)[0, 1] > 0.5
    save_model(model, tmp_path)
    np.testing.assert_allclose(load_model(tmp_path).predict(val), found, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_can_be_overfitted_with_every_parameter(kind):
    seed_everything(0)
    network = kind().network(2, 3, 2)
    X = torch.randn(8, 3, 2, 8, 8, generator=torch.Generator().manual_seed(0))
    y = torch.arange(8) % 2
    optimiser = torch.optim.AdamW(network.parameters(), 0.01)
    for _ in range(60):
        loss = torch.nn.functional.cross_entropy(network(X), y)
        optimiser.zero_grad()
        loss.backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
        optimiser.step()
    assert loss.item() < 0.05


def test_series_and_chips_are_kept_apart(tmp_path):
    series, _ = make_dataset(tmp_path)
    with pytest.raises(InputError, match="process.sampling = mean gives series"):
        CNN(0, SETTINGS["classification"].models).train(series)
    chips, _ = make_dataset(tmp_path, window=(8, 8))
    model = TempCNN(0, SETTINGS["classification"].models).train(chips)
    assert model.params()["window"] == "mean"
