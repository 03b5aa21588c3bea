"""The docs site: what it shows, and what it refuses to publish."""

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import h5py
import nbformat
import pytest

from seedbed.base.settings import load_settings
from seedbed.evaluation.metrics import METRICS
from seedbed.sharing.quotes import fill_in
from seedbed.success import contract_of
from world import build as build_world
from world import refused

ROOT = Path(__file__).resolve().parents[1]
RESULTS = {
    "f1_score": 0.8702,
    "best_model": "tempcnn",
    "primary": {"metric": "f1_score", "value": 0.8702, "ci": [0.81, 0.9]},
    "verdict": {"status": "usable", "reasons": ["beyond 0.75"]},
    "models": [
        {
            "model": "tempcnn",
            "value": 0.8702,
            "ci": [0.81, 0.9],
            "verdict": "usable",
            "parameters": 1200,
        }
    ],
    "warnings": ["a small sample"],
    "started_at": "2026-01-01",
}


@pytest.fixture
def builder(monkeypatch):
    """The module that builds the site."""
    pytest.importorskip("smalldocs", reason="the extra docs is not installed")
    monkeypatch.syspath_prepend(str(ROOT / "tools/docs"))
    import site_builder

    return site_builder


def notebook(*cells):
    """A notebook of texts: prose, or code where the text begins with a bar."""
    made = [
        (
            {
                "cell_type": "code",
                "id": f"c{i}",
                "metadata": {},
                "source": t[1:],
                "outputs": [],
                "execution_count": None,
            }
            if t.startswith("|")
            else {"cell_type": "markdown", "id": f"m{i}", "metadata": {}, "source": t}
        )
        for i, t in enumerate(cells)
    ]
    return json.dumps(
        {
            "cells": made,
            "metadata": {
                "kernelspec": {"display_name": "python3", "language": "python", "name": "python3"}
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


@pytest.fixture
def site(tmp_path, builder):
    """A function that builds a small site and returns a function that reads its pages."""
    (tmp_path / "nbs/images").mkdir(parents=True)
    for name in (
        "settings.ini",
        "pyproject.toml",
        "nbs/_quarto.yml",
        "nbs/styles.css",
        "nbs/images/favicon.svg",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    text = (tmp_path / "nbs/_quarto.yml").read_text()
    (tmp_path / "nbs/_quarto.yml").write_text(
        text[: text.index("    left:")] + text[text.index("  sidebar:") :]
    )
    (tmp_path / "nbs/sidebar.yml").write_text(
        'website:\n  sidebar:\n    contents:\n      - index.ipynb\n      - section: Stages\n        contents: "0*.ipynb"\n'
    )
    (tmp_path / "reports/first/figures").mkdir(parents=True)
    (tmp_path / "reports/first/results.json").write_text(json.dumps(RESULTS))

    def make(*cells, **pages):
        (tmp_path / "nbs/index.ipynb").write_text(notebook("# Home", *cells))
        for name, page in pages.items():
            (tmp_path / f"nbs/{name}.ipynb").write_text(page)
        builder.build(tmp_path, execute=False)
        return lambda name: (tmp_path / "_docs" / name).read_text()

    return make


def test_a_site_with_everything(site):
    read = site(
        "[stage](00_first.ipynb), {{ first.f1_score }} and `{{ first.f1_score }}`, [report](../reports/first/index.qmd); $x^2$; see"
        " `look_up`",
        "|#| hide\nsecret = 1",
        "|#| export\ndef shown(): pass",
        **{"00_first": notebook("# First: a stage\n\n> What it does")},
    )
    home = read("index.html")
    assert (
        "0.870 and" in home
        and "{{ first.f1_score }}" in home
        and "<math" in home
        and "secret" not in home
        and "shown" in home
        and "#| export" not in home
    )
    assert (
        'href="reference/sharing/quotes.html#look_up"' in home
        and "First" in home
        and "jsdelivr" not in home
    )
    report = read("reports/first/index.html")
    assert (
        "usable" in report
        and "0.810 to 0.900" in report
        and "0.810–0.900" in report
        and "a small sample" in report
    )
    assert "seedbed run" in read("reference/command_line.html").replace(
        "</span>", ""
    ) and "usable" in read("reference/settings.html")
    assert "Home" in read("search.json")


def test_what_is_broken_is_not_published(site, builder, tmp_path):
    broken = {
        "[gone](01_gone.ipynb)": "01_gone",
        "[place](#nowhere)": "no such place",
        "{{ second.f1_score }}": "no such run",
        "{{ first.f2_score }}": "did you mean 'f1_score'",
        "<img src='https://example.org/a.png'>": "from elsewhere",
        "![](images/gone.png)": "gone.png",
    }
    with pytest.raises(builder.DocsError) as caught:
        site(*broken)
    assert [why for why in broken.values() if why not in str(caught.value)] == [] and not (
        tmp_path / "_docs"
    ).exists()


def test_publish_copies_what_a_report_needs(tmp_path, monkeypatch, capsys):
    for name in ("2026-01-01_a", "2026-01-02_b"):
        (tmp_path / "runs" / name / "figures").mkdir(parents=True)
        for file in ("results.json", "run.json"):
            (tmp_path / "runs" / name / file).write_text(json.dumps(RESULTS))
        (tmp_path / "runs" / name / "figures/scores.png").write_bytes(b"picture")
        (tmp_path / "runs" / name / "05_compare.ipynb").write_text(notebook("# Compare"))
    shutil.copy(ROOT / "settings.ini", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "seedbed.base.results.read_results", lambda path: json.loads(Path(path).read_text())
    )
    sys.modules["seedbed.cli.publish"].publish("latest", name="pilot")
    assert sorted(
        p.relative_to(tmp_path / "reports").as_posix()
        for p in (tmp_path / "reports").rglob("*")
        if p.is_file()
    ) == [
        "pilot/05_compare.ipynb",
        "pilot/figures/scores.png",
        "pilot/results.json",
        "pilot/run.json",
    ]
    assert (
        fill_in("{{ pilot.f1_score:.1% }}", tmp_path) == "87.0%"
        and "pilot.accuracy" in capsys.readouterr().out
    )
    refused(
        lambda: sys.modules["seedbed.cli.publish"].publish("2026-01-03_c"),
        "no such complete run",
        "did you mean",
    )
    refused(lambda: sys.modules["seedbed.cli.publish"].publish("latest", name="../x"), "--as ../x")


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


def test_sidebar_and_bar_agree_with_the_tree(builder):
    """Every notebook stands in sidebar.yml once, and nothing stands there that is not in the tree."""
    import sidebar
    import yaml

    nbs = ROOT / "nbs"
    named = sidebar.pages_of(sidebar.own_contents(nbs))
    there = {
        p.relative_to(nbs).as_posix()
        for p in nbs.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in p.parts
    }
    assert sorted(named) == sorted(there), (
        f"nbs/sidebar.yml: lacks {sorted(there - set(named))}, has too much:"
        f" {sorted(n for n in named if n not in there or named.count(n) > 1)}"
    )
    options = yaml.safe_load((nbs / "_quarto.yml").read_text())
    assert [
        item["href"]
        for item in options["website"]["navbar"]["left"]
        if not (nbs / item["href"]).is_file()
    ] == []
    assert [
        name
        for name in (options["format"]["html"]["css"], options["website"]["favicon"])
        if not (nbs / name).is_file()
    ] == []


def test_guides_run_only_commands_and_files_that_they_show(tmp_path):
    spec = importlib.util.spec_from_file_location("try_guides", ROOT / "tools/try_guides.py")
    guides = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(guides)
    assert {b[0] for g in (ROOT / "nbs/guides").glob("*.ipynb") for b in guides.blocks(g)} <= {
        "sh",
        "python",
        "ini",
        "text",
    }
    (tmp_path / "settings.ini").write_text("[a]\nx = 1 # one\n[b]\nx = 2\n")
    guides.merge_settings(tmp_path / "settings.ini", "[b]\nx = 3\n")
    assert (tmp_path / "settings.ini").read_text() == "[a]\nx = 1 # one\n[b]\nx = 3\n"
    with pytest.raises(SystemExit, match="no line for a.y"):
        guides.merge_settings(tmp_path / "settings.ini", "[a]\ny = 3\n")


def test_a_published_run_does_not_say_where_it_lay(tmp_path):
    forget = sys.modules["seedbed.cli.publish"].forget_places
    for name, record in (
        (
            "a.ipynb",
            {
                "cells": [],
                "metadata": {"papermill": {"input_path": "/home/me/nbs/a.ipynb"}, "kernelspec": {}},
            },
        ),
        ("run.json", {"git": {"remote": "/home/me/seedbed"}}),
        ("results.json", {"git": {"remote": "git@github.com:me/seedbed"}}),
    ):
        (tmp_path / name).write_text(json.dumps(record))
        forget(tmp_path / name)
    kept = {p.name: json.loads(p.read_text()) for p in tmp_path.iterdir()}
    assert "/home/me" not in json.dumps(kept) and kept["a.ipynb"]["metadata"] == {"kernelspec": {}}
    assert kept["results.json"]["git"]["remote"] == "git@github.com:me/seedbed"


def test_the_page_about_speed_shows_what_was_measured(tmp_path):
    spec = importlib.util.spec_from_file_location("speed_page", ROOT / "tools/speed_page.py")
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    if not page.PAGE.is_file():
        pytest.skip("a project of one's own has no guide about the template's speed")
    copy = tmp_path / "speed.ipynb"
    copy.write_text(page.PAGE.read_text())
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
    page.put(
        {"at": "2026-03-01T12:00:00+00:00", "machine": machine, "results": {"reading": rows}}, copy
    )
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
        for name in page.TITLES
    )
