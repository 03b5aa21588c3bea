"""Runs of tiny projects: what is injected, what is refused, what a failure, a kill and Ctrl-C leave behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import nbformat.v4 as v4
import pytest
from nbdev.export import nb_export

from seedbed.base.errors import InputError
from seedbed.base.notebooks import check_in_sync
from seedbed.base.settings import load_settings
from seedbed.running.engines import SKIP, Task, Watcher, call_in_subprocess, preload, run_tasks
from seedbed.running.parameters import stage_parameters
from seedbed.running.pipeline import RunFailed, begin_run, run_pipeline
from seedbed.running.record import new_run
from seedbed.running.stages import STAGES, plan_models

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


# --- parameters ---


def test_parameters_become_plain_values_and_are_injected(tmp_path):
    root = make_project(tmp_path / "p")
    notebook = write_notebook(
        root / "nbs" / "x.ipynb",
        "names = settings.models.names\nblock = settings.split.block_km # km\nfolder = settings.root\nseed = -1\nsplit = settings.split",
        "print(names, block, seed, split['folds'])",
    )
    values = stage_parameters(
        notebook, load_settings(root / "settings.ini", ["split.block_km=2.5"]), seed=7
    )
    assert (
        values["names"] == ["majority", "tempcnn"]
        and values["block"] == 2.5
        and values["folder"] == str(root)
        and values["seed"] == 7
    )
    [outcome] = run_tasks([Task("x", notebook, tmp_path / "x.ipynb", values)])
    assert outcome.failure is None
    injected = [
        cell
        for cell in code_cells(tmp_path / "x.ipynb")
        if "injected-parameters" in cell.metadata.get("tags", [])
    ]
    assert len(injected) == 1 and "block = 2.5" in injected[0].source
    assert printed(tmp_path / "x.ipynb") == "['majority', 'tempcnn'] 2.5 7 5\n"


@pytest.mark.parametrize(
    "expression",
    [
        "open('x')",
        "settings.__class__",
        "[s for s in settings]",
        "settings.split.blok",
        "other",
        "settings.models.names[9]",
        "1 / 0",
    ],
)
def test_a_parameter_that_cannot_be_worked_out_is_refused(tmp_path, expression):
    root = make_project(tmp_path / "p")
    notebook = write_notebook(root / "nbs" / "x.ipynb", f"value = {expression}")
    with pytest.raises(InputError, match=r"^nbs/x\.ipynb: the parameter"):
        stage_parameters(notebook, load_settings(root / "settings.ini"))


@pytest.mark.parametrize(
    "source, said",
    [
        ("value = (", "never closed"),
        ("import os", "not of the form"),
        ("a = b = 1", "not of the form"),
        ("a, b = 1, 2", "not of the form"),
    ],
)
def test_a_parameters_cell_that_does_more_than_assign_is_refused(tmp_path, source, said):
    root = make_project(tmp_path / "p")
    with pytest.raises(InputError, match=said):
        stage_parameters(
            write_notebook(root / "nbs" / "x.ipynb", source), load_settings(root / "settings.ini")
        )


def test_an_unknown_parameter_is_refused(tmp_path):
    root = make_project(tmp_path / "p")
    with pytest.raises(InputError, match=r"nbs/00_success\.ipynb: has no parameter 'model'"):
        stage_parameters(
            root / "nbs" / "00_success.ipynb", load_settings(root / "settings.ini"), model="x"
        )


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


# --- engines ---


@pytest.mark.parametrize("kernel", ["fork", "jupyter"])
def test_engines_skip_eval_false_draw_png_and_stop_at_the_first_error(tmp_path, kernel):
    task = task_of(
        tmp_path,
        "x",
        "#| hide\n#| eval: false\nvalue = 1 / 0",
        "print('seen', value)",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "from pathlib import Path\nPath.cwd().name",
        "import sys; print('aside', file=sys.stderr); {}['key']",
        "print('never')",
        value=5,
    )
    [outcome] = run_tasks([task], kernel)
    assert (outcome.failure.cell, outcome.failure.kind, outcome.failure.text) == (
        6,
        "KeyError",
        "KeyError: 'key'",
    ) and "KeyError" in outcome.failure.traceback
    cells = code_cells(task.output)
    skipped = next(cell for cell in cells if "1 / 0" in cell.source)
    assert (
        skipped.outputs == [] and SKIP in skipped.metadata.tags and skipped.execution_count is None
    )
    assert printed(task.output) == "seen 5\n"
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
    assert any(
        output.get("data", {}).get("text/plain") == repr(tmp_path.name)
        for cell in cells
        for output in cell.outputs
    )
    assert "papermill-error-cell" in task.output.read_text()
    assert next(cell for cell in cells if "'key'" in cell.source).execution_count == 6
    assert not task.output.with_suffix(".log").exists()


def test_an_input_error_is_told_without_its_class(tmp_path):
    [outcome] = run_tasks(
        [
            task_of(
                tmp_path,
                "x",
                "from seedbed.base.errors import InputError\nraise InputError('a.tif: broken; make it again')",
            )
        ]
    )
    assert outcome.failure.text == "a.tif: broken; make it again"


def test_each_notebook_starts_fresh(tmp_path):
    dirty = task_of(
        tmp_path,
        "dirty",
        "import json, os, builtins\nleft = builtins.left = json.left = 1\nos.environ['LEFT'] = '1'",
    )
    clean = task_of(
        tmp_path,
        "clean",
        "import json, os, builtins\nassert not hasattr(builtins, 'left') and not hasattr(json, 'left') and 'LEFT' not in os.environ and 'left' not in globals()",
    )
    assert [o.failure for o in run_tasks([dirty, clean])] == [None, None]


def test_a_network_trains_in_a_forked_notebook(tmp_path):
    preload(("torch", "torch._dynamo"))
    train = """import torch
