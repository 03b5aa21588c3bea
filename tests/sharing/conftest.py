"""A published run."""

import shutil

import pytest

from seedbed.base.files import read_json
from seedbed.running.history import Run
from tests.support.paths import ROOT


@pytest.fixture
def run(tmp_path):
    """The published run in a folder of its own, as if its code had differed from the commit."""
    folder = shutil.copytree(ROOT / "reports/romania", tmp_path / "2026-01-01_000000-romania-abc")
    record = read_json(folder / "run.json")
    record["git"]["dirty"] = True
    (folder / "diff.patch").write_text("a difference\n")
    return Run(folder, record, read_json(folder / "results.json"), "complete")
