"""How a score falls with distance."""

import numpy as np
import pytest

from seedbed.base.settings import Split
from seedbed.optimism import labels_of, optimism_curve
from seedbed.training.dataset import SampleDataset


@pytest.mark.slow
def test_the_curve_goes_from_near_to_far(project):
    """From chance to a new region: validation lies farther and farther away; one row is claimed, one is the run's own."""
    rng = np.random.default_rng(0)
    world = project(
        72,
        label=["wheat" if rng.random() < 0.5 else "forest" for _ in range(72)],
        region=["east" if i % 6 < 3 else "west" for i in range(72)],
        ini={"split.buffer_km": "0", "split.block_km": "25", "run.resamples": "100"},
    )
    world.run()
    settings = world.settings()
    rows = optimism_curve(settings.root / settings.processed_dir / "dataset.h5", settings)
    names = [row["split"] for row in rows]
    assert (
        names[0] == "random"
        and names[-1] == "region"
        and sum(row["claimed"] for row in rows) == 1
        and sum(row["used"] for row in rows) == 1
    )
    assert rows[-1]["ci"] is None  # two regions decide nothing about others
    far = [row["distance_km"] for row in rows]
    assert far[0] <= 1.01 * min(far[1:]) < far[-1] and all(
        row["ci"][0] <= row["value"] <= row["ci"][1] for row in rows[:-1]
    )


def test_many_labels_cost_no_more_than_some(project, monkeypatch):
    """Of more labels than that some are drawn, once for all splits; with all of their samples."""
    world = project(72, ini={"split.buffer_km": "0", "run.resamples": "100"})
    world.run()
    settings = world.settings()
    path = settings.root / settings.processed_dir / "dataset.h5"
    whole, some = labels_of(path), labels_of(path, 40)
    assert len(whole) == 72 and len(some) == 40 and set(some["id"]) < set(whole["id"])
    names = SampleDataset(path, None).column("label_id")[some.attrs["samples"]]
    assert (some["id"].to_numpy()[some.attrs["rows"]] == names).all()
    one = {"random": Split(method="random", buffer_km=0, folds=2)}
    monkeypatch.setattr("seedbed.optimism.curve_splits", lambda *_: one)
    monkeypatch.setattr("seedbed.optimism.DRAWN", 40)
    assert [row["n"] for row in optimism_curve(path, settings)] == [40]
