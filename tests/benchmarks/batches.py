"""From dataset.h5 to shuffled batches."""

import json
import os
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
import torch
from harness import Row, race
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from seedbed.training.dataset import SampleDataset


def make(path, n, shape, dense=False):
    """A dataset.h5 of noise; every sample is for training. Dense: a class for each pixel."""
    steps, bands = shape[:2]
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["X"] = rng.random((n, *shape), dtype="float32")
        file["static"], file["y"], file["missing"] = (
            np.zeros((n, 0), "float32"),
            rng.integers(0, 4, n),
            np.zeros(n, "float32"),
        )
        if dense:
            file["Y"] = rng.integers(-1, 4, (n, *shape[2:])).astype("int16")
        file.create_dataset("split", data=np.full((2, n), b"train", "S7"))
        file.create_dataset(
            "block",
            data=np.array([str(i // 50) for i in range(n)], object),
            dtype=h5py.string_dtype(),
        )
        meta = {
            "task": "classification",
            "classes": list("abcd"),
            "unit": "",
            "target": "noise",
            "steps": steps,
            "step_months": 1,
            "variables": [f"B{i}" for i in range(bands)],
            "static_names": [],
            "sampling": "dense" if dense else "mean",
            "chip_size": shape[-1] if dense else None,
            "max_missing": 0.7,
            "indices": [],
            "layout": {},
        }
        for name, value in meta.items():
            file.attrs[name] = json.dumps(value)
        for name, size in {
            "medians": (2, steps, bands),
            "mean": (2, bands),
            "static_medians": (2, 0),
            "static_mean": (2, 0),
        }.items():
            file.attrs[name] = np.zeros(size, "float32")
        for name, size in {"std": (2, bands), "static_std": (2, 0)}.items():
            file.attrs[name] = np.ones(size, "float32")
    return SampleDataset(path)


class Folder(Dataset):
    """The essay's folder: X_i.npy and y_i.npy."""

    def __init__(self, folder):
        self.folder, self.count = folder, len(list(folder.glob("X_*.npy")))

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        return torch.from_numpy(np.load(self.folder / f"X_{i}.npy")), torch.from_numpy(
            np.load(self.folder / f"y_{i}.npy")
        )


def sweep(batches):
    """Take every batch."""
    for X, y in batches:
        pass


def gathered(X, batch=256):
    """Copy the same rows batch by batch and do nothing to them: no loader can be faster."""
    order = np.random.default_rng(0).permutation(len(X))
    for i in range(0, len(X), batch):
        X[order[i : i + batch]]


def contest(folder, kind, n, shape, dense=False):
    """One kind of samples against memory and against a folder of files."""
    data = make(folder / f"{kind}.h5", n, shape, dense)
    X, y = (torch.from_numpy(v) for v in data.arrays())
    memory = TensorDataset(X, y)
    files = folder / kind
    files.mkdir()
    some = min(n, 1024)
    for i in range(some):
        np.save(files / f"X_{i}.npy", X[i].numpy())
        np.save(files / f"y_{i}.npy", y[i].numpy())
    essay = Folder(files)
    ours = data.loader(256, shuffle=True)
    bare = DataLoader(
        memory, sampler=BatchSampler(RandomSampler(memory), 256, False), batch_size=None
    )
    t = race(
        7,
        ours=lambda: sweep(ours),
        memory=lambda: sweep(bare),
        gathered=lambda: gathered(X.numpy()),
        files=lambda: sweep(DataLoader(essay, 256, shuffle=True)),
    )
    us = {k: 1e6 * v / (some if k == "files" else n) for k, v in t.items()}
    said = f"{us['ours']:.2f} us a sample {list(shape)} against {us['memory']:.2f} us; ours is scaled, memory is not"
    limit = f"{us['files']:.0f} us a sample; TensorDataset {us['files'] / us['memory']:.1f}, copying rows alone {us['files'] / us['gathered']:.1f}"
    return [
        Row(
            f"{kind}: time of shuffled batches of 256, times a TensorDataset",
            us["ours"] / us["memory"],
            "<= 1.2",
            said,
        ),
        Row(
            f"{kind}: samples/s, times a folder of X_i.npy and y_i.npy",
            us["files"] / us["ours"],
            ">= 15",
            limit,
        ),
    ]


def from_disk(path, n, shape):
    """A shuffled epoch of a file that is not in memory, against reading the bytes of its samples in such an order; Linux can forget a file."""
    make(path, n, shape)
    bytes_each = 4 * int(np.prod(shape))
    order = np.random.default_rng(0).permutation(n)
    with open(path, "rb", buffering=0) as file:
        os.fsync(file.fileno())

        def cold(work):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            start = time.perf_counter()
            work()
            return time.perf_counter() - start

        def one_by_one():
            for i in order:
                os.pread(file.fileno(), bytes_each, i * bytes_each)

        def whole():
            file.seek(0)
            while file.read(2**23):
                pass

        works = {
            "ours": lambda: sweep(SampleDataset(path).loader(256, shuffle=True)),
            "samples": one_by_one,
            "whole": whole,
        }
        rounds = [{name: cold(work) for name, work in works.items()} for _ in range(3)]
    best = {name: min(r[name] for r in rounds) for name in works}
    mb = {name: n * bytes_each / 1e6 / seconds for name, seconds in best.items()}
    said = f"{mb['ours']:.0f} MB/s against {mb['samples']:.0f}, nothing of the file in memory; from end to end the disk gives {mb['whole']:.0f}"
    return Row(
        "chips from a cold disk: time of shuffled batches, times reading them",
        best["ours"] / best["samples"],
        "<= 1.2",
        said,
    )


def run():
    """The rows of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder, chip = Path(name), (12, 18, 16, 16)
        rows = contest(folder, "series", 20_000, (12, 18)) + contest(folder, "chips", 2048, chip)
        rows += contest(folder, "dense chips", 512, (1, 13, 64, 64), dense=True)
        return rows + (
            [from_disk(folder / "cold.h5", 2048, chip)] if hasattr(os, "posix_fadvise") else []
        )
