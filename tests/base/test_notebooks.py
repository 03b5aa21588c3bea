"""Notebooks and the package that is written from them."""

import nbformat
import pytest
from nbdev.export import nb_export

from seedbed.base.errors import InputError
from seedbed.base.notebooks import check_in_sync
from tests.support.notebooks import write_notebook


def change(path, cell, source):
    """Give a cell of a notebook another source."""
    notebook = nbformat.read(path, 4)
    notebook.cells[cell].source = source
    nbformat.write(notebook, path)


def test_the_sync_check_sees_code_and_not_prose(tmp_path):
    notebook = tmp_path / "nbs" / "area.ipynb"
    package = tmp_path / "pkg" / "mine"
    code = "#| export\ndef area(a, b): return a * b"
    write_notebook(notebook, "#| default_exp area", code, "area(2, 3)", tag=None)
    nb_export(notebook, lib_path=package)
    check_in_sync(tmp_path / "nbs", package)
    change(notebook, 3, "area(4, 5)")
    check_in_sync(tmp_path / "nbs", package)
    change(notebook, 2, code.replace("*", "+"))
    with pytest.raises(
        InputError,
        match=r"^nbs/area\.ipynb: its code differs from pkg/mine/area\.py; .*nbdev-export",
    ):
        check_in_sync(tmp_path / "nbs", package)
    (package / "area.py").unlink()
    with pytest.raises(InputError, match="its code differs"):
        check_in_sync(tmp_path / "nbs", package)


def test_a_folder_that_exports_nothing_is_in_sync(tmp_path):
    """Such as the demo, which has stage notebooks and settings alone."""
    write_notebook(tmp_path / "nbs/area.ipynb", "#| default_exp area", "#| export\na = 1", tag=None)
    (tmp_path / "settings.ini").touch()
    assert check_in_sync(tmp_path / "nbs") == []
