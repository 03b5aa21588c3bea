"""Datasets on which the tests of training run."""

import numpy as np
import pytest

from tests.support.world import build, make_labels, pixels


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A dataset.h5 of 48 series with two static bands and holes."""

    def make(i):
        data = pixels(i)
        data[2 * (i % 3)] = np.nan if i < 20 else data[2 * (i % 3)]
        data[5] = np.nan if i < 3 else data[5]
        return data

    world = build(
        tmp_path_factory.mktemp("dataset"), 48, make=make, region=[f"r{i % 3}" for i in range(48)]
    )
    names = ("B4_t00", "B8_t00", "B4_t01", "B8_t01", "elevation", "slope")
    frame = make_labels(48)
    world.write_tifs(frame, make=make, names=names)
    world.run()
    settings = world.settings()
    return settings.root / settings.processed_dir / "dataset.h5"


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    """A dataset.h5 of 36 chips."""
    world = build(
        tmp_path_factory.mktemp("chips"),
        36,
        ini={"process.sampling": "chip", "process.chip_size": "4"},
    )
    world.run()
    settings = world.settings()
    return settings.root / settings.processed_dir / "dataset.h5"
