"""How a project of your own is made from the template.

It gets the same files under another name, and a few that describe the new project.
"""

import io
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from seedbed.base.errors import InputError

PACKAGE = __name__.partition(".")[0]
RECORD = ".template.json"
# Data keep their checksums; reports and licences keep their words.
KEPT_AS_THEY_ARE = ("data/", "reports/", "LICENSE", RECORD)
LEFT_OUT = (
    "README.md",
    "CITATION.cff",
    "CHANGELOG.md",
    "nbs/index.ipynb",
    "nbs/guides/comparison.ipynb",
    "nbs/guides/own_project.ipynb",
    "nbs/guides/speed.ipynb",
)
RESERVED = {"test", "tests", "data", "nbs", "site", "types", "typing", "numpy", "torch", "pandas"}


def git(root: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess:
    """Run git in a folder; what it refuses becomes an `InputError`."""
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    if check and done.returncode:
        message = " ".join((done.stderr or done.stdout).split())[:300]
        raise InputError(f"git {words[0]} in {root}: {message}")
    return done


def check_package(name: str) -> str:
    """The name, where Python can import it and it hides no other package; else InputError."""
    import importlib.util
    import keyword

    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise InputError(f"--package {name}: use small letters, digits and '_', e.g. maize_kenya")
    if name in RESERVED or (name != PACKAGE and importlib.util.find_spec(name) is not None):
        raise InputError(
            f"--package {name}: there is a Python package of that name already; choose another"
        )
    return name


def unpack(template: Path, commit: str, target: Path):
    """Write the files of a commit of the template into a folder."""
    done = subprocess.run(
        ["git", "-C", str(template), "archive", "--format=tar", commit], capture_output=True
    )
    if done.returncode:
        message = done.stderr.decode(errors="replace").strip()
        raise InputError(f"{template}: {message}; give the path of a clone of the template")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(target, filter="data")


def package_of(folder: Path) -> str:
    """The name of the package that a template's files define."""
    text = (folder / "pyproject.toml").read_text(encoding="utf-8")
    found = re.search(r'^lib_path = "pkg/(\w+)"', text, flags=re.M)
    if not found:
        raise InputError(
            f"{folder}/pyproject.toml: names no lib_path; is this a clone of the template?"
        )
    return found[1]


def rename(folder: Path, old: str, new: str):
    """Give the package another name in every file and in every path."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not is_kept(path, folder):
            rename_in_file(path, old, new)
    paths = [path for path in folder.rglob(f"*{old}*") if not is_kept(path, folder)]
    for path in sorted(paths, reverse=True):  # what lies in a folder before the folder
        path.rename(path.with_name(path.name.replace(old, new)))


def is_kept(path: Path, folder: Path) -> bool:
    """Whether a file or folder is left as the template has it."""
    return path.relative_to(folder).as_posix().startswith(KEPT_AS_THEY_ARE)


def rename_in_file(path: Path, old: str, new: str):
    """Give the package another name in a file, if the file is text."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    renamed = text.replace(old.upper(), new.upper()).replace(old, new)
    if renamed != text:
        path.write_text(renamed, encoding="utf-8")


def set_values(text: str, values: dict[str, str]) -> str:
    """A settings.ini with other values, by section.key; comments are kept.

    A name that has no line in the file is passed over.
    """
    section = ""
    lines = []
    for line in text.splitlines():
        heading = re.match(r"\[(\w+)\]", line)
        if heading:
            section = heading[1]
        found = re.match(r"(\w+) = .*?(\s+#.*)?$", line)
        if found and f"{section}.{found[1]}" in values:
            start = f"{found[1]} = {values[f'{section}.{found[1]}']}"
            comment = (found[2] or "").strip()
            line = f"{start.ljust(line.index(comment) - 1)} {comment}" if comment else start
        lines.append(line)
    return "\n".join(lines) + "\n"


def forget_pages(folder: Path, names: tuple[str, ...]):
    """Take out what leads to guides that are left out: lines of the sidebar, links in prose."""
    guides = "|".join(
        re.escape(Path(name).stem) for name in names if name.startswith("nbs/guides/")
    )
    sidebar = folder / "nbs/sidebar.yml"
    lines = sidebar.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not re.search(rf"guides/({guides})\.ipynb", line)]
    sidebar.write_text("".join(kept), encoding="utf-8")
    for path in sorted((folder / "nbs").rglob("*.ipynb")):
        forget_links(path, guides)


def forget_links(path: Path, guides: str):
    """Remove items of lists that link to these guides; elsewhere a link keeps its words."""
    way = "" if path.parent.name == "guides" else "[^)]*guides/"
    link = rf"\[([^\]]*)\]\(({way}({guides})\.ipynb)[^)]*\)"
    notebook = json.loads(path.read_text(encoding="utf-8"))
    changed = False
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] != "markdown" or not re.search(link, text):
            continue
        kept = re.sub(rf"^- {link}.*\n?", "", text, flags=re.M)
        cell["source"] = re.sub(link, r"\1", kept).splitlines(keepends=True)
        changed = True
    if changed:
        write_notebook(path, notebook)


