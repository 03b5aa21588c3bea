"""From a source to an export: rows that cannot be used, targets, and what a refusal leaves."""

import json
import shutil

import geopandas as gpd
import pytest
import shapely

from seedbed.base.errors import InputError
from seedbed.export import export
from seedbed.models.records import data_warnings
from tests.support.world import IDS, make_labels

# --- the labels file ---


def test_regression_target_with_text(project):
    """A quantity that is text in one row is told with the value."""
    world = project(
        label=[*map(str, range(29)), "about 7"],
        ini={"success.metric": "r2", "labels.task": "regression"},
    )
    world.refuses_export(
        "column 'label' (labels.target)", "'about 7' is not a number", "labels.task"
    )


def test_metric_of_the_other_task(project):
    """f1_score of a quantity is refused before anything is fetched."""
    project(label=[i + 0.5 for i in range(30)]).refuses_export("success.metric", "f1_score")


# --- rows and tifs that do not match ---


def test_rows_that_cannot_be_used(project):
    """Rows without a label or a geometry are left out, and listed with their reason."""
    world = project(30)
    frame = gpd.read_file(world.data / "labels.geojson")
    frame.loc[0, "label"] = None
    frame.loc[1, "label"] = "  "
    frame.loc[2, "geometry"] = None
    frame.loc[3, "geometry"] = shapely.Point()
    frame.loc[4, "geometry"] = shapely.LineString([(26, 45), (26.1, 45)])
    world.write_labels(frame)
    left_out = world.run()["report"]["left_out"]
    assert sorted(left_out) == IDS[:5]
    assert (
        "no label" in left_out["s00"]
        and "no label" in left_out["s01"]
        and "no geometry" in left_out["s02"]
    )
    assert "no geometry" in left_out["s03"] and "neither a point nor a polygon" in left_out["s04"]


def test_on_fault_stop_lists_all(project):
    """One run tells all that is wrong with labels and tifs."""
    world = project(ini={"labels.on_fault": "stop"}, label=[None, *["a", "b"] * 14, "a"])
    world.tif("s05").unlink()
    world.tif("s06").unlink()
    world.refuses_export(
        "3 faults", "labels.on_fault = stop", "s00: no label", "s05: no tif", "s06: no tif"
    )


def test_drop_classes(project):
    """labels.drop leaves classes out; an unknown class is told."""
    world = project(label=["wheat", "forest", "cloud"] * 10)
    world.refuses_export(
        "labels.drop = clowd", "did you mean 'cloud'?", overrides=["labels.drop=clowd"]
    )
    out = world.run("labels.drop=cloud")
    assert out["manifest"]["target"]["classes"] == ["forest", "wheat"] and len(out["X"]) == 20
    assert set(out["report"]["left_out"].values()) == {"class is in labels.drop"}
    assert world.run("labels.drop=cloud", "labels.on_fault=stop")["manifest"]["labels"] == 20


def test_drop_with_a_quantity(project):
    """labels.drop names classes, a quantity has none."""
    project(label=[i + 0.5 for i in range(30)]).refuses_export(
        "labels.drop = 7", "classification", overrides=["labels.drop=7", "success.metric=r2"]
    )


# --- refusals leave nothing that looks whole ---


@pytest.mark.slow
def test_a_refusal_takes_the_old_export_away(project):
    """After a refusal no older result passes for the new one."""
    world = project()
    world.run()
    assert world.made() == ["manifest.json", "dataset.h5"]
    shutil.copy(world.data / "labels.geojson", world.root / "kept")
    world.write_labels(make_labels(3))
    world.refuses_process("3 labels are too few")
    (world.data / "labels.geojson").write_text("broken")
    world.refuses_export("labels.geojson")
    shutil.copy(world.root / "kept", world.data / "labels.geojson")
    assert len(world.run()["X"]) == 30


def test_export_twice_is_the_same(project):
    """A second export changes nothing."""
    world = project()
    settings = world.settings()
    folder = settings.root / settings.export_dir
    read = lambda: {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }
    first = (export(settings), read())[1]
    assert (export(settings), read())[1] == first
    assert list(settings.root.rglob(".tmp-*")) == []


def test_the_users_files_stay(project):
    """An export never touches what it was given."""
    world = project()
    before = {p: p.read_bytes() for p in world.data.rglob("*") if p.is_file()}
    world.run()
    world.tif("s01").unlink()
    world.run()
    assert {p: p.read_bytes() for p in world.data.rglob("*") if p.is_file()} == {
        p: b for p, b in before.items() if p.stem != "s01"
    }


@pytest.mark.parametrize("most, passes", [("0.1", False), ("0.2", True)])
def test_too_many_labels_left_out_stop_an_export(project, most, passes):
    """Beyond labels.max_left_out nothing is exported; below, the reasons are counted by class."""
    world = project(30, ini={"labels.max_left_out": most})
    frame = gpd.read_file(world.data / "labels.geojson")
    gone = frame["id"].iloc[: round(0.15 * len(frame))]
    for name in gone:
        (world.data / "tifs" / f"{name}.tif").unlink()
    settings = world.settings()
    if not passes:
        with pytest.raises(InputError, match="max_left_out = 0.1.*no tif"):
            export(settings)
        assert not (settings.root / settings.export_dir / "manifest.json").exists()
        return
    row = export(settings)["left_out_rows"][0]
    assert row["reason"] == "no tif; expected tifs/{id}.tif" and row["labels"] == len(gone)
    assert sum(row["classes"].values()) == len(gone)


def test_labels_left_out_are_in_the_warnings_of_a_result(project):
    """What the export and the sampling leave out is said wherever the score is."""
    world = project(30)
    (world.data / "tifs" / "s03.tif").unlink()
    facts = world.run()["facts"]
    meta = {name: json.loads(facts[name]) for name in ("left_out_rows", "given")}
    (line,) = data_warnings(meta)
    assert line.startswith("1 of 30 labels are left out (3.3 %): 1: no tif")