net = torch.nn.Sequential(torch.nn.Conv1d(3, 8, 3), torch.nn.ReLU(), torch.nn.Conv1d(8, 1, 3))
optimizer = torch.optim.AdamW(net.parameters())
for _ in range(3): optimizer.zero_grad(); net(torch.randn(64, 3, 32)).square().mean().backward(); optimizer.step()
print(torch.get_num_threads())"""
    tasks = [task_of(tmp_path, name, train) for name in ("a", "b")]
    assert [o.failure for o in run_tasks(tasks, workers=2, threads=2)] == [None, None]
    assert printed(tasks[0].output) == "2\n"


@pytest.mark.parametrize(
    "code, said",
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "killed by SIGKILL; most often memory ran out"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "killed by SIGSEGV"),
        ("os._exit(3)", r"without a word \(exit code 3\)"),
    ],
)
def test_a_process_that_dies_is_reported_as_such(tmp_path, code, said):
    task = task_of(tmp_path, "x", "import os, signal\nos.write(2, b'last words')", code)
    [outcome] = run_tasks([task])
    assert outcome.failure.cell == 3
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(outcome.failure.text)
    assert "last words" in task.output.with_suffix(".log").read_text()


def test_after_a_failure_the_running_finish_and_no_other_starts(tmp_path):
    watcher = Names()
    tasks = [
        task_of(tmp_path, "slow", "import time; time.sleep(.8)"),
        task_of(tmp_path, "fails", "1 / 0"),
        task_of(tmp_path, "later"),
    ]
    outcomes = run_tasks(tasks, workers=2, watcher=watcher)
    assert [(o.task.name, bool(o.failure)) for o in outcomes] == [("fails", True), ("slow", False)]
    assert watcher.begun == ["slow", "fails"] and not tasks[2].output.exists()


def test_a_notebook_leaves_no_process_behind(tmp_path):
    task = task_of(tmp_path, "x", "import subprocess\nprint(subprocess.Popen(['sleep', '60']).pid)")
    run_tasks([task])
    assert gone(int(printed(task.output)))


def gone(pid, seconds=5):
    """Whether a process ends soon."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


def test_notebooks_end_when_the_driver_is_killed(tmp_path):
    task_of(
        tmp_path,
        "x",
        f"import os, pathlib, time\npathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\ntime.sleep(60)",
    )
    code = f"from pathlib import Path\nfrom seedbed.running.engines import Task, run_tasks\nrun_tasks([Task('x', Path({str(tmp_path / 'x.ipynb')!r}), Path({str(tmp_path / 'out.ipynb')!r}))])"
    driver = subprocess.Popen([sys.executable, "-c", code])
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert driver.poll() is None
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    assert gone(int((tmp_path / "pid").read_text()))


def refuse():
    raise InputError("no")


def die():
    os._exit(1)


def test_a_question_asked_aside():
    assert call_in_subprocess(os.getppid) == os.getpid()
    with pytest.raises(InputError, match="^no$"):
        call_in_subprocess(refuse)
    with pytest.raises(RuntimeError, match="without an answer"):
        call_in_subprocess(die)


# --- notebooks and package ---


