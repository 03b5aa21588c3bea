"""Positions and heads."""

import pytest
import torch

from tests.support.models import fresh_network, random_batch


@pytest.mark.parametrize("name", ["ltae", "transformer"])
@pytest.mark.slow
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


@pytest.mark.slow
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
