"""Series in a table: arrays, a CSV file, and published data where they are."""

import json

import numpy as np
import pandas as pd
import pytest

from seedbed.base.settings import load_settings
from seedbed.export import export
from seedbed.model import cross_validate
from seedbed.models.registry import find_model
from seedbed.process import process
from tests.support.paths import SHARED
from tests.support.world import place

# --- tables ---


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


def as_frame(made, **further):
    """The arrays of `table` as a row for each label; further arrays are columns of their own."""
    columns = {f"{b}_t{t:02d}": made["X"][:, t, k] for t in range(4) for k, b in enumerate("bgr")}
    labels = {
        "id": made["ids"],
        "label": made["y"],
        "lon": made["lon"],
        "lat": made["lat"],
        "start": "2018-01-01",
    }
    return pd.DataFrame(labels | columns | further)


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
    as_frame(made).to_csv(world.data / "data.csv", index=False)
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
    as_frame(made, **height).to_csv(world.data / "data.csv", index=False)
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


# --- published data, where they are ---


@pytest.mark.slow
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
