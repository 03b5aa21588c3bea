"""One sample, many samples, workers or none: the same numbers, reproducibly."""

import json
import os
import pickle
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from seedbed.training.dataset import FINAL, SampleDataset, WithValues, read_texts
from tests.support.batches import whole
from tests.support.world import refused

# --- sides and samples ---


def test_sides(path):
    """Train, val and dropped are all there is; every label is validated once; the last row trains on all."""
    everything = SampleDataset(path, None)
    assert len(everything) == 48
    validated = []
    for fold in range(everything.folds):
        parts = {side: SampleDataset(path, side, fold) for side in ("train", "val", "dropped")}
        ids = [set(d.column("id")) for d in parts.values()]
        assert sum(map(len, ids)) == 48 and set().union(*ids) == set(everything.column("id"))
        validated += list(parts["val"].column("id"))
    assert sorted(validated) == sorted(everything.column("id"))
    assert (
        len(SampleDataset(path, "train", FINAL)) == 48
        and len(SampleDataset(path, "val", FINAL)) == 0
    )


@pytest.mark.parametrize("fold", [0, 1, FINAL])
def test_values_by_hand(path, fold):
    """Filled with the fold's medians, scaled by the fold's numbers, static bands repeated at each step."""
    data = SampleDataset(path, "train", fold)
    with h5py.File(path) as file:
        rows = np.flatnonzero(file["split"].asstr()[:][fold] == "train")
        X = file["X"][:][rows].astype(float)
        static = file["static"][:][rows].astype(float)
        meta = {k: v[fold] for k, v in file.attrs.items() if isinstance(v, np.ndarray)}
    X = np.where(np.isnan(X), meta["medians"], X)
    static = np.where(np.isnan(static), meta["static_medians"], static)
    expected = np.concatenate(
        [
            (X - meta["mean"]) / meta["std"],
            np.repeat(
                ((static - meta["static_mean"]) / meta["static_std"])[:, None], X.shape[1], 1
            ),
        ],
        axis=2,
    )
    got, y = data.arrays()
    assert got.dtype == np.float32 and got.flags.c_contiguous and np.isfinite(got).all()
    assert np.allclose(got, expected, rtol=1e-4, atol=1e-5) and np.array_equal(y, data.y)
    assert abs(got.mean()) < 1e-4 and data.bands == ("B4", "B8", "elevation", "slope")


def test_one_and_many(path):
    """dataset[i], dataset[[i, j]], __getitems__ and arrays() agree."""
    data = SampleDataset(path)
    X, y = data.arrays()
    for i in (0, 5, -1, np.int64(3)):
        one, label = data[i]
        assert (
            one.shape == X.shape[1:]
            and torch.equal(one, torch.from_numpy(X[i]))
            and int(label) == y[i]
        )
    many, labels = data[[4, 1, 4]]
    assert np.array_equal(many.numpy(), X[[4, 1, 4]]) and labels.tolist() == y[[4, 1, 4]].tolist()
    pairs = data.__getitems__([2, 7])
    assert len(pairs) == 2 and np.array_equal(pairs[1][0], X[7]) and int(pairs[1][1]) == y[7]
    assert isinstance(data[0][0], torch.Tensor) and data[0][1].dtype == torch.int64


@pytest.mark.parametrize("index", [48, 10_000, -10_000])
def test_out_of_range(path, index):
    """Beyond the end is an IndexError, so that loops end."""
    data = SampleDataset(path)
    with pytest.raises(IndexError):
        data[index]
    with pytest.raises(IndexError):
        data[[0, index]]
    assert len(list(data)) == len(data)


