"""A region by pixels of Earth Engine: forecast, limits, dates and places at the edge of maps."""

import json

import ee
import geopandas as gpd
import numpy as np
import pytest
import rasterio
import rasterio.features
import shapely

from seedbed.imagery.raster import reproject
from seedbed.map import best_model, make_map
from seedbed.region import Region, imagery_for, outline_of, zones_of
from tests.servers.earthengine.places import make_places
from tests.servers.earthengine.server import LocalEarthEngine
from tests.support.maps import run_of_one_model
from tests.support.world import World, refused

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("region-earthengine")]

UTM = "EPSG:32737"
SHAPE = shapely.Polygon(  # without an edge along the pixels
    [(240_000 + x, 9_880_000 - y) for x, y in ((13, 7), (900, 240), (780, 930), (400, 500))]
)
INI = {
    "source.name": "earthengine",
    "source.labels_file": "mine/labels.geojson",
    "earthengine.sensors": "COPERNICUS/S2_HARMONIZED B4 B8 median",
    "earthengine.steps": 2,
    "earthengine.size": 2,
    "labels.start": "2021-03-01",
    "split.block_km": 0.5,
    "split.buffer_km": 0,
    "split.folds": 2,
    "run.resamples": 100,
    "process.max_missing": 1,
}


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A local Earth Engine, to which all of this module goes."""
    with pytest.MonkeyPatch.context() as patch, LocalEarthEngine() as server:
        for name in ("EARTHENGINE_PROJECT", "GOOGLE_APPLICATION_CREDENTIALS"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("SEEDBED_EARTHENGINE_URL", server.url)
        yield server
    ee.Reset()


@pytest.fixture(scope="module")
def trained(service, tmp_path_factory):
    """A project with a run whose model was trained on chips of Earth Engine."""
    root = tmp_path_factory.mktemp("region-earthengine")
    made = World(root, INI)
    made.write_labels(make_places(24))
    made.run()
    settings = made.settings()
    dataset = root / settings.processed_dir / "dataset.h5"
    run = run_of_one_model(root, settings, "earthengine")
    gpd.GeoSeries([SHAPE], crs=UTM).to_file(root / "field.gpkg")
    return root, settings, run, dataset


def region_of(trained, folder, area, side=40):
    """A region of the run."""
    model, place = best_model(trained[2])
    imagery, start = imagery_for(trained[1], model, folder)
    return Region(outline_of(area), model, place, imagery, folder, side, start)


def scene_of(trained, folder):
    """Earth Engine's imagery all around the field, as one tile."""
    root, settings, run, _ = trained
    imagery, _ = imagery_for(settings, best_model(run)[0], folder)
    [tile] = imagery.tiles(outline_of(root / "field.gpkg").buffer(0.001), 512)
    [(_, place, _, reason)] = imagery.fetch([tile])
    assert reason is None
    return place[0].path


def test_a_region_is_the_scenes_map_and_goes_on(trained, service, here, tmp_path):
    """By command: a forecast that asks for nothing, two tiles, then the others, on dask."""
    root, settings, run, dataset = trained
    words = "region", "field.gpkg", "--run", "last", "--side", "40"
    folder, asked = run / "regions/field", len(service.log)
    code, said, _ = here(*words, "--plan", cwd=root)
    assert code == 0 and len(service.log) == asked and not (folder / "plan.json").exists()
    for part in ("about 7 requests", "EECU-hours", "to receive", "of fetching, as the last 24"):
        assert part in said
    assert here(*words, "--tiles", "2", cwd=root)[0] == 0
    done = {path: path.read_bytes() for path in folder.rglob("tile.json")}
    assert len(done) == 2 == len(service.asked) - 24
    file = root / "settings.ini"
    file.write_text(file.read_text().replace("[run]\n", "[run]\nscheduler=local\nworkers=2\n"))
    code, said, error = here(*words, "--drop-imagery", cwd=root)
    assert code == 0 and said.index("as 2 tiles took") < said.index("3 of 7 tiles"), error
    assert {path: path.read_bytes() for path in done} == done
    assert len(service.asked) - 24 == 7 == json.loads((folder / "region.json").read_text())["done"]
    make_map(*best_model(run), scene_of(trained, tmp_path / "scene"), dataset, tmp_path / "whole")
    for name in ("map", "quality"):
        with (
            rasterio.open(tmp_path / f"whole/{name}.tif") as whole,
            rasterio.open(folder / f"EPSG_32737/{name}.vrt") as part,
        ):
            window = whole.window(*part.bounds).round_offsets().round_lengths()
            inside = ~rasterio.features.geometry_mask([SHAPE], part.shape, part.transform)
            assert inside.sum() > 2000
            same = whole.read(window=window)[:, inside]
            np.testing.assert_array_equal(same, part.read()[:, inside])


