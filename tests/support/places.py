"""Places anywhere on Earth, and the splits of labels that lie there."""

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from hypothesis import settings as budget
from hypothesis import strategies as st

from seedbed.base.settings import Split
from seedbed.splitting.folds import make_split

GEOD = pyproj.Geod(ellps="WGS84")
FEW = budget(max_examples=40, deadline=None, derandomize=True)
LATITUDES = st.one_of(
    st.floats(-90, 90), st.sampled_from([-90.0, -89.99, -60.0, 0.0, 45.0, 89.9, 90.0])
)
LONGITUDES = st.one_of(
    st.floats(-180, 180), st.sampled_from([-180.0, -179.999, 0.0, 179.999, 180.0])
)


def geodesic_km(a, b):
    """Distances on the ellipsoid between all pairs of points [n, 2] and [m, 2]."""
    i, j = np.meshgrid(np.arange(len(a)), np.arange(len(b)), indexing="ij")
    return GEOD.inv(*a[i.ravel()].T, *b[j.ravel()].T)[2].reshape(len(a), len(b)) / 1000


def cloud(seed, count, lon, lat, spread):
    """Places around a place, anywhere on Earth, in degrees of a great circle."""
    rng = np.random.default_rng(seed)
    far = 111_195 * spread * np.sqrt(rng.random(count))
    x, y, _ = GEOD.fwd(np.full(count, lon), np.full(count, lat), rng.uniform(0, 360, count), far)
    return np.column_stack([x, y])


def frame_of(xy, classes=("a", "b"), seed=0, **columns):
    """Canonical labels at places."""
    rng = np.random.default_rng(seed)
    table = {"id": [f"p{i:04d}" for i in range(len(xy))], "label": rng.choice(classes, len(xy))}
    return gpd.GeoDataFrame(table | columns, geometry=shapely.points(xy), crs=4326)


def one_fold(labels, suggested={}, **options):
    """`make_split` of a single fold: its side, the blocks and the record."""
    sides, block, record = make_split(
        labels, Split(cross_validate=False, **options), suggested, sorted(set(labels["label"]))
    )
    assert len(sides) == 1
    return sides[0], block, record
