"""What is reused, what runs again and why; runs that are killed, and runs side by side."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from seedbed.base.errors import InputError
from seedbed.base.settings import load_settings
from seedbed.running.cache import Cache, held
from seedbed.running.engines import preload
from seedbed.running.fingerprints import Fingerprints
from seedbed.running.pipeline import RunFailed, run_pipeline
from seedbed.running.replay import partings
from seedbed.running.stages import STAGES
from test_pipeline import Names, make_project, record_of, write_notebook
from world import refused

ROOT = Path(__file__).resolve().parents[1]
ONE = "[models]\nnames = majority\n[run]\nseeds = 0\n"
DATA = "import json\nfolder = settings.root / processed_dir\nfolder.mkdir(parents=True, exist_ok=True)\n(folder / 'dataset.h5').write_text(f'{settings.split.folds} folds');"
MODEL = "place = settings.root / run_dir / 'models' / model / f'seed_{seed}'\n(place / 'results.json').write_text('{\"score\": 1}');"
COMPARE = "import json\n(settings.root / run_dir / 'results.json').write_text(json.dumps({'run_id': settings.run_dir, 'best': 1, 'timings': {}}));"


def project(root, settings=ONE):
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


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A project that has been run once."""
    preload(
        ("execnb.shell", "matplotlib.pyplot", "matplotlib_inline.backend_inline", "seedbed.model")
    )
    root = project(tmp_path_factory.mktemp("original") / "p")
    begun, run = executed(root)
    assert all_of(begun)
    return root, run


@pytest.fixture
def made(original, tmp_path):
    """A copy of it; that it lies elsewhere changes nothing."""
    shutil.copytree(original[0], tmp_path / "p")
    return tmp_path / "p", tmp_path / "p" / "runs" / original[1].name


def test_nothing_runs_twice(made):
    root, first = made
    begun, again = executed(root)
    assert begun == []
    record = record_of(again)
    assert record["status"] == "complete" and {g["reused"] for g in record["graph"].values()} == {
        first.name
    }
    files = lambda run: {p.relative_to(run).as_posix() for p in run.rglob("*") if p.is_file()}
    assert files(again) == files(first)
    assert (
        "Executed in the run" in (again / "02_process.ipynb").read_text()
        and "Executed in the run" not in (first / "02_process.ipynb").read_text()
    )
    assert json.loads((again / "results.json").read_text())["run_id"] == again.name
    third = executed(root)[1]
    assert (third / "02_process.ipynb").read_text().count("Executed in the run") == 1
    assert {g["reused"] for g in record_of(third)["graph"].values()} == {first.name}


def prose(root):
    edit(root, "02_process", "\n%matplotlib inline\n!ls\n# a comment\n")
    nb = nbformat.read(p := root / "nbs/02_process.ipynb", 4)
    nb.cells.insert(0, nbformat.v4.new_markdown_cell("More prose."))
    nbformat.write(nb, p)


def docstring(root):
    (root / "nbs/helper.py").write_text(
        "def used():\n    'What it is.'\n    return 1 # one\n\n\ndef unused(): return 2\n"
    )


def touch(root):
    for path in [*root.rglob("*.ipynb"), *root.rglob("*.py"), *root.rglob("*.h5")]:
        path.touch()


def unused(root):
    (root / "nbs/helper.py").write_text("def used(): return 1\ndef unused(): return 3\n")


def outputs(root):
    nb = nbformat.read(p := root / "nbs/02_process.ipynb", 4)
    nb.cells[-1].outputs = [nbformat.v4.new_output("stream", text="x")]
    nb.cells[-1].execution_count = 7
    nbformat.write(nb, p)


def not_run(root):
    nb = nbformat.read(p := root / "nbs/02_process.ipynb", 4)
    nb.cells.append(nbformat.v4.new_code_cell("#| eval: false\n1 / 0"))
    nbformat.write(nb, p)


@pytest.mark.parametrize("change", [prose, docstring, touch, unused, outputs, not_run])
def test_what_changes_nothing_runs_nothing(made, change):
    root, _ = made
    change(root)
    assert executed(root)[0] == []


