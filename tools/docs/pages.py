"""A notebook as a reader wants it: without directives and tests, with the numbers of its runs."""

import ast
import re
from pathlib import Path

import nbformat
from fastcore.nbio import mk_cell, read_nb, write_nb
from nbdev import processors as standard
from nbdev.frontmatter import FrontmatterProc
from nbdev.process import NBProcessor

from seedbed.base.errors import InputError
from seedbed.base.files import shipped
from seedbed.sharing.quotes import fill_in

DROPPED = {"hide", "default_exp"}
CHAPTER = re.compile(r"\]\(([\w./-]+\.ipynb)")  # a link to another notebook
LINK = re.compile(r"\[([^\]]*)\]\(([\w./-]+\.ipynb)[^)]*\)")
REPORTS = re.compile(r"(\]\()\.\./((?:\.\./)*reports/)")  # they lie beside nbs, and inside the site


def finished(text: str, root: Path) -> str:
    """A text with the numbers of its runs, and with links to their reports."""
    return REPORTS.sub(r"\1\2", fill_in(text, root))


def without_chapters_of_seedbed(text: str, path: Path, nbs: Path) -> str:
    """A text of a notebook that was taken over: chapters that the project has not are no links."""

    def kept(found) -> str:
        target = (path.parent / found[2]).resolve()
        is_elsewhere = (
            not target.is_file()
            and (shipped("nbs") / path.relative_to(nbs).parent / found[2]).is_file()
        )
        return found[1] if is_elsewhere else found[0]

    return LINK.sub(kept, text)


def seen_from_a_report(text: str, folder: Path, nbs: Path) -> str:
    """A text of an executed notebook: links to chapters lead from reports/NAME/ to the site's root."""

    def moved(found) -> str:
        link = found[1]
        is_chapter = (nbs / link).is_file() and not (folder / link).is_file()
        return f"](../../{link}" if is_chapter else found[0]

    return CHAPTER.sub(moved, text)


def drop_machinery(cell):
    """Remove cells that only serve the tools."""
    if cell.cell_type == "code" and cell.directives_ and cell.directives_.keys() & DROPPED:
        del cell["source"]


def fold_imports(cell):
    """Fold away what every program begins with."""
    if cell.cell_type != "code" or not cell.get("source") or cell.source.count("\n") < 3:
        return
    try:
        body = ast.parse(cell.source).body
    except SyntaxError:
        return
    if all(isinstance(node, (ast.Import, ast.ImportFrom)) for node in body):
        cell.source = f'#| code-fold: true\n#| code-summary: "Imports"\n{cell.source}'


STEPS = [
    FrontmatterProc,
    standard.populate_language,
    standard.strip_ansi,
    standard.hide_line,
    standard.filter_stream_,
    standard.rm_header_dash,
    drop_machinery,
    fold_imports,
    standard.clean_magics,
    standard.hide_,
    standard.strip_hidden_metadata,
]


def write_notebook(
    path: Path,  # the source
    run: Path,  # its executed copy; the source itself where there is none
    target: Path,
    root: Path,  # the project's folder
    searched: bool = True,  # False for copies, which would be found beside the page that they copy
) -> list[str]:  # what is wrong with it
    """Write a notebook as a page. Definitions stay where they stand: they are what the chapter is about."""
    notebook, found = read_nb(run), []
    for cell, own in zip(notebook.cells, nbformat.read(path, 4).cells):
        if cell.cell_type == "markdown":
            cell.source = own.source  # prose may have changed since
        if cell.cell_type != "markdown":
            continue
        try:
            cell.source = finished(cell.source, root)
            if searched:
                cell.source = without_chapters_of_seedbed(cell.source, path, root / "nbs")
            if not searched:
                cell.source = seen_from_a_report(cell.source, path.parent, root / "nbs")
        except InputError as error:
            found.append(f"{path}: {error}")
    if not searched:
        notebook.cells.insert(0, mk_cell("---\nsearch: false\n---", "raw"))
    notebook.path_ = path
    processed = NBProcessor(nb=notebook, procs=STEPS, rm_directives="quarto").process()
    write_nb(notebook if processed is None else processed, target)
    return found


def write_text(path: Path, target: Path, root: Path) -> list[str]:
    """Write a page of Markdown."""
    try:
        target.write_text(finished(path.read_text(encoding="utf-8"), root), encoding="utf-8")
    except InputError as error:
        return [f"{path}: {error}"]
    return []
