"""A run whose stages execute on the workers of a cluster."""

import subprocess
import sys

import pytest

from seedbed.base.files import read_json
from seedbed.running.pipeline import run_pipeline
from seedbed.running.replay import field_differences

pytest.importorskip("distributed")
WORKING = """
from seedbed.process import readers
folder = settings.root / processed_dir
folder.mkdir(parents=True, exist_ok=True)
with readers(settings, 1000) as spread:
    (folder / 'dataset.h5').write_text(str(list(spread(pow, [(i, 3) for i in range(9)]))))
    who = type(spread.keywords['executor']).__name__
print(who)"""
LEARNING = """
import json, os, signal, time, numpy as np
place, once = settings.root / run_dir / 'models' / model / f'seed_{seed}', settings.root / 'killed'
if settings.run.scheduler and not once.exists():
    once.touch()
    os.kill(os.getppid(), signal.SIGKILL) # the worker
    time.sleep(60)
(place / 'results.json').write_text(json.dumps({'seed': seed, 'score': np.random.default_rng(seed).random(5).mean()}));"""
TOGETHER = """
import json
found = {str(p.relative_to(settings.root / run_dir)): json.loads(p.read_text()) for p in sorted((settings.root / run_dir / 'models').rglob('results.json'))}
(settings.root / run_dir / 'results.json').write_text(json.dumps({'run_id': run_dir, 'models': found, 'timings': {}}));"""


@pytest.mark.slow
def test_a_run_on_a_cluster_gives_what_one_without_gives_though_a_worker_dies(tmp_path):
    from tests.support.notebooks import make_project, printed, write_notebook

    root = make_project(
        tmp_path / "p",
        "[models]\nnames = tempcnn\n[run]\nseeds = 0, 1\nworkers = 2\n",
        model=[LEARNING],
        compare=[TOGETHER],
    )
    write_notebook(root / "nbs/02_process.ipynb", "processed_dir = settings.processed_dir", WORKING)
    alone = run_pipeline(root, libraries=())  # first, while this process has no threads of dask
    spread = run_pipeline(root, ["run.scheduler=local"], libraries=(), force=["all"])
    assert (root / "killed").exists() and len(read_json(spread / "results.json")["models"]) == 2
    assert (
        field_differences(read_json(alone / "results.json"), read_json(spread / "results.json"))
        == []
    )
    assert [printed(r / "02_process.ipynb").strip() for r in (alone, spread)] == [
        "NoneType",
        "ClientExecutor",
    ]
    datasets = [
        root / read_json(r / "run.json")["places"]["processed_dir"] / "dataset.h5"
        for r in (alone, spread)
    ]
    assert datasets[0].read_text() == datasets[1].read_text()


@pytest.mark.slow
def test_a_run_without_a_scheduler_imports_no_dask():
    code = "import sys, seedbed.running.pipeline, seedbed.running.sweep, seedbed.running.workers; print([m for m in ('dask', 'distributed') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
        == "[]\n"
    )