@pytest.mark.parametrize(
    "change, overrides, begun, said",
    [
        (
            None,
            ["split.folds=7"],
            ["02_process", "03_dataset", "04_model/majority/seed_0", "05_compare"],
            "split.folds 5 -> 7",
        ),
        (
            lambda root: (root / "nbs/helper.py").write_text("def used(): return 3\n"),
            [],
            ["02_process"],
            "used in helper has changed",
        ),
        (
            lambda root: edit(root, "02_process", "return 2", cell=3, replace="return 1"),
            [],
            ["02_process"],
            "its answer in 02_process has changed",
        ),
        (
            lambda root: edit(root, "02_process", "more = 1\n"),
            [],
            ["02_process"],
            "the notebook's cells have changed",
        ),
        (
            None,
            ["dataset.batch_size=32"],
            ["03_dataset", "04_model/majority/seed_0"],
            "dataset.batch_size 64 -> 32",
        ),
        (None, ["run.workers=1"], [], ""),
    ],
)
def test_what_a_change_runs_again_and_why(made, change, overrides, begun, said):
    root, _ = made
    if change:
        change(root)
    found, run = executed(root, *overrides)
    assert found[: len(begun)] == begun and (len(found) == len(begun) or begun[-1] == "05_compare")
    if begun:
        assert record_of(run)["graph"][begun[0]]["why"] == [said]


def test_another_dataset_runs_all_that_stands_on_it(made):
    root, _ = made
    edit(
        root,
        "02_process",
        "'{settings.split.folds} FOLDS'",
        replace="'{settings.split.folds} folds'",
    )
    found, run = executed(root)
    assert found[:4] == ["02_process", "03_dataset", "04_model/majority/seed_0", "05_compare"]
    assert record_of(run)["graph"]["04_model/majority/seed_0"]["why"] == [
        "what 02_process has made has changed"
    ]
    assert record_of(run)["graph"]["01_export"]["reused"]


def test_a_model_added_runs_that_model(made):
    root, _ = made
    found = executed(root, "models.names=majority, coordinates")[0]
    assert found[:2] == ["04_model/coordinates/seed_0", "05_compare"]


def test_two_ways_of_processing_lie_side_by_side(made):
    root, first = made
    run = executed(root, "split.folds=7")[1]
    places = [record_of(r)["places"]["processed_dir"] for r in (first, run)]
    assert [(root / p / "dataset.h5").read_text() for p in places] == ["5 folds", "7 folds"]
    assert (
        load_settings(run / "settings.ini").processed_dir == places[1]
        and load_settings(root / "settings.ini").processed_dir not in places
    )


def test_altered_files_are_made_again(made):
    root, first = made
    (root / record_of(first)["places"]["processed_dir"] / "dataset.h5").write_text("other")
    found, run = executed(root)
    assert found == ["02_process"] and record_of(run)["graph"]["02_process"]["why"] == [
        "what it had made was altered or removed"
    ]


def test_force_runs_again_what_is_named(made):
    root, _ = made
    found, run = executed(root, force=["03"])
    assert found == ["03_dataset"] and record_of(run)["graph"]["03_dataset"]["why"] == ["--force"]
    assert all_of(executed(root, force=["all"])[0])
    with pytest.raises(InputError, match="did you mean '03_dataset'"):
        executed(root, force=["03_datase"])


def test_a_failed_run_keeps_what_was_done(made):
    root, _ = made
    shutil.rmtree(root / "data/cache/stages")
    edit(root, "03_dataset", "\n1 / 0")
    with pytest.raises(RunFailed):
        executed(root)
    edit(root, "03_dataset", "", replace="\n1 / 0")
    assert executed(root)[0][0] == "03_dataset"


# --- the source's files ---


