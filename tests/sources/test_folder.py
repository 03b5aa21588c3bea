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


# --- names and dates ---


def test_leading_zeros(empty):
    """Ids 1, 2, 3 and files 0001.tif are matched, and a note says so."""
    world = empty()
    frame = make_labels()
    world.write_labels(frame.assign(id=range(1, 31)))
    world.write_tifs(frame.assign(id=[f"{i:04d}" for i in range(1, 31)]))
    out = world.run()
    assert len(out["X"]) == 30
    assert any("1 to 0001.tif" in line for line in out["manifest"]["notes"])


def test_leading_zeros_that_fit_twice(empty):
    """Where two files fit, none is taken, and the reason names them."""
    world = empty()
    frame = make_labels()
    world.write_labels(frame.assign(id=["1", *IDS[1:]]))
    world.write_tifs(frame)
    for name in ("01", "001"):
        world.tif("s00").with_name(f"{name}.tif").write_bytes(world.tif("s00").read_bytes())
    left_out = world.export()["left_out"]
    assert "001.tif, 01.tif" in left_out["1"] and "no tif; expected tifs/1.tif" in left_out["1"]


@pytest.mark.parametrize("folder", ["chips [v2]", "a?b", "tifs (1)"])
def test_signs_in_a_folder_name(empty, folder):
    world = empty(source__tifs=f"{folder}/{{id}}.tif")
    frame = make_labels()
    world.write_labels(frame)
    world.write_tifs(frame, pattern=f"{folder}/{{id}}.tif")
    assert world.export()["labels"] == 30


def test_tifs_elsewhere(empty, tmp_path):
    """A path that is absolute, or leads upwards, is a path too."""
    frame = make_labels()
    for pattern in (f"{tmp_path}/other/{{id}}.tif", "../other/{id}.tif"):
        world = empty(source__tifs=pattern)
        world.write_labels(frame)
        world.write_tifs(frame, pattern="../other/{id}.tif")
        assert world.export()["labels"] == 30


DATES = ["2019-03-01", "2019-04-01", "2019-05-01"]
DATED = {
    "date first": [f"{d}_{v}" for d in DATES for v in ("B4", "B8")],
    "date last": [f"{v}_{d.replace('-', '')}" for d in DATES for v in ("B4", "B8")],
    "year and month": [f"{v}_{d[:4]}_{d[5:7]}" for d in DATES for v in ("B4", "B8")],
    "newest first": [f"{d}_{v}" for d in DATES[::-1] for v in ("B4", "B8")],
    "Earth Engine": [
        f"{d.replace('-', '')}T101021_T33UUP_{v}" for d in DATES for v in ("B4", "B8")
    ],
}


@pytest.mark.parametrize("kind", DATED)
def test_dates_in_names(empty, kind):
    """Steps are in the order of time, whatever the order in the file."""
    world = empty()
    frame = make_labels()
    world.write_labels(frame)
    world.write_tifs(frame, names=DATED[kind])
    layout = world.export()["layout"]
    assert (list(layout["variables"]), layout["steps"]) == (["B4", "B8"], 3)
    assert layout["step_months"] == 1
    chip = read_chip(world.tif("s00"), layout_from_dict(layout)).data[:, 4, 4].reshape(3, 2)
    series = pixels(0)[:, 4, 4].reshape(3, 2)
    wanted = series[::-1] if kind == "newest first" else series
    assert np.allclose(chip, wanted)


def test_two_tifs_of_a_label(empty):
    """Radar and optical in a file each, on grids of their own, are joined by date."""
    world = empty(source__tifs="s2/{id}.tif, s1/{id}.tif")
    frame = make_labels()
    world.write_labels(frame)
    world.write_tifs(frame, pattern="s2/{id}.tif", names=DATED["date first"])
    radar = [f"{d[:8]}03_VV" for d in DATES]
    world.write_tifs(
        frame[1:],
        pattern="s1/{id}.tif",
        names=radar,
        pixel=30.0,
        make=lambda i: np.full((3, 3, 3), [[[1.0 * i]], [[2.0]], [[np.nan]]], "float32"),
    )
    out = world.run()
    assert out["report"]["left_out"] == {"s00": "no tif; expected s1/s00.tif"}
    assert list(out["manifest"]["layout"]["variables"]) == ["B4", "B8", "VV"]
    row = list(out["id"]).index("s05")
    assert np.allclose(out["X"][row, :, :2], pixels(5)[:, 4, 4].reshape(3, 2))
    assert np.allclose(out["X"][row, :, 2], [4, 2, 2])
    assert np.allclose(out["missing"], 1 / 9)


def test_a_field_larger_than_its_chip(empty):
    """The largest fields are not left out: the pixels that are there count."""
    world = empty()
    frame = make_labels(shape="polygon", metres=4000)
    world.write_labels(frame)
    small = make_labels()
    world.write_tifs(small.assign(geometry=small.geometry.translate(0.045)))
    for sampling in ("mean", "center", "pixels", "chip"):
        out = world.run(f"process.sampling={sampling}")
        assert out["report"]["left_out"] == {} and np.isfinite(out["X"]).all()
        if sampling == "mean":
            row = list(out["id"]).index("s03")
            mean = pixels(3).mean((1, 2)).reshape(3, 2)
            assert np.abs(out["X"][row] - mean).max() < 0.15


def test_signs_that_no_file_can_have(project):
    """An id with slashes and umlauts finds the file that was written with another sign there."""
    world = project()
    frame = make_labels()
    names = [f"Süd/{name} (a)" for name in frame["id"]]
    world.write_labels(frame.assign(id=names))
    for old, new in zip(frame["id"], names):
        world.tif(old).rename(world.tif(new.replace("/", "_").replace(" ", "-")))
    manifest = world.export()
    assert manifest["left_out"] == {}
    assert "zeros, capitals or signs" in " ".join(manifest["notes"])


@pytest.mark.parametrize("pattern", ["chips/{id}.tif", "chips/{id}.tif, tifs/{id}.tif"])
def test_a_pattern_without_a_match_shows_what_is_there(project, pattern):
    project().refuses_export(
        "30 tifs, e.g. tifs/s00.tif", "with {id}", overrides=[f"source.tifs={pattern}"]
    )
