"""Parts of chips: where they are cut, and how many a network meets."""

import numpy as np
import pytest
import torch

from seedbed.training import loops
from seedbed.training.loops import fit_network
from seedbed.training.masks import CROP, turned
from tests.support.chips import Chips, OneNumber


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
def test_a_part_always_holds_a_target_and_lies_anywhere_around_it(dtype):
    none = -1 if dtype == torch.int64 else torch.nan
    Y = torch.full((400, 64, 64), none, dtype=dtype)
    Y[:, 40, 3] = 1
    X = torch.zeros(400, 1, 1, 64, 64)
    X[:, 0, 0] = torch.arange(64 * 64.0).reshape(64, 64)
    images, targets = turned(X, Y, np.random.default_rng(0))
    side = int(CROP * 64)
    assert targets.shape[1:] == (side, side)
    assert ((targets == 1).sum((1, 2)) == 1).all()
    assert (images[:, 0, 0][targets == 1] == 40 * 64 + 3).all()
    first = images[:, 0, 0].amin((1, 2)).long()  # the place of the upper left corner
    assert set((first % 64).tolist()) == {0, 1, 2, 3}
    assert set((first // 64).tolist()) == set(range(40 - side + 1, 64 - side + 1))


def test_where_every_pixel_has_a_target_all_of_them_are_shown():
    X = torch.arange(64 * 64.0).reshape(1, 1, 1, 64, 64).repeat(400, 1, 1, 1, 1)
    images, _ = turned(X, torch.zeros(400, 64, 64, dtype=torch.int64), np.random.default_rng(0))
    often = np.bincount(images.numpy().astype(int).ravel(), minlength=64 * 64)
    assert often.min() > 0


def test_an_epoch_of_few_chips_has_just_as_many_steps_as_it_needs(monkeypatch):
    monkeypatch.setattr(loops, "LEAST_STEPS", 3)
    history = fit_network(OneNumber(), Chips(), epochs=2, batch_size=4)
    assert history.steps == 2 * 3  # of 8 or 9 chips, some of which come twice
    history = fit_network(OneNumber(), Chips(), epochs=2, batch_size=2)
    assert history.steps == 2 * -(-len(np.flatnonzero(~loops.stopping_slice(Chips()))) // 2)
