"""Full, read-only and odd disks, and too little memory."""

import os
import subprocess
from contextlib import contextmanager

from tests.attacks import attack
from tests.attacks.place import Done, NotHere

ROOM = "Disks and memory"
BITS_COUNT = (
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-dac_override,-dac_read_search",
)  # root, for whom permissions count


@contextmanager
def small_disk(place, megabytes: float, options=""):
    """A folder on a disk of its own; NotHere where none can be mounted."""
    folder = place.new("disk")
    folder.mkdir()
    size = f"size={int(megabytes * 1024)}k{options}"
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", size, "attacks", folder], capture_output=True
    )
    if made.returncode:
        raise NotHere("needs the right to mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


WRITER = """
import pathlib
for number in range(40):
    pathlib.Path(settings.root / settings.run_dir / f"part{number}.bin").write_bytes(bytes(100_000))
"""


@attack(ROOM, "the disk of `runs/` is full in the middle of a stage", "a raw exception")
def full_runs(place):
    root = place.tiny("full", process=WRITER)
    with small_disk(place, 1) as disk:
        done = place.seedbed(root, "run", "--no-check", "-p", f"paths.runs={disk}")
        done.refused("disk is full", str(disk))
    return done


@attack(ROOM, "the disk of the export is full", "a raw exception")
def full_exports(place):
    root, _ = place.copy("full")
    with small_disk(place, 1, ",nr_inodes=20") as disk:
        done = place.seedbed(root, "export", "-p", f"paths.exports={disk}")
        done.refused("disk is full", str(disk))
        left = [p.name for p in disk.rglob(".tmp-*")]
        assert not left, f"left: {left}"
    return done


@attack(ROOM, "the disk of the cache is full: the run ends without it", "failed in the end")
def full_cache(place):
    root = place.tiny("full")
    with small_disk(place, 0.02) as disk:
        done = place.seedbed(root, "run", "--no-check", "-p", f"paths.cache={disk}")
    assert done.code == 3 and "Traceback" not in done.said, done.line
    assert list(root.glob("runs/*/results.json")), "results.json is gone"
    return done


@attack(ROOM, "the disk of the map is full", "a raw exception")
def full_map(place):
    with small_disk(place, 0.05) as disk:
        words = ("--run", "last", "--model", "majority", "--scene", "data/scene/image.tif")
        done = place.seedbed(place.checkout, "map", *words, "--out", str(disk / "out"))
        done.refused("disk is full", str(disk))
    return done


@attack(ROOM, "the cache is read-only: the run ends without it", "the run failed in the end")
def read_only_cache(place):
    root = place.tiny("read-only")
    first = place.seedbed(root, "run", "--no-check")
    assert first.code == 0, first.line
    cache = root / "data/cache"
    for path in [cache, *cache.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    words = ("run", "--no-check", "-p", "split.folds=4")
    done = place.seedbed(root, *words, wrap=BITS_COUNT if os.getuid() == 0 else ())
    assert done.code in (0, 3) and "Traceback" not in done.said, done.line
    assert len(list(root.glob("runs/*/results.json"))) == 2, "results.json is gone"
    return done


@attack(ROOM, "the runs folder is read-only", "a raw exception")
def read_only_runs(place):
    root = place.tiny("read-only")
    (root / "runs").mkdir()
    (root / "runs").chmod(0o555)
    wrap = BITS_COUNT if os.getuid() == 0 else ()
    return place.seedbed(root, "run", "--no-check", wrap=wrap).refused(str(root / "runs"))


@attack(ROOM, "`paths.runs` is a file", "a raw exception")
def runs_is_a_file(place):
    root = place.tiny("file")
    words = ("run", "--no-check", "-p", "paths.runs=settings.ini")
    return place.seedbed(root, *words).refused("is no folder")


@attack(ROOM, "`paths.cache` cannot be made (`/proc/x`)", "a raw exception")
def cache_cannot_be_made(place):
    root = place.tiny("proc")
    done = place.seedbed(root, "run", "--no-check", "-p", "paths.cache=/proc/x")
    assert "Traceback" not in done.said and done.code in (0, 1, 3), done.line
    return done


@attack(ROOM, "a stage asks for more memory than there is (`MemoryError`)", "`MemoryError`")
def memory_error(place):
    code = "import numpy as np\nnp.ones((2_000_000, 2_000_000))"
    root = place.tiny("memory", process=code)
    return place.seedbed(root, "run", "--no-check").refused("02_process", "run.workers=1")


@attack(ROOM, "the system kills a model for memory", "'the process died'")
def killed_for_memory(place):
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"
    root = place.tiny("memory", model=code)
    done = place.seedbed(root, "run", "--no-check")
    return done.refused("04_model", "SIGKILL", "run.workers=1")


@attack(ROOM, "little memory for the command itself (`ulimit -v`)", "a traceback")
def little_memory(place):
    root = place.tiny("memory", process="held = bytearray(3_000_000_000)")
    wrap = ("bash", "-c", 'ulimit -v 4000000; exec "$@"', "bash")
    return place.seedbed(root, "run", "--no-check", wrap=wrap).refused("02_process", "memory")


@attack(ROOM, "HOME and TMPDIR do not exist", "a raw exception")
def no_home(place):
    root = place.tiny("home")
    where = {"HOME": "/nonexistent", "TMPDIR": "/nonexistent", "SEEDBED_STATE": ""}
    done = place.seedbed(root, "run", "--no-check", **where)
    assert done.code == 0 and "Traceback" not in done.said, done.line
    return done


@attack(ROOM, "300 classes", "23 GB for the confusion figure; killed, results.json gone")
def many_classes(place):

    import numpy as np
    import pandas as pd

    folder = place.new("classes")
    folder.mkdir()
    count = 1200
    random = np.random.default_rng(1)
    table = pd.DataFrame({"id": [f"c{i}" for i in range(count)]})
    table["label"] = [f"class {i % 300}" for i in range(count)]
    table["lon"], table["lat"] = random.uniform(20, 24, count), random.uniform(44, 48, count)
    table["start"] = "2021-04-01"
    for step in range(2):
        for band in ("red", "nir"):
            table[f"{band}_t{step:02d}"] = random.uniform(0.1, 0.5, count)
    table.to_csv(folder / "many.csv", index=False)
    root, _ = place.copy("classes")
    lines = [
        f"source.name=table:{folder / 'many.csv'}",
        "labels.target=label",
        "labels.start=start",
        "labels.group=none",
        "models.names=majority, logistic_regression",
        "split.block_km=20",
    ]
    words = [word for line in lines for word in ("-p", line)]
    measured = ("/usr/bin/env", "python3", "-c", MEASURE)
    done = place.seedbed(root, "run", *words, wrap=measured, limit=600)
    assert done.code == 0, done.line
    most = int(done.err.rsplit("peak ", 1)[1].split()[0])
    assert most < 3000, f"{most} MB"
    return Done(0, f"ends; the largest process has held {most / 1000:.1f} GB")


MEASURE = (
    "import resource, subprocess, sys; rc = subprocess.run(sys.argv[1:]).returncode; "
    "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, file=sys.stderr);"
    " sys.exit(rc)"
)
