"""Nobody fools themselves: planted leaks stop a run, intervals hold what they promise, and what cannot be scored is named."""

import json
import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import seedbed.process
from seedbed.base.settings import Split, load_settings
from seedbed.evaluation.intervals import score_with_interval
from seedbed.evaluation.metrics import METRICS
from seedbed.export import export
from seedbed.model import cross_validate, tuned_threshold
from seedbed.models.registry import find_model
from seedbed.optimism import optimism_curve
from seedbed.process import process
from seedbed.splitting.audit import identical, near_identical
from seedbed.splitting.blocks import tied_blocks
from seedbed.splitting.folds import make_split
from seedbed.success import verdict, write_contract
from seedbed.training.dataset import FINAL, SampleDataset
from world import make_labels, pixels, place, refused

# --- planted leaks, through the whole stage --------------------------------------------------------------------------------------


def test_the_same_polygon_on_both_sides(project, monkeypatch):
    """A split that forgets its buffer and puts a redrawn field on the other side is stopped."""

    def forgetful(labels, *args, **options):
        sides, block, record = make_split(labels, *args, **options)
        number = int(np.flatnonzero(labels["id"] == "s35")[0])
        sides[:, number] = np.where(sides[:, number - 1] == "val", "train", "val")
        return sides, block, record

    world = project(36, "polygon")
    frame = make_labels(36, "polygon")
    frame.loc[35, "geometry"] = frame.geometry[34]
    world.write_labels(frame)
    world.write_tifs(frame)
    monkeypatch.setattr(seedbed.process, "make_split", forgetful)
    world.refuses_process("shapes that touch across the split", "split.allow_leakage = yes")


@pytest.mark.parametrize(
    "noise, what",
    [(0, "the same values on both sides"), (1e-4, "almost the same values on both sides")],
)
def test_duplicated_rows(project, noise, what):
    """One field's pixels under two ids, far apart: equal, or equal but for the last digits."""

    def make(i):
        data = pixels(0 if i in (0, 1, 2, 3) else i)
        return data + np.float32(noise) * np.random.default_rng(i).normal(size=data.shape).astype(
            np.float32
        )

    world = project(
        make=lambda i: np.concatenate([make(i), make(i)[::-1] ** 2]),
        ini={"source.variables": "B4, B8"},
    )
    world.refuses_process(what, overrides=["process.sampling=center"])


def test_statistics_fitted_on_all(project, monkeypatch):
    """Scaling that has seen every sample is stopped."""
    honest = seedbed.process.all_statistics
    monkeypatch.setattr(
        seedbed.process,
        "all_statistics",
        lambda samples, sides: honest(samples, np.full(sides.shape, "train", object)),
    )
    project(36).refuses_process("statistics that are not those of training alone", "mean of")


