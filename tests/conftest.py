"""Fixtures that all tests share."""

import os
import tempfile
from pathlib import Path

import pytest

from tests.support.paths import ROOT

os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault(
    "SEEDBED_STATE", tempfile.mkdtemp(prefix="seedbed-state-")
)  # not the user's key

SAMPLES = ("data/sample", "sample:romania", "sample:brandenburg")


def needs_samples(path):
    """Whether a file of tests names the samples."""
    text = path.read_text(encoding="utf-8")
    return any(name in text for name in SAMPLES)


if not (ROOT / "data/sample").is_dir():  # a project that was made without them
    tests = Path(__file__).parent
    collect_ignore = [
        path.relative_to(tests).as_posix()
        for path in tests.rglob("test_*.py")
        if needs_samples(path)
    ]


@pytest.fixture(autouse=True)
def _no_run_around(monkeypatch):
    """Settings come from the test, not from a run that goes on in this shell."""
    for name in ("SEEDBED_ROOT", "SEEDBED_SETTINGS", "SEEDBED_RUN", "SEEDBED_SCHEDULER"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def samples():
    """Skips what needs the samples in a file of which the rest does not."""
    if not (ROOT / "data/sample").is_dir():
        pytest.skip("this project was made without the samples")


@pytest.fixture
def project(tmp_path):
    """A function that builds a small project; see `world.build`."""
    from tests.support.world import build

    return lambda *args, **options: build(tmp_path, *args, **options)


@pytest.fixture
def empty(tmp_path):
    """A project without labels and tifs; options are settings."""
    from tests.support.world import World

    return lambda **ini: World(tmp_path, {k.replace("__", "."): v for k, v in ini.items()})


@pytest.fixture(scope="session")
def romania(samples, tmp_path_factory):
    """A run on a sample with its report, and its dataset; tests that use it share one `xdist_group`."""
    from tests.support.reports import a_run

    return a_run(tmp_path_factory.mktemp("romania"), "report.learning_curve=yes")
