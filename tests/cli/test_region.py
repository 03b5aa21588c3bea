"""A region's map: the same pixels as the map of the scene, tile by tile, whatever stops it."""

import json
import subprocess
import sys
import time

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import rasterio.features
import shapely

from seedbed.map import best_model, make_map
from seedbed.region import Region, imagery_for, outline_of, zones_of
from tests.servers.stac.server import LocalArchive
from tests.support.maps import run_of_one_model
from tests.support.stac import UTM, make_places, make_project
from tests.support.world import refused

pytestmark = pytest.mark.slow

WEST, NORTH = 335_000, 5_818_000
SHAPE = shapely.Polygon(  # about 1.3 km across, without an edge along the pixels
    [(WEST + x, NORTH - y) for x, y in ((13, 7), (1300, 240), (1180, 1130), (600, 700), (90, 1010))]
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A local STAC archive of the sample's scene."""
    with LocalArchive(tmp_path_factory.mktemp("region") / "archive") as server:
        yield server


@pytest.fixture(scope="module", params=["center", "chip"])
def trained(request, archive, tmp_path_factory):
    """A project with a run whose model was trained on chips of the archive."""
    root = tmp_path_factory.mktemp(f"region-{request.param}")
    made = make_project(
        root,
        archive.catalog,
        make_places(24),
        **{
            "labels.start": "2021-05-01",
            "process.sampling": request.param,
            "process.chip_size": 4,
            "split.block_km": 0.5,
            "split.buffer_km": 0,
            "split.folds": 2,
            "run.resamples": 100,
            "process.max_missing": 1,
        },
    )
    made.run()
    settings = made.settings()
    dataset = root / settings.processed_dir / "dataset.h5"
    run = run_of_one_model(root, settings, "stac")
    gpd.GeoSeries([SHAPE], crs=UTM).to_file(root / "field.gpkg")
    return root, settings, run, dataset


def region_of(trained, folder, scene=None, side=40, **options):
    """A region of the run, its outline on the raster's own coordinates."""
    root, settings, run, _ = trained
    outline = outline_of(root / "field.gpkg")
    model, place = best_model(run)
    imagery, start = imagery_for(settings, model, folder, scene)
    return Region(outline, model, place, imagery, folder, side, start, **options)


def scene_of(trained, folder):
    """The archive's imagery all around the region, as one tile of a region of its own."""
    root, settings, run, dataset = trained
    model, _ = best_model(run)
    outline = outline_of(root / "field.gpkg").buffer(0.001)
    imagery, _ = imagery_for(settings, model, folder)
    [tile] = imagery.tiles(outline, 512)
    [(_, place, _, reason)] = imagery.fetch([tile])
    assert reason is None
    return place[0].path


def laid_over(whole, part, shape=SHAPE):
    """Two rasters on the pixels of the second, and which of these lie in the shape."""
    with rasterio.open(whole) as a, rasterio.open(part) as b:
        window = a.window(*b.bounds)
        same = a.read(window=window.round_offsets().round_lengths())
        inside = ~rasterio.features.geometry_mask([shape], b.shape, b.transform)
        return same, b.read(), inside


def check_equal(whole, folder):
    """The region's map and quality are the scene's inside the outline, and empty outside."""
    for name, empty in (("map", 0), ("quality", np.nan)):
        a, b, inside = laid_over(whole / f"{name}.tif", folder / f"EPSG_32633/{name}.vrt")
        assert inside.sum() > 5000
        np.testing.assert_array_equal(a[:, inside], b[:, inside])
        np.testing.assert_array_equal(b[:, ~inside], empty)
    return int(inside.sum())


def test_a_region_is_the_scenes_map_inside_its_outline(trained, archive, tmp_path):
    root, settings, run, dataset = trained
    scene = scene_of(trained, tmp_path / "scene")
    model, place = best_model(run)
    make_map(model, place, scene, dataset, tmp_path / "whole")
    if model.meta["sampling"] == "center":  # chips of a scene begin at its corner
        region = region_of(trained, tmp_path / "fetched")
        first = region.run(dataset=dataset, most=2)
        assert (first["done"], first["tiles"] > 6) == (2, True)
        asked = len(archive.files())
        plan = region.plan()
        assert plan.measured == 2 and plan.left == first["tiles"] - 2 and plan.seconds > 0
        assert len(archive.files()) == asked  # a plan reads no pixel
        record = region_of(trained, tmp_path / "fetched", drop=True).run(dataset=dataset)
        count = check_equal(tmp_path / "whole", tmp_path / "fetched")
        assert sum(record["pixels"].values()) == count and record["unfinished"] == []
        assert not list((tmp_path / "fetched").rglob("imagery/*/*.tif"))
        asked = len(archive.log)
        assert region_of(trained, tmp_path / "fetched").run() == record
        assert len(archive.log) == asked  # what is done is not asked for again
    local = region_of(trained, tmp_path / "local", scene)
    record = local.run(dataset=dataset)
    count = check_equal(tmp_path / "whole", tmp_path / "local")
    rows = record["area"]["classes"]
    assert sum(row["pixels"] for row in rows) == record["pixels"]["mapped"] <= count
    assert sum(row["hectares"] for row in rows) == pytest.approx(
        record["pixels"]["mapped"] / 100, rel=0.01
    )
    with rasterio.open(tmp_path / "local/EPSG_32633/map.vrt") as file:
        assert file.tags(1)["class_1"] == "maize" and file.colormap(1)[1]


@pytest.mark.parametrize("trained", ["center"], indirect=True)
def test_a_plan_before_the_first_tile_only_searches(trained, archive, tmp_path):
    asked = len(archive.files())
    plan = region_of(trained, tmp_path / "region").plan()
    assert len(archive.files()) == asked
    assert plan.price["scenes"] and plan.price["reads"] > plan.tiles
    assert plan.received and plan.seconds is None
    assert any("--tiles 1" in line for line in plan.lines())


def test_a_killed_region_goes_on(trained, archive, here, tmp_path):
    """What is done stays, the rest is the same, and so it is with tiles of any size."""
    root, settings, run, dataset = trained
    words = "region", "field.gpkg", "--run", "last", "--side", "40", "--name", "killed"
    folder, done = run / "regions/killed", {}
    if settings.process.sampling == "center":  # to kill one is enough
        command = [sys.executable, "-c", "from seedbed.cli import main; main()", *words]
        child = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
        while child.poll() is None and len(list(folder.glob("EPSG_*/r*/tile.json"))) < 2:
            time.sleep(0.002)
        child.kill()
        child.wait()
        done = {path: path.read_bytes() for path in folder.rglob("tile.json")}
        assert len(done) >= 2 and not (folder / "region.json").is_file()
    assert here(*words, cwd=root)[0] == 0
    record = json.loads((folder / "region.json").read_text())
    assert {path: path.read_bytes() for path in done} == done
    assert record["done"] == record["tiles"] > len(done)
    whole = region_of(trained, tmp_path / "whole", side=512).run(dataset=dataset)
    with (
        rasterio.open(folder / "EPSG_32633/map.vrt") as a,
        rasterio.open(tmp_path / "whole/EPSG_32633/map.vrt") as b,
    ):
        assert np.array_equal(a.read(), b.read())
    assert whole["pixels"] == record["pixels"]


@pytest.mark.parametrize("trained", ["center"], indirect=True)
def test_the_command_maps_plans_and_goes_on(trained, archive, here):
    root, settings, run, _ = trained
    words = "region", "field.gpkg", "--run", "last", "--side", "64"
    code, said, _ = here(*words, "--plan", cwd=root)
    assert code == 0 and "scenes" in said and "--tiles 1" in said
    code, said, _ = here(*words, "--tiles", "1", "--drop-imagery", cwd=root)
    assert code == 0 and "1 of 5 tiles are done" in said
    archive.fault = lambda number, path: ("status", 404) if "B08" in path else None
    code, said, error = here(*words, cwd=root)
    assert code == 2 and "missing: EPSG_32633/" in said and "tries them again" in error
    archive.fault = lambda number, path: None
    code, said, _ = here(*words, cwd=root)
    record = json.loads((run / "regions/field/region.json").read_text())
    assert code == 0 and record["done"] == record["tiles"] == 5 and "hectares" in said
    assert here(*words, "--name", "../x", cwd=root)[0] == 1


@pytest.mark.parametrize("trained", ["center"], indirect=True)
def test_what_cannot_be_a_region_is_refused(trained, archive, tmp_path):
    root, settings, run, _ = trained
    model, _ = best_model(run)
    file = tmp_path / "points.geojson"
    gpd.GeoSeries([shapely.Point(12, 52)], crs=4326).to_file(file)
    refused(lambda: outline_of(file), "points.geojson", "Point", "draw its outline")
    refused(lambda: outline_of(tmp_path / "none.gpkg"), "none.gpkg: no such file")
    gpd.GeoSeries([SHAPE]).to_file(tmp_path / "bare.shp")
    refused(lambda: outline_of(tmp_path / "bare.shp"), "bare.shp", "coordinate reference system")
    refused(lambda: region_of(trained, tmp_path / "a", most=3), "--max-tiles 3")
    refused(
        lambda: (
            region_of(trained, tmp_path / "b", side=8).run(most=0)
            and region_of(trained, tmp_path / "b", side=16)
        ),
        "begun with other tiles",
        "--name",
    )
    far = gpd.GeoSeries([shapely.box(20, 10, 20.01, 10.01)], crs=4326)
    far.to_file(tmp_path / "far.gpkg")
    outline = outline_of(tmp_path / "far.gpkg")
    imagery, start = imagery_for(settings, model, tmp_path / "c")
    region = Region(outline, *best_model(run), imagery, tmp_path / "c", start=start)
    refused(lambda: region.plan(), "no scene")
    with_scene, _ = imagery_for(
        settings, model, tmp_path / "d", scene_of(trained, tmp_path / "scene")
    )
    refused(lambda: with_scene.tiles(outline, None), "outside of the scene")
    undated = settings.model_copy(
        update={"labels": settings.labels.model_copy(update={"start": "start"})}
    )
    refused(lambda: imagery_for(undated, model, tmp_path / "f"), "--start YYYY-MM-DD")


def test_each_zone_has_its_part():
    square = shapely.box(11.98, 52.4, 12.02, 52.42)
    parts = zones_of(square)
    assert list(parts) == ["EPSG:32632", "EPSG:32633"]
    whole = zones_of(square, "EPSG:32632")["EPSG:32632"]
    assert sum(p.area for p in parts.values()) == pytest.approx(whole.area, rel=1e-3)
