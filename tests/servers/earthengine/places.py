"""Labels in the synthetic world, whose classes are what grows there."""

import geopandas as gpd
import numpy as np
import pyproj

from .world import COVERS, cover


def make_places(
    count, start="2021-03-01", crs="EPSG:32737", left=240000, top=9880000, step=320, columns=40
):
    """Points in the middle of fields, with the field's cover as label and a date for each."""
    index = np.arange(count)
    x, y = left + 165 + step * (index % columns), top - 155 - step * (index // columns)
    lon, lat = pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(x, y)
    labels = [COVERS[c] for c in cover(x // 10, y // 10)]
    return gpd.GeoDataFrame(
        {"id": [f"f{i:05d}" for i in index], "label": labels, "start": start},
        geometry=gpd.points_from_xy(lon, lat),
        crs=4326,
    )
