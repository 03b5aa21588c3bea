"""A project of one's own: small, alive, and open to what it takes over and what seedbed learns later."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from seedbed.base.errors import InputError
from seedbed.base.files import shipped
from seedbed.base.notebooks import check_in_sync
from seedbed.base.overlay import own_package
from seedbed.project.derive import derive, read_notebook, source_of, write_notebook
from seedbed.project.new import BASE, Answers, check_package, make_project, set_values
from seedbed.project.own import notebooks_named, take
from seedbed.project.update import update_project
from seedbed.running.dependencies import Reader
from seedbed.running.graph import used_by
from seedbed.running.stages import STAGES
from tests.support.paths import ROOT
from tests.support.site import builder_of_sites

pytestmark = pytest.mark.xdist_group("own-project")


def git(root, *words):
    author = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
    done = subprocess.run(["git", "-C", str(root), *author, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def python(root, code, *words, fails=False):
    """Run code in a project, with its package on the path as an installation has it."""
    outside = {k: v for k, v in os.environ.items() if not k.startswith("SEEDBED_")}
    paths = os.pathsep.join([str(ROOT / "pkg"), str(root / "pkg")])
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=root,
        capture_output=True,
        text=True,
        env=outside | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
    )
    assert bool(done.returncode) == fails, done.stderr + done.stdout
    return done.stderr if fails else done.stdout


def seedbed(root, *words, fails=False):
    return python(root, "from seedbed.cli import main; main()", *words, fails=fails)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project as it was made, committed."""
    root = tmp_path_factory.mktemp("made") / "maize-kenya"
    answers = Answers(
        "maize_kenya",
        'Maize in "Kenya"',
        "A. Farmer",
        licence="MIT",
        settings={"success.usable": "0.8", "success.source": "the crop unit"},
    )
    make_project(root, answers)
    git(root, "init", "-q", "-b", "main"), git(root, "add", "-A"), git(root, "commit", "-qm", "one")
    return root


@pytest.fixture
def project(made, tmp_path):
    """A copy of it that may be changed."""
    return Path(shutil.copytree(made, tmp_path / "maize-kenya"))


def test_it_is_small(made):
    names = git(made, "ls-files").splitlines()
    notebooks = [name for name in names if name.endswith(".ipynb")]
    assert len(names) <= 40 and len(notebooks) <= 15


def test_the_answers_are_in_it(made):
    settings = (made / "settings.ini").read_text()
    assert "usable = 0.8 " in settings and "source = the crop unit" in settings
    assert "# from here on the result is of use" in settings and "tempcnn, mine" in settings
    assert 'description = "Maize in \\"Kenya\\""' in (made / "pyproject.toml").read_text()
    assert "A. Farmer" in (made / "LICENSE").read_text()
    left = [
        p for p in made.rglob("*") if p.is_file() and "@package@" in p.read_text("utf-8", "ignore")
    ]
    assert left == []


def test_pip_finds_what_the_site_needs(made):
    """Named one by one: pip 23 fails on `seedbed[docs]` where constraints.txt gives an address."""
    ours, theirs = (
        tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        for root in (made, ROOT)
    )
    assert ours["docs"] == theirs["docs"]
    assert not [name for names in ours.values() for name in names if name.startswith("seedbed")]


def test_notebooks_and_package_agree(made):
    assert len(check_in_sync(made / "nbs", root=made)) == 11


@pytest.mark.parametrize("path", sorted(shipped("nbs").glob("0*.ipynb")), ids=lambda p: p.stem)
def test_a_short_stage_has_the_steps_of_the_long_one(path):
    long = read_notebook(path)
    steps = {c["id"]: source_of(c) for c in long["cells"]}
    short = derive(long)["cells"]
    code = [c for c in short if c["cell_type"] == "code"][2:]
    assert code and all(steps[c["id"]] == source_of(c) for c in code)
    assert any("parameters" in c["metadata"].get("tags", []) for c in code)
    modules = {
        n.module for n in ast.walk(ast.parse(source_of(short[3]))) if isinstance(n, ast.ImportFrom)
    }
    files = [
        shipped("nbs").parent / "pkg" / Path(*m.split(".")).with_suffix(".py")
        for m in modules
        if m.startswith("seedbed.")
    ]
    assert files and all(file.is_file() for file in files)


