"""`seedbed run` in a process of its own: what fails, what is interrupted, what goes on."""

import os
import signal
import subprocess
import sys
import time

import pytest

from tests.support.notebooks import make_project, record_of, the_run

COMMAND = [sys.executable, "-c", "from seedbed.cli import main; main()"]


@pytest.mark.slow
def test_a_failing_cell_is_one_line_and_exit_code_1(tmp_path):
    root = make_project(
        tmp_path / "p",
        process=[
            "import sys, warnings\nwarnings.warn('noise'); print('noise', file=sys.stderr)",
            "from seedbed.base.errors import InputError\nraise InputError('a.tif: broken; make it again')",
        ],
    )
    done = subprocess.run(
        [*COMMAND, "run", "--no-check"], cwd=root, capture_output=True, text=True, timeout=120
    )
    run = the_run(root)
    assert (
        done.returncode == 1
        and done.stderr
        == f"02_process.ipynb, cell 5: a.tif: broken; make it again; the partial notebook: runs/{run.name}/02_process.ipynb\n"
    )
    lines = [line for line in done.stdout.splitlines() if not line.startswith("note:")]
    assert [line.split()[0] for line in lines] == [
        "00_success",
        "01_export",
        "02_process",
    ] and "failed" in done.stdout
    assert (
        record_of(run)["status"] == "failed"
        and record_of(run)["command"] == "seedbed run --no-check"
        and not (run / "results.json").exists()
        and (run / "02_process.ipynb").exists()
    )


def start_of_a_run(tmp_path, seconds, **signals):
    """A run whose export takes a while, its notebook at work; signals are as a terminal has them, whoever runs the tests, but for those given."""
    root = make_project(
        tmp_path / "p",
        export=[f"import pathlib, time\npathlib.Path('here').touch()\ntime.sleep({seconds})"],
    )

    def prepare():
        for name, action in (
            {"SIGINT": signal.SIG_DFL, "SIGHUP": signal.SIG_DFL} | signals
        ).items():
            signal.signal(getattr(signal, name), action)

    process = subprocess.Popen(
        [*COMMAND, "run", "--no-check"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=prepare,
    )
    while not (root / "nbs" / "here").exists():
        assert process.poll() is None
        time.sleep(0.05)
    return root, process


@pytest.mark.slow
def test_a_closed_terminal_does_not_end_what_was_started_with_nohup(tmp_path):
    root, process = start_of_a_run(tmp_path, 1, SIGHUP=signal.SIG_IGN)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.communicate(timeout=90)[1] == "" and process.returncode == 0
    assert record_of(the_run(root))["status"] == "complete"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_or_a_closed_terminal_ends_a_run(tmp_path, name):
    root, process = start_of_a_run(tmp_path, 60)
    os.killpg(process.pid, getattr(signal, name))
    stderr = process.communicate(timeout=90)[1]
    run = the_run(root)
    assert (
        process.returncode == 128 + getattr(signal, name)
        and stderr == f"interrupted; what was done so far: runs/{run.name}\n"
    )
    assert record_of(run)["status"] == "interrupted" and not (run / "results.json").exists()
