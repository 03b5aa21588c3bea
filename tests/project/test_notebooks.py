"""Every notebook runs, is clean, and says the same as the package."""

import ast
import json
import re
from pathlib import Path

import pytest
from fastcore.nbio import read_nb
from nbdev.clean import clean_nb
from nbdev.config import get_config
from nbdev.test import test_nb as run_notebook

from seedbed.base.notebooks import check_in_sync
from seedbed.base.settings import load_settings, to_ini
from tests.support.paths import ROOT

NOTEBOOKS = sorted(
    p for p in (ROOT / "nbs").rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts
)
names = pytest.mark.parametrize(
    "path", NOTEBOOKS, ids=lambda p: p.relative_to(ROOT / "nbs").with_suffix("").as_posix()
)


@pytest.fixture(scope="module")
def settings_file(tmp_path_factory):
    """The project's settings, with folders of one's own for the data that notebooks share: other tests run side by side."""
    folder = tmp_path_factory.mktemp("notebooks")
    places = [
        f"paths.{name}={folder / name}" for name in ("exports", "processed", "cache", "chips")
    ]
    (folder / "settings.ini").write_text(to_ini(load_settings(ROOT / "settings.ini", places)))
    return folder / "settings.ini"


@pytest.mark.slow
@names
def test_it_runs(path, settings_file, monkeypatch, tmp_path):
    if not (ROOT / "data/sample").is_dir():
        pytest.skip(
            "notebooks show their work on the samples, and this project was made without them"
        )
    for name, value in {"ROOT": ROOT, "SETTINGS": settings_file, "RUN": tmp_path}.items():
        monkeypatch.setenv(f"SEEDBED_{name}", str(value))
    assert run_notebook(path, skip_flags=get_config(ROOT).tst_flags, showerr=True)[0]


@names
def test_it_is_clean(path):
    notebook = read_nb(path)
    before = json.dumps(notebook, sort_keys=True)
    clean_nb(notebook, allowed_cell_metadata_keys=["tags"])
    assert json.dumps(notebook, sort_keys=True) == before, "run `make export`"


@names
def test_outputs_name_no_folder_of_whoever_executed_it(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    outputs = json.dumps([cell.get("outputs", []) for cell in cells])
    assert not re.findall(r"[^\w/](/(?:home|Users|root|work|tmp/pytest)[^\w-][^\s\"]*)", outputs)


@pytest.mark.slow
def test_the_package_is_in_sync():
    check_in_sync(ROOT / "nbs", ROOT / "pkg/seedbed", ROOT)


def test_every_module_comes_from_a_notebook():
    made = {
        p.relative_to(ROOT / "pkg/seedbed")
        for p in (ROOT / "pkg/seedbed").rglob("*.py")
        if p.parent.name != "cli"
    } - {Path("_modidx.py")}
    exports = {
        line.split()[2].replace(".", "/") + ".py"
        for p in NOTEBOOKS
        for cell in json.loads(p.read_text())["cells"]
        for line in cell["source"]
        if line.startswith("#| default_exp")
    }
    assert {p.as_posix() for p in made if p.name != "__init__.py"} == exports


IMPORTS = (ast.Import, ast.ImportFrom)


@names
def test_imports_stand_in_cells_of_their_own(path):
    """nbdev makes the documentation by executing the cells that import or export, and no others: what else stands in one lacks what it needs."""
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code" or "#| eval: false" in source:
            continue
        tree = ast.parse(
            "\n".join(line for line in source.splitlines() if not line.startswith(("%", "!")))
        )
        seen = (
            tree.body if "#| export" in source else ast.walk(tree)
        )  # a function of the package may import where it needs to
        mixed = any(isinstance(n, IMPORTS) for n in seen) and not all(
            isinstance(n, IMPORTS) for n in tree.body
        )
        assert not mixed, f"move the imports of this cell into one of their own:\n{source[:200]}"


@names
def test_it_begins_with_a_title_and_a_line_on_what_it_is_for(path):
    lines = "".join(json.loads(path.read_text())["cells"][0]["source"]).splitlines()
    assert lines[0].startswith("# ") and (path.stem == "index" or not lines[0][2].islower()), lines[
        :3
    ]  # a project is called as it likes
    assert lines[2].startswith("> "), lines[:3]


@names
def test_figures_are_there(path):
    """The site shows what the notebooks hold: a cell that draws was executed where figures are kept."""
    for cell in json.loads(path.read_text())["cells"]:
        source = "".join(cell["source"])
        if (
            cell["cell_type"] != "code"
            or "plt.subplots(" not in source
            or "plt.close(" in source
            or source.startswith("#| ")
        ):
            continue
        assert any("image/png" in output.get("data", {}) for output in cell["outputs"]), (
            f"execute this cell in Jupyter:\n{source[:200]}"
        )
