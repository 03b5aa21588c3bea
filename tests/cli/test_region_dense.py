"""A region of a network that sees space: the same pixels as the map of its scene."""

import numpy as np
import pytest
import rasterio
import shapely

from seedbed.imagery.layout import layout_from_dict
from seedbed.imagery.raster import transformer
from seedbed.imagery.scene import Scene
from seedbed.map import best_model, make_map, side_for
from seedbed.model import cross_validate
from seedbed.models.registry import find_model
from seedbed.process import ready_dataset
from seedbed.region import Region, imagery_for
from tests.cli.test_region import laid_over
from tests.support.dense import dense_settings, truth, write_raster, write_scene

pytestmark = pytest.mark.slow


def test_a_region_of_a_network_is_the_scenes_map_inside_its_outline(tmp_path):
    scene = write_scene(tmp_path)
    write_raster(tmp_path / "mask.tif", truth().astype("uint8"))
    labels = {"masks": "mask.tif", "values": "0=bare, 1=crop, 2=wood"}
    settings = dense_settings(tmp_path, labels=labels, models={"epochs": 2})
    path, run = ready_dataset(settings), tmp_path / "runs/r"
    cross_validate(
        find_model("unet")(0, settings.models), path, run / "models/unet/seed_0", settings
    )
    (run / "results.json").write_text('{"best_model": "unet"}')
    model, place = best_model(run)
    make_map(model, place, scene, path, tmp_path / "whole", 1)
    west, north, metres = (
        400_000,
        5_800_000,
        np.array([(35, 41), (900, 123), (777, 870), (210, 640)]),
    )
    shape = shapely.Polygon([(west + x, north - y) for x, y in metres])
    back = transformer("EPSG:32633", "EPSG:4326")
    outline = shapely.transform(
        shape, lambda xy: np.column_stack(back.transform(xy[:, 0], xy[:, 1]))
    )
    imagery, start = imagery_for(settings, model, tmp_path / "region", scene)
    region = Region(outline, model, place, imagery, tmp_path / "region", 40, start)
    assert (
        len(region.tiles) > 4
        and side_for(model, Scene(scene, layout_from_dict(model.meta["layout"])), 10**6) > 40
    )
    record = region.run(dataset=path)
    assert record["unfinished"] == []
    [part] = (tmp_path / "region").glob("*/map.vrt")
    for name, most in (("map", 0), ("quality", 1e-5)):
        a, b, inside = laid_over(
            tmp_path / f"whole/{name}.tif", part.with_name(f"{name}.vrt"), shape
        )
        assert inside.sum() > 3000
        assert np.abs(a[:, inside].astype(float) - b[:, inside]).max() <= most
    with rasterio.open(part.with_name("quality.vrt")) as file:
        assert file.count == 4  # probability, applicability, size of the set, whether it is of use
