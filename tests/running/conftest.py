"""A project that has been run once."""

import shutil

import pytest

from seedbed.running.engines import preload
from tests.support.notebooks import all_of, executed, linked_project


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """A project that has been run once."""
    preload(
        ("execnb.shell", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "seedbed.model")
    )
    root = linked_project(tmp_path_factory.mktemp("original") / "p")
    begun, run = executed(root)
    assert all_of(begun)
    return root, run


@pytest.fixture
def made(original, tmp_path):
    """A copy of it; that it lies elsewhere changes nothing."""
    shutil.copytree(original[0], tmp_path / "p")
    return tmp_path / "p", tmp_path / "p" / "runs" / original[1].name
