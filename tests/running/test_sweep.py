"""Products of settings, on this machine and on a cluster whose workers die."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from seedbed.base.errors import InputError
from seedbed.base.settings import load_settings
from seedbed.running.cache import Cache
from seedbed.running.engines import preload
from seedbed.running.sweep import Cell, product, run_local, run_on_workers
from tests.support.notebooks import edit, linked_project, record_of


def test_the_product():
    assert product(["process.indices=,ndvi", "run.seeds=0..2"]) == [
        [f"process.indices={i}", f"run.seeds={s}"] for i in ("none", "ndvi") for s in range(3)
    ]
    assert product(["models.names=majority+tempcnn,random_forest"]) == [
        ["models.names=majority, tempcnn"],
        ["models.names=random_forest"],
    ]
    with pytest.raises(InputError, match="not of the form"):
        product(["run.seeds"])


@pytest.fixture
def small(tmp_path):
    """A small project; one value of a setting fails, one kills its process the first time."""
    preload(
        ("execnb.shell", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "seedbed.model")
    )
    root = linked_project(tmp_path / "p")
    edit(
        root,
        "02_process",
        "\nwith open(settings.root / 'count', 'a') as file: file.write(f'{folds} ');\nassert folds != 7\n",
    )
    return root


@pytest.mark.slow
def test_one_failing_cell_stops_no_other_and_shared_stages_run_once(small):
    cells = [Cell(o) for o in product(["split.folds=5,7", "dataset.batch_size=32,64"])]
    run_local(cells, small, 2, "seedbed sweep")
    assert [bool(cell.error) for cell in cells] == [
        False,
        False,
        True,
        True,
    ] and "AssertionError" in cells[2].error
    assert sorted((small / "count").read_text().split()) == ["5", "7", "7"]
    assert all(
        record_of(Path(cell.run))["status"] == ("failed" if cell.error else "complete")
        for cell in cells
    )
    assert record_of(Path(cells[0].run))["command"] == "seedbed sweep"


READING = """
from seedbed.process import readers
with readers(settings, 1000) as spread: assert list(spread(pow, [(i, 3) for i in range(9)])) == [i**3 for i in range(9)]
(settings.root / 'who').write_text(type(spread.keywords['executor']).__name__);"""


@pytest.mark.slow
def test_a_worker_that_is_killed_is_survived_and_cells_read_tifs_on_the_workers_that_run_them(
    small,
):
    distributed = pytest.importorskip("distributed")
    edit(small, "02_process", READING)
    edit(small, "03_dataset", "\nimport time; time.sleep(2)")
    cells = [Cell(o) for o in product(["dataset.batch_size=16,32"])]
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        victim = next(iter(client.run(os.getpid).values()))

        def murder():
            while not list((small / "runs").glob("*/02_process.ipynb")):
                time.sleep(0.1)
            os.kill(victim, signal.SIGKILL)

        threading.Thread(target=murder, daemon=True).start()
        run_on_workers(
            cells, small, client, "seedbed sweep", {"PYTHONPATH": os.pathsep.join(sys.path)}
        )
    assert [cell.error for cell in cells] == ["", ""]
    assert [record_of(Path(cell.run))["status"] for cell in cells] == ["complete"] * 2
    assert (small / "who").read_text() == "ClientExecutor"
    assert {e.record["name"] for e in Cache(load_settings(small / "settings.ini")).entries()} >= {
        "02_process",
        "03_dataset",
        "05_compare",
    }
