"""Runs that are made again from what they have recorded."""

import json
import shutil
import subprocess
import zipfile

import pytest

from seedbed.base.errors import InputError
from seedbed.base.settings import load_settings
from seedbed.running.engines import preload
from seedbed.running.history import find_run
from seedbed.running.replay import (
    environment_differences,
    other_seedbed,
    replay,
    seedbed_difference,
)
from tests.support.notebooks import edit, executed, linked_project

COUNT = "import json\ndata = json.loads((settings.root / 'mine' / 'data.json').read_text())\n(settings.root / run_dir / 'results.json').write_text(json.dumps({'run_id': run_dir, 'mean': sum(data) / 3, 'timings': {}}));"


def git(root, *words):
    subprocess.run(
        ["git", "-C", root, "-c", "user.name=a", "-c", "user.email=a@b.c", *words],
        check=True,
        capture_output=True,
    )


@pytest.fixture
def checked_in(tmp_path):
    """A small project in git, with data that git does not hold."""
    preload(
        ("execnb.shell", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "seedbed.model")
    )
    root = linked_project(
        tmp_path / "p",
        "[source]\nname = folder:mine\n[models]\nnames = majority\n[run]\nseeds = 0\n",
    )
    edit(root, "05_compare", COUNT)
    (root / "mine").mkdir()
    (root / "mine/data.json").write_text("[0.1, 0.2, 0.4]")
    (root / ".gitignore").write_text("runs/\ndata/\nmine/\n__pycache__/\n")
    git(root, "init", "-q")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    return root


def replayed(root, run):
    settings = load_settings(root / "settings.ini")
    return replay(settings, find_run(settings, run.name), say=lambda line: None)


@pytest.mark.slow
def test_an_older_commit_and_a_dirty_run_are_made_again(checked_in):
    root = checked_in
    edit(root, "05_compare", "\n(settings.root / run_dir / 'extra.json').write_text('{}');")
    (root / "nbs/helper.py").write_text("def used(): return 5\n")
    (root / "nbs/new.py").write_text("VALUE = 7\n")
    dirty = executed(root)[1]
    assert [f["path"] for f in json.loads((dirty / "run.json").read_text())["untracked"]] == [
        "nbs/new.py"
    ] and (dirty / "untracked/nbs/new.py").is_file()
    git(root, "add", "-A")
    git(root, "commit", "-qm", "two")
    edit(root, "05_compare", "sum(data) / 4", replace="sum(data) / 3")
    (root / "nbs/new.py").unlink()
    found = replayed(root, dirty)
    assert found.identical and found.fields > 1 and found.environment == [] and found.data == []
    assert (
        not (root / "data/cache/replays" / dirty.name / "checkout").exists()
        and json.loads((dirty / "replay.json").read_text())["identical"]
    )


@pytest.mark.slow
def test_altered_data_and_an_altered_result_are_caught(checked_in):
    root = checked_in
    run = executed(root)[1]
    (root / "mine/data.json").write_text("[0.1, 0.2, 0.5]")
    found = replayed(root, run)
    assert not found.identical and any(
        line.startswith("results.json: mean: 0.2333") for line in found.differences
    )
    record = json.loads((run / "run.json").read_text())
    record["environment"]["packages"]["numpy"] = "1.0"
    (run / "run.json").write_text(json.dumps(record))
    assert any(
        line.startswith("numpy 1.0 -> ")
        for line in environment_differences(
            find_run(load_settings(root / "settings.ini"), run.name), root
        )
    )


@pytest.mark.slow
def test_what_lacks_is_named(checked_in, tmp_path):
    root = checked_in
    edit(root, "05_compare", "\n1")
    run = executed(root)[1]
    (run / "diff.patch").write_text("")
    with pytest.raises(InputError, match="it lacks diff.patch: it was altered since"):
        replayed(root, run)
    (run / "diff.patch").unlink()
    with pytest.raises(InputError, match="the difference is gone"):
        replayed(root, run)
    shutil.rmtree(root / ".git")
    with pytest.raises(InputError, match="made outside of git"):
        replayed(root, executed(root)[1])


def test_another_seedbed_is_a_wheel_a_clone_or_a_commit(tmp_path):
    with zipfile.ZipFile(tmp_path / "seedbed-0.2.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("seedbed/__init__.py", '__version__ = "0.2.0"')
    place = other_seedbed(str(tmp_path / "seedbed-0.2.0-py3-none-any.whl"), tmp_path / "there")
    assert (place / "seedbed/__init__.py").is_file()
    clone = tmp_path / "clone/pkg/seedbed"
    clone.mkdir(parents=True)
    (clone / "__init__.py").touch()
    assert other_seedbed(str(tmp_path / "clone"), tmp_path / "there") == clone.parent.resolve()
    for asked in ("0.0.9", "--output=x", str(tmp_path / "none.whl")):
        with pytest.raises(InputError, match="no such version"):
            other_seedbed(asked, tmp_path / "there")


def test_a_record_says_which_seedbed_has_made_a_run():
    old = {"packages": {"seedbed": "0.1.0"}}
    new = {"seedbed": {"version": "0.2.0", "commit": "4" * 40, "dirty": True, "own": []}}
    assert seedbed_difference(old, new) == ["seedbed 0.1.0 -> 0.2.0 at 444444444444 with changes"]
    assert seedbed_difference(new, new) == []
