"""Radar, optical sensors, terrain and embeddings."""

from dataclasses import replace

import numpy as np
import pytest
import shapely

from seedbed.imagery.grid import grid_at
from seedbed.sources.earthengine.client import Client, request_body
from seedbed.sources.earthengine.credentials import connect
from seedbed.sources.earthengine.expression import Expressions
from seedbed.sources.earthengine.responses import read_pixels
from seedbed.sources.earthengine.sensors import LANDSAT, LANDSAT_ALL, parse_sensor
from seedbed.sources.earthengine.spec import Spec, presets
from tests.servers.earthengine import world as synthetic
from tests.servers.earthengine.places import make_places
from tests.support.earthengine import SMALL, bands_of, exported


def chip(spec, place, start, **changes):
    """Pixels by band of one chip, asked of the local service."""
    spec = replace(spec, **changes)
    grid, bands = grid_at(place, spec), spec.layout.descriptions
    client = Client(*connect())
    text = Expressions(spec).text(start, grid.box())
    content = client.pixels(request_body(text, grid, bands)).content
    return dict(zip(bands, read_pixels(content, grid, bands)))


@pytest.mark.parametrize(
    "orbit,level", [("descending", -10.3), ("ascending", -13.3), ("both", -11.8)]
)
def test_radar_comes_from_one_pass(service, make, orbit, level):
    """Scenes of the other pass, and of another mode, would show as another level."""
    service()
    _, chips, _ = exported(
        make(1, **SMALL | {"earthengine.sensors": "sentinel1", "earthengine.orbit": orbit})
    )
    found = bands_of(chips["f00000"])["VV_t00"]
    np.testing.assert_allclose(found, level, atol=0.3 if orbit == "both" else 1e-5)


def test_landsat_modis_and_terrain(service, make):
    service()
    _, chips, _ = exported(
        make(
            1,
            **{
                "earthengine.sensors": "landsat, modis, dem, USGS/SRTMGL1_003 elevation=height static",
                "earthengine.steps": 3,
                "earthengine.size": 40,
            },
        )
    )
    values = bands_of(chips["f00000"])
    clear = values["blue_t00"][~np.isnan(values["blue_t00"])]
    np.testing.assert_allclose(clear, 10003 * 2.75e-5 - 0.2, rtol=1e-5)
    missing = np.mean(
        [np.isnan(values[f"{band}_t{t:02d}"]) for t in range(3) for band in ("blue", "ndvi")]
    )
    assert missing == 0  # of two scenes in a row at least one is clear
    assert (
        0.3 < np.nanmean([values[f"ndvi_t{t:02d}"] for t in range(3)]) < 0.45
        and values["height"].min() >= 500
        and values["elevation"].min() >= 500
        and values["slope"].max() > 5
    )


@pytest.mark.slow
def test_the_embedding_of_the_year_that_most_of_the_season_lies_in(service, make):
    service()
    for start, year in (("2021-04-01", 2021), ("2021-10-01", 2022)):
        manifest, chips, _ = exported(
            make(
                make_places(1, start), **{"earthengine.preset": "embedding", "earthengine.size": 4}
            )
        )
        values = bands_of(chips["f00000"])
        assert (
            len(values) == 64
            and manifest["layout"]["steps"] == 1
            and manifest["layout"]["step_months"] == 12
        )
        np.testing.assert_allclose(values["A63_t00"], (year - 2000) / 100 + 0.063, rtol=1e-6)
    assert manifest["attribution"].startswith(
        "The AlphaEarth Foundations Satellite Embedding dataset is produced by Google"
    )


def test_a_place_that_only_ascending_passes_cover(service, make):
    """Neighbouring chips agree on the pass, and a place without descending passes is not empty."""
    service(world=synthetic.make_world(descending=(-180, -90, 36.66, 90)))
    places = make_places(3)
    moved = [shapely.Point(p.x + d, p.y) for p, d in zip(places.geometry, (-1, 0.5, 0.5))]
    places = places.set_geometry(moved, crs=4326)
    for orbit, levels in (("auto", [-10.3, -13.3, -13.3]), ("descending", [-10.3, np.nan, np.nan])):
        asked = {"earthengine.sensors": "sentinel1, era5", "earthengine.orbit": orbit}
        manifest, chips, _ = exported(make(places, name=orbit, **SMALL | asked))
        gap = "VV is missing at every step in 2 of 3 chips"
        assert (gap in manifest["warnings"]) == (orbit == "descending")
        found = [bands_of(chip)["VV_t00"].mean() for chip in chips.values()]
        np.testing.assert_allclose(found, levels, atol=1e-5)


