"""`seedbed export` as a user runs it: killed and started again in a storm of faults, with progress, with a pilot."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import geopandas as gpd
import numpy as np
import pytest

from seedbed.imagery.raster import read_tif
from tests.servers.earthengine.faults import Fault, chance
from tests.servers.earthengine.places import make_places
from tests.servers.earthengine.server import LocalEarthEngine
from tests.servers.earthengine.world import make_world
from tests.support.world import World

COMMAND = [sys.executable, "-c", "from seedbed.cli import main; main()"]
SPEC = {
    "earthengine.sensors": "sentinel1, sentinel2, era5, srtm",
    "earthengine.steps": 1,
    "earthengine.size": 4,
}


def make_project(root, count, **ini):
    """A project with places of the synthetic world."""
    made = World(
        root,
        {"source.name": "earthengine", "source.labels_file": "mine/labels.geojson"} | SPEC | ini,
    )
    made.write_labels(make_places(count))
    return made


def start(project, server, *words, command="export"):
    """Start an export in a process of its own."""
    names = ("EARTHENGINE_PROJECT", "EARTHENGINE_SERVICE_ACCOUNT")
    environment = {k: v for k, v in os.environ.items() if k not in names} | {
        "SEEDBED_EARTHENGINE_URL": server.url
    }
    return subprocess.Popen(
        [*COMMAND, command, *words],
        cwd=project.root,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def chips_of(project):
    """Fingerprints of the exported tifs by id."""
    folder = project.root / project.settings().export_dir
    return {
        path.stem: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("tifs/*.tif")
    }


def storm(count, kills, root, rate=0.4, seed=1):
    """An export without faults beside one with faults and kills; what both have, and how often each chip was answered."""
    calm, wild = make_project(root / "calm", count), make_project(root / "wild", count)
    with LocalEarthEngine() as server:
        done = start(calm, server)
        assert done.wait(600) == 0, done.stderr.read()
    answered = {}
    with LocalEarthEngine(fault=chance(rate, seed=seed), latency=0.02) as server:
        for turn in range(kills):
            process = start(wild, server)
            goal = count * (turn + 1) // (kills + 2)
            while len(list((wild.root / "data/chips").glob("*/*.tif"))) < goal:
                assert process.poll() is None, process.stderr.read()
                time.sleep(0.02)
            process.send_signal(signal.SIGKILL)
            process.wait()
        said = ""
        for _ in range(
            3
        ):  # a chip that met eight faults in a row is a line in the ledger, and fetched by the next export
            process = start(wild, server)
            out, errors = process.communicate(timeout=1800)
            said += out + errors
            if process.returncode == 0:
                break
        assert process.returncode == 0, said
        for entry in server.asked:
            if entry.get("status") == 200:
                answered[json.dumps(entry["body"]["grid"])] = (
                    answered.get(json.dumps(entry["body"]["grid"]), 0) + 1
                )
        faults = sum(entry.get("status") != 200 for entry in server.asked)
    return calm, wild, answered, faults, said


def check_storm(count, kills, calm, wild, answered, faults):
    """Everything is there, the same to the last byte, and was answered once, but for what was under way when the process was killed."""
    assert chips_of(calm) == chips_of(wild) and len(chips_of(calm)) == count
    assert (
        not list(wild.root.rglob(".tmp-*tif")) or kills
    )  # a kill may leave a temporary file, never a chip
    assert len(answered) == count and sum(answered.values()) - count <= 20 * kills
    assert faults > count * 0.4
    folder = wild.root / wild.settings().export_dir
    ledger = [json.loads(line) for line in (folder / "export.jsonl").read_text().splitlines()]
    assert sorted(line["id"] for line in ledger) == sorted(chips_of(wild)) and {
        line["status"] for line in ledger
    } == {"done"}
    assert all(
        {"key", "attempts", "bytes", "seconds", "missing"} <= set(line) or line.get("found")
        for line in ledger
    )
    for line in (wild.root / "data/chips/ledger.jsonl").read_text().splitlines()[-count:]:
        json.loads(line)


@pytest.mark.slow
def test_killed_in_a_storm_of_faults(tmp_path):
    count = int(os.environ.get("SEEDBED_STORM_CHIPS", 150))
    kills = int(os.environ.get("SEEDBED_STORM_KILLS", 1))
    calm, wild, answered, faults, said = storm(count, kills, tmp_path)
    check_storm(count, kills, calm, wild, answered, faults)
    print(f"{count} chips, {kills} kills, {faults} faults, {sum(answered.values())} good answers")
    print(said)


@pytest.mark.slow
def test_progress_pilot_and_a_second_export(tmp_path):
    project = make_project(tmp_path, 60)
    with LocalEarthEngine(latency=0.05, eecu=3.0) as server:
        out, errors = start(project, server, "--pilot", "5").communicate(timeout=60)
        assert (
            "pilot: 5 chips" in out
            and "55 chips to go" in out
            and "told by the service" in out
            and "To fetch them: seedbed export" in out
        ), errors
        out, errors = start(
            project, server, "--every", "0.2", "-p", "earthengine.workers=4"
        ).communicate(timeout=60)
        lines = out.splitlines()
        assert (
            any(
                "of 60 chips" in line and "chips/s" in line and "to go" in line
                for line in lines[:-1]
            )
            and "60 labels in data/exports/" in out
        ), errors
        asked = len(server.asked)
        out, errors = start(project, server).communicate(timeout=60)
        assert "60 were there" in out and len(server.asked) == asked == 60


@pytest.mark.slow
def test_a_chip_that_fails_ends_with_another_code(tmp_path):
    project = make_project(tmp_path, 5)

    def fault(number, body):
        return (
            Fault(400, "Image.load: asset is broken")
            if body["grid"]["affineTransform"]["translateX"] < 240300
            else None
        )

    with LocalEarthEngine(fault=fault) as server:
        process = start(project, server)
        out, errors = process.communicate(timeout=60)
    assert (
        process.returncode == 2
        and "left out 1: HTTP 400: Image.load: asset is broken" in out
        and "tries them again" in errors
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "words,fragments",
    [
        (["-p", "source.name=sample:x"], ["no such sample"]),
        (["--pilot", "3", "-p", "source.name=folder:mine"], ["needs no pilot"]),
    ],
)
def test_what_the_command_refuses(tmp_path, words, fragments):
    project = make_project(tmp_path, 2)
    (project.root / "data/sample").mkdir(parents=True)
    with LocalEarthEngine() as server:
        process = start(project, server, *words)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1 and len(errors.splitlines()) == 1
    for fragment in fragments:
        assert fragment in errors


@pytest.mark.slow
def test_a_scene_becomes_tiles(tmp_path):
    """A tile that fails is told, and handed in again by the next call; the pixels are those of a chip."""
    project = make_project(tmp_path, 1, **{"earthengine.size": 16})
    place = make_places(1).geometry[0]
    gpd.GeoDataFrame(geometry=[place.buffer(0.002)], crs=4326).to_file(
        project.root / "area.geojson"
    )
    broken = {"r001_c000"}
    with LocalEarthEngine(
        bucket=tmp_path / "bucket",
        queue=3000,
        fails=lambda name: "asset is broken" if any(name.endswith(b) for b in broken) else None,
    ) as server:
        words = [
            "area.geojson",
            "--start",
            "2021-03-01",
            "--to",
            "gs://maps/kenya",
            "--side",
            "20",
            "--every",
            "0.1",
        ]
        process = start(project, server, *words, command="export-scene")
        out, errors = process.communicate(timeout=120)
        assert (
            process.returncode == 2
            and "r001_c000 failed: asset is broken" in out
            and "1 tiles failed" in errors
        ), errors
        count, broken = len(server.tasks.operations), set()
        process = start(project, server, *words, command="export-scene")
        out, errors = process.communicate(timeout=120)
        assert process.returncode == 0 and len(server.tasks.operations) == count + 1, errors
        assert start(project, server).wait(60) == 0
    tiles = [read_tif(path) for path in sorted((tmp_path / "bucket/kenya").glob("*.tif"))]
    assert len(tiles) == count == int(out.split()[0])
    chip = read_tif(next((project.root / project.settings().export_dir).glob("tifs/*.tif")))
    compared = 0
    for tile in tiles:
        assert tile.descriptions == chip.descriptions and tile.crs == chip.crs
        column = round((tile.transform.c - chip.transform.c) / 10)
        row = round((chip.transform.f - tile.transform.f) / 10)
        rows = range(max(0, row), min(16, row + tile.data.shape[1]))
        columns = range(max(0, column), min(16, column + tile.data.shape[2]))
        if rows and columns:
            same = np.s_[:-1, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            there = np.s_[
                :-1,
                rows[0] - row : rows[-1] + 1 - row,
                columns[0] - column : columns[-1] + 1 - column,
            ]
            np.testing.assert_array_equal(chip.data[same], tile.data[there])
            compared += len(rows) * len(columns)
    assert compared == 16 * 16


@pytest.mark.slow
def test_a_pilot_says_what_is_wrong(tmp_path):
    """Reasons and a code of 2; where nothing came, no forecast; what no pass covers is told by its variable."""
    project = make_project(tmp_path, 20, **{"earthengine.orbit": "descending"})
    broken = {"fault": lambda number, body: Fault(400, "Image.load: asset is broken")}
    with LocalEarthEngine(**broken) as server:
        process = start(project, server, "--pilot", "4")
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 2 and "chips to go" not in out, out + errors
        assert "failed 4: HTTP 400: Image.load: asset is broken" in out
        assert "Not a single chip has come" in out and "4 chips of the pilot" in errors
    some = {"fault": lambda number, body: Fault(400, "is broken") if number % 2 else None}
    with LocalEarthEngine(**some, world=make_world(descending=(0, 0, 1, 1))) as server:
        process = start(project, server, "--pilot", "6")
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 2 and "failed" in out and "chips to go" in out, out + errors
        assert "missing by variable: VV 100.0%, VH 100.0%" in out
        assert "warning: VV is missing at every step in" in out
