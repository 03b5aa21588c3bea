"""Bring your own labels and tifs: awkward inputs work, or are refused in a line that says how to fix them."""

import numpy as np
import pytest
import rasterio

from seedbed.imagery.chips import read_chip
from seedbed.imagery.layout import layout_from_dict
from seedbed.sources.registry import find_source
from tests.support.paths import SHARED
from tests.support.world import IDS, make_labels, pixels, place, write_tif

TOGO = SHARED / "togo_cropharvest_chip"


# --- it works ---


@pytest.mark.parametrize("shape", ["point", "polygon", "multipolygon"])
def test_plain_project(project, shape):
    """Points, polygons and multipolygons go all the way."""
    out = project(shape=shape).run()
    assert sorted(out["label_id"]) == IDS and out["X"].shape == (30, 3, 2)
    assert (
        set(out["sides"].ravel()) <= {"train", "val", "dropped"} and out["report"]["left_out"] == {}
    )


@pytest.mark.parametrize(
    "name", ["labels.gpkg", "labels.shp", "labels.parquet", "labels.fgb", "labels.geojson"]
)
def test_file_formats_give_the_same_dataset(empty, name):
    """The file format of the labels leaves no trace."""
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    world, frame = empty(), make_labels()
    world.write_labels(frame, name)
    out = world.write_tifs(frame).run()
    assert sorted(out["id"]) == IDS
    assert np.allclose(np.sort(out["lon"]), np.sort(frame.geometry.x), atol=1e-6)


def test_parquet_with_another_geometry_column(empty):
    """PostGIS calls the column `geom`."""
    pytest.importorskip("pyarrow")
    world, frame = empty(), make_labels()
    world.write_labels(frame.rename_geometry("geom"), "labels.parquet")
    assert len(world.write_tifs(frame).run()["X"]) == 30


def test_pattern_with_a_star(empty):
    """CropHarvest's way: ids in front, anything behind; an id may hold the separator itself."""
    world = empty(source__tifs="eo_data/{id}_*.tif")
    frame = make_labels(id=[f"{i}_togo" if i % 2 else str(i) for i in range(30)])
    world.write_labels(frame)
    for i, name in enumerate(frame["id"]):
        write_tif(
            world.data / "eo_data" / f"{name}_2019-02-06_2020-02-01.tif", pixels(i), *place(i)
        )
    manifest = world.export()
    assert manifest["labels"] == 30 and manifest["unlabelled_tifs"] == []


def test_two_tifs_for_one_id(empty):
    """Which of two tifs is meant is not a matter of luck."""
    world, frame = empty(source__tifs="tifs/{id}_*.tif"), make_labels()
    world.write_labels(frame)
    for year in (2018, 2019):
        world.write_tifs(frame, pattern=f"tifs/{{id}}_{year}.tif")
    world.refuses_export("source.tifs = tifs/{id}_*.tif", "s00", "s00_2018.tif", "s00_2019.tif")


def test_pattern_without_id(empty):
    """The place of the id has to be in the pattern."""
    world, frame = empty(source__tifs="tifs/*.tif"), make_labels()
    world.write_labels(frame)
    world.write_tifs(frame).refuses_export("source.tifs = tifs/*.tif", "{id}")


# --- the labels file ---


def test_no_folder(empty):
    """The folder that source.name names is not there."""
    world = empty(source__name="folder:nowhere")
    world.refuses_export("nowhere", "no such folder", "source.name")


def test_no_vector_file(empty):
    """A folder without labels."""
    empty().refuses_export("mine", "no vector file", ".geojson", "source.labels_file")


def test_two_vector_files(project):
    """With two vector files the settings must choose."""
    world = project()
    world.write_labels(make_labels(12), "other.gpkg")
    world.refuses_export("2 vector files", "labels.geojson", "other.gpkg", "source.labels_file")
    assert world.export("source.labels_file=other.gpkg")["labels"] == 12


def test_named_file_is_not_there(project):
    """source.labels_file names a file that is not there."""
    project(ini={"source.labels_file": "lables.geojson"}).refuses_export(
        "lables.geojson", "source.labels_file"
    )


def test_settings_that_contradict_the_names_of_bands(project):
    """Names tell steps and static bands; settings that say otherwise are not ignored."""
    world = project()
    world.refuses_export(
        "source.steps = 6, but by the bands' names it is 3; set source.variables",
        overrides=["source.steps=6"],
    )
    world.refuses_export(
        "source.static = B8, but by the bands' names it is none", overrides=["source.static=B8"]
    )


