"""Areas of classes from a designed sample."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
import shapely.affinity

from seedbed.base.files import write_json
from seedbed.evaluation.area import design_sample, estimate_area, estimate_from_design
from tests.support.maps import NORTH, PIXEL, WEST, write_classes
from tests.support.world import UTM, refused


def test_a_designed_sample_is_random_and_blind(tmp_path):
    values = np.where(np.random.default_rng(0).random((200, 300)) < 0.1, 1, 2)
    values[:20] = 0
    path = write_classes(tmp_path / "map.tif", values)
    design = design_sample(path, tmp_path / "d", n=400, least=80)
    points = gpd.read_file(tmp_path / "d/points.geojson")
    assert (
        len(points) == len(design["points"]) == 400
        and "stratum" not in points
        and points["label"].isna().all()
    )
    assert {s["name"]: s["places"] for s in design["strata"]} == {"wheat": 80, "forest": 320}
    xy = shapely.get_coordinates(points.to_crs(UTM).geometry)
    row = np.floor((NORTH - xy[:, 1]) / PIXEL).astype(int)
    column = np.floor((xy[:, 0] - WEST) / PIXEL).astype(int)
    assert [("wheat", "forest")[v - 1] for v in values[row, column]] == [
        design["points"][i]["stratum"] for i in points["id"]
    ]
    assert (
        len(set(zip(row, column))) == 400
        and abs(row.mean() - 110) < 12
        and abs(column.mean() - 150) < 18
    )
    again = design_sample(path, tmp_path / "again", n=400, least=80)
    assert (
        again["points"] == design["points"]
        and design_sample(path, tmp_path / "other", n=400, least=80, seed=1)["points"]
        != design["points"]
    )


def test_an_area_needs_a_design(tmp_path):
    labelled = gpd.GeoDataFrame(
        {"id": ["p00001"], "label": ["wheat"]}, geometry=gpd.points_from_xy([26], [45]), crs=4326
    )
    refused(
        lambda: estimate_from_design(tmp_path / "design.json", labelled),
        "no probability sample",
    )
    refused(
        lambda: estimate_area(["a"], ["a"], ["a"], None, {}), "not declared a probability sample"
    )
    refused(
        lambda: estimate_area(["a"], ["a"], ["a"], {"a": 10}, {"a": 1}),
        "stratum 'a': 1 labelled places",
    )
    refused(
        lambda: estimate_area(["a", "b"], ["a", "b"], ["a", "c"], {"a": 10}, {"a": 1}),
        "stratum 'c'",
    )


def test_classes_that_are_numbers_and_a_class_of_one_pixel(tmp_path):
    """Labels of numbers come back from a table as 1.0; the only pixel of a class was looked at, so nothing about it is drawn."""
    values = np.full((40, 50), 2)
    values[:, :20], values[0, 0] = 1, 3
    design = design_sample(
        write_classes(tmp_path / "map.tif", values, ("1", "2", "7")), tmp_path, n=60, least=20
    )
    points = gpd.read_file(tmp_path / "points.geojson")
    points["label"] = [float(design["points"][i]["map"]) for i in points["id"]]
    points.loc[points["label"].eq(2).idxmax(), "label"] = np.nan
    found = estimate_from_design(tmp_path / "design.json", points)
    assert [c["class"] for c in found["classes"]] == ["1", "2", "7"]
    assert found["overall_accuracy"]["value"] == 1 and found["unlabelled"] == 1
    assert found["unlabelled_by_stratum"] == {"1": 0, "2": 1, "7": 0}
    area = found["classes"][2]["hectares"]
    assert area["value"] == pytest.approx(0.01, rel=0.01)
    assert area["ci"][0] == pytest.approx(area["value"]) and area["se"] is None
    assert area["ci"][1] > 0.1  # it may have been missed in the other strata
    assert found["classes"][2]["users_accuracy"]["ci"] == [1, 1]  # its only pixel was looked at


def labelled_map(tmp_path, crs=UTM):
    """A map of wheat and forest, a design of it and points that are labelled as the map says."""
    values = np.where(np.random.default_rng(0).random((60, 80)) < 0.2, 1, 2)
    path = write_classes(tmp_path / "map.tif", values, crs=crs)
    design = design_sample(path, tmp_path, n=120, least=40)
    points = gpd.read_file(tmp_path / "points.geojson")
    points["label"] = [design["points"][i]["map"] for i in points["id"]]
    return design, points


def test_errors_that_were_not_seen_leave_intervals_and_words(tmp_path):
    _, points = labelled_map(tmp_path)
    found = estimate_from_design(tmp_path / "design.json", points)
    for row in found["classes"]:
        for name in ("hectares", "users_accuracy", "producers_accuracy"):
            answer = row[name]
            assert answer["ci"][0] < answer["ci"][1] and answer["exact"] and answer["se"] is None
    assert any("no error was seen at the 80 places of 'forest'" in w for w in found["warnings"])
    assert any("no 'wheat' was seen" in w for w in found["warnings"])


def test_places_without_a_label_are_bounded(tmp_path):
    """Whatever they are, the estimate with their true labels lies within the bounds."""
    design, points = labelled_map(tmp_path)
    points.loc[:5, "label"] = ["?", "", None, " ", "?", np.nan]
    found = estimate_from_design(tmp_path / "design.json", points)
    assert found["unlabelled"] == 6 and found["n"] == 114
    fewer = estimate_from_design(tmp_path / "design.json", points[points["label"].notna()])
    assert fewer == found  # points that are missing from the file are unlabelled too
    for label in ("wheat", "forest"):
        points.loc[:5, "label"] = label
        full = estimate_from_design(tmp_path / "design.json", points)
        for was, now in zip(found["classes"], full["classes"]):
            for name in ("hectares", "users_accuracy", "producers_accuracy"):
                low, high = was[name]["bounds"]
                # both are drawn at random, so the ends agree to a percent
                assert low <= now[name]["ci"][0] * 1.02 and now[name]["ci"][1] <= high * 1.02


@pytest.mark.parametrize("label", ["Forrest", "WHEAT", "lake"])
def test_labels_that_are_no_classes_are_asked_about(tmp_path, label):
    _, points = labelled_map(tmp_path)
    points.loc[[3, 7], "label"] = label
    near = {"Forrest": "mean 'forest'", "WHEAT": "mean 'wheat'", "lake": "one of: wheat, forest"}
    where = tmp_path / "design.json"
    said = refused(
        lambda: estimate_from_design(where, points), f"'{label}' (point p00004 and 1 more)"
    )
    assert near[label] in said and f"--also '{label}'" in said
    assert ("? Correct" if "mean" in near[label] else ". Correct") in said
    found = estimate_from_design(where, points, also=[label])
    assert label in [c["class"] for c in found["classes"]]
    points.loc[[3, 7], "label"] = " forest "
    estimate_from_design(where, points)
    elsewhere = points.to_crs(UTM)
    estimate_from_design(where, elsewhere)
    elsewhere.loc[4, "geometry"] = shapely.affinity.translate(elsewhere.geometry[4], 40)
    refused(lambda: estimate_from_design(where, elsewhere), "'p00005' lies elsewhere")


def test_designs_of_earlier_versions(tmp_path):
    """Without areas of pixels: these are taken from the map, where that is still there."""
    design, points = labelled_map(tmp_path, crs="EPSG:3857")
    areas = [p["hectares"] for p in design["points"].values()]
    assert 0.004 < min(areas) < max(areas) < 0.006  # a pixel of 10 m, at 41 degrees north
    expected = estimate_from_design(tmp_path / "design.json", points)
    older = {k: v for k, v in design.items() if k != "classes"} | {"schema_version": 1}
    for part in (*older["strata"], *older["points"].values()):
        del part["hectares"]
    path = tmp_path / "older.json"
    write_json(path, older)
    assert estimate_from_design(path, points) == expected
    write_json(path, older | {"seed": 1})
    refused(lambda: estimate_from_design(path, points), "this draw cannot be repeated")
    write_json(path, older)
    (tmp_path / "map.tif").rename(tmp_path / "elsewhere.tif")
    refused(lambda: estimate_from_design(path, points), "put that map back")
    assert estimate_from_design(tmp_path / "design.json", points) == expected
    write_classes(tmp_path / "map.tif", np.ones((60, 80), int))
    refused(lambda: estimate_from_design(path, points), "has changed since the sample was drawn")
