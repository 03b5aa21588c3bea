"""What running notebooks costs beyond the work in them."""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from harness import Row

IMPORTS = (
    "import numpy, pandas, sklearn.ensemble, geopandas, rasterio, torch, h5py, matplotlib.pyplot"
)


def seconds(code, **environment):
    """CPU seconds of a new Python with all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


FORKED = """
from pathlib import Path
from seedbed.running.engines import Task, preload, run_tasks
preload()
folder = Path({folder!r})
done = run_tasks([Task(f"n{{i}}", folder / "n.ipynb", folder / f"out{{i}}.ipynb") for i in range(6)], "fork", 1)
assert not any(o.failure for o in done), done
"""
REUSED = """
from pathlib import Path
from nbclient import NotebookClient
import nbformat
nb = nbformat.read({folder!r} + "/n.ipynb", 4)
client = NotebookClient(nb, kernel_name="python3")
with client.setup_kernel():
    for _ in range(6):
        for i, cell in enumerate(nb.cells): client.execute_cell(cell, i)
"""
RUN = """
from seedbed.running.pipeline import run_pipeline
run_pipeline(root={root!r}, nbs={nbs!r})
"""


def copy_of_project(folder):
    """The project's settings, notebooks and sample, without its runs."""
    import shutil

    from seedbed.base.files import project_root

    root = project_root()
    for name in ("nbs", "data/sample", "pkg"):
        shutil.copytree(root / name, folder / name)
    for name in ("settings.ini", "constraints.txt", "pyproject.toml"):
        shutil.copy(root / name, folder / name)
    return folder


def own_work(run):
    """Seconds that the cells of a run have taken, by the times in its executed notebooks."""
    from datetime import datetime

    total, notebooks = 0.0, 0
    for path in run.rglob("*.ipynb"):
        notebooks += 1
        for cell in nbformat.read(path, 4).cells:
            at = cell.metadata.get("papermill", {})
            begin, end = at.get("start_time"), at.get("end_time")
            if end:
                total += (
                    datetime.fromisoformat(end) - datetime.fromisoformat(begin)
                ).total_seconds()
    return total, notebooks


def run():
    """The rows of the table."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cells = [
            nbformat.v4.new_code_cell(IMPORTS),
            nbformat.v4.new_code_cell("numpy.arange(9).sum()"),
        ]
        kernel = {
            "kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}
        }
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / "n.ipynb")
        forked = min(seconds(FORKED.format(folder=name))[0] for _ in range(2))
        reused = min(seconds(REUSED.format(folder=name))[0] for _ in range(2))
        rows.append(
            Row(
                "six notebooks with the heavy imports, times one reused kernel",
                forked / reused,
                "<= 1.5",
                f"{forked:.1f} s against {reused:.1f} s; each in a process of its own, forked from a warm one",
            )
        )
    help_text = "from seedbed.cli import main; import sys; sys.argv = ['seedbed', '--help']\ntry: main()\nexcept SystemExit: pass"
    shown = min(seconds(help_text)[0] for _ in range(3))
    rows.append(Row("seedbed --help, seconds", shown, "<= 0.3"))
    with tempfile.TemporaryDirectory() as name:
        root = copy_of_project(Path(name).resolve())
        start = time.perf_counter()
        used, _ = seconds(
            RUN.format(root=str(root), nbs=str(root / "nbs")),
            SEEDBED_ROOT=str(root),
            PYTHONPATH=str(root / "pkg"),
            OPENBLAS_NUM_THREADS="1",
        )
        wall = time.perf_counter() - start
        work, notebooks = own_work(next((root / "runs").iterdir()))
        kernel = "from jupyter_client.manager import start_new_kernel\nm, c = start_new_kernel(); c.stop_channels(); m.shutdown_kernel(now=True)"
        begin = seconds(kernel)[0]
        rows.append(
            Row(
                "a fresh default run, times its cells' own work and a kernel start",
                wall / (work + begin),
                "<= 1.3",
                f"{wall:.0f} s from start to end, {work:.0f} s in the cells of {notebooks} notebooks, models side by side",
            )
        )
        rows.append(
            Row(
                "the same in seconds of CPU, over the cells' seconds",
                used / (work + begin),
                "<= 1.3",
                f"{used:.0f} s",
            )
        )
        _, said = seconds(
            Path(__file__).with_name("reuse.py").read_text(),
            SEEDBED_ROOT=str(root),
            PYTHONPATH=str(root / "pkg"),
        )
        again = json.loads(said.splitlines()[-1])
        assert again["reused"] == again["notebooks"], again
        rows.append(
            Row(
                "a run in which nothing has changed: CPU seconds beyond imports",
                again["spent"],
                "<= 1",
                f"{again['notebooks']} notebooks reused; the imports take {again['imports']:.1f} s",
            )
        )
    return rows
