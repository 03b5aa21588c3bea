"""Notebooks in processes: what they see, how they fail, what they leave behind."""

import os
import subprocess
import sys
import time

import pytest

from seedbed.base.errors import InputError
from seedbed.base.notebooks import SKIP
from seedbed.running.engines import call_in_subprocess, preload, run_tasks
from tests.support.notebooks import Names, code_cells, gone, printed, task_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kernel", ["fork", pytest.param("jupyter", marks=pytest.mark.slow)])
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
