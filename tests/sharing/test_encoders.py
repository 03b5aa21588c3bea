"""What a packed encoder reads is what the run's own reads."""

from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from affine import Affine

from seedbed.base.settings import load_settings
from seedbed.imagery.places import wrap
from seedbed.map import Pixels, places_of
from seedbed.models.pretrained.inputs import Plan, prepared
from seedbed.models.pretrained.presto import PRESTO_INPUTS, Presto, PrestoFrozen
from seedbed.plotting.page import asset
from seedbed.sharing.encoders import Embedded, Inputs, Places

BANDS = {"B4": "1", "B8": "1", "VV": "linear", "temperature_2m": "C", "slope": "%"}


def world(window=(), step_months=1.0, steps=4, n=6):
    """A model without weights of its own, and samples with gaps as a map has them."""
    rng, *timed = np.random.default_rng(0), *list(BANDS)[:-1]
    plan = Plan({name: k for k, name in enumerate(BANDS)}, BANDS)
    scaling = {"medians": np.ones((steps, 4)), "mean": [1, 2, 3, 4], "std": [2, 1, 3, 2]}
    scaling |= {"static_medians": [5], "static_mean": [7], "static_std": [3]}
    meta = {"task": "classification", "classes": ["a"], "unit": None, "steps": steps}
    meta |= {"bands": list(BANDS), "variables": timed, "static_names": ["slope"]}
    meta |= {"scaling": scaling, "step_months": step_months, "pretrained": {"plan": asdict(plan)}}
    model = PrestoFrozen(0, load_settings().models)
    model.meta = meta
    X = rng.uniform(0.1, 0.9, (n, steps, 4, *window)).astype(np.float32)
    known = rng.random(X.shape) > 0.3
    static = np.where(np.arange(n) > 1, 12.0, np.nan).astype(np.float32)[:, None]
    places = np.column_stack([np.linspace(20, 30, n), np.linspace(40, 50, n)])
    return model, plan, Pixels(meta, X, static, lambda: places, "2021-11-01", known)


@pytest.mark.parametrize("window, step_months", [((), 1), ((3, 3), 1), ((), 0.5)])
def test_inputs_are_those_of_arrays(window, step_months):
    model, plan, data = world(window, step_months)
    own = next(prepared(PRESTO_INPUTS, plan, data))
    X, known = torch.tensor(data.arrays()[0]), torch.tensor(data.observed())
    values, missing = Inputs(model)(X, known)
    assert np.array_equal(missing.numpy(), own.missing) and 0.1 < own.missing.mean() < 1
    assert np.allclose(values.numpy(), own.X, rtol=1e-5, atol=1e-6)
    embedded = Embedded(model, Presto().eval())
    with torch.no_grad():
        encoder = embedded.encoder
        theirs = encoder(*(torch.tensor(part) for part in own))
        ours = embedded(X, known, torch.tensor(own.latlon), torch.tensor([10]))
    assert len(embedded.ever) < encoder.tokens(*map(torch.tensor, own))[1].shape[1]
    assert torch.allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize(
    "crs, grid", [("EPSG:32633", (10, 5e5, 5e6)), ("EPSG:4326", (1e-3, 180, 60))]
)
def test_places_lie_between_the_corners_of_a_window(crs, grid):
    """The script tells the corners, the graph what lies between; east of 180 degrees is no gap."""
    ask = {}
    exec(asset("place.txt", "pack"), ask)
    size, x, y = grid
    scene = SimpleNamespace(crs=crs, transform=Affine(size, 0, x - 20 * size, 0, -size, y))
    given = ask["ask"](scene, ((40, 64), (8, 41)), "2021-11-01")
    assert given["month"].tolist() == [10]
    found = Places(2)(torch.tensor(given["place"]), torch.zeros(1, 24, 33)).numpy()
    own = places_of(scene, (40, 8, 24, 33), 2)
    assert np.allclose(found[:, 0], own[:, 1], atol=1e-5)
    assert np.allclose(wrap(found[:, 1]), own[:, 0], atol=2e-5)
    with pytest.raises(SystemExit, match="say when"):
        ask["ask"](scene, ((0, 1), (0, 1)), "")
