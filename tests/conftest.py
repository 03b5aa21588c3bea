"""Fixtures that all tests share."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ("data/sample", "sample:romania", "sample:brandenburg")
if not (
    ROOT / "data/sample"
).is_dir():  # a project that was made without the samples: tests that need them are left out
    collect_ignore = [
        p.name
        for p in Path(__file__).parent.glob("test_*.py")
        if any(name in p.read_text(encoding="utf-8") for name in SAMPLES)
    ]


@pytest.fixture(autouse=True)
def _no_run_around(monkeypatch):
    """Settings come from the test, not from a run that goes on in this shell."""
    for name in ("SEEDBED_ROOT", "SEEDBED_SETTINGS", "SEEDBED_RUN", "SEEDBED_SCHEDULER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def project(tmp_path):
    """A function that builds a small project; see `world.build`."""
    from world import build

    return lambda *args, **options: build(tmp_path, *args, **options)


@pytest.fixture
def empty(tmp_path):
    """A project without labels and tifs; options are settings."""
    from world import World

    return lambda **ini: World(tmp_path, {k.replace("__", "."): v for k, v in ini.items()})


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    """A dataset.h5 of 36 chips."""
    from world import build

    world = build(
        tmp_path_factory.mktemp("chips"),
        36,
        ini={"process.sampling": "chip", "process.chip_size": "4"},
    )
    world.run()
    settings = world.settings()
    return settings.root / settings.processed_dir / "dataset.h5"
