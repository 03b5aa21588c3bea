"""Chips from a STAC archive behind a delay, against odc-stac."""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
from harness import Row

LATENCY, COUNT, BANDS = 0.05, 40, ("blue", "green", "red", "nir")


def ours(project):
    """Seconds and chips of an export, the search included."""
    from seedbed.sources.registry import find_source

    source = find_source(project.settings())
    labels, tifs = source.labels(), project.root / "tifs"
    tifs.mkdir()
    began = time.perf_counter()
    done = [reason for _, reason, *_ in source.fetch(labels, tifs)]
    assert done == [None] * len(labels)
    return time.perf_counter() - began, source, labels


def theirs(catalog, grids, workers):
    """Seconds of the same chips by odc-stac, each loaded alone, as its users do."""
    import odc.stac
    import pystac_client
    from odc.geo.geobox import GeoBox

    search = pystac_client.Client.open(catalog).search(collections=["sentinel-2-l2a"])
    items = list(search.items())
    odc.stac.configure_rio(cloud_defaults=True)
    began, chips = time.perf_counter(), []
    for grid in grids:
        box = GeoBox((grid.height, grid.width), grid.transform, grid.crs)
        names = ["B02", "B03", "B04", "B08", "SCL"]  # as the archive calls them
        cube = odc.stac.load(items, names, geobox=box, pool=workers, resampling="nearest")
        chips.append(np.stack([cube[name].values for name in names]))
    return time.perf_counter() - began, chips


def run():
    """The table's lines."""
    from tests.servers.stac.server import LocalArchive
    from tests.support.stac import make_project

    with tempfile.TemporaryDirectory() as folder:
        with LocalArchive(Path(folder, "archive"), latency=LATENCY) as server:
            asked = {"stac.bands": ", ".join(BANDS), "stac.workers": 16, "stac.size": 32}
            project = make_project(Path(folder, "ours"), server.catalog, COUNT, **asked)
            seconds, source, labels = ours(project)
            mine = len(server.files())
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            grids = [chip.grid for chip in source.chips(labels)]
            server.log.clear()
            try:
                other, _ = theirs(server.catalog, grids[:10], 16)
            except ImportError:
                return [Row("chips/s of a STAC archive", 0, "", "odc-stac is not installed")]
            requests = len(server.files())
    speed, their_speed = COUNT / seconds, 10 / other
    return [
        Row(
            f"chips/s behind {LATENCY * 1000:.0f} ms, ours / odc-stac chip by chip",
            speed / their_speed,
            ">= 3",
            f"{speed:.1f} against {their_speed:.2f}, 16 requests at once; "
            f"{mine / COUNT:.1f} against {requests / 10:.0f} requests a chip; {memory:.2f} GB",
        )
    ]


if __name__ == "__main__":
    for row in run():
        print(f"{row.what:<66} {row.measured:9.3g}  {row.note}", flush=True)
