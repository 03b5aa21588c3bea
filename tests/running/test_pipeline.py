"""Runs of tiny projects: what is executed, what is refused, what a failure, a kill and Ctrl-C leave behind."""

import json
import os

import pytest

from seedbed.base.errors import InputError
from seedbed.running.engines import Watcher
from seedbed.running.pipeline import RunFailed, run_pipeline
from seedbed.running.stages import STAGES
from tests.support.notebooks import (
    SETTINGS,
    Names,
    gone,
    make_project,
    printed,
    record_of,
    the_run,
    write_notebook,
)
from tests.support.paths import ROOT

# --- parameters ---


@pytest.mark.parametrize(
    "spoil, said",
    [
        (
            lambda path: write_notebook(path, "value = 1", tag=None),
            r"^nbs/05_compare\.ipynb: no cells are tagged `parameters`",
        ),
        (lambda path: path.unlink(), r"^nbs/05_compare\.ipynb: no such notebook"),
        (lambda path: path.write_text("{"), r"^nbs/05_compare\.ipynb: "),
    ],
)
def test_a_spoilt_last_stage_is_refused_before_the_first_runs(tmp_path, spoil, said):
    root = make_project(tmp_path / "p")
    spoil(root / "nbs" / "05_compare.ipynb")
    with pytest.raises(InputError, match=said):
        run_pipeline(root)
    assert not (root / "runs").exists()


# --- notebooks and package ---


def test_a_run_refuses_a_notebook_that_was_not_exported(tmp_path):
    root = make_project(tmp_path / "p")
    (root / "pyproject.toml").write_text("[tool.nbdev]\n")  # without it a folder exports nothing
    write_notebook(
        root / "nbs" / "extra.ipynb",
        "#| default_exp extra",
        "#| export\ndef extra(): pass",
        tag=None,
    )
    with pytest.raises(InputError, match=r"nbs/extra\.ipynb: its code differs from"):
        run_pipeline(root)
    assert not (root / "runs").exists()


# --- whole runs ---


@pytest.mark.slow
def test_a_run_executes_every_stage_in_order_and_keeps_a_record(tmp_path):
    root = make_project(
        tmp_path / "p",
        model=[
            "import os\nprint(model, seed, run_dir, os.environ['OMP_NUM_THREADS'], settings.split.folds)"
        ],
    )
    watcher = Names()
    run = run_pipeline(root, ["split.folds=4"], command="seedbed run", watcher=watcher)
    pairs = ["04_model/majority/seed_0", "04_model/tempcnn/seed_0", "04_model/tempcnn/seed_1"]
    assert (
        watcher.begun
        == [name for stage in STAGES for name in (pairs if stage.each else [stage.name])]
        and watcher.most == 2
    )
    record = record_of(run)
    assert (
        record["status"] == "complete"
        and record["run_id"] == run.name
        and record["command"] == "seedbed run"
        and record["overrides"] == ["split.folds=4"]
    )
    assert (
        set(record["stages"]) == set(watcher.begun)
        and record["failed"] is None
        and record["ended_at"] >= record["started_at"]
    )
    assert (
        record["git"]["commit"] is None
        and record["environment"]["packages"]["torch"]
        and run.name.endswith("-romania-nogit")
    )
    assert (
        printed(run / "models/tempcnn/seed_1/04_model.ipynb") == f"tempcnn 1 runs/{run.name} 1 4\n"
    )
    assert (
        "folds = 4" in (run / "settings.ini").read_text()
        and not list(run.rglob("*.log"))
        and "SEEDBED_RUN" not in os.environ
    )


@pytest.mark.slow
def test_the_real_first_stage_runs(tmp_path):
    root = make_project(tmp_path / "p", settings=SETTINGS + "[success]\nusable = 0.6\n")
    real = ROOT / "nbs" / "00_success.ipynb"
    (root / "nbs" / "00_success.ipynb").write_bytes(real.read_bytes())
    run = run_pipeline(root, ["models.names=majority"])
    assert json.loads((run / "success.json").read_text())["usable"] == 0.6
    assert printed(run / "00_success.ipynb").startswith("Success is a")


