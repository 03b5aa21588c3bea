"""What a reader of the notebooks would miss: definitions that are never shown, parameters that are not explained.

`python tools/coverage.py` lists everything; `python tools/coverage.py imagery 02_process` only these rooms or
notebooks. A definition is shown where a visible cell of its notebook uses it, or where it stands in one cell with
a definition that is shown and uses it. The exit code is 1 where something is listed.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WIDE = 100  # columns that a rendered page shows
CONTRACTS = (  # notebook, and the class that is a contract; none: all of its classes
    ("sources/base", ""),
    ("sources/fetching/source", "ArchiveSource"),
    ("sources/fetching/workers", "ChipFetcher"),
    ("sources/stac/catalogue", "Catalogue"),
    ("sources/stac/remote", "Signer"),
    ("models/base", ""),
    ("models/network", ""),
    ("models/pretrained/encoder", ""),
    ("models/pretrained/probes", ""),
)


def notebooks(names: list[str]) -> list[Path]:
    """The notebooks of these rooms, or all."""
    found = [p for p in sorted((ROOT / "nbs").rglob("*.ipynb")) if "checkpoint" not in str(p)]
    keys = {p: p.relative_to(ROOT / "nbs").with_suffix("").as_posix() for p in found}
    fits = lambda key: not names or any(key == n or key.startswith(f"{n}/") for n in names)
    return [p for p, key in keys.items() if fits(key)]


def code_cells(path: Path) -> list[dict]:
    """Code cells with their kind (export, hide or shown), text and syntax tree."""
    out = []
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] != "code":
            continue
        kind = re.match(r"#\|\s*(export|hide|default_exp)", text)
        plain = "\n".join("" if line.startswith(("%", "!")) else line for line in text.split("\n"))
        out.append({"kind": kind[1] if kind else "shown", "text": text, "tree": ast.parse(plain)})
    return out


def names_in(tree: ast.AST) -> set[str]:
    """Every name and attribute that code refers to."""
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    return names | {n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)}


def definitions(tree: ast.AST) -> list[ast.AST]:
    """Public functions and classes of a cell."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [n for n in tree.body if isinstance(n, kinds) and not n.name.startswith("_")]


def never_shown(path: Path) -> list[str]:
    """Names of a notebook's definitions that no visible cell uses."""
    cells = code_cells(path)
    shown = set().union(*(names_in(c["tree"]) for c in cells if c["kind"] == "shown"), set())
    exported = [c for c in cells if c["kind"] == "export"]
    changed = True
    while changed:
        changed = False
        for cell in exported:
            for user in cell["tree"].body:
                if getattr(user, "name", None) not in shown:
                    continue
                new = {d.name for d in definitions(cell["tree"])} & names_in(user) - shown
                shown |= new
                changed = changed or bool(new)
    return [d.name for c in exported for d in definitions(c["tree"]) if d.name not in shown]


def arguments_of(function: ast.FunctionDef) -> list[tuple[ast.arg, int]]:
    """Parameters that need a comment, each with the line on which it ends, default included."""
    a = function.args
    plain = [*a.posonlyargs, *a.args]
    defaults = dict(zip([x.arg for x in plain][len(plain) - len(a.defaults) :], a.defaults))
    defaults |= {x.arg: d for x, d in zip(a.kwonlyargs, a.kw_defaults) if d is not None}
    out = []
    for arg in [*plain, *a.kwonlyargs]:
        end = defaults[arg.arg].end_lineno if arg.arg in defaults else arg.end_lineno
        if arg.arg not in ("self", "cls"):
            out.append((arg, end))
    return out


def undocumented(path: Path, inherited: set[str]) -> Iterator[str]:
    """Parameters and docstrings that a notebook's public definitions lack."""
    for cell in code_cells(path):
        if cell["kind"] != "export":
            continue
        lines = cell["text"].split("\n")
        for definition in definitions(cell["tree"]):
            yield from lacking(definition, definition.name, lines, inherited)


def lacking(node: ast.AST, name: str, lines: list[str], inherited: set[str]) -> Iterator[str]:
    """What a function or a class does not explain."""
    if ast.get_docstring(node) is None:
        yield f"{name}: no docstring"
    if isinstance(node, ast.ClassDef):
        for method in node.body:
            if not isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if method.name == "__init__":
                yield from parameters_lacking(method, name, lines)
            elif not method.name.startswith("_") and method.name not in inherited:
                yield from lacking(method, f"{name}.{method.name}", lines, inherited)
        return
    yield from parameters_lacking(node, name, lines)
    gives = any(isinstance(n, (ast.Yield, ast.Return)) and n.value for n in own_nodes(node))
    after = lines[node.body[0].lineno - 2] if node.body else ""
    if gives and node.returns is None and "#" not in after and not node.decorator_list:
        yield f"{name}: says nothing of what it returns"


def own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions in it."""
    todo = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, (ast.FunctionDef, ast.Lambda, ast.ClassDef)):
            continue
        yield node
        todo += list(ast.iter_child_nodes(node))


def parameters_lacking(function: ast.FunctionDef, name: str, lines: list[str]) -> Iterator[str]:
    """Parameters without a comment."""
    for arg, end in arguments_of(function):
        if "#" not in "".join(lines[arg.lineno - 1 : end]) and not (
            end < len(lines) and lines[end].strip().startswith("#")
        ):
            yield f"{name}: parameter {arg.arg}"


def methods_of_contracts() -> set[str]:
    """Methods whose parameters a base class explains: a subclass need not say it again."""
    out = {"forward", "network"}
    for place, contract in CONTRACTS:
        for cell in code_cells(ROOT / "nbs" / f"{place}.ipynb"):
            for definition in definitions(cell["tree"]):
                if isinstance(definition, ast.ClassDef) and contract in ("", definition.name):
                    out |= {m.name for m in definition.body if isinstance(m, ast.FunctionDef)}
    return out


def wide_lines(path: Path) -> int:
    """How many lines of code a rendered page would cut."""
    return sum(len(line) > WIDE for c in code_cells(path) for line in c["text"].split("\n"))


def main(names: list[str]) -> int:
    """List what is missing."""
    contracts = {ROOT / f"nbs/{p}.ipynb" for p in ("sources/base", "models/base", "models/network")}
    methods = methods_of_contracts()
    total = {"never shown": 0, "not explained": 0, "wide lines": 0}
    for path in notebooks(names):
        where = path.relative_to(ROOT / "nbs").with_suffix("").as_posix()
        unseen = never_shown(path)
        unsaid = list(undocumented(path, set() if path in contracts else methods))
        wide = wide_lines(path)
        if unseen:
            print(f"{where}: never shown: {', '.join(unseen)}")
        for line in unsaid:
            print(f"{where}: {line}")
        if wide:
            print(f"{where}: {wide} lines over {WIDE} columns")
        total["never shown"] += len(unseen)
        total["not explained"] += len(unsaid)
        total["wide lines"] += wide
    print(", ".join(f"{count} {what}" for what, count in total.items()))
    return int(any(total.values()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
