"""What the shell offers when the tab key is pressed: runs, settings, models and stages.

Nothing heavy is imported, since the shell waits for the answer.
"""

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_origin


def _root() -> Path | None:
    "The project's folder; None outside of a project."
    from seedbed.base.errors import InputError
    from seedbed.base.files import project_root

    try:
        return project_root()
    except InputError:
        return None


def _runs_folder() -> Path | None:
    "The folder of runs that settings.ini names; None outside of a project."
    from seedbed.base.errors import InputError
    from seedbed.base.settings import parse_ini

    root = _root()
    if root is None:
        return None
    try:
        sections = parse_ini((root / "settings.ini").read_text(encoding="utf-8-sig"))
    except (InputError, OSError, UnicodeDecodeError):
        sections = {}
    return root / sections.get("paths", {}).get("runs", "runs")


def _beginning(names, incomplete: str) -> list[str]:
    "The names that begin with what is written so far."
    return [name for name in names if name.startswith(incomplete)]


def runs(incomplete: str) -> list[str]:
    """The runs of the project, the latest first, and `last`."""
    folder = _runs_folder()
    found = (
        sorted((file.parent.name for file in folder.glob("*/run.json")), reverse=True)
        if folder
        else []
    )
    return _beginning(["last", *found], incomplete)


def shipped_models() -> list[str]:
    """The names of the models that ship and of the project's own, read from their files."""
    import seedbed
    from seedbed.base.overlay import own_package

    own = own_package()
    packages = [Path(str(seedbed.__file__)).parent, *([own.folder] if own else [])]
    files = [file for package in packages for file in sorted((package / "models").rglob("*.py"))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    return sorted(
        {name for text in texts for name in re.findall(r'^    name = "(\w+)"', text, re.M)}
    )


def models(incomplete: str) -> list[str]:
    """The models of the project's runs, and those that ship."""
    folder = _runs_folder()
    trained = (
        {place.name for place in folder.glob("*/models/*") if place.is_dir()} if folder else set()
    )
    return _beginning(sorted(trained | set(shipped_models())), incomplete)


def stages(incomplete: str) -> list[str]:
    """The stages of a run: the numbered notebooks of the project."""
    root = _root()
    found = sorted((root / "nbs").glob("[0-9][0-9]_*.ipynb")) if root else []
    return _beginning([file.stem for file in found], incomplete)


def settings(incomplete: str) -> list[str]:
    """section.key= for every setting; after the sign the values that are known."""
    from seedbed.base.settings import Settings

    sections = {n: f.annotation for n, f in Settings.model_fields.items() if n != "root"}
    name, equals, value = incomplete.partition("=")
    if not equals:
        names = [f"{s}.{key}=" for s, kind in sections.items() for key in kind.model_fields]
        return _beginning(names, incomplete)
    section, _, key = name.partition(".")
    field = getattr(sections.get(section), "model_fields", {}).get(key)
    if field is None:
        return []
    before, comma, last = value.rpartition(",")
    known = shipped_models() if name == "models.names" else _values(field.annotation)
    known = [word for word in known if word not in before.split(",")]
    return [f"{name}={before}{comma}{word}" for word in _beginning(known, last)]


def _values(kind: Any) -> list[str]:
    "The values that a setting can have, where they are few."
    if kind is bool:
        return ["yes", "no"]
    if kind is type(None):
        return ["none"]
    if get_origin(kind) is Literal:
        return list(map(str, get_args(kind)))
    return [
        value for inner in get_args(kind) if not isinstance(inner, str) for value in _values(inner)
    ]
