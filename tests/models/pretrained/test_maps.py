"""A map with an encoder says of a pixel what the model says of the label there."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from affine import Affine

from seedbed.base.errors import InputError
from seedbed.map import make_map
from seedbed.models.base import save_model
from seedbed.models.registry import find_model, load_model
from seedbed.training.dataset import FINAL, SampleDataset
from tests.support.maps import NORTH, PIXEL, WEST
from tests.support.world import NAMES, UTM, World, make_labels

pytestmark = pytest.mark.slow
SIDE = 24  # pixels of the scene


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project whose labels are pixels of one scene with gaps."""
    root = tmp_path_factory.mktemp("map")
    stored = np.random.default_rng(3).integers(500, 5000, (len(NAMES), SIDE, SIDE)).astype("uint16")
    stored[:2, 4:12, 4:12], stored[:, 20] = 0, 0
    profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": len(NAMES), "nodata": 0}
    grid = Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH)
    with rasterio.open(
        root / "scene.tif", "w", dtype="uint16", crs=UTM, transform=grid, **profile
    ) as file:
        file.write(stored)
        file.descriptions = NAMES
    row, column = (v.ravel() for v in np.mgrid[0:SIDE:3, 0:SIDE:3] + 1)
    points = gpd.GeoSeries(
        gpd.points_from_xy(WEST + PIXEL * (column + 0.3), NORTH - PIXEL * (row + 0.3)), crs=UTM
    )
    labels = make_labels(len(row), start="2018-04-01").set_geometry(points.to_crs(4326))
    labels["id"] = [f"{r:03d}-{c:03d}" for r, c in zip(row, column)]
    labels["label"] = np.where(stored[5, row, column] > 2500, "high", "low")
    settings = {"process.sampling": "center", "split.block_km": 0.1, "split.buffer_km": 0}
    settings |= {"source.scale": 0.0001, "split.folds": 2, "run.resamples": 100}
    made = World(root, settings | {"models.weights": "presto = random", "models.epochs": 1})
    made.write_labels(labels)
    for name in labels["id"]:
        made.tif(name).parent.mkdir(exist_ok=True)
        made.tif(name).symlink_to(root / "scene.tif")
    made.run()
    return made


@pytest.mark.parametrize("name", ["presto", "presto_tuned"])
def test_a_pixel_is_what_its_label_is(made, name, tmp_path, monkeypatch):
    settings = made.settings()
    monkeypatch.setenv("SEEDBED_SETTINGS", str(made.root / "settings.ini"))
    path = made.root / settings.processed_dir / "dataset.h5"
    place, scene = made.root / f"runs/a/models/{name}/seed_0", made.root / "scene.tif"
    data = SampleDataset(path, "train", FINAL)
    save_model(find_model(name)(0, settings.models).train(data), place)
    model = load_model(place)
    with pytest.raises(InputError, match="seedbed map --start 2021-04-01"):
        make_map(model, place, scene, path, tmp_path / "undated")
    record = make_map(
        model, place, scene, path, tmp_path / "map", window_values=600, start="2018-04-01"
    )
    assert record["pixels"]["mapped"] == SIDE * SIDE - SIDE
    with rasterio.open(tmp_path / "map/map.tif") as file:
        value = file.read(1)
    with rasterio.open(tmp_path / "map/quality.tif") as file:
        probability = file.read(1)
    said = model.predict(data)
    row, column = np.array([list(map(int, i.split("-"))) for i in data.column("id")]).T
    assert np.array_equal(value[row, column] - 1, said.argmax(1)) and len(row) > 40
    assert np.allclose(probability[row, column], said.max(1), atol=1e-5)
