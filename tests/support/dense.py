"""A small scene whose every pixel has a target, as rasters and as polygons."""

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine

from seedbed.base.settings import make_settings

CRS, PIXEL, SIZE = "EPSG:32633", 10, 96
WEST, NORTH = 400_000, 5_800_000
GRID = Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH)
CLASSES = ("bare", "crop", "wood")


def truth():
    """Class numbers [96, 96]: squares of 12 pixels, dealt at random."""
    random = np.random.default_rng(3)
    return random.integers(0, 3, (8, 8)).repeat(12, 0).repeat(12, 1)


def write_raster(path, values, transform=GRID, crs=CRS, nodata=None, names=None):
    """Write [bands, H, W] or [H, W]."""
    values = np.asarray(values)
    values = values[None] if values.ndim == 2 else values
    profile = {"driver": "GTiff", "dtype": values.dtype, "count": len(values), "nodata": nodata}
    shape = {"height": values.shape[1], "width": values.shape[2]}
    with rasterio.open(path, "w", **profile, **shape, transform=transform, crs=crs) as file:
        file.write(values)
        if names:
            file.descriptions = names
    return path


def write_scene(folder, steps=1):
    """scene.tif: two bands that tell the class, with noise."""
    random, y = np.random.default_rng(4), truth()
    level = np.stack([y == 1, y == 2]).astype(float)
    data = np.concatenate([level + random.normal(0, 0.3, level.shape) for _ in range(steps)])
    names = [f"{band}_t{t:02d}" for t in range(steps) for band in ("red", "nir")]
    return write_raster(folder / "scene.tif", data.astype("float32"), names=names)


def write_polygons(folder, column="label", values=CLASSES):
    """labels.geojson: each square shrunk by a pixel, as a polygon of its class."""
    y, rows = truth()[::12, ::12], []
    for r, c in np.ndindex(8, 8):
        x, top = WEST + 120 * c, NORTH - 120 * r
        shape = shapely.box(x + 10, top - 110, x + 110, top - 10)
        row = {"id": f"p{r}{c}", column: values[y[r, c]], "start": "2020-05-01"}
        rows.append(row | {"geometry": shape})
    frame = gpd.GeoDataFrame(rows, crs=CRS).to_crs(4326)
    frame.to_file(folder / "labels.geojson", driver="GeoJSON")
    return folder / "labels.geojson"


def dense_settings(root, **sections):
    """Settings of a project with dense targets on the small scene."""
    by_raster = "masks" in sections.get("labels", {})
    given = {
        "source": {"name": f"scene:{root}/scene.tif"},
        "labels": {"kind": "dense", "tile": 8, "field": 5},
        "split": {"block_km": 0.3, "folds": 3},
        "models": {"epochs": 4, "device": "cpu"},
        "success": {"metric": "mean_iou"},
        "run": {"resamples": 100},
    }
    if by_raster:
        given["labels"]["start"] = "2020-05-01"
    else:
        given["source"]["labels_file"] = f"{root}/labels.geojson"
    merged = {k: given.get(k, {}) | sections.get(k, {}) for k in {*given, *sections}}
    return make_settings(merged, root=root)
