"""Units travel from the bands of a tif to the model, which refuses others."""

import json

import h5py
import numpy as np
import pytest
import rasterio

from seedbed.imagery.layout import layout_from_dict
from seedbed.imagery.scene import Scene
from seedbed.models.registry import find_model, load_model
from seedbed.training.dataset import SampleDataset
from tests.support.world import NAMES, World, make_labels, refused

DAILY = ("m/day", "1") * 3  # of the bands of NAMES


def with_units(path, units):
    """Tag the bands of a tif."""
    with rasterio.open(path, "r+") as file:
        file.units = units
    return path


@pytest.fixture
def project(tmp_path):
    """A function that makes a dataset whose tifs are tagged with units."""

    def make(name, units):
        labels = make_labels(30)
        made = World(tmp_path / name, {"split.folds": 2, "process.indices": "ndvi"})
        made.write_labels(labels)
        made.write_tifs(labels)
        for label in labels["id"]:
            with_units(made.tif(label), units)
        made.run()
        return made, made.root / made.settings().processed_dir / "dataset.h5"

    return make


def test_from_the_tif_to_the_model(project, tmp_path):
    made, path = project("daily", DAILY)
    manifest = json.loads((made.root / made.settings().export_dir / "manifest.json").read_text())
    with h5py.File(path) as file:
        assert json.loads(file.attrs["units"]) == ["m/day", "1", "1"]  # the index has none
    assert manifest["layout"]["units"] == ["m/day", "1"]
    model = find_model("logistic_regression")(0, made.settings().models).train(path)
    assert np.isfinite(model.predict(SampleDataset(path, "val"))).all()
    model.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    _, other = project("monthly", ("m/month", "1") * 3)
    says = ["B4 is in m/month", "trained on m/day", str(other)]
    for call in (
        lambda: again.predict(SampleDataset(other, "val")),
        lambda: again.validate(other, tmp_path / "validated", made.settings()),
    ):
        refused(call, *says)
    _, untagged = project("untagged", ("", "") * 3)
    again.predict(SampleDataset(untagged, "val"))  # nothing is known, so nothing is refused


def test_a_scene_to_map(project):
    """The scene of a map is asked before anything is computed."""
    made, path = project("daily", DAILY)
    with h5py.File(path) as file:
        layout = layout_from_dict(json.loads(file.attrs["layout"]))
    tif = made.tif("s00")
    assert Scene(tif, layout).stored.names == NAMES
    with_units(tif, ("m/day", "1", "m/day", "1", "mm/day", "1"))
    refused(lambda: Scene(tif, layout), str(tif), "B4_t02 is in mm/day", "trained on m/day")
