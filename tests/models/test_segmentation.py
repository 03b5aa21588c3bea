"""Networks that see space: they learn, every number takes part, windows agree with the whole."""

import numpy as np
import pytest
import torch

from seedbed.base.errors import InputError
from seedbed.models.dense import check_field, receptive_field
from seedbed.models.segmentation import FIELDS, UTAE, UNet, UNetLayers, UTAELayers
from seedbed.training.loops import seed_everything
from seedbed.training.masks import pixel_loss

KINDS = {"unet": UNet, "utae": UTAE}
TASKS = ("classification", "regression")


def built(name, task, field=32, bands=3, steps=2):
    """A network before training."""
    seed_everything(0)
    outputs = {"outputs": 3} if task == "classification" else {"outputs": 1, "mean": 5.0, "std": 2}
    return KINDS[name]().build(task, bands, steps, field=field, **outputs)


def batch(task, n=4, side=16):
    """Chips of which the first band tells the target; a corner is unlabelled."""
    generator = torch.Generator().manual_seed(1)
    answer = torch.randint(3, (n, side, side), generator=generator)
    X = torch.randn(n, 2, 3, side, side, generator=generator) * 0.1
    X[:, :, 0] += answer[:, None]
    Y = answer if task == "classification" else answer * 2.0
    Y[:, :4, :4] = -1 if task == "classification" else torch.nan
    return X, Y


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", KINDS)
def test_every_parameter_gets_a_gradient(name, task, field):
    network = built(name, task, field)
    pixel_loss(network(batch(task)[0]), batch(task)[1]).backward()
    for key, p in network.named_parameters():
        assert p.grad is not None and p.grad.abs().sum() > 0, key


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", KINDS)
def test_a_batch_can_be_overfitted(name, task):
    network, (X, Y) = built(name, task, field=14), batch(task)
    optimiser = torch.optim.AdamW(network.parameters(), 0.01)
    first = last = None
    for _ in range(60):
        loss = pixel_loss(network(X), Y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        first, last = first or loss.item(), loss.item()
    assert last < 0.15 * first


@pytest.mark.parametrize("steps", [1, 7])
@pytest.mark.parametrize("name", KINDS)
def test_the_default_has_less_than_a_tenth_of_a_million_parameters(name, steps):
    network = built(name, "classification", bands=13, steps=steps)
    assert sum(p.numel() for p in network.parameters()) < 100_000


@pytest.mark.parametrize("kind", [UNetLayers, UTAELayers])
def test_no_network_sees_farther_than_it_says(kind):
    for levels, field in enumerate(FIELDS):
        across, reach = receptive_field(kind(3, 2, 2, levels=levels), 3, 2)
        assert reach < across <= field


def test_a_wide_network_is_refused_with_the_way_out():
    meta = {"split": {"leaky": False, "method": "blocks", "buffer_km": 0.1}, "pixel_km": 0.01}
    with pytest.raises(InputError, match="labels.field = 32, which widens it, or .* at most 10"):
        check_field("wide", 32, meta)


@pytest.mark.parametrize("name", KINDS)
def test_windows_with_a_margin_say_what_the_whole_says(name):
    network = built(name, "classification").eval()
    generator = torch.Generator().manual_seed(2)
    X = torch.randn(1, 2, 3, 96, 92, generator=generator)
    margin = 16
    with torch.no_grad():
        whole = network(X)
        for top, left in np.ndindex(3, 3):
            r0, c0 = max(32 * top - margin, 0), max(32 * left - margin, 0)
            r1, c1 = min(32 * top + 32 + margin, 96), min(32 * left + 32 + margin, 92)
            part = network(X[..., r0:r1, c0:c1])
            height, width = min(32, 96 - 32 * top), min(32, 92 - 32 * left)
            a = part[..., 32 * top - r0 :, 32 * left - c0 :][..., :height, :width]
            b = whole[..., 32 * top :, 32 * left :][..., :height, :width]
            assert (a - b).abs().max() < 1e-5


def test_pixels_without_a_target_change_nothing():
    network, (X, Y) = built("unet", "classification"), batch("classification")
    scores = network.eval()(X)
    other = scores.clone()
    other[:, :, :4, :4] += 7 * torch.randn(3, 4, 4)
    assert pixel_loss(scores, Y) == pixel_loss(other, Y)
    assert pixel_loss(scores, torch.full_like(Y, -1)) == 0
