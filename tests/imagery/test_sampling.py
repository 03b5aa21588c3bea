"""What a label takes from its tif: a pixel, the mean of a polygon, some pixels."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine

from seedbed.imagery.raster import Raster, each_into_grid, into_grid, reproject
from seedbed.imagery.sampling import corner, corners, sample_center, window_of, windows_of
from tests.support.world import IDS, make_labels, pixels, place, write_tif

# --- it works ---


@pytest.mark.parametrize(
    "west,south,crs",
    [(178.6, -17.5, "EPSG:3832"), (-70.2, -33.5, "EPSG:32719"), (20.0, -34.5, "EPSG:4326")],
    ids=["antimeridian", "south-west", "south"],
)
def test_anywhere_on_earth(empty, west, south, crs):
    """Labels on both sides of the antimeridian and in the southern hemisphere."""
    world, frame = empty(), make_labels()
    lon = [((west + 0.5 * (i % 6)) + 180) % 360 - 180 for i in range(30)]
    frame = frame.set_geometry(
        gpd.points_from_xy(lon, [south + 0.2 * (i // 6) for i in range(30)], crs=4326)
    )
    world.write_labels(frame)
    world.write_tifs(frame, crs=crs, pixel=1e-4 if crs == "EPSG:4326" else 10.0)
    out = world.run()
    assert out["report"]["left_out"] == {}
    order = np.argsort(out["id"])
    assert np.allclose(out["X"][order].reshape(30, -1), [pixels(i)[:, 4, 4] for i in range(30)])


# --- tifs ---


def test_label_outside_of_its_tif(project):
    """A tif from somewhere else costs its label."""
    world = project()
    write_tif(world.tif("s04"), pixels(4), *place(5))
    left_out = world.run()["report"]["left_out"]
    assert (
        list(left_out) == ["s04"]
        and "outside of its tif" in left_out["s04"]
        and ";" in left_out["s04"]
    )


def test_all_labels_outside(project):
    """The first reason is told where no label can be sampled."""
    world = project()
    for i, name in enumerate(IDS):
        write_tif(world.tif(name), pixels(i), *place(29 - i + 6))
    world.refuses_process("no label could be sampled", "outside of its tif")


# --- shapes ---


def test_polygon_that_touches_no_pixel_centre(empty):
    """A sliver takes the pixel under it."""
    world, frame = empty(), make_labels(shape="polygon", metres=1)
    frame["geometry"] = frame.geometry.translate(3.5e-5, 2.5e-5)  # off the pixel's centre
    world.write_labels(frame)
    out = world.write_tifs(make_labels()).run()
    assert np.allclose(
        out["X"][np.argsort(out["id"])].reshape(30, -1), [pixels(i)[:, 4, 4] for i in range(30)]
    )


# --- synthetic projects, by hand ---


def test_mean_of_a_polygon(project):
    """25 m around the middle of a 10 m grid: five pixels by five."""
    out = project(shape="polygon").run("process.sampling=mean")
    expected = [pixels(i)[:, 2:7, 2:7].mean((1, 2)) for i in range(30)]
    assert np.allclose(out["X"][np.argsort(out["id"])].reshape(30, -1), expected, atol=1e-6)


def test_mean_leaves_missing_pixels_out(project):
    """A cloud over a part of the field does not darken the mean; a pixel that is all there is, is enough."""

    def make(i):
        data = pixels(i)
        data[0, 2:4] = np.nan
        data[1, 2:7, 2:7], data[1, 4, 4] = np.nan, 0.25
        return data

    out = project(shape="polygon", make=make).run("process.sampling=mean")
    order = np.argsort(out["id"])
    assert np.allclose(
        out["X"][order][:, 0, 0], [pixels(i)[0, 4:7, 2:7].mean() for i in range(30)], atol=1e-6
    )
    assert np.allclose(out["X"][order][:, 0, 1], 0.25) and np.allclose(out["missing"], 0)


def test_pixels_are_drawn_by_the_label_alone(project):
    """The same pixels whatever other labels there are."""
    world = project(shape="polygon")
    whole = world.run("process.sampling=pixels", "process.pixels_per_label=3")
    frame = gpd.read_file(world.data / "labels.geojson")
    world.write_labels(frame.iloc[:12])
    part = world.run("process.sampling=pixels", "process.pixels_per_label=3")
    assert len(part["X"]) == 36 and set(part["id"]) < set(whole["id"])
    rows = [list(whole["id"]).index(k) for k in part["id"]]
    assert np.array_equal(whole["X"][rows], part["X"])


def test_a_point_on_the_edge_of_its_chip():
    """Rounding can put it on either side; further out it is outside."""
    values = np.arange(4, dtype="float32").reshape(1, 2, 2)
    raster = Raster(values, Affine(10, 0, 0, 0, -10, 20), "EPSG:32633", None, (None,))
    assert sample_center(raster, shapely.Point(20.001, 5)).item() == 3
    assert sample_center(raster, shapely.Point(5, 20.001)).item() == 0
    with pytest.raises(ValueError, match="outside of its tif"):
        sample_center(raster, shapely.Point(21, 5))


def test_many_labels_at_once_are_each_where_one_alone_is():
    """Grids of several kinds; labels in the middle, on the edge, beside their own centroid and outside."""
    rng = np.random.default_rng(0)
    crescent = shapely.Point(0, 0).buffer(3).difference(shapely.Point(1, 0).buffer(2.9))
    rasters, labels = [], []
    for i in range(60):
        crs, side = (("EPSG:32635", 10), ("EPSG:4326", 1e-4), ("EPSG:3857", 12))[i % 3]
        shape = shapely.Point(0, 0) if i % 2 else crescent
        x, y = rng.uniform(-9, 9, 2) if i % 5 else (8, 0)
        west = 289 if crs == "EPSG:4326" and i % 4 == 0 else 26
        left, top = reproject(shapely.Point(west, 45), "EPSG:4326", crs).coords[0]
        place = Affine(side, side / 9 * (i % 7 == 0), left, 0, -side, top)
        there = shapely.transform(shape, lambda xy: [place @ (a + 8 + x, b + 8 + y) for a, b in xy])
        rasters.append(Raster(np.zeros((1, 16, 16), "float32"), place, crs, None, (None,)))
        labels.append(reproject(there, crs, "EPSG:4326"))
    grid = each_into_grid(np.array(labels, object), rasters)
    found, faults = corners(rasters, grid, 6)
    windows = windows_of(rasters, found, 6)
    for i, (raster, label) in enumerate(zip(rasters, labels)):
        assert grid[i].equals(into_grid(label, raster.crs, raster.transform, (16, 16)))
        if i in faults:
            with pytest.raises(ValueError, match="outside of its tif"):
                corner(raster, grid[i], 6)
            continue
        assert tuple(found[i]) == corner(raster, grid[i], 6)
        assert windows[i].equals(window_of(raster, *found[i].tolist(), 6))
    assert 3 < len(faults) < 30
