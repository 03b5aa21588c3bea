"""Altered samples: another view at each look, reproducible by the seed, never in validation."""

import os

import numpy as np
import pytest
from torch.utils.data import DataLoader

from seedbed.training.augmentation import AUGMENTATIONS, augmentation
from seedbed.training.dataset import SampleDataset
from tests.support.batches import whole
from tests.support.world import refused

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_keeps_shape_and_type(path, chips, name):
    """Each augmentation gives float32 of the same shape, finite, and leaves its input alone."""
    for data in (SampleDataset(path), SampleDataset(chips)):
        X = data.arrays()[0]
        before = X.copy()
        out = augmentation([name])(X, np.random.default_rng(0))
        assert (
            out.shape == X.shape
            and out.dtype == np.float32
            and np.isfinite(out).all()
            and np.array_equal(X, before)
        )
        if name != "flips" or X.ndim == 5:
            assert not np.array_equal(out, X)


def test_augmented_samples(path):
    """Another view at each look, reproducible by the seed; arrays() is never augmented."""
    plain = SampleDataset(path)
    look = lambda seed: [
        d[0][0].numpy()
        for d in [SampleDataset(path, augment=("band_noise",), seed=seed)]
        for _ in range(3)
    ]
    a, b, c = look(1), look(1), look(2)
    assert np.array_equal(a, b) and not np.array_equal(a, c)
    assert not np.array_equal(a[0], a[1]) and not np.array_equal(a[0], plain[0][0].numpy())
    augmented = SampleDataset(path, augment=("band_noise", "time_jitter"), seed=1)
    assert np.array_equal(augmented.arrays()[0], plain.arrays()[0])


@pytest.mark.parametrize("fold", [0, 1])
def test_validation_is_never_augmented(path, fold):
    """An augmentation belongs to training; asked for elsewhere it is refused, never applied in silence."""
    for side in ("val", None, "dropped"):
        refused(
            lambda: SampleDataset(path, side, fold, augment=("band_noise",)), "augment", "train"
        )


@pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_augmentation_differs_by_worker_and_epoch(path, context):
    """Workers do not repeat each other's noise, epochs do not repeat themselves, and two runs are the same."""

    def run():
        data = SampleDataset(path, augment=("band_noise",), seed=1)
        data[0]
        data = SampleDataset(path, augment=("band_noise",), seed=1)
        loader = data.loader(4, workers=2, seed=9)
        loader.multiprocessing_context = context
        return [whole(loader)[0] - data.arrays()[0] for _ in range(2)]

    one, two = run(), run()
    assert np.array_equal(one, two)
    assert not np.allclose(one[0], one[1])
    noise = one[0].reshape(len(one[0]), -1)
    assert len(np.unique(noise.round(6), axis=0)) == len(noise)


def test_parent_and_worker_do_not_share_noise(path):
    """A generator that the parent has used already is not continued by forked workers."""
    data = SampleDataset(path, augment=("band_noise",), seed=1)
    parent = data[[0, 1, 2, 3]][0].numpy()
    batch = next(
        iter(DataLoader(data, batch_size=4, num_workers=1, multiprocessing_context="fork"))
    )[0].numpy()
    assert not np.allclose(parent, batch)
    assert os.getpid() == data._random[0][0]
