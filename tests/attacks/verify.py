"""One byte that is not as it was, an edited result, and scores that outlive what follows them."""

import json
import os
import shutil

from tests.attacks import attack
from tests.attacks.place import Done

ROOM = "Altered files, and scores that survive"


def flip(path, aged: bool = True):
    """Change a byte in the middle of a file; `aged` keeps the time of the file."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    with path.open("r+b") as file:
        file.write(content)
    if aged:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


RUN = {
    "the deciding `results.json`": "results.json",
    "a model's weights": "models/random_forest/seed_0/model.bin",
    "a model's predictions": "models/random_forest/seed_0/predictions.gpkg",
    "`report.html`": "report.html",
    "an executed notebook": "02_process.ipynb",
}


def flipped_in_run(what, name):
    @attack(
        ROOM,
        f"a byte of {what} is flipped under its old time; `verify`",
        "not seen; there was no `verify`",
    )
    def attempt(place):
        run = place.new("run")
        shutil.copytree(place.run, run)
        flip(run / name)
        done = place.seedbed(place.checkout, "verify", str(run))
        assert done.code == 1 and name in done.said, done.said[-200:]
        return Done(done.code, next(line for line in done.said.splitlines() if name in line))

    attempt.__name__ = f"flipped {name}"


for what, name in RUN.items():
    flipped_in_run(what, name)

DATA = {
    "`dataset.h5`": "data/processed/*/dataset.h5",
    "a tif of the export": "data/exports/*/tifs/F-007.tif",
}


def flipped_in_data(what, pattern, deep):
    option = ("--deep",) if deep else ()
    command = " ".join(("verify", *option))

    @attack(ROOM, f"a byte of {what} is flipped under its old time; `{command}`", "not seen")
    def attempt(place):
        root, run = place.copy("data")
        [path] = root.glob(pattern)
        flip(path.resolve())
        done = place.seedbed(root, "verify", run.name, *option)
        assert done.code == 1 and path.name in done.said, done.said[-200:]
        return Done(done.code, next(line for line in done.said.splitlines() if path.name in line))

    attempt.__name__ = f"flipped data {pattern} {deep}"


for what, pattern in DATA.items():
    for deep in (False, True):
        flipped_in_data(what, pattern, deep)


@attack(ROOM, "a byte of the source's own tif is flipped under its old time; `status`", "reused")
def flipped_source(place):
    root, _ = place.copy("source")
    flip(root / "data/fields/tifs/F-007.tif")
    done = place.seedbed(root, "status")
    lines = [line for line in done.out.splitlines() if "01_export" in line]
    assert lines and "made by" not in lines[0], "it would be reused"
    return Done(done.code, " ".join(lines[0].split()))


def with_score(place, value: float):
    """A project, and a run of it whose score was edited."""
    root, run = place.copy("edited")
    path = run / "results.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"f1_score": value}))
    return root, run


@attack(ROOM, "the score in `results.json` is edited; `publish`", "published")
def edited(place):
    root, run = with_score(place, 1.5)
    return place.seedbed(root, "publish", run.name).refused("results.json")


@attack(ROOM, "the same, and `manifest.json` was made to agree; `publish`", "published")
def edited_with_manifest(place):
    from seedbed.base.files import fingerprint

    root, run = with_score(place, 0.999)
    manifest = run / "manifest.json"
    found = json.loads(manifest.read_text())
    found["files"]["results.json"] = fingerprint(run / "results.json")
    manifest.write_text(json.dumps(found))
    done = place.seedbed(root, "verify", run.name)
    assert "not sealed by you" in done.said, done.line
    return place.seedbed(root, "publish", run.name).refused("manifest.json")


@attack(
    ROOM,
    "a licence `see http://example.org/{{script}} <b>`",
    "the report failed, and results.json was gone",
)
def licence(place):
    record = json.loads((place.run / "run.json").read_text())
    assert record["status"] == "complete" and not record.get("warnings"), record.get("warnings")
    report = (place.run / "report.html").read_text()
    assert "&lt;b&gt;" in report and "{{script}} <b>" not in report, "the report holds their HTML"
    return Done(0, "the report shows it as text")


@attack(ROOM, "the report fails after the scores", "results.json was gone")
def failing_report(place):
    root = place.tiny("report", report="1 / 0")
    done = place.seedbed(root, "run", "--no-check")
    assert done.code == 3 and "seedbed run --force 07_report" in done.err, done.line
    assert list(root.glob("runs/*/results.json")), "results.json is gone"
    return done


@attack(ROOM, "the map is killed for memory after the scores", "results.json was gone")
def killed_map(place):
    root = place.tiny("map", map="import os, signal\nos.kill(os.getpid(), signal.SIGKILL)")
    done = place.seedbed(root, "run", "--no-check")
    assert done.code == 3 and "seedbed run --force 06_map" in done.err, done.line
    assert list(root.glob("runs/*/results.json")), "results.json is gone"
    return done
