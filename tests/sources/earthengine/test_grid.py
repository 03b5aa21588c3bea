"""Where a chip lies."""

import geopandas as gpd
import numpy as np
import pytest

from seedbed.sources.earthengine.grid import grid_around, zone_of
from tests.servers.earthengine.places import make_places
from tests.support.earthengine import SMALL, TINY, exported


@pytest.mark.slow
def test_neighbours_share_their_pixels(service, make):
    service()
    labels = make_places(1)
    near = labels.assign(id="near", geometry=labels.translate(0.00035))
    _, chips, _ = exported(make(gpd.pd.concat([labels, near], ignore_index=True), **SMALL))
    one, two = chips["f00000"], chips["near"]
    shift = round((two.transform.c - one.transform.c) / 10)
    assert 0 < shift < 8 and two.transform.c % 10 == 0 == one.transform.f % 10
    timed = [i for i, name in enumerate(one.descriptions) if name != "slope"]
    np.testing.assert_array_equal(one.data[timed][:, :, shift:], two.data[timed][:, :, : 8 - shift])


@pytest.mark.parametrize(
    "lon,lat,crs",
    [
        (36.8, -1.3, "EPSG:32737"),
        (5.3, 60.4, "EPSG:32632"),
        (15.6, 78.2, "EPSG:32633"),
        (179.99999, -17, "EPSG:32760"),
        (-180, 51, "EPSG:32601"),
        (0, 85, "EPSG:5041"),
        (0, -81, "EPSG:5042"),
    ],
)
def test_zones(lon, lat, crs):
    grid = grid_around(lon, lat, 16, 10)
    assert zone_of(lon, lat) == grid.crs == crs
    west, south, east, north = grid.box()
    assert west < east < west + 1 or abs(lat) > 80
    assert south < lat < north


def test_any_crs(service, make):
    """Degrees, as CropHarvest's own chips have them."""
    service()
    _, chips, _ = exported(
        make(
            2,
            **TINY
            | {
                "earthengine.crs": "EPSG:4326",
                "earthengine.resolution": "8.983152841195215e-05",
                "earthengine.size": 5,
            },
        )
    )
    assert {c.crs for c in chips.values()} == {"EPSG:4326"} and chips[
        "f00000"
    ].transform.a == pytest.approx(8.983152841195215e-05)