def test_near_copies_are_found_among_many():
    """Copies with a little noise are found, and nothing else; an outlier changes nothing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 8, 4))
    X[2000:2010] = X[:10] + rng.normal(size=(10, 8, 4)) * 0.003
    X[50] *= 1000
    pairs = near_identical(X, identical(X))
    assert sorted(tuple(sorted(map(int, pair))) for pair in pairs.T) == [
        (i, 2000 + i) for i in range(10)
    ]
    assert near_identical(np.zeros((50, 8, 4)), np.arange(50)).shape == (2, 0)


# --- intervals ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric, blocks", [("accuracy", 40), ("f1_score", 40), ("accuracy", 15)])
def test_intervals_cover_what_they_promise(metric, blocks):
    """Clustered data with a known score: the 95 % interval holds it in 90 to 98 of a hundred draws."""
    rng, score, size = np.random.default_rng(1), METRICS[metric], 20

    def draw(count):
        share = np.repeat(
            rng.beta(4, 1, count), size
        )  # how often a model is right differs from block to block
        y = (rng.random(count * size) < np.repeat(rng.beta(2, 2, count), size)).astype(int)
        right = rng.random(count * size) < share
        return y, np.eye(2)[np.where(right, y, 1 - y)], np.repeat(np.arange(count), size)

    true = score(*draw(20_000)[:2])
    held = [
        ci[0] <= true <= ci[1]
        for ci in (
            score_with_interval(score, *draw(blocks), resamples=400)["ci"] for _ in range(400)
        )
    ]
    assert 0.90 <= np.mean(held) <= 0.98


# --- splits ---------------------------------------------------------------------------------------------------------------------


def fields(count=90, **columns):
    """Labels in three regions and three years, 10 km apart; every place stands there in every year."""
    xy = np.array([place(i // 3) for i in range(count)])
    table = {
        "id": [f"f{i:03d}" for i in range(count)],
        "label": [("a", "b")[i // 3 % 2] for i in range(count)],
        "start": [f"{2016 + i % 3}-03-01" for i in range(count)],
        "region": [("east", "north", "west")[i // 3 % 3] for i in range(count)],
    }
    return gpd.GeoDataFrame(table | columns, geometry=shapely.points(xy), crs=4326)


def test_split_by_region():
    """Each region is validated by models that have not seen it."""
    labels = fields()
    sides, _, record = make_split(labels, Split(method="region", buffer_km=0), {}, ["a", "b"])
    assert record["fold_names"] == ["east", "north", "west"]
    for side, name in zip(sides, record["fold_names"]):
        assert set(labels["region"][side == "val"]) == {name} and name not in set(
            labels["region"][side == "train"]
        )
    refused(
        lambda: make_split(labels.drop(columns="region"), Split(method="region")),
        "split.method = region",
        "labels.region",
    )


def test_split_by_year():
    """A place may stand on both sides, its imagery may not: series that overlap in time are set aside."""
    labels = fields()
    sides, _, record = make_split(labels, Split(method="year"), {}, ["a", "b"], window_days=300)
    assert record["fold_names"] == ["2016", "2017", "2018"] and record["buffer_km"] == 0
    assert [(side == "dropped").sum() for side in sides] == [0, 0, 0] and (
        sides[0] == "train"
    ).sum() == 60
    later = fields(start=[f"{(2016, 2017, 2020)[i % 3]}-03-01" for i in range(90)])
    sides, _, _ = make_split(later, Split(method="year"), {}, ["a", "b"], window_days=400)
    assert [(side == "dropped").sum() for side in sides] == [30, 30, 0]


def test_split_by_year_needs_dates():
    """A label without a date has no year."""
    refused(
        lambda: make_split(fields(start=""), Split(method="year")),
        "split.method = year",
        "90 of 90",
        "labels.start",
    )


@pytest.mark.parametrize("method", ["blocks", "region", "year"])
def test_more_labels_move_nobody(method):
    """Adding labels moves no sample across, by any method."""
    labels = fields(90)
    before, after = (
        make_split(part.reset_index(drop=True), Split(method=method, buffer_km=0), {}, ["a", "b"])[
            0
        ]
        for part in (labels[:60], labels)
    )
    for a, b in zip(before, after[:, :60]):
        assert {(x, y) for x, y in zip(a, b) if x != y} <= {("train", "dropped")}


def test_a_class_in_one_block_is_named():
    """It is left out of the score, with its number of labels and the reason."""
    labels = fields(label=["c" if i < 3 else "ab"[i % 2] for i in range(90)])
    _, _, record = make_split(labels, Split(block_km=5), {}, ["a", "b", "c"])
    assert record["left_out"] == {"c": {"labels": 3, "of": 3, "why": "lies in one block"}}
    assert any("class 'c' lies in one block" in w for w in record["warnings"])


def test_few_blocks_are_said():
    """Below thirty independent blocks a result says so."""
    many, few = (
        make_split(fields(count), Split(buffer_km=0), {}, ["a", "b"])[2] for count in (150, 60)
    )
    assert few["blocks"]["val"] < 30 and any("fewer than 30" in w for w in few["warnings"])
    assert many["blocks"]["val"] >= 30 and not any("fewer than 30" in w for w in many["warnings"])


def test_tied_blocks():
    """Blocks that share a farm or a field count as one witness; the others keep their names."""
    shapes = shapely.box(np.arange(4), 45, np.arange(4) + 0.1, 45.1)
    block = np.array(["a", "b", "c", "d"])
    assert tied_blocks(block, shapes).tolist() == ["a", "b", "c", "d"]
    assert tied_blocks(block, shapes, ["", "farm", "", "farm"]).tolist() == ["a", "b", "c", "b"]
    shapes[3] = shapely.affinity.translate(shapes[2], 0.02)
    assert tied_blocks(block, shapes).tolist() == ["a", "b", "c", "c"]


def test_held_out_regions_are_opened_on_request(project):
    """Nobody trains on or validates the test; each opening is counted."""
    world = project(
        72,
        region=[("east", "north", "west")[i % 3] for i in range(72)],
        ini={"split.test": "west", "split.buffer_km": "0", "run.resamples": "100"},
    )
    out = world.run()
    assert all(set(out["sides"][:, i]) == {"test"} for i in np.flatnonzero(out["region"] == "west"))
    assert "test" not in set(out["sides"][:, out["region"] != "west"].ravel())
    settings = world.settings()
    path = settings.root / settings.processed_dir / "dataset.h5"
    shut = cross_validate(find_model("majority")(), path, settings=settings, run_dir="runs/a")
    assert shut["test"] is None and shut["data"]["n"]["val"] == 48
    opened = [
        cross_validate(
            find_model("majority")(),
            path,
            settings=world.settings(["run.open_test=yes"]),
            run_dir="runs/b",
        )["test"]
        for _ in range(2)
    ]
    assert (
        opened[0]["regions"] == ["west"]
        and opened[0]["n"] == 24
        and [o["opened_count"] for o in opened] == [1, 2]
    )
    assert not set(SampleDataset(path, "train", FINAL).column("region")) & {"west"}
    refused(
        lambda: world.settings(["split.test=none", "run.open_test=yes"]),
        "open_test = yes",
        "split.test",
    )
    refused(lambda: world.run("split.test=wst"), "split.test = wst", "west")


# --- what success means -----------------------------------------------------------------------------------------------------------


def test_limits_and_quantities():
    """What cannot be deployed, or counts wrongly, is not usable; what may count wrongly is undecided."""
    contract = write_contract(
        "f1_score",
        0.7,
        0.95,
        source="a test",
        quantity="count:wheat",
        max_quantity_error=0.1,
        max_memory_mb=100,
        max_model_bytes=1000,
    )
    good = {"value": 0.8, "ci": (0.75, 0.85)}
    off = lambda error, ci: {
        "name": "count:wheat",
        "true": 100,
        "estimated": 100 + 100 * error,
        "relative_error": error,
        "ci": ci,
    }
    assert verdict(contract, good, quantity=off(0.02, (-0.05, 0.08)))["status"] == "usable"
    assert verdict(contract, good, quantity=off(0.02, (-0.2, 0.3)))["status"] == "undecided"
    wrong = verdict(contract, good, quantity=off(0.4, (0.2, 0.6)))
    assert (
        wrong["status"] == "not usable"
        and "count:wheat: 140 where 100 is true" in wrong["failed"][0]
    )
    unknown = verdict(contract, good, cost={"memory_mb": None, "model_bytes": 10})
    assert (
        unknown["status"] == "undecided"
        and "memory_mb is not known of this model, and at most 100 are allowed"
        in unknown["reasons"]
    )
    untold = verdict(contract, good, quantity=off(0, None) | {"relative_error": None})
    assert untold["status"] == "undecided" and any(
        "cannot be told" in reason for reason in untold["reasons"]
    )
    heavy = verdict(contract, good, cost={"memory_mb": 300.0, "model_bytes": 10})
    assert heavy["status"] == "not usable" and heavy["failed"] == [
        "memory_mb = 300: more than 100 allowed"
    ]
    refused(
        lambda: write_contract("f1_score", 0.7, 0.95, source="a test", max_quantity_error=0.1),
        "max_quantity_error",
        "quantity",
    )
    refused(lambda: write_contract("f1_score", 0.7, 0.95, source=" "), "who said so")


def test_a_metric_and_a_quantity_of_ones_own(project, monkeypatch):
    """module:function decides, with an interval; a class that there is not is refused at once."""
    world = project(
        60,
        ini={
            "success.metric": "own_metrics:half",
            "run.resamples": "100",
            "success.quantity": "count:wheat",
        },
    )
    (world.root / "own_metrics.py").write_text(
        "def half(y, p): return float((p.argmax(1) == y).mean() / 2)\n"
    )
    monkeypatch.syspath_prepend(str(world.root))
    world.run()
    settings = world.settings()
    record = cross_validate(
        find_model("majority")(),
        settings.root / settings.processed_dir / "dataset.h5",
        settings=settings,
        run_dir="runs/a",
    )
    assert (
        record["primary"]["value"] == pytest.approx(record["accuracy"] / 2)
        and record["primary"]["ci"]
    )
    assert (
        record["quantity"]["true"] == 30 and record["primary"]["smallest_detectable_difference"] > 0
    )
    refused(
        lambda: world.export("success.quantity=count:weat"),
        "success.quantity = count:weat",
        "did you mean 'wheat'",
    )


def test_the_threshold_is_tuned_on_train(project):
    """A rare class is found at a lower threshold, which no validation label has had a say in."""
    rng = np.random.default_rng(0)
    rare = rng.random(240) < 0.2
    world = project(
        240,
        label=["wheat" if r else "forest" for r in rare],
        ini={"run.resamples": "100", "split.buffer_km": "0", "split.block_km": "25"},
        make=lambda i: pixels(i) + np.float32(0.12 * rare[i]),
    )
    world.run()
    settings = world.settings()
    path = settings.root / settings.processed_dir / "dataset.h5"
    record = cross_validate(
        find_model("logistic_regression")(), path, settings=settings, run_dir="runs/a"
    )
    assert len(record["threshold"]["values"]) == 5 and all(
        0 < v < 1 for v in record["threshold"]["values"]
    )
    assert min(record["threshold"]["values"]) < 0.5
    train = SampleDataset(path, "train", 0)
    assert (
        tuned_threshold(find_model("logistic_regression")(), train, "f1_score")
        == record["threshold"]["values"][0]
    )


def test_the_curve_goes_from_near_to_far(project):
    """From chance to a new region: validation lies farther and farther away; one row is claimed, one is the run's own."""
    rng = np.random.default_rng(0)
    world = project(
        72,
        label=["wheat" if rng.random() < 0.5 else "forest" for _ in range(72)],
        region=["east" if i % 6 < 3 else "west" for i in range(72)],
        ini={"split.buffer_km": "0", "split.block_km": "25", "run.resamples": "100"},
    )
    world.run()
    settings = world.settings()
    rows = optimism_curve(settings.root / settings.processed_dir / "dataset.h5", settings)
    names = [row["split"] for row in rows]
    assert (
        names[0] == "random"
        and names[-1] == "region"
        and sum(row["claimed"] for row in rows) == 1
        and sum(row["used"] for row in rows) == 1
    )
    far = [row["distance_km"] for row in rows]
    assert far[0] <= 1.01 * min(far[1:]) < far[-1] and all(
        row["ci"][0] <= row["value"] <= row["ci"][1] for row in rows
    )


