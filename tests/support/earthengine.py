"""Projects whose chips come from the local Earth Engine, and what their export holds."""

import json

from seedbed.export import export
from seedbed.imagery.raster import read_tif

SMALL = {
    "earthengine.sensors": "sentinel1, sentinel2, era5, srtm",
    "earthengine.steps": 2,
    "earthengine.size": 8,
}
TINY = {"earthengine.sensors": "era5", "earthengine.steps": 2, "earthengine.size": 2}


def exported(project, *overrides):
    """The manifest, the rasters by id and the ledger of an export."""
    settings = project.settings(overrides)
    manifest = export(settings)
    folder = settings.root / settings.export_dir
    ledger = {
        line["id"]: line
        for line in map(json.loads, (folder / "export.jsonl").read_text().splitlines())
    }
    return (
        manifest,
        {path.stem: read_tif(path) for path in sorted(folder.glob("tifs/*.tif"))},
        ledger,
    )


def bands_of(raster):
    """Pixels by the bands' names."""
    return dict(zip(raster.descriptions, raster.data))