def write_notebook(path: Path, notebook: dict):
    """Write a notebook in the form that nbdev gives it."""
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")


STAGES = {
    "00_success": "what a stakeholder would call good enough",
    "01_export": "labels and a tif for each",
    "02_process": "arrays and the split",
    "03_dataset": "samples and batches",
    "04_model": "a model trained, validated, saved",
    "05_compare": "which model is better, and is it good enough",
    "06_map": "a map, and where it cannot be trusted",
    "07_report": "data and errors in figures",
}


INDEX = (
    """# {title}

> {package}: what this project asks, and what it has found
""",
    """Say here whose question this is, and what they will do with the answer. \
A number of a published run is quoted, not typed: \
`{package} publish last --as pilot`, then `{{{{ pilot.f1_score }}}}`.

| stage | what it makes |
|---|---|
{rows}
`{package} run` executes them in order.""",
)


def write_index(path: Path, package: str, title: str):
    """Write the first page of a new project."""
    rows = "".join(f"| [{name}]({name}.ipynb) | {what} |\n" for name, what in STAGES.items())
    texts = [text.strip().format(title=title, package=package, rows=rows) for text in INDEX]
    cells = [
        {
            "cell_type": "markdown",
            "id": f"index{i:03d}",
            "metadata": {},
            "source": text.splitlines(keepends=True),
        }
        for i, text in enumerate(texts)
    ]
    kernel = {"display_name": "python3", "language": "python", "name": "python3"}
    notebook = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    write_notebook(path, notebook)


README = """# {title}

Whose question this is, and what they will do with the answer: write it here.

```
make run     # sets up .venv, then runs the whole pipeline
make test    # the same set-up, then every test
make lab     # opens the notebooks
make docs    # builds the site: guides, chapters, reference, published runs
```

`settings.ini` is the one file to edit first. `nbs/` holds the notebooks, `pkg/{package}` the \
package that nbdev writes from them (`make export`), `runs/` what they found. \
`nbs/guides/quickstart.ipynb` is the first page to read, `nbs/guides/own_data.ipynb` the second.

Made from the template [{template}]({record}); `{package} update PATH-TO-THE-TEMPLATE` merges \
improvements that the template got since. Licence of the code: Apache-2.0.
"""

CITATION = """cff-version: 1.2.0
message: If this helps your research, please cite it.
title: {title}
type: software
authors:
  - name: {author}
version: 0.1.0
license: Apache-2.0
"""

CHANGELOG = """# Changelog

Versions follow [semantic versioning](https://semver.org). The version stands in \
`pkg/{package}/__init__.py`; a tag `v0.1.0` marks its release.

## Unreleased
"""


def write_own_files(folder: Path, package: str, title: str, author: str, template: str):
    """Write the files that describe the new project: README, citation, changelog, first page."""
    names = {"package": package, "template": template, "record": RECORD, "title": title}
    quoted = {
        "title": json.dumps(title, ensure_ascii=False),
        "author": json.dumps(author, ensure_ascii=False),
    }
    (folder / "README.md").write_text(README.format(**names), encoding="utf-8")
    (folder / "CHANGELOG.md").write_text(CHANGELOG.format(**names), encoding="utf-8")
    (folder / "CITATION.cff").write_text(CITATION.format(**quoted), encoding="utf-8")
    write_index(folder / "nbs/index.ipynb", package, title)


def replace_line(path: Path, start: str, value: str):
    """Give the first line of a file that begins with `start` another value."""
    text = path.read_text(encoding="utf-8")
    line = rf"^{re.escape(start)}.*"
    replaced = re.sub(line, lambda found: start + value, text, count=1, flags=re.M)
    path.write_text(replaced, encoding="utf-8")


def render(
    template: Path,  # a git clone of the template
    commit: str,  # of the template
    target: Path,  # an empty folder
    answers: dict,  # package, title, author, sample, settings
):
    """Write a project into a folder; the same answers and commit give the same bytes."""
    unpack(template, commit, target)
    old = package_of(target)
    for name in LEFT_OUT:
        (target / name).unlink(missing_ok=True)
    forget_pages(target, LEFT_OUT)
    if answers["sample"] == "drop":
        shutil.rmtree(target / "data/sample", ignore_errors=True)
    rename(target, old, answers["package"])
    write_own_files(target, answers["package"], answers["title"], answers["author"], old)
    settings = target / "settings.ini"
    text = set_values(settings.read_text(encoding="utf-8"), answers["settings"])
    settings.write_text(text, encoding="utf-8")
    title = json.dumps(answers["title"], ensure_ascii=False)
    author = json.dumps(answers["author"], ensure_ascii=False)
    replace_line(target / "pyproject.toml", "description = ", title)
    replace_line(target / "pyproject.toml", "authors = ", f"[{{ name = {author} }}]")
    replace_line(target / "nbs/site.yml", "  title: ", title)
    replace_line(target / "nbs/site.yml", "  description: ", title)
    record = {"template": old, "commit": commit, **answers}
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (target / RECORD).write_text(text + "\n", encoding="utf-8")
