"""Holes in series: interpolated, counted, and left out of statistics."""

import numpy as np
import pytest

from seedbed.imagery.missing import (
    Observed,
    fill,
    filled_record,
    interpolate,
    medians,
    missing_by_step,
    missing_counts,
    missing_share,
    moments,
    scaling,
    statistics,
)
from tests.support.world import along_time

# --- holes ---


@pytest.mark.parametrize("shape", [(40, 7, 3), (5, 1, 2), (6, 4, 2, 3, 3)])
def test_interpolation_is_numpys(shape):
    """Straight lines inside, the nearest value at the ends, NaN where there is no value."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape).astype(np.float32)
    X[rng.random(shape) < 0.5] = np.nan
    before = X.copy()
    out = interpolate(X)
    assert np.array_equal(X, before, equal_nan=True)
    for sample in range(shape[0]):
        assert np.allclose(out[sample], along_time(X[sample]), atol=1e-6, equal_nan=True)


def test_steps_that_are_missing_as_a_whole():
    """Filled like any other; what is missing is counted once and says where to look."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6, 2, 3, 3)).astype(np.float32)
    X[rng.random((40, 6)) < 0.4] = np.nan
    X[30:][rng.random(X[30:].shape) < 0.2] = np.nan
    X[0], X[1] = np.nan, 1
    counts = missing_counts(X)
    assert np.array_equal(counts, np.isnan(X).sum((3, 4))) and np.array_equal(
        missing_counts(X[..., 1, 1]), np.isnan(X[..., 1, 1])
    )
    out = interpolate(X, counts)
    assert np.array_equal(out, interpolate(X), equal_nan=True)
    for given, filled in zip(X, out):
        assert np.allclose(filled, along_time(given), atol=1e-6, equal_nan=True)


def test_fill_and_medians():
    """Median by step and band over samples and pixels; only holes change."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(9, 3, 2, 2, 2)).astype(np.float32)
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:, 1, 1] = np.nan
    middle = medians(X)
    assert middle[1, 1] == 0 and np.isclose(middle[0, 1], np.nanmedian(X[:, 0, 1]))
    out = fill(X, middle)
    assert (
        np.isfinite(out).all()
        and np.array_equal(out[np.isfinite(X)], X[np.isfinite(X)])
        and (out[:, 1, 1] == 0).all()
    )


def test_shares_of_what_is_missing():
    """By sample, by step and band; no sample is no trouble."""
    X = np.zeros((2, 2, 2), np.float32)
    X[0, 0] = np.nan
    assert missing_share(X).tolist() == [0.5, 0] and missing_by_step(X).tolist() == [
        [0.5, 0.5],
        [0, 0],
    ]
    assert missing_share(X[:0]).tolist() == []


def test_statistics_of_large_and_constant_bands():
    """A deviation needs digits: values around 10,000 keep theirs, constant bands have 1."""
    rng = np.random.default_rng(2)
    X = np.stack(
        [10_000 + rng.normal(0, 1, (500, 4)), np.full((500, 4), 273.15), np.zeros((500, 4))], axis=2
    ).astype(np.float32)
    mean, std = statistics(X)
    assert np.allclose(mean, X.astype(float).mean((0, 1)), rtol=1e-6)
    assert np.isclose(std[0], X[:, :, 0].astype(float).std(), rtol=1e-3) and std[1:].tolist() == [
        1,
        1,
    ]


@pytest.mark.parametrize("window", [(), (4, 4), (5, 3)])
def test_sums_say_what_the_pixels_say(window):
    rng = np.random.default_rng(1)
    X = rng.normal(3, 2, (40, 3, 4, *window)).astype("float32")
    X[rng.random(X.shape) < 0.1] = np.nan
    X[:, 1, 2] = np.nan
    sums, train = moments(X), rng.random(40) < 0.7
    middle, mean, std = scaling(sums[train])
    np.testing.assert_allclose((mean, std), statistics(fill(X[train], middle)), rtol=1e-6)
    if not window:
        assert np.array_equal(middle, medians(X[train]))
    np.testing.assert_allclose(
        scaling(sums[train], middle + 1)[1], statistics(fill(X[train], middle + 1))[0], rtol=1e-6
    )


# --- measured or filled ---


@pytest.mark.parametrize("shape", [(40, 7, 3), (5, 1, 2), (6, 4, 2, 3, 3)])
def test_the_mask_remembers_every_hole(shape):
    """Rows in any order, all rows, and a part of them; a sample's bits need not fill a byte."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=shape)
    X[rng.random(shape) < 0.3] = np.nan
    X[0] = 1.0
    mask = Observed.of(X)
    known = ~np.isnan(X)
    assert mask.shape == shape and len(mask) == shape[0]
    assert np.array_equal(np.asarray(mask), known)
    assert np.array_equal(mask[2:4], known[2:4]) and np.array_equal(mask[[3, 0]], known[[3, 0]])
    assert np.array_equal(np.asarray(Observed.of(X, missing_counts(X))), known)


def test_the_share_of_filled_values_by_band_and_step():
    X = np.ones((4, 2, 2))
    X[:2, 0, 0] = np.nan
    X[0, 1, 1] = np.nan
    record = filled_record(missing_by_step(X), ["red", "nir"])
    assert record["share"] == 3 / 16 and record["by_band"] == {"red": 0.25, "nir": 0.125}
    assert record["by_step"] == [[0.5, 0.0], [0.0, 0.25]]
