"""What surrounds the code: the commands that workflows, hooks and the container call are there."""

import json
import re
import subprocess

import pytest

from tests.support.paths import ROOT

yaml = pytest.importorskip("yaml", reason="the extra docs is not installed")
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))


def test_workflows_call_targets_that_there_are():
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        jobs = yaml.safe_load(path.read_text())["jobs"].values()
        steps = [step for job in jobs for step in job["steps"]]
        called = [
            found for step in steps for found in re.findall(r"\bmake (\S+)", step.get("run", ""))
        ]
        assert called and set(called) <= TARGETS, f"{path.name}: {set(called) - TARGETS}"
        assert all(job["timeout-minutes"] <= 60 for job in jobs) and all(
            "@v" in step["uses"] for step in steps if "uses" in step
        )


def test_the_container_and_the_editor():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    assert container["postCreateCommand"].split() == ["make", "hooks"] and "hooks" in TARGETS
    settings, extensions = (
        json.loads((ROOT / f".vscode/{name}.json").read_text())
        for name in ("settings", "extensions")
    )
    assert settings["python.defaultInterpreterPath"].endswith(".venv/bin/python")
    assert extensions["recommendations"] == container["customizations"]["vscode"]["extensions"]


def test_help_names_every_target():
    said = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    assert {line.split()[0] for line in said.splitlines() if line.strip()} >= TARGETS - {"help"}, (
        said
    )


def test_hooks_clean_and_export():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    *commit, push = config["repos"][0]["hooks"]
    assert [h["entry"].split(" --")[0] for h in commit] == [
        ".venv/bin/ruff check",
        ".venv/bin/ruff format",
        ".venv/bin/python tools/export.py",
    ]
    assert all(
        re.search(h["files"], "nbs/base/files.ipynb")
        and not re.search(h["files"], "reports/a/b.ipynb")
        for h in commit
    )
    assert config["default_stages"] == ["pre-commit"] and push["stages"] == ["pre-push"]
    assert push["entry"].split() == ["make", "check"] and "check" in TARGETS
    assert config["default_install_hook_types"] == ["pre-commit", "pre-push"]
