"""Fields that were never there: series with the pulse of a crop, holes of clouds and a place in a landscape, as many as asked for."""

import json
import struct
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
import tifffile
from affine import Affine

CROPS = {
    "wheat": (3.6, 1.6, 0.55),
    "maize": (6.8, 1.5, 0.6),
    "rapeseed": (3.0, 1.8, 0.5),
    "grass": (5.0, 4.0, 0.35),
}  # peak month, width, height
ANSWER = np.linspace(-0.5, 1.0, 18)  # of each band to the green of the leaves


def table(count, seed=0):
    """`count` labels on a jittered grid of 2 km; neighbours like to have the same crop."""
    rng, side = np.random.default_rng(seed), int(np.ceil(count**0.5))
    row, column = np.divmod(np.arange(count), side)
    crop = (
        row // 7 + 3 * (column // 7) + (rng.random(count) < 0.3) * rng.integers(0, 4, count)
    ) % 4
    points = shapely.points(
        10 + 0.026 * column + rng.uniform(0, 0.005, count),
        45 + 0.018 * row + rng.uniform(0, 0.005, count),
    )
    columns = {
        "id": [f"f{i:06d}" for i in range(count)],
        "label": np.array(list(CROPS))[crop],
        "start": "2021-01-01",
    }
    return gpd.GeoDataFrame(columns, geometry=points, crs=4326)


def series(labels, bands=6, steps=12, seed=0, missing=0.1):
    """Reflectances [n, steps, bands] of labels, NaN where a cloud was."""
    rng = np.random.default_rng(seed)
    peak, width, height = np.array([CROPS[name] for name in labels]).T[..., None]
    green = height * np.exp(
        -(((np.arange(steps) - peak - rng.normal(0, 0.7, peak.shape)) / width) ** 2)
    )
    X = (
        0.2
        + 0.4 * green[..., None] * ANSWER[:bands]
        + rng.normal(0, 0.03, (len(labels), steps, bands))
    )
    X[rng.random(X.shape[:2]) < missing] = np.nan
    return X.astype("float32")


class Chips:
    """Writes chips of one shape fast: the tags of a first one, with another place and other pixels."""

    def __init__(self, folder, bands, steps, size):
        first = Path(folder) / "first.tif"
        with rasterio.open(
            first,
            "w",
            driver="GTiff",
            width=size,
            height=size,
            count=bands * steps,
            dtype="float32",
            crs="EPSG:4326",
            transform=Affine(9e-5, 0, 0, 0, -9e-5, 0),
            nodata=np.nan,
            interleave="pixel",
            blockysize=size,
        ) as file:
            file.write(np.zeros((bands * steps, size, size), "float32"))
            file.descriptions = [f"B{b}_t{t:02d}" for t in range(steps) for b in range(bands)]
        with tifffile.TiffFile(first) as file:
            self.place = file.pages[0].tags[33922].valueoffset
            self.pixels = file.pages[0].dataoffsets[0]
        self.size, self.bytes = size, first.read_bytes()
        first.unlink()

    def write(self, path, values, lon, lat, rng):
        """A chip around a place, its pixels scattered around `values` [steps, bands]."""
        noise = rng.normal(0, 0.01, (self.size, self.size, 1)).astype("float32")
        content = bytearray(self.bytes)
        content[self.place : self.place + 48] = struct.pack(
            "<6d", 0, 0, 0, lon - 4.5e-5 * self.size, lat + 4.5e-5 * self.size, 0
        )
        content[self.pixels : self.pixels + 4 * values.size * self.size**2] = (
            (values.reshape(-1) + noise).astype("<f4").tobytes()
        )
        Path(path).write_bytes(content)


def export(folder, count, bands=6, steps=12, size=16, seed=0):
    """What the export stage would have left: labels, tifs and manifest."""
    folder = Path(folder)
    (folder / "tifs").mkdir(parents=True)
    labels = table(count, seed)
    rng = np.random.default_rng(seed)
    chips = Chips(folder, bands, steps, size)
    labels.to_file(folder / "labels.geojson", driver="GeoJSON")
    X = series(labels["label"], bands, steps, seed)
    for i, (name, point) in enumerate(zip(labels["id"], labels.geometry)):
        chips.write(folder / f"tifs/{name}.tif", X[i], point.x, point.y, rng)
    manifest = {
        "name": "phenology",
        "source": "phenology",
        "licence": "none",
        "label_kind": "synthetic",
        "left_out": {},
        "unlabelled_tifs": [],
        "suggested": {},
        "labels": count,
        "layout": {"variables": [f"B{b}" for b in range(bands)], "steps": steps},
        "target": {
            "column": "label",
            "task": "classification",
            "classes": sorted(CROPS),
            "unit": None,
        },
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return labels
