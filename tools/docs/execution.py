"""Notebooks are committed without most of their outputs; the site shows them executed."""

import os
from pathlib import Path

import nbformat

from seedbed.base.files import fingerprint_of, package_folder
from seedbed.base.resources import default_workers
from seedbed.running.engines import Task, Watcher, default_kernel, preload, run_tasks


class Told(Watcher):
    """One line for each notebook that was executed."""

    def finished(self, outcome):
        print(f"executed {outcome.task.name:<32} {outcome.seconds:6.1f} s", flush=True)


def needs_running(path: Path) -> bool:
    """Whether a notebook has code and not one output."""
    code = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
    return bool(code) and not any(c.outputs for c in code)


def executed(
    root: Path,
    nbs: Path,
    execute: bool,  # False: only what was executed before
) -> dict[Path, Path]:  # the executed copy of each notebook that has no outputs of its own
    """Execute notebooks that have not been executed with this very text and this very package."""
    code = {*root.glob("pkg/**/*.py"), *package_folder().rglob("*.py")}
    package = fingerprint_of(
        {p.as_posix(): p.read_text() for p in sorted(code) if p.name != "_modidx.py"}, 16
    )
    room, runs, tasks = root / "build/docs/executed", {}, []
    for path in sorted(nbs.rglob("*.ipynb")):
        place = path.relative_to(nbs)
        if (
            "reports" in place.parts
            or ".ipynb_checkpoints" in place.parts
            or not needs_running(path)
        ):
            continue
        code = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        copy = (
            room
            / f"{place.with_suffix('').as_posix().replace('/', '-')}-{fingerprint_of([package, code], 12)}.ipynb"
        )
        if not copy.is_file() and execute:
            tasks.append(
                Task(
                    place.as_posix(),
                    standing_alone(path, room / "sources" / place),
                    copy.with_suffix(".part.ipynb"),
                )
            )
        runs[path] = copy
    if tasks:
        run_all(tasks, root)
    return {path: copy for path, copy in runs.items() if copy.is_file()}


def standing_alone(path: Path, target: Path) -> Path:
    """A copy whose cells for working by hand are executed too: nothing else makes what they make."""
    notebook = nbformat.read(path, 4)
    for cell in notebook.cells:
        cell.metadata.pop("tags", None) if "by-hand" in cell.metadata.get("tags", ()) else None
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
    return target


def run_all(tasks: list[Task], root: Path):
    """Execute the stages in their order, for they build on one another, then the others side by side."""
    from site_builder import DocsError

    os.environ |= {
        "SEEDBED_RUN": str(root / "build/docs/run"),
        "SEEDBED_ROOT": str(root),
        "MPLBACKEND": "agg",
    }
    preload()
    stages = [t for t in tasks if "/" not in t.name]
    for some, workers in ((stages, 1), ([t for t in tasks if t not in stages], default_workers())):
        for outcome in run_tasks(some, default_kernel(), workers, watcher=Told()):
            if outcome.failure:
                raise DocsError(
                    f"{outcome.task.name}, cell {outcome.failure.cell}: {outcome.failure.text}"
                )
            outcome.task.output.rename(
                outcome.task.output.with_name(outcome.task.output.name.replace(".part", ""))
            )