@pytest.mark.parametrize(
    "name, said", [("numpy", "already"), ("for", "small letters"), ("a-b", "small letters")]
)
def test_names_that_cannot_be_a_package(name, said):
    with pytest.raises(InputError, match=said):
        check_package(name)


def test_a_folder_that_exists_is_left_alone(made):
    said = seedbed(made, "new", str(made), "--package", "other_name", fails=True)
    assert said.count("\n") == 1 and "exists already" in said


def test_settings_keep_their_comments():
    text = "[a]\nx = 1        # one\ny = 2\n[b]\nx = 3 # three\n"
    assert (
        set_values(text, {"a.x": "long value that is wide", "b.x": "4"})
        == "[a]\nx = long value that is wide    # one\ny = 2\n[b]\nx = 4 # three\n"
    )


def test_the_models_are_those_of_the_models_section(tmp_path, monkeypatch):
    """Whatever other section has a setting of that name before it."""
    from seedbed.project import new

    settings = "[success]\n[source]\nnames = red, green\n[models]\nnames = knn    # who\n"
    (tmp_path / "settings.ini").write_text(settings)
    monkeypatch.setattr(new, "shipped", lambda name: tmp_path / name)
    text = new._settings_text(Answers("a", "A", "B"))
    assert "names = red, green\n" in text and "names = knn, mine    # who" in text


@pytest.mark.parametrize(
    "name, said",
    [("nothing_such", "a room (evaluation,"), ("tempcn", "did you mean 'models.tempcnn'?")],
)
def test_a_notebook_that_there_is_not(name, said):
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        notebooks_named(name)
    assert len(str(caught.value)) < 250


LOOK = """
import seedbed.process as a, seedbed.models.registry
import maize_kenya.process as b
print(a is b, a.BATCH, a.readers.__module__, a.__file__.count("maize_kenya"))
"""


@pytest.mark.slow
def test_what_is_taken_over_is_used_everywhere(project):
    before = Reader(project / "nbs").module("seedbed.process").parts["BATCH"].digest
    stage = next(stage for stage in STAGES if stage.name == "02_process")
    used = used_by(Reader(project / "nbs"), project / "nbs", stage)
    assert take(project, "02_process") == ["nbs/02_process.ipynb"]
    assert used_by(Reader(project / "nbs"), project / "nbs", stage) == used  # nothing has changed
    path = project / "nbs/02_process.ipynb"
    notebook = read_notebook(path)
    cell = next(c for c in notebook["cells"] if "BATCH = 200" in source_of(c))
    cell["source"] = source_of(cell).replace("BATCH = 200", "BATCH = 20")
    write_notebook(path, notebook)
    said = seedbed(project, "run", "--no-check", fails=True)
    assert "run nbdev-export --path nbs/02_process.ipynb" in said
    python(project, "from nbdev.doclinks import nbdev_export; nbdev_export()")
    assert python(project, LOOK).split() == ["True", "20", "seedbed.process", "1"]
    reader = Reader(project / "nbs")
    assert reader.module("seedbed.process").parts["BATCH"].digest != before
    assert reader.owner("maize_kenya.process.BATCH") == ("seedbed.process", "BATCH")
    assert "1 cells changed here, 0 changed in seedbed" in seedbed(project, "own", "--list")
    said = seedbed(project, "own", "--back", "process", fails=True)
    assert "not committed" in said and said.count("\n") == 1


