"""What the shell offers on the tab key."""

import os
import subprocess
import sys

import pytest

from seedbed.cli import completion


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with two runs."""
    (tmp_path / "settings.ini").write_text("[paths]\nruns = kept\n")
    (tmp_path / "nbs").mkdir()
    for name in ("02_process", "04_model"):
        (tmp_path / f"nbs/{name}.ipynb").write_text("{}")
    for name in ("2026-01-01_a", "2026-02-01_b"):
        (tmp_path / f"kept/{name}/models/my_own").mkdir(parents=True)
        (tmp_path / f"kept/{name}/run.json").write_text("{}")
    monkeypatch.delenv("SEEDBED_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)


def test_runs_are_offered_the_latest_first(project):
    assert completion.runs("") == ["last", "2026-02-01_b", "2026-01-01_a"]
    assert completion.runs("2026-01") == ["2026-01-01_a"]


def test_settings_are_offered_with_their_values(project):
    assert completion.settings("split.blo") == ["split.block_km="]
    assert completion.settings("split.method=r") == ["split.method=region", "split.method=random"]
    assert completion.settings("run.optimism=") == ["run.optimism=yes", "run.optimism=no"]
    assert completion.settings("no.such=") == [] == completion.settings("split.nothing=")
    wanted = ["models.names=majority,random_forest"]
    assert completion.settings("models.names=majority,random") == wanted
    assert completion.settings("models.names=majority,majo") == []


def test_models_and_stages_are_offered(project):
    assert completion.stages("0") == ["02_process", "04_model"]
    assert completion.models("my") == ["my_own"] and "tempcnn" in completion.models("")


def test_outside_of_a_project_nothing_fails(tmp_path, monkeypatch):
    monkeypatch.delenv("SEEDBED_ROOT", raising=False)
    monkeypatch.chdir(tmp_path)
    assert completion.runs("") == ["last"] and completion.stages("") == []


def test_every_shipped_model_is_known():
    from seedbed.models.registry import list_models

    assert set(completion.shipped_models()) >= set(list_models())


@pytest.mark.slow
@pytest.mark.parametrize("words", [("runs", "--diff"), ("map", "--run"), ("replay",), ("share",)])
def test_the_command_answers_the_shell(project, words):
    line = ["seedbed", *words, "la"]
    asked = {
        "_SEEDBED_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(line),
        "COMP_CWORD": str(len(line) - 1),
    }
    code = "import sys; sys.argv[0] = 'seedbed'; from seedbed.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | asked
    )
    assert done.stdout.split() == ["last"], done.stderr
