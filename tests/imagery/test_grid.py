"""Where a chip lies."""

from types import SimpleNamespace

import pytest
import shapely

from seedbed.imagery.grid import chip_grid, grid_around, holds, place_of, zone_of


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


def test_a_polygon_lies_in_its_chip():
    spec = SimpleNamespace(section="archive", size=16, resolution=10, crs=None)
    small, large = shapely.box(36.5, -1.2, 36.501, -1.1992), shapely.box(36.5, -1.2, 36.6, -1.1)
    u_shape = shapely.Polygon(
        [
            (36.5, -1.2),
            (36.6, -1.2),
            (36.6, -1.1),
            (36.59, -1.1),
            (36.59, -1.19),
            (36.51, -1.19),
            (36.51, -1.1),
            (36.5, -1.1),
        ]
    )
    assert holds(chip_grid(small, spec), small)
    assert not holds(chip_grid(large, spec), large)
    assert u_shape.contains(shapely.Point(place_of(u_shape, spec)))
