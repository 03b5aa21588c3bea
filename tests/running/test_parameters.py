"""Parameters of a notebook: what is injected, what is refused."""

import pytest

from seedbed.base.errors import InputError
from seedbed.base.settings import load_settings
from seedbed.running.engines import Task, run_tasks
from seedbed.running.parameters import stage_parameters
from tests.support.notebooks import code_cells, make_project, printed, write_notebook


@pytest.mark.slow
def test_parameters_become_plain_values_and_are_injected(tmp_path):
    root = make_project(tmp_path / "p")
    notebook = write_notebook(
        root / "nbs" / "x.ipynb",
        "names = settings.models.names\nblock = settings.split.block_km # km\nfolder = settings.root\nseed = -1\nsplit = settings.split",
        "print(names, block, seed, split['folds'])",
    )
    values = stage_parameters(
        notebook, load_settings(root / "settings.ini", ["split.block_km=2.5"]), seed=7
    )
    assert (
        values["names"] == ["majority", "tempcnn"]
        and values["block"] == 2.5
        and values["folder"] == str(root)
        and values["seed"] == 7
    )
    [outcome] = run_tasks([Task("x", notebook, tmp_path / "x.ipynb", values)])
    assert outcome.failure is None
    injected = [
        cell
        for cell in code_cells(tmp_path / "x.ipynb")
        if "injected-parameters" in cell.metadata.get("tags", [])
    ]
    assert len(injected) == 1 and "block = 2.5" in injected[0].source
    assert printed(tmp_path / "x.ipynb") == "['majority', 'tempcnn'] 2.5 7 5\n"


@pytest.mark.parametrize(
    "expression",
    [
        "open('x')",
        "settings.__class__",
        "[s for s in settings]",
        "settings.split.blok",
        "other",
        "settings.models.names[9]",
        "1 / 0",
    ],
)
def test_a_parameter_that_cannot_be_worked_out_is_refused(tmp_path, expression):
    root = make_project(tmp_path / "p")
    notebook = write_notebook(root / "nbs" / "x.ipynb", f"value = {expression}")
    with pytest.raises(InputError, match=r"^nbs/x\.ipynb: the parameter"):
        stage_parameters(notebook, load_settings(root / "settings.ini"))


@pytest.mark.parametrize(
    "source, said",
    [
        ("value = (", "never closed"),
        ("import os", "not of the form"),
        ("a = b = 1", "not of the form"),
        ("a, b = 1, 2", "not of the form"),
    ],
)
def test_a_parameters_cell_that_does_more_than_assign_is_refused(tmp_path, source, said):
    root = make_project(tmp_path / "p")
    with pytest.raises(InputError, match=said):
        stage_parameters(
            write_notebook(root / "nbs" / "x.ipynb", source), load_settings(root / "settings.ini")
        )


def test_an_unknown_parameter_is_refused(tmp_path):
    root = make_project(tmp_path / "p")
    with pytest.raises(InputError, match=r"nbs/00_success\.ipynb: has no parameter 'model'"):
        stage_parameters(
            root / "nbs" / "00_success.ipynb", load_settings(root / "settings.ini"), model="x"
        )