# --- tables -----------------------------------------------------------------------------------------------------------------------


def table(count=60, steps=4, seed=0):
    """A table of two classes that a band tells apart."""
    rng = np.random.default_rng(seed)
    y = np.array(["maize", "wheat"])[np.arange(count) % 2]
    X = rng.normal(size=(count, steps, 3)) + 2 * (y == "wheat")[:, None, None]
    xy = np.array([place(i) for i in range(count)])
    dates = (
        pd.date_range("2018-01-01", periods=steps, freq="16D").strftime("%Y-%m-%d").to_numpy(str)
    )
    return {
        "X": X,
        "y": y,
        "ids": np.arange(count),
        "lon": xy[:, 0],
        "lat": xy[:, 1],
        "bands": ["b", "g", "r"],
        "dates": dates,
    }


def test_npz_and_csv_are_the_same(empty):
    """Both forms of a table give the same dataset."""
    world, made = empty(**{"source__name": "table:mine/data.npz"}), table()
    np.savez(world.data / "data.npz", **made)
    out = world.run()
    assert out["X"].shape == (60, 4, 3) and np.allclose(
        out["X"][np.argsort(out["id"].astype(int))], made["X"], atol=1e-6
    )
    assert set(out["start"]) == {"2018-01-01"} and json.loads(
        out["facts"]["step_months"]
    ) == pytest.approx(0.5257)
    columns = {f"{b}_t{t:02d}": made["X"][:, t, k] for t in range(4) for k, b in enumerate("bgr")}
    pd.DataFrame(
        {
            "id": made["ids"],
            "label": made["y"],
            "lon": made["lon"],
            "lat": made["lat"],
            "start": "2018-01-01",
        }
        | columns
    ).to_csv(world.data / "data.csv", index=False)
    again = world.run("source.name=table:mine/data.csv")
    assert (
        np.allclose(again["X"], out["X"], atol=1e-6)
        and np.array_equal(again["id"], out["id"])
        and np.array_equal(again["sides"], out["sides"])
    )


