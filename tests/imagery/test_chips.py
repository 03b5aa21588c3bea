"""Windows around labels: at the edge of a tif, beside each other, and in a file."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import rasterio.features
import rasterio.windows
import shapely
from affine import Affine

from seedbed.imagery.chips import write_chip
from seedbed.imagery.raster import _read_fast, _read_general
from tests.support.world import UTM, World, make_labels, pixels, place, write_tif

# --- synthetic projects, by hand ---


def test_chips_at_the_edge(tmp_path):
    """A window that reaches beyond the tif is NaN there, counted as missing and filled for the model."""
    world, frame = World(tmp_path), make_labels()
    world.write_labels(frame)
    for i in range(30):
        write_tif(world.tif(f"s{i:02d}"), pixels(i, size=5), *place(i))
    out = world.run("process.sampling=chip", "process.chip_size=7")
    data = out["X"][list(out["id"]).index("s03")].reshape(6, 7, 7)
    assert (
        np.array_equal(data[:, 1:6, 1:6], pixels(3, size=5))
        and np.isnan(data[:, 0]).all()
        and np.isnan(data[:, :, 6]).all()
    )
    assert np.allclose(out["missing"], 24 / 49)


def windows_of(out, pixel=10.0, size=8):
    """The ground of each chip, from its place alone."""
    centroids_xyz = gpd.GeoSeries(gpd.points_from_xy(out["lon"], out["lat"], crs=4326)).to_crs(UTM)
    return shapely.box(
        centroids_xyz.x - pixel * size / 2,
        centroids_xyz.y - pixel * size / 2,
        centroids_xyz.x + pixel * size / 2,
        centroids_xyz.y + pixel * size / 2,
    )


@pytest.mark.parametrize("step", [3e-4, 7e-4, 1.2e-3])
def test_chip_windows_never_overlap_across_the_split(tmp_path, step):
    """Points so near that their chips overlap: training loses those whose window reaches a validation window."""
    world, frame = World(tmp_path), make_labels(64)
    frame = frame.set_geometry(
        gpd.points_from_xy(
            [26 + step * (i % 8) for i in range(64)],
            [45 + step * (i // 8) for i in range(64)],
            crs=4326,
        )
    )
    world.write_labels(frame)
    world.write_tifs(frame)
    out = world.run(
        "process.sampling=chip",
        "process.chip_size=8",
        f"split.block_km={step * 400}",
        "split.buffer_km=0",
    )
    shapes = windows_of(out)
    inner = shapely.buffer(shapes, -5.01)  # the window snaps to pixels, by half a pixel at most
    for side in out["sides"][:-1]:
        tree = shapely.STRtree(inner[side == "train"])
        assert len(tree.query(inner[side == "val"], "intersects")[0]) == 0
        assert (side == "train").any() and (side == "val").any()


def test_a_written_chip_is_the_chip_and_costs_little_to_read(tmp_path):
    values = np.random.default_rng(0).normal(size=(6, 9, 7)).astype("float32")
    place = Affine(10, 0, 5e5, 0, -10, 5e6)
    values[2, :3] = np.nan
    names = [f"B{k % 2}_t{k // 2:02d}" for k in range(6)]
    write_chip(tmp_path / "a.tif", values, place, "EPSG:32635", names, ORIGIN="test")
    for raster in (_read_fast(tmp_path / "a.tif"), _read_general(tmp_path / "a.tif")):
        assert np.array_equal(raster.data, values, equal_nan=True) and np.isnan(raster.nodata)
        assert (
            raster.transform == place
            and raster.crs == "EPSG:32635"
            and list(raster.descriptions) == names
        )
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.tags()["ORIGIN"] == "test" and file.compression is None
        assert file.interleaving.value == "BAND" and set(file.block_shapes) == {(9, 7)}
