"""Areas of classes from a designed sample."""

import geopandas as gpd
import numpy as np
import pytest
import shapely

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
        lambda: estimate_from_design(tmp_path / "design.json", labelled, {}),
        "no probability sample",
    )
    refused(
        lambda: estimate_area(["a"], ["a"], ["a"], None, 1), "not declared a probability sample"
    )
    refused(
        lambda: estimate_area(["a"], ["a"], ["a"], {"a": 10}, 1), "stratum 'a': 1 labelled places"
    )
    refused(lambda: estimate_area(["a", "b"], ["a", "b"], ["a", "c"], {"a": 10}, 1), "stratum 'c'")


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
    found = estimate_from_design(
        tmp_path / "design.json", points, {"1": 8.0, "2": 11.99, "7": 0.01}
    )
    assert (
        [c["class"] for c in found["classes"]] == ["1", "2", "7"]
        and found["overall_accuracy"]["value"] == 1
        and found["unlabelled"] == 1
    )
    assert found["classes"][2]["hectares"] == {
        "value": pytest.approx(0.01),
        "se": 0,
        "ci": [pytest.approx(0.01)] * 2,
    }
