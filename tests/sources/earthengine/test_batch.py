"""Scenes by tasks that the service runs."""

import json
import os
import subprocess
import sys

import geopandas as gpd
import pytest

from seedbed.sources.earthengine.batch import scene_tiles
from seedbed.sources.earthengine.spec import presets
from tests.servers.earthengine.places import make_places
from tests.servers.earthengine.server import LocalEarthEngine


@pytest.mark.slow
def test_the_queue_is_not_filled():
    """Of nine tiles three wait at a time."""

    from seedbed.base.settings import EarthEngine
    from seedbed.sources.earthengine.batch import destination_of, export_scene, scene_tiles
    from seedbed.sources.earthengine.credentials import connect
    from seedbed.sources.earthengine.spec import spec_of

    spec, said = spec_of(EarthEngine(sensors="era5", steps="1")), []
    with LocalEarthEngine(queue=4) as server:
        connect(url=server.url)
        tiles = scene_tiles(make_places(1).geometry[0].buffer(0.002), spec, "2021-03-01", 16)[:10]
        assert (
            export_scene(
                spec,
                "2021-03-01",
                tiles,
                destination_of("drive:maps"),
                queue=3,
                every=0.05,
                say=said.append,
            )
            == {}
        )
        assert (
            server.tasks.peak <= 3
            and len(server.tasks.operations) == len(tiles) == 9
            and said[-1].startswith("9 of 9 tiles done, 0 failed")
        )
        server.tasks.queue = 0  # another program has filled it
        assert (
            export_scene(spec, "2021-03-01", tiles, destination_of("drive:maps"), say=said.append)
            == {}
        )


def project_of(tmp_path, **ini):
    """A project and the outline of a region."""
    from tests.support.world import World

    made = World(tmp_path, {"source.name": "earthengine"} | ini)
    outline = gpd.GeoSeries([make_places(1).geometry[0].buffer(0.005)], crs=4326)
    outline.to_file(made.root / "area.geojson")
    return made


def scene(project, server, *words):
    """`seedbed export-scene`, run as a user does."""
    command = [sys.executable, "-c", "from seedbed.cli import main; main()", "export-scene"]
    asked = ["area.geojson", "--to", "gs://maps/kenya", "--every", "0.05", *words]
    environment = os.environ | {"SEEDBED_EARTHENGINE_URL": server.url}
    return subprocess.run(
        command + asked, cwd=project.root, env=environment, capture_output=True, text=True
    )


@pytest.mark.slow
def test_the_price_of_a_scene(tmp_path):
    """It is said before the first task, a limit is kept with what chips have used, and the tiles come home."""
    project = project_of(
        tmp_path / "p",
        **{
            "earthengine.sensors": "era5",
            "earthengine.steps": 1,
            "earthengine.max_eecu_hours": 0.014,
            "earthengine.workload_tag": "maps-2026",
        },
    )
    words = ["--start", "2021-03-01", "--side", "64"]
    with LocalEarthEngine(bucket=tmp_path / "bucket") as server:
        planned = scene(project, server, *words, "--plan", "-p", "earthengine.tier=community")
        assert planned.returncode == 0 and server.log == [], planned.stderr
        for part in ("4 tiles of 64 pixels", "EECU-hours (a guess", "to bring home", "are free"):
            assert part in planned.stdout
        done = scene(project, server, *words)
        assert done.returncode == 0 and "4 of 4 tiles done" in done.stdout, done.stderr
        assert "gcloud storage cp 'gs://maps/kenya/seedbed_*' tiles/" in done.stdout
        lines = (project.root / "data/chips/ledger.jsonl").read_text().splitlines()
        last = {json.loads(line)["key"]: json.loads(line) for line in lines}
        assert {line["status"] for line in last.values()} == {"succeeded"}
        assert sum(line["eecu"] for line in last.values()) == 4 * 12.5  # as the service says
        bodies = [e["body"] for e in server.log if e["path"].endswith("image:export")]
        assert {body["workloadTag"] for body in bodies} == {"maps-2026"}
        again = scene(project, server, "--start", "2021-04-01", "--side", "64")
        assert again.returncode == 1 and "max_eecu_hours = 0.014" in again.stderr
        assert "about 0.0139 EECU-hours are used" in again.stderr
        early = scene(project, server, "--start", "2031-04-01")
        assert early.returncode == 1 and "--start 2031-04-01: not over" in early.stderr
        assert len(server.tasks.operations) == 4
    assert len(list((tmp_path / "bucket").rglob("*.tif"))) == 4


def test_the_tiles_of_landsat_lie_on_its_pixels():
    spec = presets()["landsat"]
    tiles = scene_tiles(make_places(1).geometry[0].buffer(0.02), spec, "2021-03-01", 64)
    assert {(t.grid.left % 30, (t.grid.top - 10_000_000) % 30) for t in tiles} == {(15, 15)}
