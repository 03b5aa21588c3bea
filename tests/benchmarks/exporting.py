"""Fetching chips: seedbed's client beside the stock client of Earth Engine, against a server that needs 200 ms for an answer."""

import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from harness import Row, race

LATENCY, CHIPS = 0.2, {1: 10, 8: 80, 32: 320}


@contextmanager
def serving():
    """A local Earth Engine in a process of its own; it computes a chip once, and then answers from memory."""
    demo = Path(__file__).resolve().parents[1] / "servers/earthengine/demo.py"
    process = subprocess.Popen(
        [sys.executable, str(demo), "--serve", "--remember", "--latency", str(LATENCY)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process.stdout.readline().split("=")[1].strip()
    finally:
        process.kill()


def encode(spec, start, box):
    """Build and encode the expression of one chip."""
    import ee

    from seedbed.sources.earthengine.expression import stack

    return json.dumps(ee.serializer.encode(stack(spec, start, box)))


def timed(work, workers, count):
    """Wall and CPU seconds of so many chips."""
    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(work, range(count)))
    return time.perf_counter() - wall, time.process_time() - cpu


def contestants(url, folder):
    """Two ways to put chip number i on the disk, with so many workers."""
    import ee

    from seedbed.imagery.grid import grid_around
    from seedbed.sources.earthengine.client import Client, pixel_grid
    from seedbed.sources.earthengine.credentials import connect
    from seedbed.sources.earthengine.expression import stack
    from seedbed.sources.earthengine.fetch import EarthEngineFetcher
    from seedbed.sources.earthengine.spec import presets
    from seedbed.sources.fetching.forecast import Allowance
    from seedbed.sources.fetching.ratelimit import RateLimit, RetryPolicy
    from seedbed.sources.fetching.store import Store
    from seedbed.sources.fetching.workers import ChipRequest

    spec, start, account = presets()["cropharvest"], "2021-03-01", connect(url=url)
    grid = grid_around(36.82, -1.29, spec.size, spec.resolution)

    def ours(workers):
        crew = EarthEngineFetcher(
            spec,
            Client(*account, workers=workers),
            profile=False,
            store=Store(folder / f"ours{workers}"),
            rate_limit=RateLimit(workers),
            policy=RetryPolicy(),
            allowance=Allowance(),
        )
        return lambda i: crew.fetch(ChipRequest(str(i), grid, start, f"{i:032x}"))

    def stock(workers):
        (folder / f"stock{workers}").mkdir()

        def fetch(i):
            request = {
                "expression": stack(spec, start, grid.box()),
                "fileFormat": "GEO_TIFF",
                "bandIds": list(spec.layout.descriptions),
                "grid": pixel_grid(grid),
            }
            (folder / f"stock{workers}/{i}.tif").write_bytes(ee.data.computePixels(request))

        return fetch

    return spec, start, grid, ours, stock


def run():
    """The table's lines."""
    from seedbed.sources.earthengine.expression import Expressions

    rows = []
    with serving() as url, tempfile.TemporaryDirectory() as folder:
        spec, start, grid, ours, stock = contestants(url, Path(folder))
        ours(1)(0)  # the server computes the chip, the expression is encoded
        expressions = Expressions(spec)
        expressions.text(start, grid.box())
        found = race(
            5,
            building=lambda: encode(spec, start, grid.box()),
            substituting=lambda: [expressions.text(start, grid.box()) for _ in range(100)],
        )
        each = found["substituting"] / 100
        rows.append(
            Row(
                "expression of a chip, built each time / box put in as text",
                found["building"] / each,
                ">= 100",
                f"{found['building'] * 1000:.0f} ms against {each * 1000:.3f} ms",
            )
        )
        for workers, count in CHIPS.items():
            mine = timed(ours(workers), workers, count)
            theirs = timed(stock(workers), workers, min(count, 80))
            speed, other = count / mine[0], min(count, 80) / theirs[0]
            rows.append(
                Row(
                    f"chips/s with {workers} worker{'s' * (workers > 1)}, ours / stock client",
                    speed / other,
                    "",
                    f"{speed:.1f} against {other:.1f}; the server allows {min(workers / LATENCY, 100):.0f}",
                )
            )
            rows.append(
                Row(
                    f"CPU of the client a chip with {workers} worker{'s' * (workers > 1)}, stock / ours",
                    theirs[1] / min(count, 80) * count / mine[1],
                    "",
                    f"{1000 * theirs[1] / min(count, 80):.0f} ms against {1000 * mine[1] / count:.0f} ms, which also checks, re-encodes and syncs",
                )
            )
    return rows


if __name__ == "__main__":
    for row in run():
        print(f"{row.what:<66} {row.measured:9.3g}  {row.note}", flush=True)
