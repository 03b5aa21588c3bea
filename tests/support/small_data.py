"""One small landscape, written in every form in which people bring labels and images.

48 fields lie on a grid of 1.5 km. Each is of one of three crops and has a yield; neither follows from its place. Two
bands at four monthly steps tell the crop and the yield, with a little noise. Nothing here resembles the samples.
"""

from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
import shapely
from affine import Affine

from seedbed.imagery.raster import reproject
from seedbed.sources.stac.example import Pass, item_of, write_catalogue, write_cog
from tests.support.world import box_around

CRS = "EPSG:32635"
COLUMNS, ROWS, SPACING = 8, 6, 1500  # fields and metres
WEST, NORTH = 500_000, 5_001_000  # of the first field, in metres
PIXEL = 30
STEPS = ("2021-04", "2021-05", "2021-06", "2021-07")
BANDS = ("red", "nir")
CROPS = ("maize", "sugar beet", "Weizen (Winter)")
NAMES = [f"{band}_t{step:02d}" for step in range(len(STEPS)) for band in BANDS]
RISE = np.array([[0, 0.1, 0.3, 0.2], [0.3, 0.2, 0.1, 0], [0, 0.3, 0, 0.3]])  # by crop and step


def fields() -> gpd.GeoDataFrame:
    """The labels, in metres: id, crop, yield_t, sown, farm and geometry."""
    random = np.random.default_rng(11)
    count = COLUMNS * ROWS
    crop = random.permutation(np.arange(count) % len(CROPS))
    places = [
        shapely.Point(WEST + SPACING * (i % COLUMNS), NORTH - SPACING * (i // COLUMNS))
        for i in range(count)
    ]
    table = {
        "id": [f"F-{i:03d}" for i in range(count)],
        "crop": [CROPS[k] for k in crop],
        "yield_t": np.round(random.uniform(2, 9, count), 2),
        "sown": "2021-04-01",
        "farm": [f"farm {i // 2}" for i in range(count)],
    }
    return gpd.GeoDataFrame(table, geometry=places, crs=CRS)


def series(labels: gpd.GeoDataFrame) -> np.ndarray:  # [n, T, B] reflectance
    """What the satellite sees of each field."""
    random = np.random.default_rng(12)
    crop = labels["crop"].map({name: k for k, name in enumerate(CROPS)}).to_numpy()
    nir = 0.2 + RISE[crop] + 0.02 * labels["yield_t"].to_numpy()[:, None]
    red = 0.25 - 0.5 * RISE[crop] + np.zeros_like(nir)
    X = np.stack([red, nir], axis=-1)
    return np.clip(X + random.normal(0, 0.01, X.shape), 0.01, 1)


def in_degrees(labels: gpd.GeoDataFrame, shape: str = "point") -> gpd.GeoDataFrame:
    """The labels as points, or as squares of 120 m, in longitude and latitude."""
    if shape == "square":
        labels = labels.set_geometry([box_around(p, 60) for p in labels.geometry], crs=CRS)
    return labels.to_crs(4326)


# --- tifs ---


def write_raster(path: Path, values: np.ndarray, west: float, north: float, names=NAMES):
    """Integers of a scale of 10,000, nodata 0, as Sentinel-2 has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {
        "driver": "GTiff",
        "count": len(values),
        "height": values.shape[1],
        "width": values.shape[2],
        "dtype": "uint16",
        "crs": CRS,
        "transform": Affine(PIXEL, 0, west, 0, -PIXEL, north),
        "nodata": 0,
    }
    with rasterio.open(path, "w", **options) as file:
        file.write(np.round(values * 10_000).astype("uint16"))
        file.scales = [1e-4] * len(values)
        for band, name in enumerate(names, 1):
            file.set_band_description(band, name)


def write_chips(folder: Path, labels: gpd.GeoDataFrame, size: int = 9):
    """A tif for each field."""
    random = np.random.default_rng(13)
    half = size * PIXEL / 2
    for row, values in zip(labels.itertuples(), series(labels)):
        flat = values.reshape(-1, 1, 1) + random.normal(0, 0.01, (len(NAMES), size, size))
        place = row.geometry
        write_raster(
            folder / f"tifs/{row.id}.tif", np.clip(flat, 0.01, 1), place.x - half, place.y + half
        )


def scene(labels: gpd.GeoDataFrame) -> np.ndarray:  # [T * B, H, W]
    """The whole landscape: bare ground, and fields of five pixels a side."""
    random = np.random.default_rng(14)
    step = SPACING // PIXEL
    shape = (len(NAMES), ROWS * step, COLUMNS * step)
    values = 0.15 + random.normal(0, 0.01, shape)
    for i, field in enumerate(series(labels)):
        row, column = (i // COLUMNS) * step + step // 2, (i % COLUMNS) * step + step // 2
        window = np.s_[:, row - 3 : row + 3, column - 3 : column + 3]
        values[window] = field.reshape(-1, 1, 1) + random.normal(0, 0.01, (len(NAMES), 6, 6))
    return np.clip(values, 0.01, 1)


SCENE_WEST, SCENE_NORTH = WEST - SPACING / 2, NORTH + SPACING / 2


# --- the forms; each writes into a folder and gives the settings that a user would ---


def folder_of(shape: str, sampling: str, suffix: str) -> Callable[[Path], list[str]]:
    """A folder with a labels file and a tif for each label."""

    def make(root: Path) -> list[str]:
        labels = fields()
        write_chips(root, labels)
        in_degrees(labels, shape).to_file(root / f"fields{suffix}")
        return [f"source.name=folder:{root}", f"process.sampling={sampling}", "process.chip_size=4"]

    return make


def scene_of(kind: str) -> Callable[[Path], list[str]]:
    """An image of the landscape, and the labels beside it."""

    def make(root: Path) -> list[str]:
        labels = fields()
        root.mkdir(parents=True, exist_ok=True)
        in_degrees(labels, "square").to_file(root / "fields.gpkg")
        values = scene(labels)
        place = WRITERS[kind](root, values)
        return [f"source.name=scene:{place}", f"source.labels_file={root / 'fields.gpkg'}"]

    return make


def one_tif(root: Path, values: np.ndarray) -> Path:
    write_raster(root / "image.tif", values, SCENE_WEST, SCENE_NORTH)
    return root / "image.tif"


def tiles(root: Path, values: np.ndarray) -> Path:
    half = values.shape[2] // 2
    write_raster(root / "tiles/west.tif", values[:, :, :half], SCENE_WEST, SCENE_NORTH)
    west = SCENE_WEST + half * PIXEL
    write_raster(root / "tiles/east.tif", values[:, :, half:], west, SCENE_NORTH)
    return root / "tiles"


def dates(root: Path, values: np.ndarray) -> Path:
    count = len(BANDS)
    for step, month in enumerate(STEPS):
        part = values[step * count : (step + 1) * count]
        write_raster(root / f"dates/{month}-01.tif", part, SCENE_WEST, SCENE_NORTH, BANDS)
    return root / "dates"


def vrt(root: Path, values: np.ndarray) -> Path:
    folder = tiles(root, values)
    from seedbed.imagery.mosaic import mosaic

    return mosaic(folder, root / "image.vrt")


WRITERS = {"tif": one_tif, "tiles": tiles, "dates": dates, "vrt": vrt}


def table_of(kind: str) -> Callable[[Path], list[str]]:
    """A table with the series in it."""

    def make(root: Path) -> list[str]:
        root.mkdir(parents=True, exist_ok=True)
        labels = fields()
        degrees = in_degrees(labels)
        X = series(labels)
        table = pd.DataFrame(labels.drop(columns="geometry"))
        table = table.assign(lon=degrees.geometry.x, lat=degrees.geometry.y)
        return [f"source.name=table:{TABLES[kind](root, table, X)}"]

    return make


def wide(table: pd.DataFrame, X: np.ndarray) -> pd.DataFrame:
    """A row for each label, a column for each band and step."""
    columns = {name: X.reshape(len(X), -1)[:, k] for k, name in enumerate(NAMES)}
    return pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)


def csv(root, table, X):
    wide(table, X).to_csv(root / "fields.csv", index=False)
    return root / "fields.csv"


def npz(root, table, X):
    days = np.array([f"{month}-01" for month in STEPS])
    text = {name: table[name].to_numpy(str) for name in ("id", "crop", "sown", "farm")}
    numbers = {name: table[name].to_numpy() for name in ("yield_t", "lon", "lat")}
    np.savez(root / "fields.npz", X=X, bands=np.array(BANDS), dates=days, **text, **numbers)
    return root / "fields.npz"


def parquet(root, table, X):
    wide(table, X).to_parquet(root / "fields.parquet")
    return root / "fields.parquet"


def long(root, table, X):
    rows = [
        table.assign(date=f"{month}-01", **{band: X[:, step, b] for b, band in enumerate(BANDS)})
        for step, month in enumerate(STEPS)
    ]
    pd.concat(rows).to_csv(root / "fields.csv", index=False)
    return root / "fields.csv"


TABLES = {"csv": csv, "npz": npz, "parquet": parquet, "long": long}


def labels_alone(root: Path) -> list[str]:
    """Labels whose images an archive has."""
    root.mkdir(parents=True, exist_ok=True)
    in_degrees(fields()).to_file(root / "fields.geojson")
    return [
        "source.name=earthengine",
        f"source.labels_file={root / 'fields.geojson'}",
        f"paths.chips={root / 'chips'}",
        "earthengine.steps=3",
        "earthengine.size=8",
    ]


def archive(root: Path) -> list[str]:
    """Labels, and a static catalogue of a date for each step beside them."""
    labels = fields()
    folder, values = root / "archive", scene(labels)
    folder.mkdir(parents=True)
    in_degrees(labels, "square").to_file(root / "fields.gpkg")
    place = {"transform": Affine(PIXEL, 0, SCENE_WEST, 0, -PIXEL, SCENE_NORTH), "crs": CRS}
    height, width = values.shape[1:]
    corner = SCENE_WEST + width * PIXEL, SCENE_NORTH - height * PIXEL
    outline = reproject(
        shapely.box(SCENE_WEST, corner[1], corner[0], SCENE_NORTH), CRS, "EPSG:4326"
    )
    items = []
    for step, month in enumerate(STEPS):
        one = Pass(f"{month}-15")
        stored = np.round(values[step * len(BANDS) :][: len(BANDS)] * 10_000).astype("uint16")
        files = {name: f"{one.id}_{name}.tif" for name in BANDS}
        for name, data in zip(BANDS, stored):
            write_cog(folder / files[name], data, **place)
        items.append(item_of(one, files, outline, str(folder)))
    write_catalogue(folder, items)
    return [
        "source.name=stac",
        f"source.labels_file={root / 'fields.gpkg'}",
        f"paths.chips={root / 'chips'}",
        f"stac.catalog={folder}",
        f"stac.bands={', '.join(BANDS)}",
        "stac.mask=none",
        f"stac.steps={len(STEPS)}",
        f"stac.resolution={PIXEL}",
        "stac.size=9",
        "process.sampling=mean",
    ]


def every_pixel(root: Path) -> list[str]:
    """The landscape as a tif, and polygons that tell the target of each of their pixels."""
    own = scene_of("tif")(root)
    return [*own, "labels.kind=dense", "labels.tile=8"]


COLUMNS_OF_FIELDS = [
    "labels.start=sown",
    "labels.group=farm",
    "split.block_km=2",
    "split.buffer_km=0.1",
]
FORMS: dict[str, Callable[[Path], list[str]]] = {
    "folder, points": folder_of("point", "center", ".geojson"),
    "folder, polygons": folder_of("square", "mean", ".gpkg"),
    "folder, pixels": folder_of("square", "pixels", ".fgb"),
    "folder, chips": folder_of("square", "chip", ".shp"),
    **{f"scene, {kind}": scene_of(kind) for kind in WRITERS},
    **{f"table, {kind}": table_of(kind) for kind in TABLES},
    "dense, tif": every_pixel,
    "stac": archive,
    "earthengine": labels_alone,
}