def test_columns(path):
    """Columns follow the rows of the side."""
    data = SampleDataset(path, "val")
    with h5py.File(path) as file:
        rows = file["split"].asstr()[:][0] == "val"
        for name in (
            "id",
            "label_id",
            "lon",
            "lat",
            "start",
            "group",
            "region",
            "block",
            "missing",
        ):
            values = (
                file[name].asstr()[:]
                if h5py.check_string_dtype(file[name].dtype)
                else file[name][:]
            )
            assert np.array_equal(data.column(name), values[rows])
    assert np.array_equal(
        data.coordinates(), np.column_stack([data.column("lon"), data.column("lat")])
    )
    refused(lambda: data.column("regoin"), "regoin", "did you mean 'region'?")


def test_texts_are_read_once_for_all_folds_and_anew_from_a_file_that_changed(path, tmp_path):
    own = shutil.copy(path, tmp_path / "dataset.h5")
    read_texts.cache_clear()
    for fold in (0, 1, FINAL):
        SampleDataset(own, "train", fold).column("region")
    assert read_texts.cache_info().misses == 1
    data = SampleDataset(own, None)
    with h5py.File(own, "r+") as file:
        file["region"][:] = "elsewhere"
    stat = own.stat()
    os.utime(own, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert set(data.column("region")) == {"elsewhere"}


def test_wrong_arguments(path, tmp_path):
    """A wrong path, side, fold, augmentation or file says what is right."""
    refused(
        lambda: SampleDataset(tmp_path / "dataset.h5"),
        "dataset.h5",
        "no such dataset",
        "run 02_process",
    )
    refused(lambda: SampleDataset(path, "valid"), "'valid'", "train", "val", "dropped")
    refused(lambda: SampleDataset(path, "val", 17), "17", "folds")
    refused(
        lambda: SampleDataset(path, augment=("blur",)), "dataset.augment", "'blur'", "band_noise"
    )
    (tmp_path / "broken.h5").write_bytes(path.read_bytes()[:3000])
    refused(lambda: SampleDataset(tmp_path / "broken.h5"), "broken.h5", "02_process")


# --- loaders ---


def by_worker(data, kind, context):
    """All samples in order, through two workers."""
    if kind == "default":
        return whole(DataLoader(data, batch_size=7, num_workers=2, multiprocessing_context=context))
    loader = data.loader(7, workers=2)
    loader.multiprocessing_context = context
    return whole(loader)


@pytest.mark.parametrize("kind", ["default", "ours"])
@pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_workers_change_nothing(path, kind, context):
    """Workers, forked or fresh, read the same samples in the same order."""
    data = SampleDataset(path)
    X, y = data.arrays()
    data[0]  # the map is open already
    got = by_worker(data, kind, context)
    assert np.array_equal(got[0], X) and np.array_equal(got[1], y)


@pytest.mark.parametrize("batch_size", [1, 7, 64])
def test_loaders_without_workers(path, batch_size):
    """PyTorch's own loader and ours give the same batches."""
    data = SampleDataset(path)
    theirs, ours = DataLoader(data, batch_size=batch_size), data.loader(batch_size)
    assert len(theirs) == len(ours) == -(-len(data) // batch_size)
    for (a, b), (c, d) in zip(theirs, ours):
        assert torch.equal(a, c) and torch.equal(b, d)
    assert len(data.loader(7, drop_last=True)) == len(data) // 7


@pytest.mark.slow
def test_shuffle_by_seed(path):
    """The same seed gives the same order, epoch by epoch; epochs differ; workers change nothing."""
    data = SampleDataset(path)

    def orders(**options):
        loader = data.loader(8, shuffle=True, **options)
        return [whole(loader)[0] for _ in range(2)]

    first, again, other = orders(seed=3), orders(seed=3), orders(seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert not np.array_equal(first[0], first[1]) and not np.array_equal(first[0], other[0])
    assert np.array_equal(np.sort(first[0], 0), np.sort(data.arrays()[0], 0))
    assert all(np.array_equal(a, b) for a, b in zip(first, orders(seed=3, workers=2)))


def test_torch_and_numpy_seeds_do_not_matter(path):
    """Nothing depends on a global generator."""
    data = SampleDataset(path, augment=("band_noise",), seed=2)
    runs = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        np.random.seed(seed)
        runs.append(whole(pickle.loads(pickle.dumps(data)).loader(8, shuffle=True, seed=5)))
    assert np.array_equal(runs[0][0], runs[1][0])


def test_pickle(path):
    """A pickled dataset is small, closed and equal."""
    data = SampleDataset(path, "val", augment=())
    data[0]
    text = pickle.dumps(data)
    again = pickle.loads(text)
    assert again._open is None and len(text) < 50_000
    assert np.array_equal(again.arrays()[0], data.arrays()[0]) and again.bands == data.bands


def test_memory_map(path):
    """X is mapped, not read; nobody can write into it."""
    data = SampleDataset(path)
    assert data._open is None
    data[0]
    X, static, whole = data._open
    assert all(isinstance(a.base, np.memmap) and not a.flags.writeable for a in (X, static))
    assert list(whole) == [
        i >= 20 or i % 3 == 2 for i in range(48)
    ]  # of the third, a static band is missing
    with h5py.File(path) as file:
        assert np.array_equal(X, file["X"][:], equal_nan=True)
    before = path.read_bytes()
    one = data[0][0]
    one += 1
    data.arrays()[0][:] = 0
    assert path.read_bytes() == before and not torch.equal(data[0][0], one)


def test_an_empty_side(path):
    """A side without samples has length 0, empty arrays and no batches."""
    none = SampleDataset(path, "val", FINAL)
    X, y = none.arrays()
    assert len(none) == 0 and X.shape == (0, 2, 4) and y.shape == (0,) and list(none.loader()) == []


@pytest.mark.slow
def test_chip_samples(chips):
    """Chips keep height and width."""
    data = SampleDataset(chips)
    assert (
        data[0][0].shape == (3, 2, 4, 4)
        and data[[0, 1]][0].shape == (2, 3, 2, 4, 4)
        and data.arrays()[0].shape[1:] == (3, 2, 4, 4)
    )


def large(path, n=12, shape=(4, 6, 64, 64)):
    """A dataset.h5 of chips that are too large to be copied before they are scaled; the first lacks a band, the second a static one."""
    rng, steps, bands = np.random.default_rng(0), *shape[:2]
    X, static = rng.random((n, *shape), "float32"), rng.random((n, 2), "float32")
    X[0, :, 3], static[1, 0] = np.nan, np.nan
    with h5py.File(path, "w") as file:
        file["X"], file["static"], file["y"], file["missing"] = (
            X,
            static,
            np.arange(n) % 2,
            np.isnan(X).mean((1, 2, 3, 4)),
        )
        file.create_dataset("split", data=np.full((2, n), b"train", "S7"))
        meta = {
            "task": "classification",
            "classes": ["a", "b"],
            "unit": "",
            "steps": steps,
            "variables": list("abcdef"),
            "static_names": ["s", "t"],
        }
        for name, value in meta.items():
            file.attrs[name] = json.dumps(value)
        for name, size in {
            "medians": (2, steps, bands),
            "mean": (2, bands),
            "std": (2, bands),
            "static_medians": (2, 2),
            "static_mean": (2, 2),
            "static_std": (2, 2),
        }.items():
            file.attrs[name] = 0.5 + rng.random(size, "float32")
    return SampleDataset(path)


def by_hand(data):
    """X of `large` as a model sees it."""
    with h5py.File(data.path) as file:
        X, static = file["X"][:], file["static"][:]
    wide, s = lambda v: v[..., None, None], data.scaling
    X = (np.where(np.isnan(X), wide(s["medians"]), X) - wide(s["mean"])) / wide(s["std"])
    static = (np.where(np.isnan(static), s["static_medians"], static) - s["static_mean"]) / s[
        "static_std"
    ]
    return np.concatenate(
        [X, np.broadcast_to(wide(static[:, None]), (len(X), 4, 2, 64, 64))], axis=2
    )


def test_large_chips(tmp_path):
    """Whether few or many are asked for, and whether the file tells what is missing or not."""
    data = large(tmp_path / "dataset.h5")
    expected = by_hand(data)
    for index in (0, 1, [0, 1, 5], np.arange(12)):
        assert np.allclose(data[index][0], expected[index], rtol=1e-5, atol=1e-6)
    with h5py.File(data.path, "a") as file:
        del file["missing"]
    assert np.array_equal(SampleDataset(data.path).arrays()[0], data.arrays()[0])


def test_a_batch_that_is_held_is_never_written_again(tmp_path):
    """Memory is lent anew only when the last view of it is gone, tensor or array, whoever looks at it."""
    data = large(tmp_path / "dataset.h5")
    expected, order = by_hand(data), np.random.default_rng(0).integers(0, 12, (40, 3))
    views = [
        lambda X: X,
        lambda X: X[1:],
        lambda X: X.numpy()[:, ::-1],
        lambda X: torch.flip(X, (0,)),
        lambda X: X.permute(0, 2, 1, 3, 4),
    ]
    held = [views[k % 5](data[rows][0]) for k, rows in enumerate(order)]
    for k, rows in enumerate(order):
        assert np.allclose(
            held[k], views[k % 5](torch.from_numpy(expected[rows])), rtol=1e-5, atol=1e-6
        )
    assert len(data._buffers.arrays) == 4


def test_memory_is_lent_again(tmp_path):
    """A loop over batches lives on the memory of two: the one that it holds and the one that comes."""
    data, seen = large(tmp_path / "dataset.h5"), []
    for X, y in data.loader(3, shuffle=True):
        seen.append(X.data_ptr())
    assert len(seen) == 4 and len(set(seen)) == 2
    again = pickle.loads(pickle.dumps(data))
    assert len(again._buffers.arrays) == 1 and torch.equal(again[[2, 4]][0], data[[2, 4]][0])


# --- augmentation ---


def test_facts(path):
    """What the file says of itself is at hand."""
    data = SampleDataset(path)
    assert (
        data.task == "classification"
        and data.classes == ["forest", "wheat"]
        and data.steps == 2
        and data.folds == len(data.meta["split"]["fold_names"])
    )
    with h5py.File(path) as file:
        assert json.loads(file.attrs["split"]) == data.meta["split"]


def test_arrays_of_the_other_side_keep_the_fold_and_its_scaling(path):
    for fold in (0, 2):
        X, y = SampleDataset(path, "train", fold).arrays("val")
        other = SampleDataset(path, "val", fold)
        assert np.array_equal(X, other[np.arange(len(other))][0].numpy()) and np.array_equal(
            y, other.y
        )
    assert not np.array_equal(
        SampleDataset(path, "train", 0).arrays("val")[0],
        SampleDataset(path, "train", 1).arrays("val")[0],
    )
    refused(lambda: SampleDataset(path).arrays("tset"), "split = 'tset'")


LIMITED = """
import resource, sys
import numpy as np
import torch
from seedbed.training.dataset import SampleDataset
data = SampleDataset(sys.argv[1], None)
used = int(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmData"))) * 1024
resource.setrlimit(resource.RLIMIT_DATA, (used + 100 * 2**20,) * 2)
try: np.ones(data.meta["steps"] * len(data) * 8 * 32 * 32, "float32"); raise SystemExit("the limit does not hold")
except MemoryError: pass
print(sum(float(X.sum()) * 0 + len(y) for X, y in data.loader(32, shuffle=True)))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the memory of a process is limited by Linux")
def test_a_dataset_larger_than_the_memory_that_is_left(tmp_path):
    path, n, shape = tmp_path / "dataset.h5", 3000, (4, 8, 32, 32)  # 393 MB, and 100 MB are left
    with h5py.File(path, "w") as file:
        file.create_dataset("X", (n, *shape), "float32")
        for start in range(0, n, 500):
            file["X"][start : start + 500] = np.ones((500, *shape), "float32")
        file["static"], file["y"] = np.zeros((n, 0), "float32"), np.zeros(n, int)
        file.create_dataset("split", data=np.full((2, n), b"train", "S7"))
        meta = {
            "task": "classification",
            "classes": ["a"],
            "unit": "",
            "steps": 4,
            "variables": list("abcdefgh"),
            "static_names": [],
        }
        for name, value in meta.items():
            file.attrs[name] = json.dumps(value)
        for name, size in {
            "medians": (2, 4, 8),
            "mean": (2, 8),
            "static_medians": (2, 0),
            "static_mean": (2, 0),
        }.items():
            file.attrs[name] = np.zeros(size, "float32")
        for name, size in {"std": (2, 8), "static_std": (2, 0)}.items():
            file.attrs[name] = np.ones(size, "float32")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, timeout=300
    )
    assert done.stdout.strip() == "3000.0", done.stderr[-2000:]


# --- measured or filled ---


def test_every_hole_is_known_although_it_was_filled(path):
    """The mask is that of the tifs: band by band and step by step, static bands last."""
    data = SampleDataset(path, None)
    known = data.observed()
    number = np.array([int(name[1:]) for name in data.column("id")])
    expected = np.ones((48, 2, 4), bool)
    for row, i in enumerate(number):
        if i < 20 and i % 3 < 2:
            expected[row, i % 3, 0] = False
        if i < 20 and i % 3 == 2:
            expected[row, :, 2] = False
        if i < 3:
            expected[row, :, 3] = False
    assert known.dtype == bool and np.array_equal(known, expected)
    assert data.observed().shape == data.arrays()[0].shape
    train = SampleDataset(path, "train")
    assert np.array_equal(train.observed(), known[train.rows])
    filled = data.meta["filled"]
    assert filled["share"] == pytest.approx(1 - expected[:, :, :2].mean(), abs=1e-6)
    assert filled["by_band"]["B4"] == pytest.approx(1 - expected[:, :, 0].mean(), abs=1e-6)
    assert f"{100 * (1 - filled['share']):.3g} % of the values" in repr(data)


def test_chips_have_a_mask_of_their_pixels(chips):
    data = SampleDataset(chips)
    assert data.observed().all() and data.observed().shape == data.arrays()[0].shape
    with h5py.File(chips) as file:
        stored = file["observed"]
        assert stored.compression == "gzip" and stored.id.get_storage_size() == 0
    assert "all values" in repr(data)


def test_batches_bring_the_mask(path):
    plain, data = SampleDataset(path), SampleDataset(path, with_observed=True)
    X, y, known = data[0]
    assert X.shape == known.shape and torch.equal(X, plain[0][0])
    rows = [5, 0, 5]
    assert np.array_equal(data[rows][2].numpy(), data.observed()[rows])
    parts = [batch[2].numpy() for batch in data.loader(7)]
    assert np.array_equal(np.concatenate(parts), data.observed())
    with_values = WithValues(data, data.arrays()[0] + 1)
    assert np.array_equal(with_values.observed(), data.observed())
    refused(
        lambda: SampleDataset(path, augment=["time_jitter"], with_observed=True),
        "augment = time_jitter",
        "with_observed",
    )


def test_a_file_of_an_earlier_version_does_not_know(path, tmp_path):
    """It opens, and says that nobody knows; it is not taken for measured."""
    old = tmp_path / "dataset.h5"
    shutil.copy(path, old)
    with h5py.File(old, "a") as file:
        del file["observed"], file.attrs["filled"]
        file.attrs["schema_version"] = "1"
    data = SampleDataset(old)
    assert data.observed() is None and "not known" in repr(data)
    assert np.array_equal(data.arrays()[0], SampleDataset(path).arrays()[0])
    refused(lambda: SampleDataset(old, with_observed=True), "dataset.h5", "run 02_process again")


def test_dates_are_counted_where_the_file_has_none(path):
    data = SampleDataset(path)
    assert data.dates().shape == (len(data), 2) and np.isnat(data.dates()).all()
