"""Values of labels: what is read, what is refused, what is a warning, through the export."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from seedbed.imagery.labels import read_labels
from tests.support.world import IDS, make_labels

REGRESSION = ("labels.task=regression", "success.metric=r2")


def read_back(world, *overrides):
    """The labels of the export folder, by id."""
    settings = world.settings(overrides)
    labels = read_labels(settings.root / settings.export_dir / "labels.geojson")
    return labels.set_index("id")


def in_gpkg(empty, **columns):
    """A project whose labels lie in a GeoPackage, which keeps the types of columns."""
    world, frame = empty(), make_labels(**columns)
    world.write_labels(frame, "fields.gpkg")
    return world.write_tifs(frame)


def test_numbers_as_text(empty):
    """103,8 is refused as a class, and read as a number where the settings say so."""
    numbers = [round(5 + 3.3 * i, 1) for i in range(30)]
    world = in_gpkg(empty, label=[f"{v:.1f}".replace(".", ",") for v in numbers])
    world.refuses_export("30 of 30 labels hold numbers written as text", "labels.task = regression")
    world.export(*REGRESSION)
    assert read_back(world, *REGRESSION)["label"].reindex(IDS).tolist() == numbers


def test_codes_as_text_are_classes(empty):
    """A few whole numbers as text are classes, as they were."""
    assert in_gpkg(empty, label=["1", "2", "10"] * 10).export()["target"]["classes"] == [
        "1",
        "2",
        "10",
    ]


def test_no_data_among_quantities(empty):
    """-9999 is named; it is left out where labels.missing says so, and kept where it says none."""
    values = [float(i) if i % 5 else -9999.0 for i in range(30)]
    world, metric = in_gpkg(empty, label=values), "success.metric=r2"
    world.refuses_export("-9999 stands there 6 times of 30", "labels.missing", overrides=[metric])
    assert len(world.export(metric, "labels.missing=-9999")["left_out"]) == 6
    assert len(world.export(metric, "labels.missing=none")["left_out"]) == 0


@pytest.mark.parametrize(
    "label,words",
    [
        ([f"masks/{i}.tif" for i in range(30)], "30 of 30 labels hold paths of files"),
        ([f"plot {i}" for i in range(30)], "30 classes for 30 labels"),
    ],
)
def test_names_as_target(empty, label, words):
    """Paths and ids are no classes."""
    in_gpkg(empty, label=label).refuses_export(words, "labels.target")


def test_spellings(empty):
    """Two forms of Unicode are one class; case is a warning, or one class on request."""
    world = in_gpkg(empty, label=["ma\u00efs", "mai\u0308s ", "Ma\u00efs", "wheat", "wheat"] * 6)
    manifest = world.export()
    assert manifest["target"]["classes"] == ["Maïs", "maïs", "wheat"]
    assert "'Maïs' (6 labels), 'maïs' (12 labels) differ" in manifest["warnings"][0]
    merged = world.export("labels.ignore_case=yes")
    assert merged["target"]["classes"] == ["maïs", "wheat"] and merged["warnings"] == []


def test_several_classes_at_once(empty):
    """grass;maize beside grass and maize is named."""
    world = in_gpkg(empty, label=["grass", "maize", "grass;maize"] * 10)
    assert (
        "10 labels hold several classes at once, e.g. 'grass;maize'"
        in world.export()["warnings"][0]
    )


def test_a_class_with_a_comma_is_dropped(empty):
    """Double quotes hold a comma together; without them the message says so."""
    world = in_gpkg(empty, label=["maize, irrigated", "wheat", "rice"] * 10)
    world.refuses_export(
        'labels.drop = "maize, irrigated"', overrides=["labels.drop=maize, irrigated"]
    )
    kept = world.export('labels.drop="maize, irrigated"')
    assert kept["target"]["classes"] == ["rice", "wheat"] and len(kept["left_out"]) == 10


def test_names_like_dates_stay_text(empty):
    """Classes, regions and groups that look like dates are the same in every stage."""
    days = ["2021-03-15", "2021-04-01", "2021-04-15"]
    world = in_gpkg(empty, label=days * 10, region=pd.to_datetime(days * 10))
    out = world.run("split.test=2021-04-01")
    assert out["manifest"]["target"]["classes"] == days and set(out["y"]) == {0, 1, 2}
    assert set(out["region"]) == set(days)


@pytest.mark.parametrize(
    "written",
    [
        "2021-04-01T00:00:00+03:00",
        "2021-04-01T23:30:00-05:00",
        "2021-04-01 22:00:00Z",
        "20210401",
    ],
)
def test_the_day_that_was_written(empty, written):
    """A time zone moves no date."""
    assert set(in_gpkg(empty, start=written).run()["start"]) == {"2021-04-01"}


@pytest.mark.parametrize("values", [20210401.0, 20210401, 1617235200000])
def test_dates_as_numbers(empty, values):
    """Whole numbers, decimals with a gap, milliseconds of Earth Engine."""
    world = in_gpkg(empty, start=[values] * 29 + [None])
    assert set(world.run()["start"]) == {"2021-04-01", ""}


def test_columns_that_cannot_be_written(empty):
    """A second geometry and bytes are left out and named; everything else comes back."""
    world, frame = empty(), make_labels(note=["NA", "007", None] * 10, tags=[["a", "b"]] * 30)
    frame["photo"] = [b"jpeg"] * 30
    frame["waited"] = pd.to_timedelta(np.arange(30), unit="D")
    frame["centre"] = gpd.GeoSeries([shapely.Point(0, i) for i in range(30)], crs=4326)
    world.write_labels(frame, "fields.parquet")
    manifest = world.write_tifs(frame).export()
    said = " ".join(manifest["notes"]) + " ".join(manifest["set_aside"])
    assert all(name in said for name in ("photo", "waited", "centre"))
    back = read_back(world)["note"].reindex(IDS)
    assert back.iloc[:2].tolist() == ["NA", "007"] and pd.isna(back.iloc[2])