FIND = """
from pathlib import Path
import geopandas as gpd
from seedbed.base.settings import Split
from seedbed.evaluation.metrics import metric_named
from seedbed.splitting.folds import grouping_values
labels = gpd.GeoDataFrame({"id": ["a1", "a2", "b1"]})
print(*grouping_values(labels, Split(method="column", column="first_letter")))
print(metric_named("always_one")([0, 1], [[1, 0], [0, 1]]))
from seedbed.report import own_figures
drawn, faults = own_figures(None)
print(*(caption for fig, caption in drawn.values()), *faults, sep="\\n")
"""
FIGURES = """from matplotlib.figure import Figure

def soil(known):
    \"\"\"How heavy the soil is.

    By region.
    \"\"\"
    return Figure()

def broken(known):
    return known.table

def _helper(known):
    raise AssertionError
"""


@pytest.mark.slow
def test_metrics_splits_and_figures_of_its_own_are_found_by_name(project):
    (project / "pkg/maize_kenya/metrics.py").write_text("def always_one(y, p):\n    return 1.0\n")
    (project / "pkg/maize_kenya/splits.py").write_text(
        "def first_letter(labels):\n    return [name[0] for name in labels['id']]\n"
    )
    (project / "pkg/maize_kenya/figures.py").write_text(FIGURES)
    values, score, *figures = python(project, FIND).splitlines()
    assert (values, score, figures[0]) == ("a a b", "1.0", "How heavy the soil is.")
    assert figures[1].startswith("figures.broken: AttributeError") and len(figures) == 2


@pytest.mark.slow
def test_an_owned_notebook_that_exports_nothing_any_more(project):
    take(project, "optimism")
    path = project / "nbs/optimism.ipynb"
    path.write_text(path.read_text().replace("default_exp optimism", "default_exp other"))
    python(project, "from nbdev.doclinks import nbdev_export; nbdev_export()")
    with pytest.raises(InputError, match="own --back optimism"):
        check_in_sync(project / "nbs", root=project)


@pytest.mark.slow
def test_a_folder_from_somebody_else_is_not_obeyed(project):
    """Neither a run's folder nor a project whose package is not installed."""
    take(project, "process")
    module = project / "pkg/maize_kenya/process.py"
    module.write_text("raise SystemExit('executed')\n")
    code = "import seedbed.process; print('quiet')"
    alone = os.environ | {"PYTHONPATH": str(ROOT / "pkg")}
    done = subprocess.run([sys.executable, "-c", code], cwd=project, env=alone, capture_output=True)
    assert done.stdout == b"quiet\n"
    (project / "run.json").write_text("{}")
    assert own_package(project) is None and python(project, code) == "quiet\n"


@pytest.mark.slow
def test_the_site_executes_only_what_depends_on_a_change(project):
    builder_of_sites()
    from execution import Keys

    def keys():
        found = Keys(project, project / "nbs")
        return {path.stem: found.of(path) for path in sorted((project / "nbs").rglob("*.ipynb"))}

    before, model = keys(), project / "pkg/maize_kenya/models/mine.py"
    assert keys() == before
    model.write_text(model.read_text().replace("The usual season", "The season"))
    assert keys() == before  # prose
    model.write_text(model.read_text().replace("else BayesianRidge", "else GaussianNB"))
    after = keys()
    changed = {name for name in before if before[name] != after[name]}
    assert {"04_model", "05_compare", "07_report", "mine"} <= changed
    assert not changed & {"00_success", "01_export", "02_process", "03_dataset", "index"}


def as_if_made_by_another_version(project, path, old, new):
    """Have seedbed once have given another text."""
    record = json.loads((project / BASE).read_text())
    for cell in record["files"][path]:
        cell[3] = cell[3].replace(new, old)
    (project / BASE).write_text(json.dumps(record))