def test_the_sync_check_sees_code_and_not_prose(tmp_path):
    notebook = tmp_path / "nbs" / "area.ipynb"
    package = tmp_path / "pkg" / "mine"
    write_notebook(
        notebook,
        "#| default_exp area",
        "#| export\ndef area(a, b): return a * b",
        "area(2, 3)",
        tag=None,
    )
    nb_export(notebook, lib_path=package)
    check_in_sync(tmp_path / "nbs", package)
    write_notebook(
        notebook,
        "#| default_exp area",
        "#| export\ndef area(a, b): return a * b",
        "area(4, 5)",
        tag=None,
    )
    check_in_sync(tmp_path / "nbs", package)
    write_notebook(
        notebook,
        "#| default_exp area",
        "#| export\ndef area(a, b): return a + b",
        "area(4, 5)",
        tag=None,
    )
    with pytest.raises(
        InputError,
        match=r"^nbs/area\.ipynb: its code differs from pkg/mine/area\.py; run nbdev-export$",
    ):
        check_in_sync(tmp_path / "nbs", package)
    (package / "area.py").unlink()
    with pytest.raises(InputError, match="its code differs"):
        check_in_sync(tmp_path / "nbs", package)


def test_a_run_refuses_a_notebook_that_was_not_exported(tmp_path):
    root = make_project(tmp_path / "p")
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


def test_the_real_first_stage_runs(tmp_path):
    root = make_project(tmp_path / "p", settings=SETTINGS + "[success]\nusable = 0.6\n")
    real = Path(__file__).resolve().parents[1] / "nbs" / "00_success.ipynb"
    (root / "nbs" / "00_success.ipynb").write_bytes(real.read_bytes())
    run = run_pipeline(root, ["models.names=majority"])
    assert json.loads((run / "success.json").read_text())["usable"] == 0.6
    assert any(
        "image/png" in output.get("data", {})
        for cell in code_cells(run / "00_success.ipynb")
        for output in cell.outputs
    )


def test_code_is_recorded_by_its_commit(tmp_path):
    root = make_project(tmp_path / "p")
    git = lambda *words: subprocess.run(
        ["git", "-C", root, "-c", "user.name=a", "-c", "user.email=a@b.c", *words],
        check=True,
        capture_output=True,
    )
    git("init", "-q")
    (root / ".gitignore").write_text("runs/\n")
    begin = lambda: begin_run(load_settings(root / "settings.ini"), (), "", {})[0]
    before = begin()
    assert before.name.endswith("-nogit") and record_of(before)["git"]["commit"] is None
    git("add", "-A")
    git("commit", "-qm", "first")
    clean = begin()
    assert (
        clean.name.endswith(record_of(clean)["git"]["commit"][:7])
        and not (clean / "diff.patch").exists()
    )
    (root / "settings.ini").write_text(SETTINGS + "[split]\nfolds = 3\n")
    dirty = begin()
    assert record_of(dirty)["git"]["dirty"] and "+folds = 3" in (dirty / "diff.patch").read_text()


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


OWN = "from seedbed.model import BaseModel\nclass Mine(BaseModel):\n    name = 'mine'\n    stochastic = True\nclass Other(BaseModel):\n    name = 'majority'\nclass Nameless(BaseModel): pass\n"


def test_a_model_of_ones_own_has_its_own_folder(tmp_path):
    root = make_project(tmp_path / "p", model=["print(model)"])
    (root / "nbs" / "own.py").write_text(OWN)
    run = run_pipeline(root, ["models.names=own:Mine"])
    assert printed(run / "models/mine/seed_1/04_model.ipynb") == "own:Mine\n"


@pytest.mark.parametrize(
    "names, said",
    [
        ("majority, own:Other", "another model is called 'majority'"),
        ("own:Nameless", "give the class a name"),
        ("majorty", "majority"),
        ("own:Gone", "own:Gone"),
    ],
)
def test_models_that_cannot_be_told_apart_are_refused(tmp_path, names, said):
    root = make_project(tmp_path / "p")
    (root / "nbs" / "own.py").write_text(OWN)
    with pytest.raises(InputError, match=said):
        run_pipeline(root, [f"models.names={names}"])
    assert not (root / "runs").exists()


def test_runs_of_one_second_have_different_folders(tmp_path):
    settings = load_settings(make_project(tmp_path / "p") / "settings.ini")
    assert len({new_run(settings, "0123456789abcdef").name for _ in range(3)}) == 3


def test_settings_of_another_file_run_in_this_project(tmp_path):
    root = make_project(tmp_path / "p", model=["print(settings.root, settings.split.folds)"])
    (tmp_path / "other.ini").write_text("[models]\nnames = majority\n[split]\nfolds = 7\n")
    run = run_pipeline(root, settings_file=tmp_path / "other.ini")
    assert printed(run / "models/majority/seed_0/04_model.ipynb") == f"{root} 7\n"


def test_only_chance_needs_seeds():
    models = [{"name": "a", "stochastic": False}, {"name": "b", "stochastic": True}]
    assert [(m["name"], s) for m, s in plan_models(models, (3, 4))] == [
        ("a", 3),
        ("b", 3),
        ("b", 4),
    ]
