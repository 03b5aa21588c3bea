"""Guides name what there is, and run what they show."""

import importlib.util
import json
import shutil
import subprocess
import sys

import h5py
import nbformat
import pytest

from seedbed.base.settings import load_settings
from seedbed.evaluation.metrics import METRICS
from seedbed.success import contract_of
from tests.support.paths import ROOT
from tests.support.world import build as build_world


def test_the_guide_to_data_formats_names_every_field(tmp_path):
    text = (ROOT / "nbs/guides/data_formats.ipynb").read_text()
    world = build_world(tmp_path, 24)
    found = world.run()
    settings = world.settings()
    with h5py.File(settings.root / settings.processed_dir / "dataset.h5") as file:
        names = [*file, *file.attrs]
    audit = json.loads((settings.root / settings.processed_dir / "audit.json").read_text())
    manifest = found["manifest"]
    for record in (
        audit,
        audit["split"],
        audit["missing"],
        audit["checks"][0],
        manifest,
        manifest["layout"],
        manifest["target"],
    ):
        names += record
    asked = contract_of(load_settings())
    names += [
        *asked,
        *json.loads((ROOT / "pkg/seedbed/schemas/results.schema.json").read_text())["properties"],
    ]
    results, run = (
        json.loads((ROOT / f"reports/romania/{name}.json").read_text())
        for name in ("results", "run")
    )
    for part in ("primary", "data", "verdict", "git", "environment"):
        names += results[part]
    for part in ("models", "per_class", "per_region", "calibration", "risk_coverage", "optimism"):
        names += results[part][0]
    names += [*results["models"][0]["difference"], *run]
    assert [n for n in dict.fromkeys(names) if f"`{n}`" not in text and n not in METRICS] == []


def reader_of_guides():
    """The module tools/try_guides.py."""
    spec = importlib.util.spec_from_file_location("try_guides", ROOT / "tools/try_guides.py")
    guides = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(guides)
    return guides


def test_guides_run_only_commands_and_files_that_they_show(tmp_path):
    guides = reader_of_guides()
    assert {b[0] for g in (ROOT / "nbs/guides").glob("*.ipynb") for b in guides.blocks(g)} <= {
        "sh",
        "python",
        "ini",
        "json",
        "text",
    }
    (tmp_path / "settings.ini").write_text("[a]\nx = 1 # one\n[b]\nx = 2\n")
    guides.merge_settings(tmp_path / "settings.ini", "[b]\nx = 3\n")
    assert (tmp_path / "settings.ini").read_text() == "[a]\nx = 1 # one\n[b]\nx = 3\n"
    with pytest.raises(SystemExit, match="no line for a.y"):
        guides.merge_settings(tmp_path / "settings.ini", "[a]\ny = 3\n")


@pytest.mark.slow
def test_a_source_is_made_from_the_guides_text(tmp_path, monkeypatch):
    """Its files are written, its package exported, and its command says what was understood."""
    for name in ("nbs", "pkg"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("pyproject.toml", "settings.ini", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    commands = []
    for language, name, text in reader_of_guides().blocks(ROOT / "nbs/guides/add_source.ipynb"):
        if name:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        elif language == "sh":
            commands += text.strip().splitlines()
    made = [line for line in commands if line.startswith("python")]
    [check] = [line for line in commands if line.startswith("seedbed check")]
    export = "from nbdev.export import nb_export; nb_export('nbs/sources/loggers.ipynb')"
    command = "from seedbed.cli import main; main()"
    steps = [
        *([sys.executable, *line.split()[1:]] for line in made),
        [sys.executable, "-c", export],
        [sys.executable, "-c", command, *check.split()[1:]],
    ]
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "pkg"))
    for step in steps:
        done = subprocess.run(step, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "64: 64 Point" in done.stdout and "1 band x 5 steps: ndvi" in done.stdout


@pytest.fixture
def speed_page(monkeypatch):
    """The script that writes the guide about speed."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    page = importlib.import_module("speed_page")
    if not page.PAGE.is_file():
        pytest.skip("a project of one's own has no guide about the template's speed")
    return page


def test_the_page_about_speed_shows_what_was_measured(speed_page, tmp_path):
    copy = tmp_path / "speed.ipynb"
    copy.write_text(speed_page.PAGE.read_text())
    rows = [
        {"what": "a < b", "measured": 3.456, "wanted": ">= 5", "note": "so", "met": False},
        {"what": "c", "measured": 1, "wanted": "", "note": "", "met": None},
    ]
    machine = {
        "cpu": "a processor",
        "cores": 2,
        "memory_gb": 8,
        "gpu": None,
        "python": "3.12",
        "load": [0.1],
    }
    record = {"at": "2026-03-01T12:00:00+00:00", "machine": machine, "results": {"reading": rows}}
    speed_page.put(speed_page.measured(record), copy)
    text = next(
        c for c in nbformat.read(copy, 4).cells if c.source.startswith("## Measured")
    ).source
    assert (
        "| a &lt; b | 3.46 | ≥ 5, **missed** | so |" in text
        and "2026-03-01" in text
        and "a processor" in text
    )
    runner = (ROOT / "tests/benchmarks/__main__.py").read_text()
    assert all(
        f'"{name}"' in runner and (ROOT / f"tests/benchmarks/{name}.py").is_file()
        for name in speed_page.TITLES
    )


def test_the_page_about_speed_says_where_the_time_goes(speed_page, tmp_path):
    where = [
        {"where": "process.process", "library": "h5py", "seconds": 3.0},
        {"where": "models.a.train", "library": "sklearn", "seconds": 2.0},
        {"where": "imports", "library": "", "seconds": 1.0},
        {"where": "process.other", "library": "", "seconds": 0.1},
    ]
    (tmp_path / "02_process.where.json").write_text(json.dumps(where))
    (tmp_path / "02_process.ipynb").write_text("{}")
    record = {
        "environment": {"cpu": "a", "cores": 2, "python": "3.12"},
        "started_at": "2026-03-01T1",
    }
    (tmp_path / "run.json").write_text(json.dumps(record))
    text = speed_page.of_run(tmp_path)
    assert (
        "| 02_process | 6.1 | `process.process` (h5py) 49%, `models.a.train` (sklearn) 33%, `imports` 16% |"
        in text
    )
    stage = {"cpu": 10.0, "fit": 5.0, "mb": 700.0, "where": where}
    sizes = [
        {
            "labels": n,
            "values_mb": 48,
            "copy_s": 0.1,
            "read_s": 0.2,
            "stages": {"04_model/a": stage},
        }
        for n in (1000, 2000)
    ]
    assert "| 04_model/a | 10.0 | 10.0 | 700 | 100 | 50 | 20% | `process" in speed_page.of_many(
        sizes
    )
    heads = [c.source.splitlines()[0] for c in nbformat.read(speed_page.PAGE, 4).cells]
    assert {speed_page.HEAD, speed_page.STAGES, speed_page.MILLION} <= set(heads)
    copy = tmp_path / "speed.ipynb"
    copy.write_text(speed_page.PAGE.read_text())
    for text in ("## One more\n\nfirst", "## One more\n\nsecond"):
        speed_page.put(text, copy)
    assert [c.source for c in nbformat.read(copy, 4).cells][-2] == "## One more\n\nsecond"
