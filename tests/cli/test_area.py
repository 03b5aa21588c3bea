"""`seedbed design` and `seedbed area`."""

import json
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely
from typer.testing import CliRunner

from seedbed.cli import app
from tests.support.maps import NORTH, PIXEL, WEST, write_classes
from tests.support.world import UTM


@pytest.mark.slow
def test_from_map_to_hectares_by_the_commands(tmp_path, project):
    """`seedbed design` and `seedbed area`: the true area lies in the interval, the pixel count does not."""
    made = project()
    rng = np.random.default_rng(1)
    truth = np.where(rng.random((200, 200)) < 0.3, 1, 2)
    mapped = np.where(
        (truth == 1) & (rng.random(truth.shape) < 0.4), 2, truth
    )  # four of ten wheat pixels are taken for forest
    write_classes(made.root / "map.tif", mapped)
    command = lambda *words: subprocess.run(
        [str(Path(sys.executable).with_name("seedbed")), *words],
        cwd=made.root,
        capture_output=True,
        text=True,
    )
    done = command("design", "--map", "map.tif", "--n", "600")
    assert done.returncode == 0 and "600 places" in done.stdout, done.stderr
    points = gpd.read_file(made.root / "points.geojson")
    xy = shapely.get_coordinates(points.to_crs(UTM).geometry)
    points["label"] = [
        ("wheat", "forest")[truth[int((NORTH - y) // PIXEL), int((x - WEST) // PIXEL)] - 1]
        for x, y in xy
    ]
    points.to_file(made.root / "checked.geojson")
    done = command("area", "--design", "design.json", "--labels", "checked.geojson")
    assert done.returncode == 0 and "wheat" in done.stdout, done.stderr
    found = json.loads((made.root / "area.json").read_text())
    wheat = next(c for c in found["classes"] if c["class"] == "wheat")
    assert (
        wheat["hectares"]["ci"][0] < (truth == 1).sum() / 100 < wheat["hectares"]["ci"][1]
        and (mapped == 1).sum() / 100 < wheat["hectares"]["ci"][0]
    )
    assert "a sample was drawn here already" in command("design", "--map", "map.tif").stderr


def test_an_estimate_is_not_replaced_silently(tmp_path, project, here):
    """The same again is fine; another one needs --out or --overwrite. The level is the settings'."""
    made = project()
    values = np.where(np.random.default_rng(1).random((60, 80)) < 0.3, 1, 2)
    write_classes(made.root / "map.tif", values)
    here("design", "--map", "map.tif", "--n", "120", cwd=made.root)
    drawn = json.loads((made.root / "design.json").read_text())["points"]
    points = gpd.read_file(made.root / "points.geojson")
    points["label"] = [drawn[i]["map"] for i in points["id"]]
    points.loc[:2, "label"] = "?"
    points.to_file(made.root / "checked.geojson")
    words = ("area", "--design", "design.json", "--labels", "checked.geojson")
    code, out, _ = here(*words, cwd=made.root)
    assert code == 0 and "95 %" in out and "3 places have no label" in out
    assert "no error was seen at the" in out and "exact" in out
    first = (made.root / "area.json").read_text()
    assert here(*words, cwd=made.root)[0] == 0
    code, _, err = here(*words, "-p", "run.level=0.9", cwd=made.root)
    assert code == 1 and "area.json: holds another estimate" in err and "--overwrite" in err
    assert (made.root / "area.json").read_text() == first
    code, out, _ = here(*words, "-p", "run.level=0.9", "--out", "other.json", cwd=made.root)
    assert code == 0 and "90 %" in out and json.loads(first)["level"] == 0.95
    assert json.loads((made.root / "other.json").read_text())["level"] == 0.9
    assert here(*words, "-p", "run.level=0.9", "--overwrite", cwd=made.root)[0] == 0
    assert json.loads((made.root / "area.json").read_text())["level"] == 0.9
    _as_a_table(made.root, points.drop(columns=["geometry", "note"]), first, here)


def _as_a_table(root, table, known, here):
    """The same labels as a csv without places: the same estimate; ids that are off are named."""

    def area(frame):
        frame.to_csv(root / "back.csv", index=False, sep=";")
        words = ("--design", "design.json", "--labels", "back.csv", "--out", "csv.json")
        return here("area", *words, "--overwrite", cwd=root)

    code, out, err = area(table.sample(frac=1, random_state=0))
    assert code == 0 and "not in it" not in out, err
    made = json.loads((root / "csv.json").read_text())
    assert made | {"labels_sha256": 0} == json.loads(known) | {"labels_sha256": 0}
    name = table["id"].iloc[5]
    code, out, _ = area(table.drop(5))
    assert code == 0 and f"back.csv: 1 of 120 places are not in it, e.g. {name};" in out
    assert "4 places have no label" in out
    for column, value, said in (
        ("id", "p9", "point 'p9' is not in design.json; only points"),
        ("id", table["id"].iloc[6], f"point '{table['id'].iloc[6]}' stands there twice; keep one"),
        ("id", None, "point number 6 has no id; write the one that it has in points.geojson"),
        ("label", "wheet", "did you mean 'wheat'?"),
    ):
        odd = table.copy()
        odd.loc[5, column] = value
        code, _, err = area(odd)
        assert code == 1 and said in err and ("back.csv: " in err) == (column == "id")
    code, _, err = area(table.rename(columns={"label": "class"}))
    assert (
        code == 1 and "back.csv: the labelled points have no column 'label' (but id, class)" in err
    )


@pytest.mark.slow
def test_rounds_certificates_and_two_maps_by_the_commands(project, monkeypatch):
    made = project()
    monkeypatch.chdir(made.root)
    rng = np.random.default_rng(3)
    truth = np.where(rng.random((120, 120)) < 0.3, 1, 2)
    write_classes(made.root / "map.tif", np.where(rng.random(truth.shape) < 0.1, 3 - truth, truth))
    write_classes(made.root / "b.tif", np.where(rng.random(truth.shape) < 0.3, 3 - truth, truth))

    def command(*words):
        return CliRunner().invoke(app, list(words))

    def label(folder):
        points = gpd.read_file(made.root / folder / "points.geojson")
        xy = shapely.get_coordinates(points.to_crs(UTM).geometry)
        rows = [(int((NORTH - y) // PIXEL), int((x - WEST) // PIXEL)) for x, y in xy]
        points["label"] = [("wheat", "forest")[truth[r, c] - 1] for r, c in rows]
        points.to_file(made.root / folder / "points.geojson")
        return points

    assert command("design", "--map", "map.tif", "--width", "0.12", "--out", "d").exit_code == 0
    label("d")
    done = command("design", "--map", "map.tif", "--out", "d", "--add", "60")
    assert "in 2 rounds" in done.stdout, done.exception
    points = label("d")
    words = ("--design", "d/design.json", "--labels", "d/points.geojson")
    done = command("area", *words, "--certify", "0.3")
    assert "at any look" in done.stdout and "certified" in done.stdout, done.exception
    done = command("area", *words, "--verify", "d/certificate.json")
    assert done.exit_code == 0 and "vouches for" in done.stdout, done.exception
    points.loc[3, "label"] = "wheat" if points.loc[3, "label"] == "forest" else "forest"
    points.to_file(made.root / "d/points.geojson")
    done = command("area", *words, "--verify", "d/certificate.json")
    assert "labels are not those" in str(done.exception)
    done = command("design", "--map", "map.tif", "--against", "b.tif", "--n", "80", "--out", "e")
    assert "the maps differ on" in done.stdout, done.exception
    label("e")
    done = command("area", "--design", "e/design.json", "--labels", "e/points.geojson")
    assert "better:" in done.stdout and "map.tif" in done.stdout, done.exception
    words = ("--design", "e/design.json", "--labels", "e/points.geojson")
    done = command("area", *words, "--verify", "d/certificate.json")
    assert "is no design of one map" in str(done.exception)
