"""Every network: it learns, its shapes are right, its size is the published one."""

import numpy as np
import pytest
import torch

from seedbed.base.settings import make_settings
from seedbed.model import cross_validate
from seedbed.models.registry import find_model
from seedbed.training.dataset import WithValues
from seedbed.training.loops import (
    fetcher,
    loss_of,
    mean_loss,
    run_network,
    train_epoch,
)
from tests.support.models import (
    ALL,
    CLASSES,
    NETWORKS,
    SETTINGS,
    STEPS,
    TASKS,
    each_model,
    fresh_network,
    random_batch,
)
from tests.support.paths import ROOT

# --- networks ---


def test_networks_are_found():
    assert {"gru", "lstm", "ltae", "mlp", "tempcnn", "transformer"} <= set(NETWORKS)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", each_model(NETWORKS))
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
@pytest.mark.parametrize("name", each_model(NETWORKS))
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


@pytest.mark.parametrize("name", each_model(NETWORKS))
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


@pytest.mark.parametrize("name", each_model(NETWORKS))
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


# --- models of one's own, and broken ones ---


@pytest.mark.slow
def test_networks_take_batches_of_the_size_that_settings_say(made, tmp_path):
    val = made["classification"][1]
    small = SETTINGS["classification"].model_copy(
        update={"dataset": make_settings({"dataset": {"batch_size": 8}}, root=ROOT).dataset}
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


# --- the samples ---


def test_a_network_answers_what_it_is_given(made):
    """Altered values are predicted from, not those of the file: importance would be nothing otherwise."""
    train, val = made["classification"]
    model = find_model("mlp")(
        0, SETTINGS["classification"].models.model_copy(update={"epochs": 3})
    ).train(train)
    assert np.array_equal(model.predict(WithValues(val, val.arrays()[0])), model.predict(val))
    assert not np.allclose(model.predict(WithValues(val, -val.arrays()[0])), model.predict(val))
