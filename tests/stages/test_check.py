"""What is understood of labels and images before a run."""

import json
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
import shapely

from seedbed.base.errors import InputError
from seedbed.check import (
    check_data,
    check_lines,
    competing_encoders,
    inputs_understood,
    labels_understood,
    lines_before_a_run,
)
from seedbed.imagery.layout import Layout
from seedbed.models.pretrained.presto import Presto
from seedbed.models.pretrained.probes import Frozen
from tests.support.world import IDS, pixels, place, write_tif


def checked(world, *overrides):
    """What is found, and the lines as one text."""
    found = check_data(world.settings(overrides))
    return found, "\n".join(check_lines(found))


def test_everything_is_counted(project):
    world = project(30, label=["maize"] * 20 + ["wheat"] * 10)
    found, text = checked(world)
    assert found["faults"] == [] and found["labels"]["number"] == 30
    assert found["target"]["classes"] == {"maize": 20, "wheat": 10} and found["target"]["guessed"]
    assert found["imagery"]["read"] == 30 and found["imagery"]["faults"] == {}
    assert found["split"]["labels"] == 30
    assert "maize 20, wheat 10" in text and "labels.task" in text and "split.block_km" in text
    assert json.loads(json.dumps(found)) == found


def test_nothing_is_written(project):
    world = project(30)
    before = sorted(world.root.rglob("*"))
    checked(world)
    assert sorted(world.root.rglob("*")) == before


def test_what_is_left_out_has_its_class(project):
    world = project(30, label=["maize"] * 20 + ["wheat"] * 10, ini={"labels.max_left_out": 0.1})
    for k in range(18, 24):
        (world.data / "tifs" / f"s{k:02d}.tif").unlink()
    found, text = checked(world)
    (row,) = found["left_out"]["rows"]
    assert row["classes"] == {"wheat": 4, "maize": 2}
    assert "6 of 30 labels are left out (20.0 %)" in text
    assert len(found["faults"]) == 1 and "labels.max_left_out = 0.1" in found["faults"][0]
    assert found["split"]["labels"] == 24  # the rest is said all the same


def test_images_that_cannot_be_read_are_a_fault(project):
    world = project(30, ini={"labels.max_left_out": 0.1})
    for k in range(8):
        (world.data / "tifs" / f"s{k:02d}.tif").write_text("no tif")
    found, text = checked(world)
    assert len(found["imagery"]["faults"]) == 8
    assert "a sample of the images: 8 of 30" in found["faults"][0]


def test_a_split_that_cannot_be_made_is_a_fault(project):
    world = project(30, ini={"split.block_km": 5000})
    found, text = checked(world)
    assert "block_km" in found["faults"][0] and text.endswith(found["faults"][0])
    with pytest.raises(InputError, match="block_km"):
        lines_before_a_run(world.settings())


def test_a_quantity_has_a_range(project):
    world = project(30, label=[k + 0.5 for k in range(30)], ini={"success.metric": "r2"})
    found, text = checked(world)
    assert (found["target"]["least"], found["target"]["most"]) == (0.5, 29.5)
    assert "0.5 to 29.5" in text


@pytest.mark.parametrize(
    "metric, fault",
    [
        ("statistics:harmonic_mean", "success.metric = statistics:harmonic_mean: "),
        ("sklearn.metrics:log_loss", None),
    ],
)
def test_a_metric_of_ones_own_is_tried_before_a_run(project, metric, fault):
    found, _ = checked(project(30, ini={"success.metric": metric}))
    assert [f.startswith(fault or "") for f in found["faults"]] == ([True] if fault else [])


def test_what_is_asked_of_an_error_is_said_and_held_together(project):
    ini = {"success.metric": "mae", "success.usable": 3, "success.ceiling": 1}
    labels = [k + 0.5 for k in range(30)]
    found, text = checked(project(30, label=labels, ini=ini | {"success.worst_region_min": 4}))
    assert not found["faults"] and "smaller is better: usable up to 3" in text
    found, _ = checked(project(30, label=labels, ini=ini | {"success.worst_region_min": 0.5}))
    assert "worst_region_min = 0.5" in found["faults"][0]


def test_a_metric_of_another_task_is_named_first(project):
    """What else does not fit, follows from it."""
    found, _ = checked(project(30, ini={"success.metric": "rmse"}))
    first, second = found["faults"]
    assert first.startswith("success.metric = rmse: is for regression, the task is classification")
    assert "metric = rmse, a metric of regression: smaller is better" in second


def test_a_file_that_is_no_labels_file_is_one_line(project):
    world = project(30)
    (world.data / "labels.geojson").write_text("{")
    found, text = checked(world)
    assert len(found["faults"]) == 1 and "labels.geojson" in found["faults"][0]
    assert text.count("\n") == 2  # the source, what is asked, the fault


def test_labels_on_both_sides_of_180_degrees_lie_beside_each_other():
    around = [shapely.box(179.98, -17, 179.99, -16.9), shapely.box(-179.99, -17, -179.98, -16.9)]
    labels = gpd.GeoDataFrame({"start": "", "region": "", "group": ""}, index=[0, 1])
    found = labels_understood(labels.set_geometry(around, crs=4326))
    assert found["bounds"] == [179.98, -17, 180.02, -16.9]