# --- rows and tifs that do not match ---


def test_labels_without_tif_and_tifs_without_label(project):
    """Both are listed; neither stops the run."""
    world = project()
    world.tif("s03").rename(world.tif("stranger"))
    out = world.run()
    assert "no tif; expected tifs/s03.tif" in out["report"]["left_out"]["s03"]
    assert out["report"]["unlabelled_tifs"] == ["stranger.tif"] and len(out["X"]) == 29


def test_no_tif_at_all(empty):
    """Labels without any tif."""
    world = empty()
    world.write_labels(make_labels())
    world.refuses_export("mine", "no tif matches source.tifs")


# --- tifs ---


@pytest.mark.slow
def test_bands_without_names(project):
    """Bands without names are refused until the settings name them."""
    world = project()
    for i, name in enumerate(IDS):
        write_tif(world.tif(name), pixels(i), *place(i), names=None)
    world.refuses_export("s00.tif", "6 bands without names", "source.variables")
    world.refuses_export(
        "6 bands", "4 variables", "source.variables", overrides=["source.variables=B2,B3,B4,B8"]
    )
    world.refuses_export(
        "6 bands", "2 steps", "source.steps", overrides=["source.variables=B4,B8", "source.steps=2"]
    )
    out = world.run("source.variables=B4, B8")
    assert out["X"].shape == (30, 3, 2)
    out = world.run("source.variables=B4, B8", "source.static=height, slope", "source.steps=2")
    order = np.argsort(out["id"])
    assert out["X"].shape == (30, 2, 2) and np.allclose(
        out["static"][order], [pixels(i)[4:, 4, 4] for i in range(30)]
    )


def test_named_bands_with_variables_in_the_settings(project):
    """source.variables takes the bands by position, whatever their names."""
    out = project().run("source.variables=red, nir")
    assert out["X"].shape == (30, 3, 2) and '"red"' in out["facts"]["variables"]


def test_no_tif_has_a_crs(project):
    """All tifs without CRS."""
    world = project()
    for i, name in enumerate(IDS):
        write_tif(world.tif(name), pixels(i), *place(i), crs=None)
    world.refuses_export("s00.tif", "no coordinate reference system", "assign one")


# --- refusals leave nothing that looks whole ---


def test_export_folder_is_a_source(project):
    """An export is itself a folder of labels and tifs, with a manifest that says all."""
    world = project()
    first = world.run("source.variables=red, nir")
    folder = world.settings(["source.variables=red, nir"]).export_dir
    second = world.run(f"source.name=folder:{folder}")
    assert (
        np.array_equal(first["X"], second["X"])
        and first["facts"]["variables"] == second["facts"]["variables"]
    )


# --- a real chip ---


@pytest.fixture
def togo(empty):
    """A project whose folder is the real chip's."""
    if not TOGO.is_dir():
        pytest.skip(f"{TOGO} is not there")
    return empty(source__name=f"folder:{TOGO}", labels__start="start_date")


def test_real_chip_layout(togo):
    """CropHarvest's names give 12 months of 17 bands and two static ones."""
    layout = find_source(togo.settings()).layout()
    assert (layout.steps, len(layout.variables), layout.static) == (12, 17, ("elevation", "slope"))
    assert layout.variables[:3] == ("VV", "VH", "B1") and layout.variables[-2:] == (
        "temperature_2m",
        "total_precipitation",
    )


def test_real_chip_values(togo):
    """Our reader and rasterio's agree, pixel by pixel."""
    manifest = togo.export()
    assert manifest["labels"] == 1 and manifest["left_out"] == {}
    chip = read_chip(TOGO / "tifs" / "98.tif", layout_from_dict(manifest["layout"]))
    with rasterio.open(TOGO / "tifs" / "98.tif") as file:
        expected = file.read().astype(np.float32)
        assert chip.transform.almost_equals(file.transform)
    assert chip.data.dtype == np.float32 and np.array_equal(chip.data, expected, equal_nan=True)
    assert chip.descriptions[:2] == ("VV_t00", "VH_t00") and chip.descriptions[-1] == "slope"


def test_real_chip_alone_is_too_little(togo):
    """One label can be exported, not processed."""
    togo.refuses_process("1 labels are too few", "at least 10")
