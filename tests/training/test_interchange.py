"""The same samples for scikit-learn, xarray and TensorFlow: not one value differs."""

import shutil
import sys

import h5py
import numpy as np
import pytest

from seedbed.training.dataset import SampleDataset
from seedbed.training.interchange import orders, step_times
from tests.support.world import build, make_labels, pixels, refused

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A dataset.h5 of 48 series with two static bands and holes."""

    def make(i):
        data = pixels(i)
        if i < 12:
            data[2 * (i % 2)] = np.nan
        return data

    world = build(tmp_path_factory.mktemp("interchange"), 48, make=make)
    world.write_tifs(
        make_labels(48),
        make=make,
        names=("B4_t00", "B8_t00", "B4_t01", "B8_t01", "elevation", "slope"),
    )
    world.run()
    settings = world.settings()
    return settings.root / settings.processed_dir / "dataset.h5"


def test_a_scikit_learn_model_takes_them_as_they_are(path):
    from sklearn.linear_model import LogisticRegression

    data = SampleDataset(path)
    X, y = data.arrays()
    Xv, yv = data.arrays("val")
    assert (
        LogisticRegression(max_iter=200)
        .fit(X.reshape(len(X), -1), y)
        .predict(Xv.reshape(len(Xv), -1))
        .shape
        == yv.shape
    )


def test_xarray_holds_what_was_measured(path):
    xr = pytest.importorskip("xarray")
    data = SampleDataset(path, "val")
    found = data.to_xarray()
    assert (
        isinstance(found, xr.Dataset)
        and found["X"].dims == ("sample", "step", "band")
        and found.sizes["sample"] == len(data)
    )
    with h5py.File(path) as file:
        assert np.array_equal(found["X"].values, file["X"][:][data.rows], equal_nan=True)
        assert np.array_equal(found["static"].values, file["static"][:][data.rows], equal_nan=True)
    assert list(found["band"].values) == ["B4", "B8"] and list(found["static_band"].values) == [
        "elevation",
        "slope",
    ]
    assert list(found["sample"].values) == list(data.column("id")) and np.allclose(
        found["lon"], data.column("lon")
    )
    assert list(found["label"].values) == [data.classes[i] for i in data.y]
    one = found.sel(sample=found["sample"].values[0], band="B8")
    assert one["X"].shape == (2,)


def test_xarray_keeps_chips_as_pictures_and_survives_a_file(chips, tmp_path):
    pytest.importorskip("xarray")
    found = SampleDataset(chips, None).to_xarray()
    assert found["X"].dims == ("sample", "step", "band", "y_pixel", "x_pixel") and found["X"].shape[
        -2:
    ] == (4, 4)
    assert "X" in found.mean("sample")


def test_each_sample_has_dates_of_its_own():
    times = step_times(["2018-01-31", "", "2020-11-01"], 3, 1)
    assert [str(t)[:10] for t in times[0]] == ["2018-01-31", "2018-02-28", "2018-03-31"]
    assert np.isnat(times[1]).all() and str(times[2, 2])[:10] == "2021-01-01"


def test_orders_repeat_with_the_seed_and_differ_between_epochs():
    first, again = orders(50, True, 3), orders(50, True, 3)
    one, two = next(first), next(first)
    assert (
        np.array_equal(one, next(again))
        and not np.array_equal(one, two)
        and sorted(two) == list(range(50))
    )


def test_what_is_not_installed_is_said_in_a_line(path, monkeypatch):
    for module, call in (("tensorflow", "to_tf"), ("xarray", "to_xarray")):
        monkeypatch.setitem(sys.modules, module, None)
        refused(getattr(SampleDataset(path), call), module, "pip install -e '.[")


class TestTensorFlow:
    """`make test-tf` runs these; elsewhere they are skipped."""

    @pytest.fixture(autouse=True)
    def tf(self):
        return pytest.importorskip("tensorflow", reason="TensorFlow is not installed; make test-tf")

    @pytest.mark.parametrize("size", [1, 7, 64])
    def test_same_order_and_values_as_torch(self, path, chips, size):
        for file in (path, chips):
            data = SampleDataset(file)
            torch_batches, tf_batches = list(data.loader(size)), list(data.to_tf(size))
            assert len(torch_batches) == len(tf_batches) == len(data.to_tf(size))
            for (X, y), (X2, y2) in zip(torch_batches, tf_batches):
                assert (
                    X2.dtype.name == "float32"
                    and np.array_equal(X.numpy(), X2.numpy())
                    and np.array_equal(y.numpy(), y2.numpy())
                )

    def test_shuffled_epochs_hold_every_sample_and_repeat_with_the_seed(self, path):
        data = SampleDataset(path)
        batches = data.to_tf(8, shuffle=True, seed=1)
        one, two = ([X.numpy() for X, y in batches] for _ in range(2))
        one, two = np.concatenate(one), np.concatenate(two)
        assert not np.array_equal(one, two) and np.array_equal(
            np.sort(one.ravel()), np.sort(data.arrays()[0].ravel())
        )
        assert np.array_equal(
            one, np.concatenate([X.numpy() for X, y in data.to_tf(8, shuffle=True, seed=1)])
        )

    def test_keras_trains_on_it(self, path):
        import tensorflow as tf

        data = SampleDataset(path)
        model = tf.keras.Sequential(
            [tf.keras.layers.Flatten(), tf.keras.layers.Dense(len(data.classes))]
        )
        model.compile("adam", tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        history = model.fit(data.to_tf(16), epochs=2, verbose=0)
        assert len(history.history["loss"]) == 2 and np.isfinite(history.history["loss"]).all()


def test_steps_of_any_length_have_dates():
    """Months by the calendar, dekads and composites of 16 days in days, single dates as they are."""
    dekads = step_times(["2020-01-01"], 37, 10 / 365.25 * 12)
    assert np.array_equal(np.diff(dekads).ravel().astype(int), [10] * 36)
    assert step_times(["2020-01-01"], 3, 0.5257).astype(str).tolist() == [
        ["2020-01-01", "2020-01-17", "2020-02-02"]
    ]
    assert step_times(["2020-01-31"], 1, 0.33).astype(str).tolist() == [["2020-01-31"]]
    assert str(step_times(["2020-01-31"], 2, 3.0)[0, 1]) == "2020-04-30"
    assert step_times([], 2, 0.5).shape == (0, 2)


def test_xarray_says_what_was_measured(path, tmp_path):
    pytest.importorskip("xarray")
    data = SampleDataset(path, None)
    cube = data.to_xarray()
    assert cube["observed"].dims == cube["X"].dims and cube["observed"].dtype == bool
    number = np.array([int(name[1:]) for name in cube["sample"].values])
    holes = ~cube["observed"].values
    assert np.array_equal(holes.any((1, 2)), number < 12)
    measured = cube["X"].where(cube["observed"])
    assert np.array_equal(np.isnan(measured.values), holes | np.isnan(cube["X"].values))
    old = tmp_path / "dataset.h5"
    shutil.copy(path, old)
    with h5py.File(old, "a") as file:
        del file["observed"]
    cube = SampleDataset(old, None).to_xarray()
    assert "observed" not in cube and cube.attrs["observed"] == "unknown"
