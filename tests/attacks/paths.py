"""Names that lead out of their folder."""

import hashlib
import json
import os

from tests.attacks import attack
from tests.attacks.foreign import change, theirs
from tests.attacks.place import Done
from tests.support.small_data import COLUMNS_OF_FIELDS, FORMS

ROOM = "Names that lead elsewhere"


def restored(place, path: str, *links: tuple[str, str]) -> Done:
    """`replay --trust` of a run with a kept file of this name."""
    root, run = place.copy("restore")
    kept = run / "untracked"
    kept.mkdir(exist_ok=True)
    for name, target in links:
        (kept / name).parent.mkdir(parents=True, exist_ok=True)
        (kept / name).symlink_to(target)
    outside = place.new("outside.txt")
    digest = hashlib.sha256(b"x").hexdigest()
    path = path.format(outside=outside)
    source = kept / path
    if not source.exists() and ".." not in path and not os.path.isabs(path):
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text("x")
    change(run, untracked=[{"path": path, "bytes": 1, "sha256": digest, "kept": True}])
    done = place.seedbed(root, "replay", run.name, "--trust", who="them").refused()
    assert not outside.exists() and not (root.parent / "out.py").exists(), "it was written"
    assert "leads" in done.err or "altered or removed" in done.err, done.line
    return done


@attack(
    ROOM, "`replay --trust`: a kept file is called `../out.py`", "written outside of the checkout"
)
def dots(place):
    return restored(place, "../out.py")


@attack(ROOM, "`replay --trust`: a kept file has an absolute name", "written there")
def absolute(place):
    return restored(place, "{outside}")


@attack(
    ROOM,
    "`replay --trust`: a kept file lies behind a link in `untracked/`",
    "written through the link",
)
def through_a_link(place):
    return restored(place, "L/../../out.py", ("L", "1/2/3"))


@attack(ROOM, "`replay --trust`: a kept file is called `a/.GIT/hooks/x`", "written")
def into_git(place):
    return restored(place, "a/.GIT/hooks/x")


@attack(ROOM, "`replay --trust`: the diff makes a link", "applied")
def patch_with_a_link(place):
    root, run = place.copy("link")
    text = "diff --git a/way b/way\nnew file mode 120000\n--- /dev/null\n+++ b/way\n@@ -0,0 +1 @@\n+/tmp\n"
    change(run, text.encode())
    return place.seedbed(root, "replay", run.name, "--trust", who="them").refused("symbolic link")


@attack(ROOM, "`share` of one's own run in which a file is a link", "followed")
def shared_link(place):
    root, run = place.copy("share")
    (run / "notes.md").symlink_to("/etc/passwd")
    return place.seedbed(root, "share", run.name, "--rocrate").refused("is a link")


def checked(place, *overrides: str) -> Done:
    """`seedbed check` of a copy of the checkout."""
    words = [word for line in overrides for word in ("-p", line)]
    return place.seedbed(place.checkout, "export", *words, f"-ppaths.exports={place.new('e')}")


@attack(ROOM, "`source.tifs=/etc/{id}`", "a raw exception")
def tifs_of_the_system(place):
    return checked(place, "source.tifs=/etc/{id}").refused("source.tifs")


@attack(ROOM, "`source.tifs=../../{id}.tif`", "read there")
def tifs_above(place):
    done = checked(place, "source.tifs=../../../{id}.tif")
    return done.refused("source.tifs")


@attack(ROOM, "an id that is a path: `../../../outside`", "refused")
def id_as_a_path(place):
    around = place.new("ids")
    folder = around / "of/the/user"
    settings = FORMS["table, csv"](folder)
    table = (folder / "fields.csv").read_text()
    (folder / "fields.csv").write_text(table.replace("F-007", "../../../outside"))
    words = [*COLUMNS_OF_FIELDS, "labels.target=crop", *settings, f"paths.exports={folder / 'e'}"]
    before = {p for p in around.rglob("*") if not p.is_relative_to(folder)}
    done = place.seedbed(place.checkout, "export", *[w for s in words for w in ("-p", s)])
    after = {p for p in around.rglob("*") if not p.is_relative_to(folder)}
    assert after == before, f"written outside: {sorted(map(str, after - before))}"
    assert "Traceback" not in done.said, done.line
    return done


@attack(ROOM, "a run's `results.json` names `../../settings.ini` as its artifact", "read")
def artifact_outside(place):
    run = theirs(place)
    path = next(run.glob("models/*/*/results.json"))
    record = json.loads(path.read_text())
    record["artifacts"] = [{"path": "../../../../../etc/passwd", "sha256": "0" * 64}]
    path.write_text(json.dumps(record))
    return place.seedbed(place.checkout, "verify", str(run), who="them").refused("leads out of")
