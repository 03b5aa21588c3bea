"""What a run records of its code, whatever git is told to do."""

import json
import os
import subprocess

from tests.attacks import attack
from tests.attacks.place import Done, git

ROOM = "The record of the code"
SETTINGS = {
    "diff.external": "/bin/false",
    "color.ui": "always",
    "diff.noprefix": "true",
    "diff.mnemonicPrefix": "true",
    "diff.x.textconv": "tr a-z A-Z <",
}


def changed(place, name):
    """A tiny project of which a tracked file differs from the commit."""
    root = place.tiny(name)
    (root / ".gitattributes").write_text("*.ini diff=x\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    with (root / "settings.ini").open("a") as file:
        file.write("# changed: ä\n")
    return root


def run_in(place, root, **extra):
    """A run and what its record says of git."""
    done = place.seedbed(root, "run", "--no-check", **extra)
    assert done.code == 0, f"rc {done.code}: {done.line}"
    run = max(root.glob("runs/*/run.json"), key=lambda path: path.stat().st_mtime)
    return done, run.parent, json.loads(run.read_text())["git"]


@attack(
    ROOM,
    f"a changed file under `{'`, `'.join(f'{key} = {value}' for key, value in SETTINGS.items())}`",
    "the patch was empty or could not be applied",
)
def configured(place):
    root = changed(place, "git")
    for key, value in SETTINGS.items():
        git(root, "config", key, value)
    _, run, state = run_in(place, root)
    patch = run / "diff.patch"
    assert patch.is_file() and b"+# changed: \xc3\xa4" in patch.read_bytes(), "no usable patch"
    assert state["lacks"] == [], state["lacks"]
    done = place.seedbed(root, "replay", run.name)
    assert done.code == 0 and "identical" in done.out, done.line
    return done


@attack(ROOM, "a changed file under `GIT_EXTERNAL_DIFF=/bin/false`", "the patch was empty")
def external_by_environment(place):
    root = changed(place, "git")
    done, run, state = run_in(place, root, GIT_EXTERNAL_DIFF="/bin/false")
    assert (run / "diff.patch").is_file() and state["lacks"] == [], state["lacks"]
    return Done(done.code, f"diff.patch of {(run / 'diff.patch').stat().st_size} bytes is kept")


@attack(ROOM, "130 untracked files", "100 were kept, and `replay` said nothing is lacking")
def many_untracked(place):
    root = place.tiny("many")
    for i in range(130):
        (root / f"m{i:03d}.py").write_text("x = 1\n")
    _, run, state = run_in(place, root)
    assert state["untracked_count"] == 130, state["untracked_count"]
    return place.seedbed(root, "replay", run.name).refused("30 of 130 files", "cannot be replayed")


@attack(ROOM, "a file whose name is no UTF-8", "the run ended, and `runs` did not list it")
def odd_name(place):
    root = place.tiny("odd")
    (root / os.fsdecode(b"lat\xe9in.txt")).write_text("x")
    done, run, state = run_in(place, root)
    listed = place.seedbed(root, "runs")
    assert listed.code == 0 and "complete" in listed.out, "the run is not listed"
    return Done(done.code, state["lacks"][0])


@attack(
    ROOM,
    "a repository that belongs to another user (`safe.directory`)",
    "'outside of git', advice to `git init`",
)
def other_owner(place):
    root = place.tiny("owner")
    done, _, state = run_in(place, root, GIT_TEST_ASSUME_DIFFERENT_OWNER="1")
    assert "safe.directory" in state["lacks"][0], state["lacks"]
    note = next(line for line in done.said.splitlines() if "not be replayable" in line)
    return Done(done.code, note)


@attack(ROOM, "no git in PATH", "'outside of git'")
def no_git(place):
    root = place.tiny("no-git")
    done, _, state = run_in(place, root, PATH="/nonexistent")
    note = next(line for line in done.said.splitlines() if "not be replayable" in line)
    assert "git is not installed" in note, note
    return Done(done.code, note)


@attack(
    ROOM, "a submodule with changes of its own", "an empty patch; `replay` took the clean commit"
)
def submodule(place):
    root, inner = place.tiny("super"), place.tiny("inner")
    git(root, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(inner), "sub")
    git(root, "commit", "-qm", "two")
    (root / "sub/settings.ini").write_text("[models]\n")
    _, run, state = run_in(place, root)
    assert state["dirty"], "it counts as clean"
    return place.seedbed(root, "replay", run.name).refused("submodule", "cannot be replayed")


@attack(
    ROOM,
    "a record that says the code differed, without a difference",
    "`replay` took the clean commit",
)
def dirty_but_empty(place):
    root = place.tiny("empty")
    _, run, _ = run_in(place, root)
    record = json.loads((run / "run.json").read_text())
    record["git"]["dirty"] = True
    (run / "run.json").write_text(json.dumps(record))
    return place.seedbed(root, "replay", run.name).refused("no difference was kept")


@attack(
    ROOM, "a hook of git that a checkout would execute (`post-checkout`)", "executed by `replay`"
)
def hook(place):
    root, marker = place.tiny("hook"), place.new("marker")
    _, run, _ = run_in(place, root)
    path = root / ".git/hooks/post-checkout"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\ntouch {marker}\n")
    path.chmod(0o755)
    done = place.seedbed(root, "replay", run.name)
    assert done.code == 0 and not marker.exists(), "the hook was executed"
    left = subprocess.run(["git", "-C", root, "worktree", "list"], capture_output=True, text=True)
    assert left.stdout.count("\n") == 1, "the checkout was left"
    return done
