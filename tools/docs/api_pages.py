"""Reference pages that are made from the code: modules, the command line, the settings."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from pkgutil import walk_packages

from smalldocs import api

ROOMS = {
    "": "Stages",
    "sources.earthengine": "Earth Engine",
    "sources.fetching": "Archives",
}  # others are called as they are


def public_modules(package: str) -> list[str]:
    """The modules that notebooks define."""
    root = importlib.import_module(package)
    names = [m.name for m in walk_packages(root.__path__, f"{package}.") if not m.ispkg]
    return [n for n in names if not n.split(".")[-1].startswith("_") and n.split(".")[1] != "cli"]


def notebook_of(module, nbs: Path) -> Path | None:
    """The notebook that a module is written from, as its second line says."""
    found = re.search(
        r"File to edit: (\S+\.ipynb)", Path(module.__file__).read_text(encoding="utf-8")
    )
    path = (Path(module.__file__).parent / found[1]).resolve() if found else None
    return (
        path.relative_to(nbs.resolve())
        if path and path.is_file() and path.is_relative_to(nbs.resolve())
        else None
    )


def write_api(
    package: str, staging: Path, nbs: Path
) -> dict[str, list[dict]]:  # sidebar entries by section
    """Write a page for each module, and the index by which names in backticks become links."""
    settings, sections, index = api.Settings(staging, [package], root=nbs.parent), {}, {}
    for name in public_modules(package):
        module = importlib.import_module(name)
        symbols = [s for s in api.inventory([name])]
        place = Path("reference", *name.split(".")[1:]).with_suffix(".qmd")
        (staging / place).parent.mkdir(parents=True, exist_ok=True)
        (staging / place).write_text(
            with_notebook(
                api.page(settings, module, symbols), notebook_of(module, nbs), len(place.parts) - 1
            ),
            encoding="utf-8",
        )
        index |= {
            key: f"/{place}#{s.name}"
            for s in symbols
            if s.name
            for key in (
                f"{name}.{s.name}",
                *([s.name] if is_a_name(s.name) and s.name not in index else []),
            )
        }
        room = ".".join(name.split(".")[1:-1])
        title = ROOMS.get(room, room.split(".")[-1].capitalize())
        sections.setdefault(title, []).append(
            {"text": name.split(".")[-1], "href": place.as_posix()}
        )
    (staging / "_symbols.json").write_text(json.dumps(index), encoding="utf-8")
    return sections


def is_a_name(text: str) -> bool:
    """Whether a text in backticks means a definition and nothing else; `git` and `table` are words as well."""
    return not (text.isalpha() and text.islower())


def with_notebook(page: str, notebook: Path | None, depth: int) -> str:
    """A reference page that says in which chapter its definitions are explained."""
    front, body = re.match(r"(---\n.*?\n---\n)(.*)", page, flags=re.S).groups()
    return (
        page
        if notebook is None
        else f"{front}\nExplained in the notebook [{notebook.as_posix()}]({'../' * depth}{notebook.as_posix()}).\n{body}"
    )


def write_command_line(package: str, staging: Path):
    """Write the reference of the command, as it describes itself."""
    command = [sys.executable, "-m", "typer", f"{package}.cli", "utils", "docs", "--name", package]
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"TERM": "dumb", "COLUMNS": "100"}
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-500:]}")
    text = re.sub(r"\n# `.*?`\n", "\n", f"\n{done.stdout}", count=1) + exit_codes(package)
    write_page(
        staging / "reference/command_line.qmd",
        "Command line",
        f"What `{package} --help` and the help of each command say.",
        text,
    )


def exit_codes(package: str) -> str:
    """The exit codes of all commands, as a table."""
    codes = importlib.import_module(f"{package}.cli.options").EXIT_CODES
    rows = "\n".join(f"| {code} | {meaning} |" for code, meaning in codes.items())
    return f"\n\n## Exit codes\n\n| code | meaning |\n|---|---|\n{rows}\n"


def write_settings(path: Path, staging: Path):
    """Write settings.ini as a page: its comments are its reference."""
    text = f"```ini\n{path.read_text(encoding='utf-8').rstrip()}\n```\n"
    write_page(
        staging / "reference/settings.qmd",
        "Settings",
        "The one file that you edit; every line says what it is for.",
        text,
    )


def write_page(path: Path, title: str, description: str, text: str):
    """Write a page with a title."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f"---\ntitle: {json.dumps(title)}\ndescription: {json.dumps(description)}\n---\n\n{text}",
        encoding="utf-8",
    )