def test_a_limit_is_held_before_the_first_tile(trained, service, tmp_path):
    root, settings, run, dataset = trained
    limited = settings.model_copy(
        update={"earthengine": settings.earthengine.model_copy(update={"max_eecu_hours": 1e-3})}
    )
    asked = len(service.log)
    region = region_of((root, limited, run, dataset), tmp_path, root / "field.gpkg")
    assert any("max_eecu_hours = 0.001, of which" in line for line in region.plan().lines())
    refused(lambda: region.run(dataset=dataset), "max_eecu_hours", "7 tiles would take about")
    assert len(service.log) == asked


def test_what_tiles_cost_counts_in_the_month(trained, tmp_path):
    """The chips of labels and the tiles of regions have one ledger."""
    root, settings, run, dataset = trained
    region = region_of(trained, tmp_path, root / "field.gpkg", side=64)
    source = region.imagery.source
    before = source.budget().used
    region.run(dataset=dataset, most=1)
    first = region.tiles[0].grid
    cost = source.budget().cost(first.width * first.height)
    assert source.budget().used == pytest.approx(before + cost)
    again, _ = imagery_for(settings, region.model, tmp_path / "other")
    assert again.source.budget().used == pytest.approx(before + cost)


def check_whole(region, record, crs):
    """Every pixel of the outline is in exactly one tile, and mapped or empty for want of images."""
    pixels = 0
    for name, part in zones_of(region.outline).items():
        pixels += part.area / 100
    counted = sum(record["pixels"].values())
    assert counted == pytest.approx(pixels, rel=0.02)
    assert {tile.grid.crs for tile in region.tiles} == set(crs) and record["unfinished"] == []
    assert [p.split("/")[0] for p in record["files"][::2]] == [c.replace(":", "_") for c in crs]


@pytest.mark.parametrize("how", ["split", "beyond", "around", "utm"])
def test_a_region_across_180_degrees(trained, how, tmp_path):
    """However its file counts longitudes, each side gets tiles of its own zone."""
    root, settings, run, dataset = trained
    edges = 179.997, -16.801, 180.003, -16.797
    shape, crs = shapely.box(*edges), 4326
    if how == "split":
        shape = shapely.union(
            shapely.box(*edges[:2], 180, edges[3]), shapely.box(-180, edges[1], -179.997, edges[3])
        )
    if how == "around":
        shape = shapely.box(-179.997, edges[1], 179.997, edges[3])
    if how == "utm":
        shape, crs = reproject(shape, "EPSG:4326", "EPSG:32760"), "EPSG:32760"
    gpd.GeoSeries([shape], crs=crs).to_file(tmp_path / "fiji.gpkg")
    region = region_of(trained, tmp_path / "region", tmp_path / "fiji.gpkg")
    assert sum(part.area for part in zones_of(region.outline).values()) == pytest.approx(
        641 * 443, rel=0.02
    )
    assert {tile.grid.crs for tile in region.tiles} == {"EPSG:32760", "EPSG:32701"}
    if how == "split":  # the tiles are the same
        check_whole(region, region.run(dataset=dataset), list(zones_of(region.outline)))


def test_a_region_across_two_zones(trained, tmp_path):
    root, settings, run, dataset = trained
    gpd.GeoSeries([shapely.box(35.996, -1.002, 36.004, -0.998)], crs=4326).to_file(
        tmp_path / "two.gpkg"
    )
    region = region_of(trained, tmp_path / "region", tmp_path / "two.gpkg")
    check_whole(region, region.run(dataset=dataset), ["EPSG:32736", "EPSG:32737"])


def test_one_crs_across_180_degrees(trained, tmp_path):
    """A CRS that is cut there has tiles at both of its ends."""
    found = zones_of(shapely.box(179.99, -16.8, 180.01, -16.79), "EPSG:6933")
    [(_, shape)] = found.items()
    assert shape.area == pytest.approx(2 * 1067 * 1100, rel=0.03)


def test_a_plan_of_a_country_asks_for_nothing(trained, service, tmp_path):
    gpd.GeoSeries([shapely.box(240_000, 9_780_000, 340_000, 9_880_000)], crs=UTM).to_file(
        tmp_path / "wide.gpkg"
    )
    asked = len(service.log)
    plan = region_of(trained, tmp_path / "region", tmp_path / "wide.gpkg", side=None).plan()
    assert plan.pixels >= 1e8 and plan.tiles == plan.left < 200
    assert plan.price["requests"] >= plan.tiles and plan.price["eecu_hours"] > 1
    assert len(service.log) == asked