@pytest.mark.slow
def test_a_failing_cell_stops_the_run_and_is_told(tmp_path):
    root = make_project(tmp_path / "p", process=["a = 1", "raise ValueError('two words')"])
    watcher = Names()
    with pytest.raises(RunFailed) as caught:
        run_pipeline(root, watcher=watcher)
    run = the_run(root)
    assert (
        str(caught.value)
        == f"02_process.ipynb, cell 5: ValueError: two words; the partial notebook: runs/{run.name}/02_process.ipynb"
    )
    assert watcher.begun == [stage.name for stage in STAGES[:3]]
    record = record_of(run)
    assert (
        record["status"] == "failed" and record["ended_at"] and not (run / "results.json").exists()
    )
    assert record["failed"] == {
        "notebook": "02_process",
        "cell": 5,
        "error": "ValueError: two words",
        "partial": f"runs/{run.name}/02_process.ipynb",
    }
    assert "papermill-error-cell" in (run / "02_process.ipynb").read_text()


@pytest.mark.slow
def test_a_failing_model_is_told_with_its_name(tmp_path):
    root = make_project(tmp_path / "p", model=["assert model != 'tempcnn'"])
    with pytest.raises(
        RunFailed, match=r"^04_model\.ipynb \(tempcnn, seed 0\), cell 4: AssertionError"
    ):
        run_pipeline(root, ["run.workers=1"])
    assert (
        not (the_run(root) / "models/tempcnn/seed_1").exists()
        and (the_run(root) / "models/majority/seed_0/04_model.ipynb").exists()
    )


@pytest.mark.slow
def test_a_run_that_fails_late_leaves_no_results(tmp_path):
    root = make_project(
        tmp_path / "p",
        compare=["(settings.root / run_dir / 'results.json').write_text('{}')", "1 / 0"],
    )
    with pytest.raises(RunFailed):
        run_pipeline(root, ["models.names=majority"])
    assert (
        not (the_run(root) / "results.json").exists()
        and record_of(the_run(root))["status"] == "failed"
    )


@pytest.mark.slow
def test_an_interrupted_run_ends_its_notebooks(tmp_path):
    root = make_project(
        tmp_path / "p",
        export=[
            "import os, pathlib, time\npathlib.Path('pid').write_text(str(os.getpid()))",
            "time.sleep(60)",
        ],
    )

    class Impatient(Watcher):
        def tick(self, running):
            if (root / "nbs" / "pid").exists() and (root / "nbs" / "pid").read_text():
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="runs/"):
        run_pipeline(root, watcher=Impatient())
    record = record_of(the_run(root))
    assert record["status"] == "interrupted" and list(record["stages"]) == ["00_success"]
    assert gone(int((root / "nbs" / "pid").read_text()))


OWN = "from seedbed.models.base import BaseModel\nclass Mine(BaseModel):\n    name = 'mine'\n    stochastic = True\nclass Other(BaseModel):\n    name = 'majority'\nclass Nameless(BaseModel): pass\n"


@pytest.mark.slow
def test_a_model_of_ones_own_has_its_own_folder(tmp_path):
    root = make_project(tmp_path / "p", model=["print(model)"])
    (root / "nbs" / "own.py").write_text(OWN)
    run = run_pipeline(root, ["models.names=own:Mine"])
    assert printed(run / "models/mine/seed_1/04_model.ipynb") == "own:Mine\n"


@pytest.mark.slow
def test_settings_of_another_file_run_in_this_project(tmp_path):
    root = make_project(tmp_path / "p", model=["print(settings.root, settings.split.folds)"])
    (tmp_path / "other.ini").write_text("[models]\nnames = majority\n[split]\nfolds = 7\n")
    run = run_pipeline(root, settings_file=tmp_path / "other.ini")
    assert printed(run / "models/majority/seed_0/04_model.ipynb") == f"{root} 7\n"
