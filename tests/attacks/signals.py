"""SIGINT and SIGTERM in the middle of every command."""

import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np

from tests.attacks import attack
from tests.attacks.place import Done, processes_in, temporary_in
from tests.servers.earthengine.server import LocalEarthEngine
from tests.support.small_data import (
    COLUMNS_OF_FIELDS,
    SCENE_NORTH,
    SCENE_WEST,
    fields,
    labels_alone,
    scene,
    write_raster,
)

ROOM = "Signals"
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
SLOW = """
import os, pathlib, time
reached = pathlib.Path(os.environ["REACHED"])
if os.environ.get("ONLY", "") in os.getcwd():
    reached.mkdir(exist_ok=True)
    (reached / str(os.getpid())).touch()
    time.sleep(120)
"""


def stopped(place, process, number, reached, *folders) -> Done:
    """Send a signal once the command is at work; it must end well, and leave nothing."""
    deadline = time.monotonic() + 180
    while not reached():
        assert process.poll() is None, f"ended by itself: {process.communicate()[1][-300:]}"
        assert time.monotonic() < deadline, "it has not begun to work"
        time.sleep(0.1)
    time.sleep(1)
    if number == signal.SIGINT:  # as a terminal does
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    done = Done(process.returncode, out, err)
    done.refused("interrupted", code=CODES[number])
    time.sleep(1.5)
    left = processes_in(*folders)
    assert not left, f"processes go on: {left}"
    files = temporary_in(*folders)
    assert not files, f"files were left: {files}"
    return done


def has(folder, pattern):
    """A function that says whether a folder has such files."""
    return lambda: any(folder.glob(pattern))


def run(place, number):
    root, reached = place.tiny("run", export=SLOW), place.new("reached")
    process = place.start(root, "run", "--no-check", REACHED=str(reached))
    return stopped(place, process, number, has(reached, "*"), root)


def sweep(place, number):
    root, reached = place.tiny("sweep", process=SLOW), place.new("reached")
    words = ("sweep", "-p", "split.folds=3,4", "-p", "run.workers=2")
    process = place.start(root, *words, REACHED=str(reached))
    return stopped(
        place, process, number, lambda: reached.exists() and len(list(reached.iterdir())) > 1, root
    )


def replay(place, number):
    root, reached = place.tiny("replay", export=SLOW), place.new("reached")
    given = {"REACHED": str(reached), "ONLY": "/replays/"}
    assert place.seedbed(root, "run", "--no-check", **given).code == 0
    process = place.start(root, "replay", "last", **given)
    done = stopped(place, process, number, has(reached, "*"), root)
    trees = subprocess.run(["git", "-C", root, "worktree", "list"], capture_output=True, text=True)
    assert trees.stdout.count("\n") == 1, "the checkout was left"
    again = place.seedbed(root, "replay", "last", REACHED=str(reached), ONLY="/nowhere/")
    assert again.code == 0, f"cannot be replayed again: {again.line}"
    return done


def export(place, number):
    root = place.new("export")
    (root / "nbs").mkdir(parents=True)
    (root / "settings.ini").write_text("")
    lines = [*COLUMNS_OF_FIELDS, "labels.target=crop", *labels_alone(root / "labels")]
    words = [word for line in [*lines, "earthengine.workers=4"] for word in ("-p", line)]
    with LocalEarthEngine(latency=0.5) as server:
        extra = {"SEEDBED_EARTHENGINE_URL": server.url}
        process = place.start(root, "export", *words, **extra)
        return stopped(place, process, number, has(root, "labels/chips/**/*.tif"), root)


def big_scene(place):
    """An image on which a forest works for a while; made once."""
    with place.lock:
        path = place.folder / "big.tif"
        if not path.exists():
            values = np.tile(scene(fields()), (1, 5, 5)).astype("float32")
            write_raster(path, values, SCENE_WEST, SCENE_NORTH)
        return path


def map_(place, number):
    out = place.new("map")
    words = ("--run", str(place.run), "--model", "random_forest", "--scene", str(big_scene(place)))
    root = place.checkout
    process = place.start(root, "map", *words, "--out", str(out))
    try:
        return stopped(place, process, number, has(out, "**/*"), out)
    finally:
        left = [line for line in processes_in(root) if " map " in line]
        assert not left, f"processes go on: {left}"


def whole(place):
    """All tracked files of the template: what `make docs` and `make bench` read."""
    root = place.new("template")
    listed = subprocess.run(["git", "-C", place.template, "ls-files", "-z"], capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (place.template / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(place.template / name, root / name)
    return root


def script(place, number, reached, *words):
    """The same for a script of the Makefile; what it leaves among temporary files counts."""
    root = whole(place)
    held = root / "held"
    held.mkdir()
    process = place.start(root, command=(sys.executable, *words), TMPDIR=str(held))
    done = stopped(place, process, number, lambda: reached(root), root)
    left = [path.name for path in held.iterdir()]
    assert not left, f"files were left: {left}"
    return done


def docs(place, number):
    return script(place, number, lambda root: processes_below(root) > 1, "tools/docs")


def bench(place, number):
    def working(root):
        return any((root / "held").iterdir()) and processes_below(root) > 1

    return script(place, number, working, "tests/benchmarks", "exporting")


def processes_below(root) -> int:
    return len(processes_in(root))


BEFORE = {
    "run": "ended well",
    "sweep": "SIGTERM left its runs going",
    "replay": "blocked the run for good",
    "export": "ended well",
    "map": "not tried",
    "docs": "not tried",
    "bench": "not tried",
}
for command in (run, sweep, replay, export, map_, docs, bench):
    for number in CODES:

        def enter(command, number):
            name = command.__name__.strip("_")

            @attack(ROOM, f"{number.name} to `{name}`", BEFORE[name])
            def attempt(place):
                return command(place, number)

            attempt.__name__ = f"signal {name} {number.name}"

        enter(command, number)
