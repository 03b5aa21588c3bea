"""Labels that a model chose: they train, and never validate nor estimate an area."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from seedbed.acquisition import choose, forecast, score_for_verdict
from seedbed.base.settings import Split
from seedbed.evaluation.area import design_sample, estimate_from_design
from seedbed.splitting.audit import audit
from seedbed.splitting.folds import is_acquired, make_split
from tests.support.maps import write_classes
from tests.support.world import refused


def labels(count=200):
    rng = np.random.default_rng(0)
    return gpd.GeoDataFrame(
        {
            "id": [f"l{i:03d}" for i in range(count)],
            "label": np.where(rng.random(count) < 0.5, "a", "b"),
            "region": np.where(np.arange(count) < count // 2, "east", "west"),
            "acquired": np.where(np.arange(count) % 5 == 0, "next", ""),
        },
        geometry=gpd.points_from_xy(25 + rng.random(count) * 2, 45 + rng.random(count)),
        crs=4326,
    )


@pytest.mark.parametrize("method", ["blocks", "random", "region"])
def test_chosen_labels_train_and_never_validate(method):
    table = labels()
    chosen = is_acquired(table)
    split = Split(
        method=method, block_km=10, buffer_km=1, test=("east",) if method == "blocks" else ()
    )
    subsets, _, record = make_split(table, split, classes=["a", "b"])
    assert record["acquired"] == chosen.sum()
    assert set(subsets[:, chosen].ravel()) <= {"train", "dropped"}
    assert (subsets[:, chosen] == "train").any()


def test_the_audit_fails_where_they_do():
    n, rng = 40, np.random.default_rng(1)
    arrays = {
        "X": rng.random((n, 3, 2)).astype(np.float32),
        "static": np.zeros((n, 0), np.float32),
        "y": np.arange(n) % 2,
        "id": np.array([f"l{i}" for i in range(n)]),
        "label_id": np.array([f"l{i}" for i in range(n)]),
        "group": np.full(n, ""),
        "start": np.full(n, ""),
        "acquired": np.where(np.arange(n) == 39, "next", ""),
        "split": np.where(np.arange(n) < 20, "train", "val"),
    }
    split = {"method": "blocks", "buffer_km": 0, "has_places": False, "window_days": 0}
    meta = {"mean": np.zeros(2), "std": np.ones(2), "medians": np.zeros((3, 2))}
    meta |= {f"static_{name}": np.zeros(0) for name in ("mean", "std", "medians")}
    shapes = np.array(gpd.points_from_xy(np.arange(n), np.zeros(n)))
    rows = audit(arrays, shapes, split, ["a", "b"], meta)
    found = next(r for r in rows if r["check"] == "labels chosen by a model validate")
    assert (found["status"], found["count"]) == ("fail", 1) and "l39" in found["found"]


def test_no_area_is_estimated_from_them(tmp_path):
    values = np.where(np.random.default_rng(0).random((80, 80)) < 0.3, 1, 2)
    design_sample(write_classes(tmp_path / "map.tif", values), tmp_path, n=40, least=10)
    points = gpd.read_file(tmp_path / "points.geojson").assign(label="wheat", acquired="next")
    refused(
        lambda: estimate_from_design(tmp_path / "design.json", points),
        "was chosen by what a model said",
    )


def test_rare_and_far_candidates_are_found():
    places = np.column_stack([np.linspace(0, 1, 100), np.zeros(100)])
    rare = (np.arange(100) >= 95).astype(float)
    assert set(choose({"rare": rare}, places, 5, {"rare": 1})) == set(range(95, 100))
    spread = choose({}, places, 3, {"spread": 1}, known=places[:1])
    assert spread[0] == 99 and 45 <= spread[1] <= 54


def test_a_forecast_from_a_curve_that_is_known():
    rng, sizes = np.random.default_rng(2), np.array([50, 100, 200, 400])
    rows = pd.DataFrame(
        [(n / 400, n + f, 0.9 - 4 / n + rng.normal(0, 0.002), f) for n in sizes for f in range(5)],
        columns=["share", "n", "score", "fold"],
    )
    found = forecast(rows, 0.895)  # at 800
    assert found["ci"][0] < 800 and found["labels"] > 400
    assert "will not do it" in forecast(rows, 0.99)["said"]
    assert "reached already" in forecast(rows, 0.8)["said"]
    falling = rows.assign(score=1 - rows["score"])
    assert forecast(falling, 0.105, greater_is_better=False)["labels"] > 400
    primary = {"value": 0.88, "ci": [0.87, 0.9], "greater_is_better": True}
    assert score_for_verdict(0.885, primary) == pytest.approx(0.895)
    lower = primary | {"greater_is_better": False}
    assert score_for_verdict(0.9, lower) == pytest.approx(0.88)
    assert "will not do it" in forecast(rows, 0.895, now=0.87)["said"]
    refused(lambda: forecast(rows[rows["share"] > 0.3], 0.9), "a learning curve of 2 sizes")
