"""Chips from a STAC archive behind a delay, against odc-stac: the same scenes, dates and chips, in turns."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from harness import Row, peak_mb

LATENCY, COUNT, ROUNDS = 0.05, 40, 3
BANDS = {"blue": "B02", "green": "B03", "red": "B04", "nir": "B08"}
SETTINGS = {  # of odc-stac: threads of a chip, chips at once
    "chip by chip, 16 threads": (16, 1),
    "chip by chip, 32 threads": (32, 1),
    "4 chips at once, 8 threads each": (8, 4),
    "16 chips at once, 2 threads each": (2, 16),
}


def project_at(folder, catalog, workers=16):
    """A project whose labels are the chips."""
    from tests.support.stac import make_project

    asked = {"stac.bands": ", ".join(BANDS), "stac.workers": workers, "stac.size": 32}
    return make_project(folder, catalog, COUNT, **asked)


def ours(catalog, workers):
    """Seconds of an export, the search included."""
    import pystac_client.stac_api_io  # noqa: F401 (on both sides what is imported is there before)
    import rustac  # noqa: F401

    from seedbed.sources.registry import find_source

    with tempfile.TemporaryDirectory() as folder:
        source = find_source(project_at(Path(folder), catalog, workers).settings())
        labels, tifs = source.labels(), Path(folder, "tifs")
        tifs.mkdir()
        began = time.perf_counter()
        done = [reason for _, reason, *_ in source.fetch(labels, tifs)]
        assert done == [None] * COUNT
        return time.perf_counter() - began


def theirs(catalog, threads, at_once):
    """Seconds of the same chips by odc-stac, each loaded alone, the search included."""
    import odc.stac
    import pystac_client
    from odc.geo.geobox import GeoBox

    from seedbed.imagery.grid import Grid

    names = [*BANDS.values(), "SCL"]
    odc.stac.configure_rio(
        cloud_defaults=True,
        GDAL_INGESTED_BYTES_AT_OPEN=32768,
        GDAL_HTTP_MERGE_CONSECUTIVE_RANGES="YES",
        GDAL_HTTP_MULTIPLEX="YES",
        VSI_CACHE="TRUE",
    )
    grids = [Grid(**fields) for fields in json.loads(os.environ["GRIDS"])]
    began = time.perf_counter()
    search = pystac_client.Client.open(catalog).search(collections=["sentinel-2-l2a"])
    items = list(search.items())

    def load(grid):
        box = GeoBox((grid.height, grid.width), grid.transform, grid.crs)
        cube = odc.stac.load(items, names, geobox=box, pool=threads, resampling="nearest")
        values = np.stack([cube[name].values for name in names])
        assert values.shape == (5, 4, 32, 32) and values.any()

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(load, grids))
    return time.perf_counter() - began


def in_process(grids, call, *arguments):
    """Seconds and megabytes of a call in a process without anything in its caches."""
    fields = json.dumps([grid.to_dict() for grid in grids])
    done = subprocess.run(
        [sys.executable, __file__, call, *map(str, arguments)],
        env=os.environ | {"GRIDS": fields, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def run():
    """The table's lines."""
    from tests.servers.stac.server import LocalArchive

    try:
        import odc.stac  # noqa: F401
    except ImportError:
        return [Row("chips/s of a STAC archive", 0, "", "odc-stac is not installed")]
    seconds, requests, memory = {}, {}, 0.0
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(LocalArchive(folder / "archive", latency=LATENCY))
        from seedbed.sources.registry import find_source

        source = find_source(project_at(folder / "grids", server.catalog).settings())
        grids = [chip.grid for chip in source.chips(source.labels())]
        contestants = {f"seedbed, {n} workers": ("ours", server.catalog, n) for n in (16, 32)}
        contestants |= {
            f"odc-stac, {name}": ("theirs", server.catalog, *how) for name, how in SETTINGS.items()
        }
        for _ in range(ROUNDS):
            for name, call in contestants.items():
                server.log.clear()
                took, peak = in_process(grids, *call)
                seconds.setdefault(name, []).append(took)
                requests[name] = len(server.files()) / COUNT
                if name.startswith("seedbed"):
                    memory = max(memory, peak / 1000)
    for name, took in seconds.items():
        print(
            f"    {name:<44} {COUNT / min(took):6.2f} chips/s, {requests[name]:.1f} requests a chip"
        )
    best = {
        who: min(min(took) for name, took in seconds.items() if name.startswith(who))
        for who in ("seedbed", "odc-stac, chip", "odc-stac")
    }
    said = f"best of {ROUNDS} rounds in turns, {COUNT} chips of 32 px, 4 dates, search included"
    delay = f"chips/s behind {LATENCY * 1000:.0f} ms, ours / odc-stac"
    one, any_way = best["odc-stac, chip"], best["odc-stac"]
    speed = COUNT / best["seedbed"]
    return [
        Row(
            f"{delay} chip by chip",
            one / best["seedbed"],
            ">= 3",
            f"{speed:.1f} against {COUNT / one:.2f}; {said}",
        ),
        Row(
            f"{delay} with chips side by side",
            any_way / best["seedbed"],
            "",
            f"{speed:.1f} against {COUNT / any_way:.2f}, the best of {len(SETTINGS)} settings",
        ),
        Row("memory of an export from STAC, GB", memory, "<= 2", "the most of all rounds"),
    ]


if __name__ == "__main__":
    name, catalog, *numbers = sys.argv[1:]
    seconds = {"ours": ours, "theirs": theirs}[name](catalog, *map(int, numbers))
    print(json.dumps([seconds, peak_mb()]))
