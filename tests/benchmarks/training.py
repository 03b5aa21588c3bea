"""Training against the bare libraries."""

import tempfile
from pathlib import Path

import numpy as np
import torch
from batches import make
from harness import Row, race
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from seedbed.base.settings import Models
from seedbed.models.registry import find_model
from seedbed.models.segmentation import UNetLayers
from seedbed.models.tempcnn import TempCNNLayers
from seedbed.training.loops import fit_network, seed_everything, stopping_rows
from seedbed.training.masks import pixel_loss

EPOCHS = 2


def bare_loop(X, y, held, batch=64):
    """The loop that everybody writes, over tensors in memory, with a look at the loss on a slice after each epoch."""
    seed_everything(0)
    network, order = TempCNNLayers(X.shape[2], X.shape[1], 4), np.random.default_rng(0)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-4)
    learn, stop = np.flatnonzero(~held), torch.from_numpy(np.flatnonzero(held))
    for epoch in range(EPOCHS):
        network.train()
        for rows in torch.from_numpy(order.permutation(learn)).split(batch):
            loss = torch.nn.functional.cross_entropy(network(X[rows]), y[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            for rows in stop.split(8 * batch):
                torch.nn.functional.cross_entropy(network(X[rows]), y[rows]).item()


def our_loop(data):
    """The same through seedbed."""
    seed_everything(0)
    fit_network(TempCNNLayers(len(data.bands), data.steps, 4), data, epochs=EPOCHS)


def bare_dense(X, Y, held, batch=16):
    """The loop that everybody writes for masks: a part of each batch at random, turned and mirrored."""
    seed_everything(0)
    network, rng = UNetLayers(X.shape[2], X.shape[1], 4), np.random.default_rng(0)
    network.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=1e-4)
    learn, stop = np.flatnonzero(~held), torch.from_numpy(np.flatnonzero(held))
    side = X.shape[-1] // 2
    for epoch in range(EPOCHS):
        network.train()
        for rows in torch.from_numpy(rng.permutation(learn)).split(batch):
            top, left = rng.integers(0, X.shape[-1] - side + 1, 2)
            part = (..., slice(top, top + side), slice(left, left + side))
            x, y = X[rows][part].rot90(int(rng.integers(4)), (-2, -1)), Y[rows][part]
            if rng.integers(2):
                x, y = x.flip(-1), y.flip(-1)
            loss = pixel_loss(network(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        network.eval()
        with torch.no_grad():
            for rows in stop.split(8 * batch):
                pixel_loss(network(X[rows]), Y[rows]).item()


def ours_dense(data):
    """The same through seedbed."""
    seed_everything(0)
    network = UNetLayers(len(data.bands), data.steps, 4)
    network.to(memory_format=torch.channels_last)
    fit_network(network, data, epochs=EPOCHS, batch_size=16)


def run():
    """The rows of the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        data = make(Path(folder, "dense.h5"), 320, (1, 13, 64, 64), dense=True)
        X, Y = (
            torch.from_numpy(np.ascontiguousarray(v)).to(t)
            for v, t in zip(data.arrays(), (torch.float32, torch.int64))
        )
        held = stopping_rows(data.column("block"))
        t = race(4, ours=lambda: ours_dense(data), bare=lambda: bare_dense(X, Y, held))
        rows.append(
            Row(
                "training loop (unet, dense), times a bare loop over tensors",
                t["ours"] / t["bare"],
                "<= 1.15",
                f"{t['ours']:.2f} s against {t['bare']:.2f} s, {EPOCHS} epochs of {len(data)} chips"
                " of 13 x 64 x 64, cut, turned and mirrored",
            )
        )
    with tempfile.TemporaryDirectory() as folder:
        data = make(Path(folder, "series.h5"), 2000, (12, 10))
        X, y = (torch.from_numpy(v) for v in data.arrays())
        held = stopping_rows(data.column("block"))
        t = race(4, ours=lambda: our_loop(data), bare=lambda: bare_loop(X, y, held))
        rows.append(
            Row(
                "training loop (tempcnn), times a bare loop over tensors",
                t["ours"] / t["bare"],
                "<= 1.15",
                f"{t['ours']:.2f} s against {t['bare']:.2f} s, {EPOCHS} epochs of {len(data)} samples",
            )
        )
        flat = X.reshape(len(X), -1).numpy()
        peers = {
            "random_forest": RandomForestClassifier(300, random_state=0, n_jobs=1),
            "hist_gradient_boosting": HistGradientBoostingClassifier(
                early_stopping=False, random_state=0
            ),
        }
        for name, bare in peers.items():
            t = race(
                2,
                ours=lambda: find_model(name)(0, Models()).train(data),
                bare=lambda: bare.fit(flat, y.numpy()),
            )
            rows.append(
                Row(
                    f"{name}: time to fit, times scikit-learn's own",
                    t["ours"] / t["bare"],
                    "<= 1.05",
                    f"{t['ours']:.2f} s against {t['bare']:.2f} s",
                )
            )
    return rows
