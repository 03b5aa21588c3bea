"""How a project of one's own is made from the template: the same files under another name, and a few that speak of the new project."""

import io
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

from seedbed.lib.errors import InputError

PACKAGE = __name__.partition(".")[0]
RECORD = ".template.json"
KEPT_AS_THEY_ARE = ("data/", "reports/", "LICENSE", RECORD)  # data keep their checksums, reports and licences say what they said
LEFT_OUT = ("README.md", "CITATION.cff", "CHANGELOG.md", "nbs/index.ipynb", "nbs/guides/comparison.ipynb")
RESERVED = {"test", "tests", "data", "nbs", "site", "types", "typing", "numpy", "torch", "pandas"}


def git(root: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess:
    """Run git in a folder; what it refuses becomes an `InputError`."""
    done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True)
    if check and done.returncode: raise InputError(f"git {words[0]} in {root}: {' '.join((done.stderr or done.stdout).split())[:300]}")
    return done


def check_package(name: str) -> str:
    """A name that Python can import and that does not hide another package."""
    import importlib.util
    import keyword
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name):
        raise InputError(f"--package {name}: use small letters, digits and '_', e.g. maize_kenya")
    if name in RESERVED or (name != PACKAGE and importlib.util.find_spec(name) is not None):
        raise InputError(f"--package {name}: there is a Python package of that name already; choose another")
    return name


def unpack(template: Path, commit: str, target: Path):
    """Write the files of a commit of the template into a folder."""
    done = subprocess.run(["git", "-C", str(template), "archive", "--format=tar", commit], capture_output=True)
    if done.returncode: raise InputError(f"{template}: {done.stderr.decode(errors='replace').strip()}; give the path of a clone of the template")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive: archive.extractall(target, filter="data")


def package_of(folder: Path) -> str:
    """The name of the package that a template's files define."""
    found = re.search(r'^lib_path = "pkg/(\w+)"', (folder / "pyproject.toml").read_text(encoding="utf-8"), flags=re.M)
    if not found: raise InputError(f"{folder}/pyproject.toml: names no lib_path; is this a clone of the template?")
    return found[1]


def rename(folder: Path, old: str, new: str):
    """Give the package another name in every file and in every path."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()):
        if path.relative_to(folder).as_posix().startswith(KEPT_AS_THEY_ARE): continue
        try: text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError: continue
        renamed = text.replace(old.upper(), new.upper()).replace(old, new)
        if renamed != text: path.write_text(renamed, encoding="utf-8")
    for path in sorted((p for p in folder.rglob(f"*{old}*") if not p.relative_to(folder).as_posix().startswith(KEPT_AS_THEY_ARE)), reverse=True):
        path.rename(path.with_name(path.name.replace(old, new)))


def set_values(text: str, values: dict[str, str]) -> str:
    """A settings.ini with other values, named section.key; its comments are kept, a name that has no line is passed over."""
    section, lines = "", []
    for line in text.splitlines():
        if found := re.match(r"\[(\w+)\]", line): section = found[1]
        found = re.match(r"(\w+) = .*?(\s+#.*)?$", line)
        if found and f"{section}.{found[1]}" in values:
            start, comment = f"{found[1]} = {values[f'{section}.{found[1]}']}", (found[2] or "").strip()
            line = f"{start.ljust(line.index(comment) - 1)} {comment}" if comment else start
        lines.append(line)
    return "\n".join(lines) + "\n"


def index_notebook(package: str, title: str) -> str:
    """The first page of a new project."""
    stages = [("00_success", "what a stakeholder would call good enough"), ("01_export", "labels and a tif for each"), ("02_process", "arrays and the split"),
              ("03_dataset", "samples and batches"), ("04_model", "a model trained, validated, saved"), ("05_compare", "which is better, and is it good enough")]
    rows = "".join(f"| [{name}]({name}.ipynb) | {what} |\n" for name, what in stages)
    cells = [f"# {title}\n\n> {package}: what this project asks, and what it has found",
             f"Say here whose question this is, and what they will do with the answer.\n\n| stage | what it makes |\n|---|---|\n{rows}\n`{package} run` executes them in order."]
    record = {"cells": [{"cell_type": "markdown", "id": f"index{i:03d}", "metadata": {}, "source": text.splitlines(keepends=True)} for i, text in enumerate(cells)],
              "metadata": {"kernelspec": {"display_name": "python3", "language": "python", "name": "python3"}}, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(record, ensure_ascii=False, indent=1) + "\n"


def readme(package: str, title: str, template: str) -> str:
    """The README of a new project."""
    return (f"# {title}\n\nWhose question this is, and what they will do with the answer: write it here.\n\n```\nmake run     # sets up .venv, then runs the whole pipeline\n"
            f"make test    # the same set-up, then every test\nmake lab     # opens the notebooks\n```\n\n`settings.ini` is the one file to edit first; `nbs/` holds the notebooks, "
            f"`pkg/{package}` the package that nbdev writes from them (`make export`), `runs/` what they found.\n\n"
            f"Made from the template [{template}]({RECORD}); `{package} update PATH-TO-THE-TEMPLATE` takes over what has become better there since. Licence of the code: Apache-2.0.\n")


def render(
    template: Path,  # a git clone of the template
    commit: str,
    target: Path,  # an empty folder
    answers: dict,  # package, title, author, sample, settings
):
    """Write a project into a folder: the same answers and the same commit give the same files, to the last byte."""
    unpack(template, commit, target)
    old = package_of(target)
    for name in LEFT_OUT: (target / name).unlink(missing_ok=True)
    if answers["sample"] == "drop": shutil.rmtree(target / "data/sample", ignore_errors=True)
    rename(target, old, answers["package"])
    (target / "README.md").write_text(readme(answers["package"], answers["title"], old), encoding="utf-8")
    (target / "nbs/index.ipynb").write_text(index_notebook(answers["package"], answers["title"]), encoding="utf-8")
    settings = target / "settings.ini"
    settings.write_text(set_values(settings.read_text(encoding="utf-8"), answers["settings"]), encoding="utf-8")
    project = target / "pyproject.toml"
    text = re.sub(r'^description = ".*"', lambda m: f"description = {json.dumps(answers['title'], ensure_ascii=False)}", project.read_text(encoding="utf-8"), flags=re.M)
    project.write_text(re.sub(r"^authors = .*", lambda m: f"authors = [{{ name = {json.dumps(answers['author'], ensure_ascii=False)} }}]", text, flags=re.M), encoding="utf-8")
    (target / RECORD).write_text(json.dumps({"template": old, "commit": commit, **answers}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