def test_bands_without_time_in_a_table(empty):
    """source.static takes columns of a csv or arrays of an npz; what is no number is refused."""
    world = empty(
        **{
            "source__name": "table:mine/data.npz",
            "source__static": "elevation, slope",
            "source__nodata": "-9999",
        }
    )
    made = table()
    height = {
        "elevation": 100.0 + np.arange(60),
        "slope": np.where(np.arange(60) == 7, -9999, 0.1 * np.arange(60)),
    }
    np.savez(world.data / "data.npz", **made | height)
    out = world.run()
    order = np.argsort(out["id"].astype(int))
    assert np.array_equal(out["static"][order, 0], height["elevation"]) and np.isnan(
        out["static"][order, 1]
    ).tolist() == [i == 7 for i in range(60)]
    assert json.loads(out["facts"]["static_names"]) == ["elevation", "slope"] and out[
        "X"
    ].shape == (60, 4, 3)
    columns = {f"{b}_t{t:02d}": made["X"][:, t, k] for t in range(4) for k, b in enumerate("bgr")}
    pd.DataFrame(
        {
            "id": made["ids"],
            "label": made["y"],
            "lon": made["lon"],
            "lat": made["lat"],
            "start": "2018-01-01",
        }
        | columns
        | height
    ).to_csv(world.data / "data.csv", index=False)
    assert np.allclose(
        world.run("source.name=table:mine/data.csv")["static"], out["static"], equal_nan=True
    )
    world.refuses_export(
        "source.static = elevatoin: no column of numbers; did you mean 'elevation'?",
        overrides=["source.static=elevatoin"],
    )
    world.refuses_export(
        "data.csv: source.static = label: no column of numbers",
        overrides=["source.name=table:mine/data.csv", "source.static=label"],
    )


