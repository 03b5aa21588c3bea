"""Tiny projects of notebooks: stages of a line or two, what they print, and what a run of them leaves."""

import json
import time
from pathlib import Path

import nbformat
import nbformat.v4 as v4

from seedbed.running.engines import Task, Watcher
from seedbed.running.pipeline import run_pipeline
from seedbed.running.stages import STAGES

HEAD = "from seedbed.base.settings import load_settings\nsettings = load_settings()"
SETTINGS = "[models]\nnames = majority, tempcnn\n[run]\nseeds = 0, 1\nworkers = 2\n"


def write_notebook(path, *sources, tag="parameters", head=HEAD):
    """A notebook of code cells that loads the settings first; the second cell holds the parameters."""
    cells = [v4.new_code_cell(source) for source in (head, *sources)]
    if tag:
        cells[1].metadata["tags"] = [tag]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(v4.new_notebook(cells=cells), path)
    return path


def make_project(root, settings=SETTINGS, **stages):
    """A project of six tiny stages; `stages` gives the code of some of them by the words of their names."""
    root.mkdir(exist_ok=True)
    (root / "settings.ini").write_text(settings)
    for stage in STAGES:
        parameters = "run_dir = settings.run_dir" + (
            "\nmodel = 'majority'\nseed = 0" if stage.each else ""
        )
        write_notebook(
            root / "nbs" / f"{stage.name}.ipynb",
            parameters,
            *stages.get(stage.name[3:], ["run_dir"]),
        )
    return root


def task_of(folder, name, *sources, **parameters):
    """A task for a notebook of these cells, after an empty one and the parameters."""
    return Task(
        name,
        write_notebook(folder / f"{name}.ipynb", "value = 0", *sources, head=""),
        folder / "out" / f"{name}.ipynb",
        parameters,
    )


def code_cells(path):
    """The code cells of an executed notebook."""
    return [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]


def printed(path):
    """What an executed notebook wrote to its standard output."""
    return "".join(
        output.text
        for cell in code_cells(path)
        for output in cell.outputs
        if output.output_type == "stream" and output.name == "stdout"
    )


def record_of(run):
    """A run's record."""
    return json.loads((run / "run.json").read_text())


def the_run(root):
    """The only run of a project."""
    [run] = (root / "runs").iterdir()
    return run


class Names(Watcher):
    """Remembers what started, what ended and how many ran at once."""

    def __init__(self):
        self.begun, self.ended, self.most = [], [], 0

    def started(self, task):
        self.begun.append(task.name)
        self.most = max(self.most, len(self.begun) - len(self.ended))

    def finished(self, outcome):
        self.ended.append(outcome.task.name)


# --- engines ---


def gone(pid, seconds=5):
    """Whether a process ends soon."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


ONE = "[models]\nnames = majority\n[run]\nseeds = 0\n"
DATA = "import json\nfolder = settings.root / processed_dir\nfolder.mkdir(parents=True, exist_ok=True)\n(folder / 'dataset.h5').write_text(f'{settings.split.folds} folds');"
MODEL = "place = settings.root / run_dir / 'models' / model / f'seed_{seed}'\n(place / 'results.json').write_text('{\"score\": 1}');"
COMPARE = "import json\n(settings.root / run_dir / 'results.json').write_text(json.dumps({'run_id': settings.run_dir, 'best': 1, 'timings': {}}));"


def linked_project(root, settings=ONE):
    """A project whose stages hand something on."""
    make_project(root, settings, model=[MODEL], compare=[COMPARE])
    write_notebook(
        root / "nbs" / "02_process.ipynb",
        "processed_dir = settings.processed_dir\nrun_dir = settings.run_dir\nfolds = settings.split.folds",
        "import helper",
        "def answer(): return 1",
        "answer()",
        DATA,
    )
    (root / "nbs" / "helper.py").write_text("def used(): return 1\ndef unused(): return 2\n")
    edit(
        root,
        "03_dataset",
        "\nprocessed_dir = settings.processed_dir\nbatch = settings.dataset.batch_size",
        cell=1,
    )
    edit(root, "02_process", "\nhelper.used()", cell=2)
    return root


def edit(root, stage, text, cell=-1, replace=None):
    """Add text to a code cell of a stage, or replace a text in it."""
    path = root / "nbs" / f"{stage}.ipynb"
    nb = nbformat.read(path, 4)
    nb.cells[cell].source = (
        nb.cells[cell].source.replace(replace, text) if replace else nb.cells[cell].source + text
    )
    nbformat.write(nb, path)


def executed(root, *overrides, **options):
    """The names of the notebooks that a run executes, and its folder."""
    watcher = Names()
    run = run_pipeline(root, overrides, watcher=watcher, libraries=(), **options)
    return watcher.begun, run


ALL = [f"{s.name}/majority/seed_0" if s.each else s.name for s in STAGES]


def all_of(names):
    """The stages of a run with one model; later stages of the project count too."""
    return names == ALL
