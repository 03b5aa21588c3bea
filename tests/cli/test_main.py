"""The command as a person meets it: help, a line for an error, completion."""

import os
import subprocess
import sys

import pytest
import typer

from seedbed.cli import app
from tests.support.notebooks import make_project
from tests.support.paths import ROOT


def test_help_names_every_command(here):
    code, out, _ = here("--help")
    assert code == 0 and "settings.ini" in out
    for word in ("run", "models", "metrics", "settings", "--version"):
        assert word in out
    assert "SECTION.KEY=VALUE" in here("run", "--help")[1]


def test_help_imports_nothing_heavy():
    code = "import sys, seedbed.cli; print([m for m in ('numpy', 'torch', 'papermill', 'pandas', 'IPython', 'pydantic') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
        == "[]\n"
    )


def test_version(here):
    import seedbed as package

    assert here("--version")[1] == f"seedbed {package.__version__}\n"


@pytest.mark.parametrize(
    "words, said",
    [
        (("-p", "split.blok_km=1"), "did you mean 'block_km'?"),
        (("-p", "folds=1"), "not of the form section.key=value"),
        (("--settings", "gone.ini"), "gone.ini: no such file"),
    ],
)
def test_a_wrong_setting_is_told_in_a_line(tmp_path, here, words, said):
    code, out, err = here("run", *words, cwd=make_project(tmp_path / "p"))
    assert code == 1 and out == "" and said in err and err.count("\n") == 1


def test_outside_of_a_project_a_line_says_so(tmp_path, here):
    code, _, err = here("run", cwd=tmp_path)
    assert code == 1 and "no settings.ini" in err and "Traceback" not in err


def test_a_traceback_is_shown_on_demand(tmp_path, here, monkeypatch):
    root = make_project(tmp_path / "p")
    assert "Traceback" not in here("settings", "-p", "x", cwd=root)[2]
    assert "Traceback" in here("settings", "--debug", "-p", "x", cwd=root)[2]
    monkeypatch.setenv("SEEDBED_DEBUG", "1")
    assert "Traceback" in here("settings", "-p", "x", cwd=root)[2]


def test_a_wrong_option_is_a_usage_error(here):
    assert here("run", "--nonsense")[0] == 2


@pytest.mark.parametrize(
    "shell, word",
    [("bash", "complete -o default"), ("zsh", "compdef"), ("fish", "complete --command")],
)
def test_shells_complete(shell, word):
    name = next((ROOT / "pkg").glob("*/cli")).parent.name
    code = f"import sys; sys.argv[0] = '{name}'; from {name}.cli import main; main()"
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "pkg"),
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", code, "--show-completion", shell],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert word in done.stdout and name in done.stdout, done.stdout + done.stderr


@pytest.mark.parametrize("option", ["--start", "--run", "--trust", "--settings"])
def test_an_option_says_the_same_in_every_command(option):
    commands = typer.main.get_command(app).commands.values()
    found = [p for command in commands for p in command.params if option in p.opts]
    assert len(found) > 1 and len({p.help for p in found}) == 1


def test_a_start_that_is_no_date_is_told_before_the_run_is_read(here):
    for words in (("map", "--scene", "a.tif"), ("next",)):
        code, _, err = here(*words, "--run", "none", "--start", "05.04.2018")
        assert code == 1 and err == "--start 05.04.2018: not a date; write YYYY-MM-DD\n"


def test_doctor_names_what_makes_every_command_slow(monkeypatch, tmp_path):
    from seedbed.cli.doctor import check_bytecode

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = check_bytecode(tmp_path)
    assert found.state == "note" and "PYTHONDONTWRITEBYTECODE" in found.fix
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    assert check_bytecode(tmp_path).state == "good"
