"""Folders as nobody would make them on purpose: right values, or one line; never another exception."""

import tempfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.enums import ColorInterp

from seedbed.base.errors import InputError
from seedbed.base.files import file_key
from seedbed.export import export
from seedbed.process import process
from seedbed.splitting import shift
from tests.support.world import World, open_dataset

COUNT = 12
DTYPES = ["uint8", "int16", "uint16", "int32", "float32", "float64", "int8", "uint32", "complex64"]
GAPS = ["none", "tag", "nan", "mask", "msk", "alpha", "aux"]
BANDS = {
    "steps": ["red_t00", "nir_t00", "red_t01", "nir_t01"],
    "numbers in front": ["0_red", "0_nir", "1_red", "1_nir"],
    "dates": ["2020-05-01_red", "2020-05-01_nir", "2020-06-01_red", "2020-06-01_nir"],
    "newest first": ["red_20200601", "nir_20200601", "red_20200501", "nir_20200501"],
    "none": [None] * 4,
    "some": ["red_t00", None, "red_t01", "nir_t01"],
    "twins": ["red_t0", "red_0", "red_t1", "nir_t1"],
    "umlauts": ["Röt_t00", "nir (%)_t00", "Röt_t01", "nir (%)_t01"],
}
IDS = {
    "text": [f"f{i}" for i in range(COUNT)],
    "numbers": list(range(1, COUNT + 1)),
    "decimals": [float(i) for i in range(COUNT)],
    "odd": [f"Fläche {i}/ü" for i in range(COUNT)],
    "dots": [f"..{i}" for i in range(COUNT)],
    "long": ["x" * 140 + str(i) for i in range(COUNT)],
    "quotes": [f"'\"{i}<&>" for i in range(COUNT)],
}
SHAPES = ["point", "multipoint", "polygon", "multipolygon", "large", "collection", "line", "3d"]
CRS = ["EPSG:32633", "EPSG:4326", "EPSG:3857", "EPSG:32760"]


def value(i, band, dtype):
    """What a label's tif holds in every pixel that counts."""
    return np.array(20 + 7 * i + band).astype(dtype)


def shape_of(kind, middle, size):
    """A label around a place."""
    point = shapely.Point(middle)
    square = point.buffer(2 * size, cap_style="square")
    line = shapely.LineString([middle, (middle[0] + size, middle[1])])
    return {
        "point": point,
        "multipoint": shapely.MultiPoint([point]),
        "polygon": square,
        "multipolygon": shapely.MultiPolygon([square]),
        "large": shapely.box(
            middle[0] - 3 * size, middle[1] - 3 * size, middle[0] + 90 * size, middle[1] + 3 * size
        ),
        "collection": shapely.GeometryCollection([square, line]),
        "line": line,
        "3d": shapely.Point(*middle, 100.0),
    }[kind]


def write(path, i, dtype, gap, names, crs, middle, size):
    """A tif of 9 x 9 pixels whose western third does not count."""
    data = np.stack([np.full((9, 9), value(i, b, dtype)) for b in range(4)])
    hole = np.zeros((9, 9), bool)
    cannot = gap == "nan" and np.dtype(dtype).kind in "iu"
    hole[:, :3] = gap != "none" and not cannot
    junk = np.nan if gap == "nan" else 3
    if hole.any():
        data[:, hole] = junk
    profile = {"dtype": dtype, "nodata": 3 if gap == "tag" else None}
    if gap == "alpha":
        data = np.concatenate([data, np.where(hole, 0, 255)[None]]).astype(dtype)
        names = [*names, "alpha"]
    transform = Affine(size, 0, middle[0] - 4.5 * size, 0, -size, middle[1] + 4.5 * size)
    grid = {"height": 9, "width": 9, "count": len(data), "crs": crs, "transform": transform}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", driver="GTiff", **grid, **profile) as file:
        file.write(data)
        for band, name in enumerate(names, 1):
            if name:
                file.set_band_description(band, name)
        if gap == "alpha":
            file.colorinterp = [*[ColorInterp.undefined] * 4, ColorInterp.alpha]
    if gap in ("mask", "msk"):
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=gap == "mask"), rasterio.open(path, "r+") as file:
            file.write_mask(np.where(hole, 0, 255).astype("uint8"))
    if gap == "aux":
        bands = [
            f'<PAMRasterBand band="{b}"><NoDataValue>3</NoDataValue></PAMRasterBand>'
            for b in range(1, 5)
        ]
        Path(f"{path}.aux.xml").write_text(f"<PAMDataset>{''.join(bands)}</PAMDataset>")


def make(root, dtype, gap, bands, ids, shape, crs):
    """A folder of labels and tifs."""
    ini = {"process.max_missing": "0.9", "split.block_km": "5", "split.buffer_km": "0.1"}
    world = World(root, ini | {"split.allow_leakage": "yes"})
    size = 10 / 111_000 if crs == "EPSG:4326" else 10.0
    step = 6_000 * size / 10
    start = {"EPSG:4326": (15.0, 45.0), "EPSG:3857": (1.6e6, 5.6e6)}.get(crs, (480_000, 5_000_000))
    if crs == "EPSG:32760":
        start = (800_000, 8_140_000)  # near 180 degrees
    middles = [(start[0] + step * (i % 4), start[1] + step * (i // 4)) for i in range(COUNT)]
    for i, name in enumerate(IDS[ids]):
        text = str(int(name)) if isinstance(name, float) else str(name)
        write(world.tif(file_key(text)), i, dtype, gap, BANDS[bands], crs, middles[i], size)
    frame = gpd.GeoDataFrame(
        {"id": IDS[ids], "label": ["a", "b"] * (COUNT // 2)},
        geometry=[shape_of(shape, middle, size) for middle in middles],
        crs=crs,
    )
    frame.to_file(world.data / "fields.gpkg")
    return world


@given(
    dtype=st.sampled_from(DTYPES),
    gap=st.sampled_from(GAPS),
    bands=st.sampled_from(list(BANDS)),
    ids=st.sampled_from(list(IDS)),
    shape=st.sampled_from(SHAPES),
    crs=st.sampled_from(CRS),
    sampling=st.sampled_from(["mean", "center", "pixels", "chip"]),
)
@settings(
    max_examples=16,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_right_values_or_one_line(dtype, gap, bands, ids, shape, crs, sampling):
    """Every value that comes out is one that was put in for this label, at this step."""
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr(shift, "adversarial_auc", lambda train, val: 0.5)
        world = make(Path(root), dtype, gap, bands, ids, shape, crs)
        asked = world.settings([f"process.sampling={sampling}"])
        try:
            manifest = export(asked)
            process(asked)
        except InputError as error:
            message = str(error)
            lines = message.splitlines()
            assert len(lines) == 1 or all(line.startswith("  ") for line in lines[1:])
            assert dtype == "complex64" or bands in ("none", "some", "twins") or shape == "line", (
                message
            )
            return
        out = open_dataset(asked)
    assert manifest["labels"] == COUNT
    names = [str(int(n)) if isinstance(n, float) else str(n) for n in IDS[ids]]
    order = [0, 1, 2, 3] if bands != "newest first" else [2, 3, 0, 1]
    for row, name in enumerate(out["label_id"]):
        i = names.index(name)
        wanted = np.array([value(i, b, dtype) for b in order], float).reshape(2, 2)
        seen = out["X"][row].reshape(2, 2, -1)
        known = np.isfinite(seen)
        assert known.any()
        assert (np.abs(seen - wanted[:, :, None])[known] < 1e-3).all()