def test_terrain_ends_at_the_coast(service, make):
    """A chip on the open sea is empty, one on the coast has half its pixels; none is refused."""
    service(world=synthetic.make_world(has_tile=lambda west, south: west < 37))
    places = make_places(3)
    east = [36.5, 36.9999, 39.5]
    places = places.set_geometry([shapely.Point(x, -1.29) for x in east], crs=4326)
    asked = {"earthengine.sensors": "dem, era5", "earthengine.size": 8, "earthengine.steps": 1}
    manifest, chips, _ = exported(make(places, **asked))
    missing = [float(np.isnan(bands_of(c)["elevation"]).mean()) for c in chips.values()]
    assert manifest["labels"] == 3 and missing[0] == 0 and 0.1 < missing[1] < 0.9
    assert missing[2] == 1


@pytest.mark.parametrize("lat", [1.29, -1.29])
def test_landsat_is_not_resampled(service, lat):
    """The chip's pixels are the sensor's own, north and south of the equator: each has one of its own values."""
    world = synthetic.make_world()
    for asset in LANDSAT.assets:
        world[asset].value = lambda band, scene, date, column, row: (
            1 << 6 if band == 6 else 20000 + (column % 40) * 40 + row % 40
        )
    service(world=world)
    spec = replace(presets()["landsat"], steps=1, size=6)
    grid = grid_at((36.82, lat), spec)
    stored = chip(spec, (36.82, lat), "2021-03-01")["blue_t00"]
    numbers = np.round((stored + 0.2) / 2.75e-5).astype(int) - 20000
    north = grid.top if lat > 0 else grid.top - 10_000_000
    columns = (round((grid.left - 15) / 30) + np.arange(6)) % 40
    rows = (round((north - 15) / 30) - 1 - np.arange(6)) % 40
    assert (grid.left - 15) % 30 == 0 and (north - 15) % 30 == 0
    np.testing.assert_array_equal(numbers, columns * 40 + rows[:, None])


def test_all_of_landsat(service):
    """In 1995 there is Landsat 5, in 2021 there are 7 and 8, whose numbers are other bands."""
    service()
    old = chip(Spec((LANDSAT_ALL,), resolution=30.0), (36.82, -1.29), "1995-03-01", steps=1, size=4)
    new = chip(Spec((LANDSAT_ALL,), resolution=30.0), (36.82, -1.29), "2021-03-01", steps=1, size=4)
    for values in (old, new):
        np.testing.assert_allclose(values["blue_t00"], 10003 * 2.75e-5 - 0.2, rtol=1e-4)
        np.testing.assert_allclose(values["swir2_t00"], 12503 * 2.75e-5 - 0.2, rtol=1e-4)


def test_assets_of_ones_own(service):
    """Covers by the most frequent class, a map in tiles without time, numbers with a scale."""
    service()
    cover = parse_sensor("GOOGLE/DYNAMICWORLD/V1 label=cover mode")
    land = parse_sensor("ESA/WorldCover/v200 Map=land static mosaic")
    warm = parse_sensor(
        "ECMWF/ERA5_LAND/MONTHLY_AGGR temperature_2m=t mean offset=-273.15 unit=degC"
    )
    spec = Spec((cover, warm, land), steps=1, size=4)
    values = chip(spec, (36.82, -1.29), "2021-03-01")
    assert set(np.unique(values["cover_t00"])) <= {0, 1, 2}  # one scene in three says 8
    assert set(np.unique(values["land"])) <= {10, 20, 30}
    np.testing.assert_allclose(values["t_t00"], 283 - 273.15, rtol=1e-5)
    assert spec.layout.unit_of == {"cover": "", "t": "degC", "land": ""}
