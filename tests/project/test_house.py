"""The house: its floors, its style, and what the notebooks explain."""

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGE = ROOT / "pkg/seedbed"
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
FLOORS = CONFIG["importlinter"]["contracts"][0]["layers"]  # from the top down
HEIGHT = {room: len(FLOORS) - i for i, room in enumerate(FLOORS)}
MODULES = [p for p in sorted(PACKAGE.rglob("*.py")) if p.name != "_modidx.py"]


@cache
def tree_of(path):
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def room_of(path):
    """The floor that a module of the package stands on; that of the front door is above all."""
    first = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    return None if first == "__init__" else first


def installed(name):
    """A command of the environment that runs the tests."""
    command = Path(sys.executable).with_name(name)
    if not command.is_file():
        pytest.skip(f"{name} is not installed; pip install -e '.[dev]'")
    return str(command)


def passes(*command):
    """Whether a command of the environment ends well in the repository; shows what it says."""
    done = subprocess.run(
        [installed(command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- floors ---


def test_modules_import_from_their_own_floor_and_below():
    passes("lint-imports", "--no-cache")


def test_every_room_stands_on_a_floor():
    assert {room_of(p) for p in MODULES} - {None} == set(FLOORS)


COMPUTED = {
    "base/registry.py",  # the one place
    "base/overlay.py",  # stands below it: a module's second name
    "running/engines.py",  # loads libraries before it forks
}


@pytest.mark.slow
def test_modules_are_imported_by_name_in_one_place():
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", ""))
        in ("import_module", "__import__")
    }
    assert found <= COMPUTED


def module_names(tree):
    """Rooms of the package that strings name: `seedbed.room`, `f"seedbed.room.{name}"`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found = re.fullmatch(r"seedbed\.(\w+)(\.\w+)*\.?", node.value)
            if found and found[1] in HEIGHT:
                yield found[1]


NAMES_OF_FILES = {"base/registry.py"}  # what files of earlier versions name, and where it is today


@pytest.mark.slow
def test_strings_name_modules_of_their_own_floor_and_below():
    wrong = [
        f"{path.relative_to(PACKAGE)} names seedbed.{room}"
        for path in MODULES
        if room_of(path) and path.relative_to(PACKAGE).as_posix() not in NAMES_OF_FILES
        for room in module_names(tree_of(path))
        if HEIGHT[room] > HEIGHT[room_of(path)]
    ]
    assert wrong == []


def test_tools_need_the_package_and_no_tests():
    for path in (ROOT / "tools").rglob("*.py"):
        for node in ast.walk(tree_of(path)):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            assert not [n for n in names if n.split(".")[0] in ("tests", "conftest")], path


@pytest.mark.parametrize("room", [room for room in FLOORS if (PACKAGE / room).is_dir()])
def test_no_room_outgrows_the_house(room):
    lines = {p: len(p.read_text(encoding="utf-8").splitlines()) for p in MODULES}
    share = sum(n for p, n in lines.items() if room_of(p) == room) / sum(lines.values())
    assert share <= 0.22, f"{room} holds {share:.0%} of the package"


# --- style ---

HAND_WRITTEN = ("nbs", "tests", "tools", "pkg/seedbed/cli")


def test_what_is_written_by_hand_has_no_mistakes():
    passes("ruff", "check", "--no-cache", *HAND_WRITTEN)


def test_what_is_written_by_hand_is_formatted():
    passes("ruff", "format", "--check", "--no-cache", *HAND_WRITTEN)


def test_what_is_written_from_notebooks_imports_what_it_uses():
    passes("ruff", "check", "--no-cache", "--select", "F", "pkg")


# --- documentation ---

NEVER_SHOWN = 5  # definitions that no visible cell uses; the number may only become smaller


@pytest.fixture(scope="module")
def said():
    """What tools/coverage.py lists, line by line."""
    command = [sys.executable, str(ROOT / "tools/coverage.py")]
    return subprocess.run(command, capture_output=True, text=True).stdout.splitlines()


def test_every_public_parameter_is_explained(said):
    assert [line for line in said if ": parameter " in line] == []


def test_nearly_every_public_definition_is_shown(said):
    unseen = [line for line in said if ": never shown: " in line]
    count = int(re.match(r"(\d+) never shown", said[-1])[1])
    assert count <= NEVER_SHOWN, "\n".join(unseen)