def test_names_of_a_csv_are_text(empty):
    """007 keeps its zeros, a region may be called NA; an empty field is no name; NA among numbers is a gap."""
    world, made = empty(**{"source__name": "table:mine/data.csv"}), table()
    columns = {f"{b}_t{t:02d}": made["X"][:, t, k] for t in range(4) for k, b in enumerate("bgr")}
    frame = pd.DataFrame(
        {
            "id": [f"{i:03d}" for i in range(60)],
            "label": made["y"],
            "lon": made["lon"],
            "lat": made["lat"],
            "region": ["NA", "007", ""] * 20,
        }
        | columns
    )
    frame.loc[4, "b_t01"] = np.nan
    frame.to_csv(world.data / "data.csv", index=False, na_rep="NA")
    out = world.run()
    assert (
        set(out["id"]) == set(frame["id"])
        and set(out["region"]) == {"NA", "007", ""}
        and out["missing"][list(out["id"]).index("004")] > 0
    )
    world.refuses_process(
        "split.method = region: 20 of 60 labels have no value there",
        overrides=["split.method=region"],
    )


def test_a_table_with_faults(empty):
    """What is wrong with a table is said in a line."""
    world, made = empty(**{"source__name": "table:mine"}), table()
    world.refuses_export("neither an npz nor a csv")
    np.savez(world.data / "data.npz", **{k: v for k, v in made.items() if k != "lon"})
    world.refuses_export("no column 'lon'")
    np.savez(world.data / "data.npz", **made | {"bands": ["b", "g"]})
    world.refuses_export("names 2 bands where X has 3")
    made["X"][5] = np.nan
    np.savez(world.data / "data.npz", **made)
    assert world.export()["left_out"] == {"5": "its series has no value at all"}
    world.refuses_process(
        "process.sampling = chip", "series and no images", overrides=["process.sampling=chip"]
    )
    (world.data / "data.npz").write_bytes(b"no zip")
    world.refuses_export("data.npz", "numpy.savez")


# --- published data, where they are ------------------------------------------------------------------------------------------------


SHARED = Path(os.environ.get("SEEDBED_SHARED_DATA", "/nowhere"))


@pytest.mark.skipif(
    not (SHARED / "mt_modis_9class").is_dir(),
    reason="SEEDBED_SHARED_DATA does not hold mt_modis_9class",
)
def test_classes_that_mato_grosso_cannot_test(tmp_path):
    """Forest and Soy_Fallow lie in one block each; coordinates alone are right four times in five by chance, and not by blocks."""
    settings = load_settings(
        overrides=[
            f"source.name=table:{SHARED}/mt_modis_9class",
            "labels.start=start_date",
            "split.block_km=28",
            "run.resamples=100",
            f"paths.exports={tmp_path}/exports",
            f"paths.processed={tmp_path}/processed",
        ]
    )
    export(settings)
    assert set(process(settings)["split"]["left_out"]) == {"Forest", "Soy_Fallow"}
    path = settings.root / settings.processed_dir / "dataset.h5"
    blind = cross_validate(find_model("coordinates")(), path, settings=settings, run_dir=tmp_path)
    assert blind["accuracy"] < 0.6 and [
        r["class"] for r in blind["per_class"] if not r["scored"]
    ] == ["Forest", "Soy_Fallow"]
