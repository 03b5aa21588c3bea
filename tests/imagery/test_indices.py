"""Spectral indices, by hand."""

import json

import numpy as np

from tests.support.world import pixels


def test_indices_by_hand(project):
    """NDVI from the filled-in bands' raw values; an index that needs what is not there is refused."""

    def make(i):
        data = pixels(i)
        data[2:4] = 0  # 0 / 0 at step 1
        return data

    world = project(make=make)
    out = world.run("process.indices=ndvi")
    red, nir = np.moveaxis(np.array([pixels(i)[:, 4, 4].reshape(3, 2) for i in range(30)]), 2, 0)
    ndvi = (nir - red) / (nir + red)
    ndvi[:, 1] = (ndvi[:, 0] + ndvi[:, 2]) / 2
    assert json.loads(out["facts"]["variables"]) == ["B4", "B8", "ndvi"]
    assert np.allclose(out["X"][np.argsort(out["id"])][:, :, 2], ndvi, atol=1e-6)
    world.refuses_process(
        "process.indices: 'evi' needs a blue band", "B4, B8", overrides=["process.indices=evi"]
    )
    world.refuses_process("process.indices: 'ndwii'", "ndvi", overrides=["process.indices=ndwii"])
