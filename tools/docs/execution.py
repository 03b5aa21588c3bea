"""Notebooks are committed without most of their outputs; the site shows them executed."""

import functools
import os
from pathlib import Path

import nbformat

from seedbed.base.files import fingerprint_of, package_folder
from seedbed.base.resources import default_workers
from seedbed.base.settings import load_settings
from seedbed.project.derive import tree_of
from seedbed.running.dependencies import Reader, Used, chains, executed_code, follow, settings_in
from seedbed.running.engines import Task, Watcher, default_kernel, preload, run_tasks
from seedbed.running.graph import setting_values, version_of
from seedbed.running.stages import STAGES


class Told(Watcher):
    """One line for each notebook that was executed; it is kept at once, whatever becomes of the others."""

    def finished(self, outcome):
        part = outcome.task.output
        if not outcome.failure:
            part.rename(part.with_name(part.name.replace(".part", "")))
        print(f"executed {outcome.task.name:<32} {outcome.seconds:6.1f} s", flush=True)


def needs_running(path: Path) -> bool:
    """Whether a notebook has code and not one output."""
    code = [c for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
    return bool(code) and not any(c.outputs for c in code)


class Keys:
    """What the outputs of each notebook depend on, as a run's graph sees it: cells, code by definition, settings."""

    def __init__(self, root: Path, nbs: Path):
        self.root, self.nbs, self.reader = root, nbs, Reader(nbs)
        self.settings = load_settings(root / "settings.ini")
        self.stages = {stage.name: stage for stage in STAGES}

    @functools.cache
    def of(self, path: Path) -> str:
        """The key of a notebook's outputs; that of a stage holds those of the stages that it builds on."""
        cells = [c.source for c in nbformat.read(path, 4).cells if c.cell_type == "code"]
        package = self.reader.own.name if self.reader.own else "seedbed"
        code = executed_code(path, lambda cell: False, package)
        used = follow(self.reader, self.reader.parse(code, assigned=False), path.stem)
        read = used.settings | {name for cell in cells for name in settings_of(cell)}
        stage = self.stages.get(path.stem) if path.parent == self.nbs else None
        before = [self.of(self.nbs / f"{name}.ipynb") for name in stage.needs] if stage else []
        values = setting_values(self.settings, read)
        libraries = {name: version_of(name) for name in used.libraries}
        return fingerprint_of([cells, used.code, values, libraries, self.by_name(used), before], 12)

    def by_name(self, used: Used) -> dict[str, str]:
        """The digest of each definition that a notebook may find by its name, by file."""
        own = [self.reader.own.folder] if self.reader.own else []
        files = []
        for room in ("models", "sources"):
            if any(name.startswith(f"{room}/registry.") for name in used.code):
                files += [p for f in (package_folder(), *own) for p in (f / room).rglob("*.py")]
        if any(name.startswith("base/registry.own_") for name in used.code):
            files += [f / f"{name}.py" for f in own for name in ("metrics", "splits", "figures")]
        texts = {p.as_posix(): p.read_text(encoding="utf-8") for p in files if p.is_file()}
        parts = {name: self.reader.parse(text).parts for name, text in texts.items()}
        return {
            f"{name}.{part}": found.digest for name in parts for part, found in parts[name].items()
        }


def settings_of(source: str) -> set[str]:
    """The settings that a cell reads, the cell of parameters too."""
    try:
        return {name for chain in chains(tree_of(source)) if (name := settings_in(chain))}
    except SyntaxError:
        return set()


def executed(
    root: Path,
    nbs: Path,
    execute: bool,  # False: only what was executed before
) -> dict[Path, Path]:  # the executed copy of each notebook that has no outputs of its own
    """Execute notebooks that have no outputs, but for those of which nothing has changed that they depend on."""
    keys, room, runs, tasks = Keys(root, nbs), root / "build/docs/executed", {}, []
    for path in sorted(nbs.rglob("*.ipynb")):
        place = path.relative_to(nbs)
        if (
            "reports" in place.parts
            or ".ipynb_checkpoints" in place.parts
            or not needs_running(path)
        ):
            continue
        name = place.with_suffix("").as_posix().replace("/", "-")
        copy = room / f"{name}-{keys.of(path)}.ipynb"
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