def test_a_changed_tif_and_a_touched_one(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"1")
    os.utime(tmp_path / "a.tif", (1e9, 1e9))
    prints = Fingerprints(tmp_path / ".memory.db")
    first = prints.folder(tmp_path)
    assert prints.read == 1 and prints.folder(tmp_path) == first and prints.read == 1
    os.utime(tmp_path / "a.tif", (1.1e9, 1.1e9))
    assert prints.folder(tmp_path) == first and prints.read == 2
    (tmp_path / "a.tif").write_bytes(b"2")
    os.utime(tmp_path / "a.tif", (1.1e9, 1.1e9))
    assert prints.folder(tmp_path) == first, "same size, time and number: not looked at"
    os.utime(tmp_path / "a.tif", (1.2e9, 1.2e9))
    assert prints.folder(tmp_path) != first


# --- kills ---


def start(root, *words):
    """A run in a process group of its own."""
    code = f"from seedbed.running.pipeline import run_pipeline\nrun_pipeline({str(root)!r}, {list(words)!r}, libraries=())"
    return subprocess.Popen(
        [sys.executable, "-c", code],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def kill(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_run_that_is_killed_at_any_moment_goes_on(made):
    (root, first), done, moments = made, set(ALL), random.Random(0)
    for _ in range(int(os.environ.get("SEEDBED_KILLS", 4))):
        if done == set(ALL):
            shutil.rmtree(root / "data/cache/stages")
            done = set()  # begin again
        process = start(root)
        try:
            process.communicate(timeout=moments.uniform(1.5, 5.5))
        except subprocess.TimeoutExpired:
            kill(process)
        kept = {e.record["name"] for e in Cache(load_settings(root / "settings.ini")).entries()}
        assert done <= kept, "nothing is lost"
        done = kept
    begun, run = executed(root)
    assert set(begun) == set(ALL) - done and record_of(run)["status"] == "complete"
    assert partings(*(json.loads((r / "results.json").read_text()) for r in (first, run))) == []
    assert executed(root)[0] == []


def test_two_runs_at_once_make_each_thing_once(made):
    root, _ = made
    shutil.rmtree(root / "data/cache/stages")
    shutil.rmtree(root / "runs")
    edit(
        root,
        "02_process",
        "\nimport time; time.sleep(1)\nwith open(settings.root / 'count', 'a') as file: file.write('x');",
    )
    both = [start(root), start(root)]
    for process in both:
        assert process.communicate(timeout=120)[1] == b"" and process.returncode == 0
    assert (root / "count").read_text() == "x"
    records = [record_of(run) for run in (root / "runs").iterdir()]
    assert [r["status"] for r in records] == ["complete"] * 2
    assert sorted(bool(r["graph"]["02_process"]["reused"]) for r in records) == [False, True]


def test_a_lock_ends_with_its_owner(tmp_path):
    cache = Cache(load_settings(make_project(tmp_path / "p") / "settings.ini"))
    code = f"from seedbed.running.cache import Cache\nfrom seedbed.base.settings import load_settings\nimport time\nlock = Cache(load_settings({str(tmp_path / 'p/settings.ini')!r})).lock('run', 'x')\nlock.acquire()\nprint('held', flush=True)\ntime.sleep(60)"
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    owner.stdout.readline()
    assert held(cache.lock("run", "x"))
    owner.kill()
    owner.wait()
    assert not held(cache.lock("run", "x"))


def test_code_that_is_edited_while_it_runs_is_not_kept(made):
    root, _ = made
    edit(
        root,
        "03_dataset",
        "\n(settings.root / 'nbs' / 'helper.py').write_text('def used(): return 9')\nbatch = 1",
        cell=-1,
    )
    edit(root, "03_dataset", "\nimport helper; helper.used()", cell=-1)
    executed(root)
    assert executed(root)[0][0] == "02_process" and "03_dataset" in executed(root, force=["03"])[0]


# --- history ---


def test_status_says_what_a_run_would_do(made):
    from seedbed.running.status import states

    root, first = made
    assert {s.state for s in states(root)} == {"fresh"} and {s.run for s in states(root)} == {
        first.name
    }
    now = {s.name: s for s in states(root, ["split.folds=7"])}
    assert now["01_export"].state == "fresh" and (
        now["02_process"].state,
        now["02_process"].why,
    ) == ("stale", ("split.folds 5 -> 7",))
    assert (now["03_dataset"].state, now["03_dataset"].why) == ("waits", ("for 02_process",))
    assert {
        s.state for s in states(root, ["models.names=coordinates"]) if s.name.startswith("04")
    } == {"missing"}
    assert executed(root)[0] == []


def test_runs_are_listed_compared_and_what_none_needs_is_removed(made):
    from seedbed.running.history import compare_runs, find_run, list_runs, remove, unreferenced

    root, first = made
    second = executed(root, "split.folds=7")[1]
    settings = load_settings(root / "settings.ini")
    assert [r.name for r in list_runs(settings)] == [second.name, first.name] and [
        r.name for r in list_runs(settings, ["folds=7"])
    ] == [second.name]
    assert compare_runs(find_run(settings, first.name), find_run(settings, second.name))[
        "settings"
    ] == ["split.folds 5 -> 7"]
    assert unreferenced(settings) == []
    place = record_of(second)["places"]["processed_dir"]
    shutil.rmtree(second)
    gone = unreferenced(settings)
    assert root / place in [path for path, _, _ in gone] and len(gone) == 5 + (len(ALL) - 6)
    remove(path for path, _, _ in gone)
    assert (
        not (root / place).exists()
        and executed(root)[0] == []
        and executed(root, "split.folds=7")[0][0] == "02_process"
    )


def test_a_killed_run_is_called_so(made):
    from seedbed.running.history import find_run

    root, first = made
    record = record_of(first)
    (first / "run.json").write_text(json.dumps(record | {"status": "running"}))
    settings = load_settings(root / "settings.ini")
    assert find_run(settings, first.name).status == "killed"
    with Cache(settings).lock("run", first.name):
        assert find_run(settings, first.name).status == "running"


def test_a_run_is_found_in_many_ways_by_every_command(tmp_path):
    from seedbed.running.history import find_run

    settings = load_settings(make_project(tmp_path / "p") / "settings.ini")
    refused(lambda: find_run(settings, "last"), "holds no run; make one: seedbed run")
    for name, files in {
        "2026-01-01_a": 2,
        "2026-01-02_b": 2,
        "2026-02-01_c": 2,
        "2026-03-01_b2026-01": 1,
    }.items():
        (tmp_path / "p/runs" / name).mkdir(parents=True)
        for file in ("run.json", "results.json")[:files]:
            (tmp_path / "p/runs" / name / file).write_text('{"status": "complete"}')
    name = lambda word, **options: find_run(settings, word, **options).name
    assert (
        name("2026-02")
        == name("_c")
        == name("last", complete=True)
        == name("latest", complete=True)
        == "2026-02-01_c"
    )
    assert (
        name("last") == name("b2026") == "2026-03-01_b2026-01"
        and name(tmp_path / "p/runs/2026-01-02_b") == "2026-01-02_b"
    )
    shutil.copytree(tmp_path / "p/runs/2026-01-01_a", tmp_path / "elsewhere")
    assert (
        find_run(settings, str(tmp_path / "elsewhere"), complete=True).folder
        == tmp_path / "elsewhere"
    )
    refused(lambda: find_run(settings, "2026-01"), "2026-01: fits 2 runs", "write more of the name")
    refused(lambda: find_run(settings, "2026-03", complete=True), "2026-03: no such complete run; ")


def test_another_threshold_judges_again_and_trains_nothing():
    from seedbed.running.dependencies import Reader
    from seedbed.running.graph import setting_values, used_by

    nbs, settings = ROOT / "nbs", load_settings(ROOT / "settings.ini")
    reads = {
        s.name: set(setting_values(settings, used_by(Reader(nbs), settings, nbs, s).settings))
        for s in STAGES
        if s.name in ("04_model", "05_compare")
    }
    assert {name for name in reads["04_model"] if name.startswith(("success.", "run."))} == {
        "success.metric",
        "success.quantity",
        "run.threads",
        "run.resamples",
        "run.level",
        "run.open_test",
    }
    assert {"success.usable", "success.ceiling", "success.worst_region_min"} <= reads["05_compare"]