def test_labels_without_regions(project):
    world = project(30)
    frame = gpd.read_file(world.data / "labels.geojson")
    assert "region" not in frame
    assert check_data(world.settings())["labels"]["regions"] is None


def test_columns_that_hold_dates_are_named(project):
    world = project(30)
    frame = gpd.read_file(world.data / "labels.geojson")
    frame = frame.assign(sown="2021-03-05", note="oats")
    world.write_labels(frame)
    found, text = checked(world)
    assert found["labels"]["dates_in"] == ["sown"]
    assert "30 without a date of the first step (labels.start); columns of dates: sown" in text


def test_a_fault_of_all_images_names_the_source_and_the_rest_is_said(project):
    world = project(30)
    for file in (world.data / "tifs").iterdir():
        file.unlink()
    for i, name in enumerate(IDS):
        write_tif(world.tif(name), pixels(i), *place(29 - i + 6))
    found, text = checked(world)
    assert len(found["faults"]) == 1 and "no label could be sampled" in found["faults"][0]
    assert found["faults"][0].startswith(found["source"]) and "split" in found


def test_places_with_contradicting_labels_are_counted(project):
    world = project(30)
    frame = gpd.read_file(world.data / "labels.geojson")
    frame.loc[1, "geometry"] = frame.loc[0, "geometry"]
    frame.loc[3, "geometry"] = frame.loc[5, "geometry"]
    frame["label"] = ["maize", "wheat", "wheat", "maize", "maize", "maize"] * 5
    world.write_labels(frame)
    found, text = checked(world)
    first = {"places": 1, "labels": 2, "first": ["s00", "s01"]}
    assert found["target"]["contradicting"] == first
    assert "1 place with labels of different classes (2 labels), e.g. s00 and s01" in text


def test_warnings_of_many_classes_are_condensed(project):
    world = project(48, label=[f"species {i % 12:02d}" for i in range(48)])
    found, text = checked(world)
    assert len(found["split"]["warnings"]) >= 12
    assert text.count("its score is rough below 10") == 1 and "the same of 11 others" in text


def test_weights_that_do_not_fit_are_a_fault_before_anything_is_computed(project, tmp_path):
    """Absent, of another hash, of another encoder; random ones are none."""
    import torch

    world, own, other = project(30), tmp_path / "presto.pt", tmp_path / "other.pt"
    torch.save(Presto().state_dict(), own)
    torch.save({"patch.weight": torch.zeros(3)}, other)
    names = "models.names=majority, raw_probe, presto_fused"

    def faults(weights):
        return checked(world, names, f"models.weights=presto = {weights}")[0]["faults"]

    assert "no such file" in faults(tmp_path / "nowhere.pt")[0]
    assert "was altered" in faults(f"{own}#sha256={'0' * 64}")[0]
    assert "are no weights of presto" in faults(other)[0]
    assert faults(own) == faults("random") == []
    said = checked(world, names, "models.weights=presto = random, prestoo = random")[0]["faults"]
    assert "'prestoo': no encoder of that name, there are galileo, presto" in said[0]
    assert "did you mean 'presto'" in said[0]


def test_what_an_encoder_would_read_or_refuse_is_said(project):
    world = project(30)
    given = ["models.names=majority, presto", "models.weights=presto = random"]
    found, text = checked(world, *given)
    assert found["faults"] == [] and "presto reads B4" in text and "goes without" in text
    rain, layout = np.full((9, 12, 1), 0.096), Layout(("total_precipitation",), 12)
    some = SimpleNamespace(X=rain, static=np.zeros((9, 0)), variables=["total_precipitation"])
    asked = world.settings(given)
    said, refused = inputs_understood(competing_encoders(asked), some, layout, asked)
    assert not said and "presto refuses these labels" in refused[0]
    assert "set models.units = total_precipitation: mm/day | m/month" in refused[0]
    units = world.settings([*given, "models.units=total_precipitation: m/month"])
    said, refused = inputs_understood(competing_encoders(units), some, layout, units)
    assert not refused and "converts total_precipitation from m/month" in said[0]
    wrong = world.settings([*given, "models.units=rain: m/month"])
    said, refused = inputs_understood(competing_encoders(wrong), some, layout, wrong)
    assert refused == ["models.units: 'rain': no such band; use one of: total_precipitation"]


class Kestrel(Presto):
    name = "kestrel"


class OwnProbe(Frozen):
    name = "anything"
    encoder = Kestrel


def test_an_encoder_of_ones_own_is_checked_whatever_its_model_is_called(project):
    own = f"{__name__}:OwnProbe"
    world = project(30)
    found, text = checked(world, f"models.names=majority, {own}", "models.weights=kestrel=random")
    assert found["faults"] == []
    assert "kestrel: random: no weights were loaded" in text and "kestrel reads B4" in text
    assert "anything" not in text
    found, _ = checked(world, f"models.names={own}", "models.weights=kestrel=nowhere.pt")
    assert "no such file" in found["faults"][0] and "imagery" in found
    found, _ = checked(world, "models.names=majority, randm_forest")
    assert len(found["faults"]) == 1 and "did you mean 'random_forest'" in found["faults"][0]
    assert {"imagery", "split"} <= set(found)
