"""Folds stay systematic where they are balanced, and are mended where they are not."""

import numpy as np
import pytest

from seedbed.splitting.balance import balanced_folds, in_step, too_small
from seedbed.splitting.blocks import blocks, systematic_folds
from tests.support.places import cloud


def lattice(apart_km, south, count=20):
    """Longitude and latitude of a square grid of labels."""
    step = apart_km / 111.195
    row, column = (part.ravel() for part in np.mgrid[:count, :count])
    lat = south + row * step
    return 26 + column * step / np.cos(np.radians(lat)), lat


@pytest.mark.parametrize("south", [0, 45])
@pytest.mark.parametrize("apart", [50, 50.5, 100])
def test_a_grid_in_step_with_the_blocks_is_dealt_anew(south, apart):
    """Labels a multiple of folds x block apart: whole rows of neighbours shared a fold."""
    lon, lat = lattice(apart, south)
    row, column = blocks(lon, lat, 10)
    assert in_step(lon, lat, systematic_folds(row, column, 5), 5)
    fold, how = balanced_folds(lon, lat, row, column, 5)
    assert how == "dealt" and not in_step(lon, lat, fold, 5)
    assert np.bincount(fold).tolist() == [80] * 5
    assert np.array_equal(fold, balanced_folds(lon, lat, row, column, 5)[0])
    assert not np.array_equal(fold, balanced_folds(lon, lat, row, column, 5, seed=1)[0])


@pytest.mark.parametrize("apart", [5, 10, 15, 20, 30])
def test_other_grids_stay_systematic(apart):
    lon, lat = lattice(apart, 45)
    row, column = blocks(lon, lat, 10)
    fold, how = balanced_folds(lon, lat, row, column, 5)
    assert how == "systematic" and np.array_equal(fold, systematic_folds(row, column, 5))


@pytest.mark.parametrize("seed", range(5))
def test_scattered_labels_stay_systematic(seed):
    """Chance is no reason to move anybody."""
    lon, lat = cloud(seed, 200, 26, 45, 1).T
    row, column = blocks(lon, lat, 10, seed)
    y = np.random.default_rng(seed).choice(["a", "b", "c"], 200)
    fold, how = balanced_folds(lon, lat, row, column, 5, seed, y)
    assert how == "systematic" and np.array_equal(fold, systematic_folds(row, column, 5, seed))


def test_a_striped_class_is_spread():
    """Every second column of a grid is a class, and the grid meets the folds' pattern."""
    lon, lat = lattice(75, 0)
    y = np.arange(400) % 2
    row, column = blocks(lon, lat, 10)

    def least(fold):
        return min(np.bincount(fold[y == k], minlength=5).min() for k in (0, 1)) / 200

    pattern = systematic_folds(row, column, 5)
    fold, how = balanced_folds(lon, lat, row, column, 5, 0, y)
    assert least(pattern) <= 0.05 and how == "spread" and least(fold) > 0.05
    assert (fold != pattern).mean() < 0.1


def test_a_class_of_one_fold_comes_into_two():
    """A class in several blocks of one fold could not be scored; few labels move."""
    lon, lat = cloud(0, 300, 26, 45, 1.5).T
    row, column = blocks(lon, lat, 10)
    pattern = systematic_folds(row, column, 5)
    y = np.full(300, "common", object)
    y[np.flatnonzero(pattern == 2)[[0, 20, 40]]] = "rare"
    fold, how = balanced_folds(lon, lat, row, column, 5, 0, y)
    assert how == "spread" and len(set(fold[y == "rare"])) > 1
    moved = fold != pattern
    assert 0 < moved.sum() < 10 and not moved[(y == "common") & (pattern != 2)].any()
    one_block = np.where((row == row[0]) & (column == column[0]), "rare", "common")
    assert balanced_folds(lon, lat, row, column, 5, 0, one_block)[1] == "systematic"


def test_five_blocks_give_five_folds():
    """A fold stays empty only where the blocks are too few."""
    for seed in range(10):
        xy = np.random.default_rng(seed).uniform(0, 9, (5, 2))
        lon, lat = np.repeat(xy, 20, axis=0).T
        row, column = blocks(lon, lat, 10)
        fold, _ = balanced_folds(lon, lat, row, column, 5)
        assert np.bincount(fold, minlength=5).tolist() == [20] * 5


def test_small_means_smaller_than_chance():
    assert too_small(np.array([0.5, 0.5, 0, 0, 0]), 5)
    assert not too_small(np.array([0.5, 0.5, 0, 0, 0]), 4)
    assert not too_small(np.array([0.3, 0.3, 0.3, 0.05, 0.05]), 60)
    assert too_small(np.array([0.3, 0.3, 0.3, 0.05, 0.05]), 100)


@pytest.mark.parametrize("apart", [1, 2.5, 5, 6.7, 10, 15, 20, 30, 40, 60])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_lattice_falls_in_step_with_blocks_of_ten_kilometres(apart, seed):
    """Labels every so many kilometres: folds of like size, and neighbours in several of them."""
    lon, lat = lattice(apart, 45)
    row, column = blocks(lon, lat, 10, seed)
    fold, _ = balanced_folds(lon, lat, row, column, 5, seed)
    share = np.bincount(fold, minlength=5) / len(fold)
    assert 0.1 < share.min() and share.max() < 0.32
    first = np.unique(np.column_stack([row, column]), axis=0, return_index=True)[1]
    assert not in_step(lon[first], lat[first], fold[first], 5)
