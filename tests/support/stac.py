"""Projects whose chips come from a local STAC archive, and what their export holds."""

import json
import random

import geopandas as gpd
import shapely

from seedbed.export import export
from seedbed.imagery.raster import read_tif, reproject
from tests.support.world import World

UTM = "EPSG:32633"
SMALL = {"stac.steps": 2, "stac.size": 8, "stac.bands": "red, nir", "stac.workers": 8}


def make_places(count, start="2021-05-01", seed=0):
    """Points all over the sample's scene."""
    draw = random.Random(seed)
    spots = [
        shapely.Point(330200 + draw.random() * 14900, 5814600 + draw.random() * 7200)
        for _ in range(count)
    ]
    points = [reproject(point, UTM, "EPSG:4326") for point in spots]
    ids = [f"f{i:05d}" for i in range(count)]
    table = {"id": ids, "label": ["wheat" if i % 2 else "maize" for i in range(count)]}
    return gpd.GeoDataFrame(table | {"start": start}, geometry=points, crs=4326)


def make_project(folder, catalog, labels=6, **ini):
    """A project with labels in the archive; options are settings."""
    made = World(
        folder,
        {"source.name": "stac", "source.labels_file": "mine/labels.geojson"}
        | {"stac.catalog": str(catalog), "labels.max_left_out": 1}
        | SMALL
        | ini,
    )
    made.write_labels(make_places(labels) if isinstance(labels, int) else labels)
    return made


def exported(project, *overrides):
    """The manifest, the rasters by id and the ledger of an export."""
    settings = project.settings(overrides)
    manifest = export(settings)
    folder = settings.root / settings.export_dir
    lines = map(json.loads, (folder / "export.jsonl").read_text().splitlines())
    tifs = {path.stem: read_tif(path) for path in sorted(folder.glob("tifs/*.tif"))}
    return manifest, tifs, {line["id"]: line for line in lines}
