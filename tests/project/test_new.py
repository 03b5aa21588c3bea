"""A project of one's own: made, renamed everywhere, alive, and open to what the template learns later."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from seedbed.cli.new import new, update
from seedbed.cli.template import package_of
from tests.support.paths import ROOT
from tests.support.world import refused

pytestmark = pytest.mark.slow
SKIPPED = ("data/", "reports/", ".git/", "README.md", ".template.json")


def git(root, *words):
    done = subprocess.run(
        ["git", "-C", str(root), "-c", "user.name=Test", "-c", "user.email=test@localhost", *words],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def python(root, code, *words):
    """Run code with the project's own package, as its command would."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SEED" + "BED_")} | {
        "PYTHONPATH": str(root / "pkg"),
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=root,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The files of this working tree as a git clone of their own."""
    root = tmp_path_factory.mktemp("template") / "clone"
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard"],
        capture_output=True,
        text=True,
    )
    if listed.returncode:
        pytest.skip("not a git clone")
    for name in listed.stdout.splitlines():
        if not (ROOT / name).is_file() or name.startswith("data/sample/brandenburg"):
            continue
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, root / name)
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "template")
    return root


@pytest.fixture(scope="module")
def project(template, tmp_path_factory):
    """A project made from it."""
    target = tmp_path_factory.mktemp("made") / "maize-kenya"
    here = Path.cwd()
    os.chdir(template)
    try:
        new(
            target,
            package="rice_peru",
            title="Maize in Kenya",
            author="A. Farmer",
            overrides=["success.usable=0.8", "success.source=the crop unit"],
            ask=False,
        )
    finally:
        os.chdir(here)
    return target


def test_the_package_is_renamed_everywhere(project, template):
    assert (
        package_of(project) == "rice_peru"
        and not (project / f"pkg/{package_of(template)}").exists()
    )
    old = package_of(template)
    left = [
        name
        for name in git(project, "ls-files").splitlines()
        if not name.startswith(SKIPPED)
        and old in (project / name).read_bytes().decode(errors="replace").lower()
    ]
    assert left == []
    assert (
        old not in (project / ".template.json").name
        and f'"template": "{old}"' in (project / ".template.json").read_text()
    )


def test_one_commit_and_the_answers_are_in_it(project):
    assert (
        git(project, "rev-list", "--count", "HEAD") == "1"
        and git(project, "status", "--porcelain") == ""
    )
    assert git(project, "rev-parse", "main") == git(project, "rev-parse", "template")
    settings = (project / "settings.ini").read_text()
    assert (
        "usable = 0.8 " in settings
        and "source = the crop unit" in settings
        and "# from here on the result is of use" in settings
    )
    assert (
        "Maize in Kenya" in (project / "README.md").read_text()
        and 'description = "Maize in Kenya"' in (project / "pyproject.toml").read_text()
    )


def test_its_command_its_package_and_its_notebooks_agree(project):
    assert "usable = 0.8" in python(
        project, "import sys; from rice_peru.cli import main; main()", "settings"
    )
    python(
        project,
        "from pathlib import Path; from rice_peru.base.notebooks import check_in_sync; p = Path('.').resolve(); "
        "check_in_sync(p / 'nbs', p / 'pkg/rice_peru', p)",
    )


def test_it_runs_at_once(project):
    quick = ["models.names=majority, coordinates", "run.resamples=200", "split.folds=3"]
    said = python(
        project,
        "import sys; from rice_peru.cli import main; main()",
        "run",
        *[w for q in quick for w in ("-p", q)],
    )
    assert "\nverdict: " in said and list((project / "runs").glob("*/results.json"))


def test_nothing_leads_to_the_guides_of_the_template_alone(project):
    left_out = ("guides/own_project.ipynb", "guides/comparison.ipynb")
    assert [
        n
        for n in left_out
        if (project / "nbs" / n).exists() or n in (project / "nbs/sidebar.yml").read_text()
    ] == []
    quickstart = (project / "nbs/guides/quickstart.ipynb").read_text()
    assert "own_project" not in quickstart and "own_data.ipynb" in quickstart
    assert (
        "evaluation/comparison.ipynb" in (project / "nbs/sidebar.yml").read_text()
        and 'title: "Maize in Kenya"' in (project / "nbs/site.yml").read_text()
    )
    pages = json.loads((project / "nbs/index.ipynb").read_text())["cells"][1]["source"]
    assert {found for line in pages for found in re.findall(r"\((\w+\.ipynb)\)", line)} == {
        p.name for p in (project / "nbs").glob("0*.ipynb")
    }


def test_it_speaks_of_itself(project, template):
    words = {
        name: (project / name).read_text()
        for name in ("README.md", "CITATION.cff", "CHANGELOG.md", "nbs/site.yml")
    }
    assert (
        "Maize in Kenya" in words["CITATION.cff"]
        and "A. Farmer" in words["CITATION.cff"]
        and "A. Farmer" in (project / "pyproject.toml").read_text()
    )
    assert (
        all(package_of(template) not in text for name, text in words.items() if name != "README.md")
        and "template" not in words["nbs/site.yml"]
    )


@pytest.mark.parametrize("clone", [["--no-single-branch"], ["--single-branch", "-b", "main"]])
def test_an_update_keeps_both_sides(project, template, tmp_path, monkeypatch, capsys, clone):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    git(tmp_path, "clone", "-q", *clone, f"file://{project}", str(mine))
    git(tmp_path, "clone", "-q", str(template), str(theirs))
    (mine / "README.md").write_text("# Ours\n")
    git(mine, "commit", "-qam", "ours")
    (theirs / "CONTRIBUTING.md").write_text("A better text about " + package_of(theirs) + ".\n")
    git(theirs, "commit", "-qam", "better")
    monkeypatch.chdir(mine)
    update(theirs)
    assert (mine / "CONTRIBUTING.md").read_text() == "A better text about rice_peru.\n" and (
        mine / "README.md"
    ).read_text() == "# Ours\n"
    assert (
        "usable = 0.8" in (mine / "settings.ini").read_text()
        and git(mine, "status", "--porcelain") == ""
    )
    capsys.readouterr()
    update(theirs)
    assert "nothing new" in capsys.readouterr().out
    (theirs / "CONTRIBUTING.md").write_text("A third text.\n")
    git(theirs, "commit", "-qam", "better still")
    git(mine, "branch", "-D", "template"), git(mine, "remote", "remove", "origin")
    update(theirs)
    assert (mine / "CONTRIBUTING.md").read_text() == "A third text.\n" and (
        mine / "README.md"
    ).read_text() == "# Ours\n"


def test_what_both_changed_is_left_to_a_person(project, template, tmp_path, monkeypatch, capsys):
    import typer

    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    git(tmp_path, "clone", "-q", str(project), str(mine))
    git(tmp_path, "clone", "-q", str(template), str(theirs))
    for root, text in ((mine, "mine\n"), (theirs, "theirs\n")):
        (root / "Makefile").write_text(text)
        git(root, "commit", "-qam", "Makefile")
    monkeypatch.chdir(mine)
    with pytest.raises(typer.Exit):
        update(theirs)
    assert "both sides changed Makefile" in capsys.readouterr().err


def test_without_the_sample_there_must_be_data(template, tmp_path, monkeypatch):
    monkeypatch.chdir(template)
    refused(lambda: new(tmp_path / "a", sample="drop", ask=False), "--sample drop", "source.name")
    new(tmp_path / "b", sample="drop", overrides=["source.name=folder:../fields"], ask=False)
    assert (
        not (tmp_path / "b/data/sample").exists()
        and "name = folder:../fields" in (tmp_path / "b/settings.ini").read_text()
    )


def test_faults_leave_nothing_behind(template, tmp_path, monkeypatch):
    monkeypatch.chdir(template)
    (tmp_path / "full").mkdir()
    (tmp_path / "full/x").touch()
    refused(lambda: new(tmp_path / "full", package="mine", ask=False), "not empty")
    for name, why in (
        ("Maize", "small letters"),
        ("numpy", "a Python package"),
        ("class", "small letters"),
        ("9x", "small letters"),
    ):
        refused(lambda: new(tmp_path / "p", package=name, ask=False), f"--package {name}", why)
    refused(lambda: new(template / "inside", ask=False), "inside the template")
    refused(
        lambda: new(tmp_path / "p", overrides=["success.usabel=1"], ask=False),
        "did you mean 'usable'",
    )
    monkeypatch.chdir(tmp_path / "full")
    shutil.copy(template / "settings.ini", tmp_path / "full")
    refused(lambda: new(tmp_path / "p", ask=False), "not a git clone")
    refused(lambda: update(template), "made by")
    assert not (tmp_path / "p").exists() and not (template / "inside").exists()
