"""The command as a person meets it: help, lists, one line for an error, the table at the end."""

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from rich.console import Console

from seedbed.cli import main
from seedbed.cli.closing import closing_columns, fitting, print_results
from seedbed.cli.progress import LiveProgress, step_line
from seedbed.running.engines import Failure, Outcome, Task
from test_pipeline import make_project, record_of, the_run

COMMAND = [sys.executable, "-c", "from seedbed.cli import main; main()"]


@pytest.fixture
def here(monkeypatch, capsys):
    """A function that runs the command in this process, which has the libraries already: exit code, stdout, stderr."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for name in ("OPENBLAS_NUM_THREADS", "SEEDBED_DEBUG", "COLUMNS"):
        monkeypatch.setenv(name, {"COLUMNS": "100"}.get(name, ""))

    def call(*words, cwd="."):
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["seedbed", *words])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code or 0, *capsys.readouterr()

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


def test_help_names_every_command(here):
    code, out, _ = here("--help")
    assert code == 0 and "settings.ini" in out
    for word in ("run", "models", "metrics", "settings", "--version"):
        assert word in out
    assert "SECTION.KEY=VALUE" in here("run", "--help")[1]


def test_help_imports_nothing_heavy():
    code = "import sys, seedbed.cli; print([m for m in ('numpy', 'torch', 'papermill', 'pandas', 'IPython', 'pydantic') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
        == "[]\n"
    )


def test_version(here):
    import seedbed as package

    assert here("--version")[1] == f"seedbed {package.__version__}\n"


def test_settings_are_printed_with_overrides(tmp_path, here):
    code, out, _ = here(
        "settings",
        "-p",
        "split.folds=3",
        "-p",
        "split.block_km=2",
        cwd=make_project(tmp_path / "p"),
    )
    assert (
        code == 0
        and "folds = 3\n" in out
        and "block_km = 2.0\n" in out
        and "names = majority, tempcnn\n" in out
    )


def test_metrics_are_listed(here):
    line = next(line for line in here("metrics")[1].splitlines() if line.startswith("rmse"))
    assert line.split()[-1] == "smaller" and "regression" in line


def test_models_are_listed(here):
    assert any(line.startswith("majority ") for line in here("models")[1].splitlines())


@pytest.mark.parametrize(
    "words, said",
    [
        (("-p", "split.blok_km=1"), "did you mean 'block_km'?"),
        (("-p", "folds=1"), "not of the form section.key=value"),
        (("--settings", "gone.ini"), "gone.ini: no such file"),
    ],
)
def test_a_wrong_setting_is_told_in_a_line(tmp_path, here, words, said):
    code, out, err = here("run", *words, cwd=make_project(tmp_path / "p"))
    assert code == 1 and out == "" and said in err and err.count("\n") == 1


def test_outside_of_a_project_a_line_says_so(tmp_path, here):
    code, _, err = here("run", cwd=tmp_path)
    assert code == 1 and "no settings.ini" in err and "Traceback" not in err


def test_a_traceback_is_shown_on_demand(tmp_path, here, monkeypatch):
    root = make_project(tmp_path / "p")
    assert "Traceback" not in here("settings", "-p", "x", cwd=root)[2]
    assert "Traceback" in here("settings", "--debug", "-p", "x", cwd=root)[2]
    monkeypatch.setenv("SEEDBED_DEBUG", "1")
    assert "Traceback" in here("settings", "-p", "x", cwd=root)[2]


def test_a_wrong_option_is_a_usage_error(here):
    assert here("run", "--nonsense")[0] == 2


def test_a_failing_cell_is_one_line_and_exit_code_1(tmp_path):
    root = make_project(
        tmp_path / "p",
        process=[
            "import sys, warnings\nwarnings.warn('noise'); print('noise', file=sys.stderr)",
            "from seedbed.base.errors import InputError\nraise InputError('a.tif: broken; make it again')",
        ],
    )
    done = subprocess.run([*COMMAND, "run"], cwd=root, capture_output=True, text=True, timeout=120)
    run = the_run(root)
    assert (
        done.returncode == 1
        and done.stderr
        == f"02_process.ipynb, cell 5: a.tif: broken; make it again; the partial notebook: runs/{run.name}/02_process.ipynb\n"
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "00_success",
        "01_export",
        "02_process",
    ] and "failed" in done.stdout
    assert (
        record_of(run)["status"] == "failed"
        and record_of(run)["command"] == "seedbed run"
        and not (run / "results.json").exists()
        and (run / "02_process.ipynb").exists()
    )


ROWS = [
    {
        "model": "random_forest",
        "seeds": [0, 1, 2],
        "value": 0.842,
        "ci": [0.751, 0.896],
        "verdict": "usable",
        "difference": {"to": "coordinates", "value": 0.327, "ci": [0.1, 0.5]},
        "worst_region": {"region": "south_east", "n": 68, "value": 0.75},
        "parameters": 19010.67,
        "fit_s": 0.33,
        "us_per_sample": 91.7,
    },
    {
        "model": "coordinates",
        "seeds": [0],
        "value": 0.515,
        "ci": None,
        "verdict": "not usable",
        "difference": None,
        "worst_region": None,
        "parameters": None,
        "fit_s": 0.01,
        "us_per_sample": 2.0,
    },
]
RESULTS = {
    "primary": {"metric": "f1_score", "value": 0.842},
    "best_model": "random_forest",
    "models": ROWS,
    "verdict": {"status": "usable", "reasons": ["f1 is [high]"]},
    "warnings": ["few blocks"],
}


def test_a_complete_run_ends_with_the_table_and_the_place(tmp_path, here):
    write = "import json\nfolder = settings.root / run_dir\n"
    score = (
        write
        + "place = folder / 'models' / model / f'seed_{seed}'\n(place / 'results.json').write_text(json.dumps({'primary': {'metric': 'f1_score', 'value': .5}}));"
    )
    root = make_project(
        tmp_path / "p",
        model=[score],
        compare=[write + f"(folder / 'results.json').write_text(json.dumps({RESULTS!r}));"],
    )
    code, out, err = here("run", "-p", "models.names=majority", cwd=root)
    assert code == 0 and err == ""
    lines = out.splitlines()
    assert any(
        line.startswith("04_model/majority/seed_0")
        and "f1_score 0.500" in line
        and line.endswith(" s")
        for line in lines
    )
    assert any(
        line.startswith("random_forest") and "0.842 [0.751, 0.896]" in line and "usable" in line
        for line in lines
    )
    assert (
        "  f1 is [high]" in lines
        and "warning: few blocks" in lines
        and lines[-1] == f"The run: runs/{the_run(root).name}"
    )
    assert max(map(len, lines)) <= 100 and "\x1b" not in out


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
        [*COMMAND, "run"],
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


def test_a_closed_terminal_does_not_end_what_was_started_with_nohup(tmp_path):
    root, process = start_of_a_run(tmp_path, 1, SIGHUP=signal.SIG_IGN)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.communicate(timeout=90)[1] == "" and process.returncode == 0
    assert record_of(the_run(root))["status"] == "complete"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_or_a_closed_terminal_ends_a_run_with_130(tmp_path, name):
    root, process = start_of_a_run(tmp_path, 60)
    os.killpg(process.pid, getattr(signal, name))
    stderr = process.communicate(timeout=90)[1]
    run = the_run(root)
    assert (
        process.returncode == 130
        and stderr == f"interrupted; what was done so far: runs/{run.name}\n"
    )
    assert record_of(run)["status"] == "interrupted" and not (run / "results.json").exists()


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_table_fits_and_keeps_what_matters(width):
    file = io.StringIO()
    print_results(RESULTS, Console(file=file, width=width))
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    for word in (
        "random_forest",
        "0.842 [0.751, 0.896]",
        "not usable",
        "verdict on random_forest: usable",
        "few blocks",
    ):
        assert word in text
    assert ("19,011" in text) == (width == 140) and ("south_east 0.750" in text) == (width >= 100)


def test_a_table_of_bare_rows_is_no_error():
    bare = {
        "models": [{"model": "a[b]", "value": None, "ci": None, "verdict": "undecided", "seeds": 1}]
    }
    assert [heading for heading, _, _ in closing_columns(bare)] == [
        "model",
        "score",
        "seeds",
        "verdict",
    ]
    file = io.StringIO()
    print_results(bare, Console(file=file, width=80))
    assert "a[b]" in file.getvalue()
    print_results({}, Console(file=io.StringIO()))


def test_the_least_important_column_goes_first():
    columns = [("a", 0, ["x" * 10]), ("b", 2, ["x" * 10]), ("c", 1, ["x" * 10])]
    assert [heading for heading, _, _ in fitting(columns, 30)] == ["a", "c"] and [
        heading for heading, _, _ in fitting(columns, 5)
    ] == ["a"]


def test_a_terminal_shows_what_runs_and_keeps_what_ended():
    from rich.live import Live

    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    outcome = Outcome(Task("02_process", Path("a"), Path("b")), 1.5, Failure(3, "ValueError", "x"))
    with Live("", console=console, auto_refresh=False, transient=True) as live:
        progress = LiveProgress(live)
        progress.tick([type("Running", (), {"task": outcome.task, "seconds": 1.0})()])
        progress.finished(outcome)
    assert (
        "running" in console.file.getvalue()
        and "failed" in step_line(outcome)
        and step_line(outcome) in console.file.getvalue()
    )


def test_tables_that_are_piped_are_as_wide_as_columns_says_or_whole(monkeypatch):
    from seedbed.cli.tables import make_console

    monkeypatch.setattr("sys.stdout", io.StringIO())
    widths = {}
    for asked in ("60", "", "nonsense", "0"):
        monkeypatch.setenv("COLUMNS", asked)
        widths[asked] = make_console().width, make_console(wide=True).width
    assert widths == {"60": (60, 60), **dict.fromkeys(("", "nonsense", "0"), (100, 1000))}
