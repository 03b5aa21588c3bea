"""What a run records of itself."""

import subprocess

from seedbed.base.settings import load_settings
from seedbed.running.pipeline import begin_run
from seedbed.running.record import new_run
from tests.support.notebooks import SETTINGS, make_project, record_of


def test_code_is_recorded_by_its_commit(tmp_path):
    root = make_project(tmp_path / "p")
    git = lambda *words: subprocess.run(
        ["git", "-C", root, "-c", "user.name=a", "-c", "user.email=a@b.c", *words],
        check=True,
        capture_output=True,
    )
    git("init", "-q")
    (root / ".gitignore").write_text("runs/\n")
    begin = lambda: begin_run(load_settings(root / "settings.ini"), (), "", {})[0]
    before = begin()
    assert before.name.endswith("-nogit") and record_of(before)["git"]["commit"] is None
    git("add", "-A")
    git("commit", "-qm", "first")
    clean = begin()
    assert (
        clean.name.endswith(record_of(clean)["git"]["commit"][:7])
        and not (clean / "diff.patch").exists()
    )
    (root / "settings.ini").write_text(SETTINGS + "[split]\nfolds = 3\n")
    dirty = begin()
    assert record_of(dirty)["git"]["dirty"] and "+folds = 3" in (dirty / "diff.patch").read_text()


def test_runs_of_one_second_have_different_folders(tmp_path):
    settings = load_settings(make_project(tmp_path / "p") / "settings.ini")
    assert len({new_run(settings, "0123456789abcdef").name for _ in range(3)}) == 3