@pytest.mark.slow
def test_an_update_merges_by_cell(project):
    path = "nbs/02_process.ipynb"
    notebook = read_notebook(project / path)
    cell = next(c for c in notebook["cells"] if "Look at it" in source_of(c))
    cell["source"] = "## What we look at"
    write_notebook(project / path, notebook)
    as_if_made_by_another_version(project, path, "are absent and", "were missing and")
    git(project, "commit", "-qam", "ours")
    runs = project / "runs/one"
    runs.mkdir(parents=True)
    (runs / "results.json").write_text("{}")
    git(project, "add", "-A")
    done = update_project(project)
    assert done.conflicts == [] and "What we look at" in (project / path).read_text()
    assert (runs / "results.json").read_text() == "{}"
    git(project, "add", "-A"), git(project, "commit", "-qm", "updated", "--allow-empty")
    as_if_made_by_another_version(project, path, "## Look there", "## Look at it")
    git(project, "commit", "-qam", "as if")
    said = seedbed(project, "update", fails=True)
    assert "conflict: nbs/02_process.ipynb: cells" in said
    assert check_in_sync(project / "nbs", root=project)
    git(project, "commit", "-qam", "open")
    assert "conflicts are open" in seedbed(project, "update", fails=True)


def test_an_update_without_git(project):
    shutil.rmtree(project / ".git")
    said = seedbed(project, "update", fails=True)
    assert "git init" in said and said.count("\n") == 1


def test_an_update_outside_of_a_project(tmp_path):
    (tmp_path / "settings.ini").touch()
    said = seedbed(tmp_path, "update", fails=True)
    assert "only a project that `seedbed new` has made" in said and said.count("\n") == 1


@pytest.mark.slow
def test_a_project_that_version_0_1_has_made(tmp_path):
    """Made by the last commit of that version, changed, and brought over by one command."""
    last = subprocess.run(
        ["git", "-C", str(ROOT), "log", "--format=%H", "-S", '__version__ = "0.2.0"', "--"]
        + ["pkg/seedbed/__init__.py"],
        capture_output=True,
        text=True,
    ).stdout.split()
    archive = ["git", "-C", str(ROOT), "archive", "-o", str(tmp_path / "all.tar")]
    if not last or subprocess.run([*archive, f"{last[-1]}~1"], capture_output=True).returncode:
        pytest.skip("the history does not reach back to version 0.1")
    template, root = tmp_path / "template", tmp_path / "rice-peru"
    shutil.unpack_archive(tmp_path / "all.tar", template)
    git(template, "init", "-q"), git(template, "add", "-A"), git(template, "commit", "-qm", "0.1")
    words = ["new", str(root), "--package", "rice_peru", "--no-ask"]
    earlier = os.environ | {"PYTHONPATH": str(template / "pkg")}
    command = [sys.executable, "-c", "from seedbed.cli import main; main()", *words]
    subprocess.run(command, cwd=template, env=earlier, check=True, capture_output=True)
    notebook = read_notebook(root / "nbs/02_process.ipynb")
    notebook["cells"][0]["source"] = "# Process, as we do it"
    write_notebook(root / "nbs/02_process.ipynb", notebook)
    model = "#| export\nfrom rice_peru.model import BaseModel\n\n\nclass Nearest(BaseModel):\n    name = 'near'"
    cells = [
        notebook["cells"][2] | {"id": str(i), "source": s}
        for i, s in enumerate(["#| default_exp models.near", model])
    ]
    write_notebook(root / "nbs/models/near.ipynb", notebook | {"cells": cells})
    settings = (root / "settings.ini").read_text()
    (root / "settings.ini").write_text(settings.replace("usable = 0.75", "usable = 0.81"))
    git(root, "add", "-A"), git(root, "commit", "-qm", "ours")
    said = seedbed(root, "update")
    assert "the project's own: nbs/02_process.ipynb" in said and "kept: nbs/models/near" in said
    git(root, "add", "-A")
    assert len(git(root, "ls-files").splitlines()) <= 40
    assert "usable = 0.81" in (root / "settings.ini").read_text()
    assert "as we do it" in (root / "nbs/02_process.ipynb").read_text()
    assert check_in_sync(root / "nbs", root=root) and "\nnear " in seedbed(root, "models")
