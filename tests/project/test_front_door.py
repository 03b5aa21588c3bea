"""`import seedbed as sb`: what it offers, what it costs, and that it is shown."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import seedbed as sb

ROOT = Path(__file__).resolve().parents[2]
HEAVY = {"numpy", "pandas", "torch", "sklearn", "geopandas", "matplotlib", "pydantic", "rasterio"}


def test_importing_it_loads_nothing_heavy():
    code = "import json, sys, seedbed; dir(seedbed); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(json.loads(done.stdout))


@pytest.mark.parametrize("name", sb.__all__)
def test_every_name_is_there_and_explained(name):
    found = getattr(sb, name)
    assert callable(found) and found.__doc__ and getattr(sb, name) is found


def test_a_misspelt_name_lists_what_there_is():
    with pytest.raises(AttributeError, match="open_run"):
        sb.open_runs


def test_the_page_shows_every_name():
    cells = json.loads((ROOT / "nbs/api.ipynb").read_text())["cells"]
    code = "".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    assert [name for name in sb.__all__ if f"sb.{name}" not in code] == []


@pytest.mark.slow
def test_a_run_as_an_object(samples, tmp_path):
    run = sb.run(
        paths={"runs": str(tmp_path), "cache": str(tmp_path / "cache")},
        models={"names": ["majority", "coordinates"]},
        run={"optimism": False},
        map={"scene": None},
        say=None,
    )
    table = run.table()
    assert list(table.index) == ["coordinates", "majority"] and table["low"].notna().all()
    assert {"id", "y_true", "y_pred", "geometry"} <= set(run.predictions())
    assert run.model().title == "coordinates" and len(run.dataset)
    assert run.figures["overview"].is_file() and run.report.is_file()
    assert "coordinates" in repr(run) and "<table" in run._repr_html_()
    assert sb.open_run(run.folder).results == run.results
    assert [r.name for r in sb.list_runs(settings=run.settings)] == [run.name]


@pytest.mark.slow
def test_a_run_that_cannot_start_says_why():
    with pytest.raises(Exception, match="models.names: 'random_forrest': no such model"):
        sb.run(models={"names": "random_forrest"}, say=None)
