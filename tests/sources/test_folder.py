"""Bring your own labels and tifs: awkward inputs work, or are refused in a line that says how to mend them."""

import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from seedbed.sources.registry import find_source

from seedbed.export import export
from seedbed.imagery.chips import read_chip
from seedbed.imagery.labels import read_labels
from seedbed.imagery.layout import layout_from_dict
from seedbed.imagery.raster import read_tif, reproject, to_float
from world import NAMES, UTM, make_labels, pixels, place, write_tif

TOGO = Path(__file__).resolve().parents[2] / "shared" / "data" / "togo_cropharvest_chip"
IDS = [f"s{i:02d}" for i in range(30)]


def exported(world, *overrides):
    """The labels of the export folder."""
    settings = world.settings(overrides)
    return read_labels(settings.root / settings.export_dir / "labels.geojson")


# --- it works -------------------------------------------------------------------------------------------------------------------


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


def test_labels_in_utm(empty):
    """Labels come in any CRS and leave in longitude and latitude, in the same place."""
    world, frame = empty(), make_labels()
    world.write_labels(frame.to_crs(UTM), "fields.gpkg")
    world.write_tifs(frame).export()
    got = exported(world)
    assert got.crs.to_epsg() == 4326
    assert np.allclose(got.geometry.x, frame.geometry.x, atol=2e-7) and np.allclose(
        got.geometry.y, frame.geometry.y, atol=2e-7
    )


@pytest.mark.parametrize(
    "values",
    [list(range(30)), [float(i) for i in range(30)], [str(i) for i in range(30)]],
    ids=["int", "float", "text"],
)
def test_ids_that_are_numbers(empty, values):
    """98, 98.0 and '98' all name 98.tif."""
    world, frame = empty(), make_labels(id=values)
    world.write_labels(frame)
    out = world.write_tifs(frame.assign(id=[str(i) for i in range(30)])).run()
    assert set(out["id"]) == {str(i) for i in range(30)} and out["report"]["left_out"] == {}


def test_classes_that_are_numbers(project):
    """Classes 1, 2, 10 are classes in the order of their numbers."""
    world = project(label=[1, 2, 10] * 10)
    assert world.export()["target"]["classes"] == ["1", "2", "10"]
    assert set(world.run()["y"]) == {0, 1, 2}


@pytest.mark.parametrize("name", ["--5", "²", "-", "½", "a,b", " spaced out "])
def test_odd_class_names(project, name):
    """A class can have any name."""
    world = project(label=[name if i % 2 else "3" for i in range(30)])
    assert set(world.export()["target"]["classes"]) == {"3", name.strip()}
    assert set(world.run()["y"]) == {0, 1}


def test_boolean_classes(project):
    """True and False are classes."""
    assert project(label=[bool(i % 2) for i in range(30)]).run()["manifest"]["target"][
        "classes"
    ] == ["False", "True"]


def test_unicode_names(empty):
    """Columns, classes, regions and file names in any script."""
    world = empty(
        labels__id="شناسه",
        labels__target="Körnerfrucht",
        labels__region="région",
        source__labels_file="поля 田.geojson",
    )
    frame = make_labels(
        region=["Šumava" if i < 15 else "東京" for i in range(30)],
        label=["çavdar" if i % 2 else "小麦" for i in range(30)],
    )
    world.write_labels(
        frame.rename(columns={"id": "شناسه", "label": "Körnerfrucht", "region": "région"}),
        "поля 田.geojson",
    )
    out = world.write_tifs(frame).run()
    assert out["manifest"]["target"]["classes"] == ["çavdar", "小麦"] and set(out["region"]) == {
        "Šumava",
        "東京",
    }


@pytest.mark.parametrize(
    "west,south,crs",
    [(178.6, -17.5, "EPSG:3832"), (-70.2, -33.5, "EPSG:32719"), (20.0, -34.5, "EPSG:4326")],
    ids=["antimeridian", "south-west", "south"],
)
def test_anywhere_on_earth(empty, west, south, crs):
    """Labels on both sides of the antimeridian and in the southern hemisphere."""
    world, frame = empty(), make_labels()
    lon = [((west + 0.5 * (i % 6)) + 180) % 360 - 180 for i in range(30)]
    frame = frame.set_geometry(
        gpd.points_from_xy(lon, [south + 0.2 * (i // 6) for i in range(30)], crs=4326)
    )
    world.write_labels(frame)
    world.write_tifs(frame, crs=crs, pixel=1e-4 if crs == "EPSG:4326" else 10.0)
    out = world.run()
    assert out["report"]["left_out"] == {}
    order = np.argsort(out["id"])
    assert np.allclose(out["X"][order].reshape(30, -1), [pixels(i)[:, 4, 4] for i in range(30)])


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


# --- the labels file ------------------------------------------------------------------------------------------------------------


def test_no_folder(empty):
    """The folder that source.name names is not there."""
    world = empty(source__name="folder:nowhere")
    world.refuses_export("nowhere", "no such folder", "source.name")


def test_no_path(empty):
    """`folder` alone is not a source."""
    empty(source__name="folder").refuses_export("source.name = folder", "folder:PATH")


def test_unknown_source(empty):
    """A typing error in the kind of source is met with the nearest kind."""
    empty(source__name="foldr:mine").refuses_export(
        "source.name = foldr:mine", "did you mean 'folder'?"
    )


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


def test_shapefile_without_prj(empty):
    """A shapefile without .prj is refused until source.crs says what it is."""
    world, frame = empty(), make_labels()
    path = world.write_labels(frame.to_crs(UTM), "fields.shp")
    path.with_suffix(".prj").unlink()
    world.write_tifs(frame).refuses_export(
        "fields.shp", "no coordinate reference system", "source.crs"
    )
    world.refuses_export(
        "source.crs=EPSG:999999", "EPSG:4326", overrides=["source.crs=EPSG:999999"]
    )
    assert len(world.run("source.crs=EPSG:32635")["X"]) == 30


def test_shapefile_with_the_wrong_crs(empty):
    """Metres taken for degrees lie outside of the Earth."""
    world, frame = empty(source__crs="EPSG:4326"), make_labels()
    path = world.write_labels(frame.to_crs(UTM), "fields.shp")
    path.with_suffix(".prj").unlink()
    world.write_tifs(frame).refuses_export(
        "no label can be used", "s00", "lies outside the Earth; is the CRS right?"
    )


def test_empty_vector_file(empty):
    """A file without features."""
    world = empty()
    (world.data / "labels.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    world.refuses_export("labels.geojson", "holds no labels", "add features")


@pytest.mark.parametrize(
    "name,content",
    [
        ("labels.geojson", b'{"type": "FeatureColl'),
        ("labels.gpkg", b"SQLite format 3\0 broken"),
        ("labels.parquet", b"PAR1"),
        ("labels.geojson", b""),
    ],
)
def test_corrupt_vector_file(empty, name, content):
    """A file that no reader understands."""
    world = empty()
    (world.data / name).write_bytes(content)
    world.refuses_export(name, "is it a whole vector file")


def test_missing_columns(project):
    """Every column that is missing is told at once, with the nearest that there is."""
    world = project(
        ini={
            "labels.id": "ident",
            "labels.target": "lable",
            "labels.region": "regoin",
            "labels.start": "strat",
        },
        region=["a"] * 30,
        start=["2020-01-01"] * 30,
    )
    world.refuses_export(
        "labels.geojson",
        "'ident' (labels.id)",
        "'lable' (labels.target)",
        "did you mean 'label'?",
        "'regoin' (labels.region)",
        "did you mean 'region'?",
        "'strat' (labels.start)",
        "did you mean 'start'?",
    )


def test_duplicate_ids(project):
    """An id that stands there twice, and rows without one."""
    world = project(id=["same", "same", None, *IDS[3:]])
    world.refuses_export("labels.geojson", "id 'same' stands there 2 times", "1 rows without an id")


@pytest.mark.parametrize("name", ["field/7", "../up", "a b", "-rf", ".hidden"])
def test_id_that_cannot_name_a_file(empty, name):
    """An id must be able to name a file."""
    world = empty()
    world.write_labels(make_labels(id=[name, *IDS[1:]]))
    world.refuses_export(f"id '{name}' cannot name a file", "letters, digits")


def test_ids_that_differ_by_case_alone(empty):
    """`A1` and `a1` would be one file on a Mac or on Windows."""
    world = empty()
    world.write_labels(make_labels(id=["A1", "a1", *IDS[2:]]))
    world.refuses_export("'A1'", "'a1'", "unique")


def test_date_that_is_none(project):
    """A date that cannot be read names its column and value."""
    project(start=["2020-01-01", "soon", *["2020-02-01"] * 28]).refuses_export(
        "column 'start'", "'soon'", "YYYY-MM-DD"
    )


def test_dates_are_not_guessed_at(project):
    """05.04. is the fifth of April here and the fourth of May there."""
    project(start=["05.04.2018"] * 15 + ["2018-04-05"] * 15).refuses_export(
        "column 'start'", "'05.04.2018' is not a date; write YYYY-MM-DD"
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


def test_one_date_for_all(project):
    """labels.start can be a date; a date column loses its time of day."""
    world = project(when=["2020/3/1 10:00"] * 30)
    assert set(world.run("labels.start=2018-04-01")["start"]) == {"2018-04-01"}
    assert set(world.run("labels.start=when")["start"]) == {"2020-03-01"}


def test_start_that_is_not_a_date(project):
    """labels.start = 2018-13-01 is neither a column nor a date."""
    project().refuses_export(
        "labels.start", "2018-13-01", "YYYY-MM-DD", overrides=["labels.start=2018-13-01"]
    )


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


# --- rows and tifs that do not match ----------------------------------------------------------------------------------------------


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


def test_on_fault_stop_lists_all(project):
    """One run tells all that is wrong with labels and tifs."""
    world = project(ini={"labels.on_fault": "stop"}, label=[None, *["a", "b"] * 14, "a"])
    world.tif("s05").unlink()
    world.tif("s06").unlink()
    world.refuses_export(
        "3 faults", "labels.on_fault = stop", "s00: no label", "s05: no tif", "s06: no tif"
    )


def test_on_fault_stop_in_process(project):
    """Tifs that cannot be used are told together."""
    world = project(ini={"labels.on_fault": "stop"})
    world.tif("s05").write_bytes(b"II*\0 nothing")
    write_tif(world.tif("s06"), pixels(6)[:4], *place(6), names=NAMES[:4])
    world.refuses_process(
        "2 faults",
        "labels.on_fault = stop",
        "s05",
        "cannot be read",
        "s06",
        "lacks 2 of 6 bands, first B4 at step 2",
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


# --- tifs -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "uint8", "uint16"])
def test_data_types(project, dtype):
    """Values are the same whatever the type."""
    out = project(make=lambda i: pixels(i, dtype=dtype)).run()
    order = np.argsort(out["id"])
    assert out["X"].dtype == np.float32
    assert np.allclose(
        out["X"][order].reshape(30, -1), [pixels(i, dtype=dtype)[:, 4, 4] for i in range(30)]
    )


def with_hole(i, value, dtype="float32"):
    """Pixels whose second step is missing."""
    data = pixels(i, dtype=dtype)
    data[2:4] = value
    return data


def halfway(i, dtype="float32"):
    """What interpolation puts into the hole."""
    data = pixels(i, dtype=dtype)[:, 4, 4].astype(float)
    return np.concatenate([data[:2], (data[:2] + data[4:]) / 2, data[4:]])


@pytest.mark.parametrize(
    "value,tag,dtype,compress",
    [
        (np.nan, None, "float32", None),
        (np.nan, np.nan, "float64", "deflate"),
        (-9999, -9999, "int16", "lzw"),
        (-9999, -9999, "float32", None),
        (0, 0, "uint8", None),
        (-3.4028234663852886e38, -3.4028234663852886e38, "float32", None),
    ],
)
def test_nodata_with_the_tag(project, value, tag, dtype, compress):
    """NaN, or the value that the tif's tag names, is missing."""
    world = project()
    for i, name in enumerate(IDS):
        write_tif(
            world.tif(name), with_hole(i, value, dtype), *place(i), nodata=tag, compress=compress
        )
    out = world.run()
    assert np.allclose(out["missing"], 1 / 3)
    assert np.allclose(
        out["X"][np.argsort(out["id"])].reshape(30, -1),
        [halfway(i, dtype) for i in range(30)],
        rtol=1e-5,
    )


@pytest.mark.parametrize("value,dtype", [(-9999, "int16"), (-9999, "float32"), (0, "uint8")])
def test_nodata_without_the_tag(project, value, dtype):
    """Without the tag the settings name the value."""
    world = project(make=lambda i: with_hole(i, value, dtype))
    assert np.allclose(world.run()["missing"], 0)
    out = world.run(f"source.nodata={value}")
    assert np.allclose(out["missing"], 1 / 3) and out["X"].min() > 0


def test_nodata_beside_the_tag(project):
    """The tag says one value, the data hold another as well."""
    world = project()
    for i, name in enumerate(IDS):
        data = with_hole(i, -9999)
        data[4:] = -1
        write_tif(world.tif(name), data, *place(i), nodata=-9999)
    assert np.allclose(world.run("source.nodata=-1")["missing"], 2 / 3)


def test_nodata_tag_out_of_the_type():
    """A tag that the type cannot hold marks nothing as missing (-9999 cast to a byte would be 241)."""
    data = np.full((1, 2, 2), 241, "uint8")
    for nodata in (-9999.0, 1e9, 240.5, np.nan):
        assert np.isfinite(to_float(data, nodata)).all()
    assert np.isnan(to_float(data, 241.0)).all()


def test_scale_and_offset(project):
    """Stored integers become reflectance; the stored nodata stays missing."""
    world = project(make=lambda i: with_hole(i, 0, "int16"))
    out = world.run("source.scale=0.0001", "source.offset=-0.1", "source.nodata=0")
    assert np.allclose(
        out["X"][np.argsort(out["id"])].reshape(30, -1),
        [halfway(i, "int16") * 1e-4 - 0.1 for i in range(30)],
        atol=1e-6,
    )
    assert np.allclose(out["missing"], 1 / 3)


@pytest.mark.parametrize("tag,asked", [(-9999, ()), (None, ("source.nodata=-9999",))])
def test_scale_in_the_tif(project, tag, asked):
    """A scale in the tif itself is applied, and not to the nodata value."""
    world = project()
    for i, name in enumerate(IDS):
        path = write_tif(world.tif(name), with_hole(i, -9999, "int16"), *place(i), nodata=tag)
        with rasterio.open(path, "r+") as file:
            file.scales, file.offsets = (0.01,) * 6, (0.5,) * 6
    out = world.run(*asked)
    assert np.allclose(out["missing"], 1 / 3)
    assert np.allclose(
        out["X"][np.argsort(out["id"])].reshape(30, -1),
        [halfway(i, "int16") * 0.01 + 0.5 for i in range(30)],
        atol=1e-5,
    )


def test_a_crs_and_a_size_for_each(project):
    """Each tif can have a grid of its own."""
    world = project()
    grids = [
        (UTM, 10.0),
        ("EPSG:32634", 10.0),
        ("EPSG:4326", 1e-4),
        ("EPSG:3035", 20.0),
        ("EPSG:3857", 15.0),
    ]
    for i, name in enumerate(IDS):
        crs, pixel = grids[i % len(grids)]
        size = 3 + 2 * (i % 4)
        write_tif(world.tif(name), pixels(i, size=size), *place(i), crs=crs, pixel=pixel)
    out = world.run()
    assert out["report"]["left_out"] == {}
    expected = [pixels(i, size=3 + 2 * (i % 4))[:, 1 + i % 4, 1 + i % 4] for i in range(30)]
    assert np.allclose(out["X"][np.argsort(out["id"])].reshape(30, -1), expected)


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


def test_bands_in_another_order(project):
    """Names, not positions, say which band is which."""
    world, rng = project(), np.random.default_rng(0)
    for i, name in enumerate(IDS):
        order = rng.permutation(6)
        write_tif(world.tif(name), pixels(i)[order], *place(i), names=[NAMES[k] for k in order])
    out = world.run()
    first = [NAMES[k] for k in np.random.default_rng(0).permutation(6)]
    variables = list(dict.fromkeys(n[:2] for n in first))
    index = [NAMES.index(f"{v}_t{t:02d}") for t in range(3) for v in variables]
    assert np.allclose(
        out["X"][np.argsort(out["id"])].reshape(30, -1), [pixels(i)[index, 4, 4] for i in range(30)]
    )


def test_named_bands_with_variables_in_the_settings(project):
    """source.variables takes the bands by position, whatever their names."""
    out = project().run("source.variables=red, nir")
    assert out["X"].shape == (30, 3, 2) and '"red"' in out["facts"]["variables"]


def test_a_tif_that_lacks_a_band(project):
    """Only that label is left out."""
    world = project()
    write_tif(world.tif("s07"), pixels(7)[:5], *place(7), names=NAMES[:5])
    out = world.run()
    assert (
        list(out["report"]["left_out"]) == ["s07"]
        and "lacks 1 of 6 bands, first B8 at step 2" in out["report"]["left_out"]["s07"]
    )
    assert len(out["X"]) == 29


def test_names_that_leave_a_step_out(project):
    """Names that describe a hole are refused."""
    world = project()
    for i, name in enumerate(IDS):
        write_tif(world.tif(name), pixels(i)[:5], *place(i), names=NAMES[:5])
    world.refuses_export("s00.tif", "B8 at step 2", "source.variables")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compress": "deflate"},
        {"compress": "lzw", "interleave": "pixel"},
        {"tiled": True, "blockxsize": 16, "blockysize": 16},
    ],
    ids=["raw", "deflate", "lzw", "tiled"],
)
def test_a_truncated_tif(tmp_path, options):
    """However much of a tif is there: it is refused, or its values are right."""
    path = write_tif(tmp_path / "whole.tif", pixels(1, size=40), 26, 45, **options)
    whole, cut = path.read_bytes(), tmp_path / "cut.tif"
    right = read_tif(path).data
    for share in (0, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999):
        cut.write_bytes(whole[: int(len(whole) * share)])
        try:
            assert np.array_equal(read_tif(cut).data, right), (
                f"{share} of the file gives other values"
            )
        except ValueError as error:
            assert "cut.tif" in str(error) and "export this tif again" in str(error)


def test_only_the_truncated_tif_is_left_out(project):
    """One bad tif, even the first, costs one label."""
    world = project()
    path = world.tif("s00")
    path.write_bytes(path.read_bytes()[:700])
    out = world.run()
    assert (
        list(out["report"]["left_out"]) == ["s00"]
        and "s00.tif" in out["report"]["left_out"]["s00"]
        and len(out["X"]) == 29
    )


def test_tif_without_crs(project):
    """A tif that does not say where it lies."""
    world = project()
    write_tif(world.tif("s04"), pixels(4), *place(4), crs=None)
    out = world.run()
    assert (
        list(out["report"]["left_out"]) == ["s04"]
        and "no coordinate reference system" in out["report"]["left_out"]["s04"]
    )


def test_no_tif_has_a_crs(project):
    """All tifs without CRS."""
    world = project()
    for i, name in enumerate(IDS):
        write_tif(world.tif(name), pixels(i), *place(i), crs=None)
    world.refuses_export("s00.tif", "no coordinate reference system", "assign one")


def test_label_outside_of_its_tif(project):
    """A tif from somewhere else costs its label."""
    world = project()
    write_tif(world.tif("s04"), pixels(4), *place(5))
    left_out = world.run()["report"]["left_out"]
    assert (
        list(left_out) == ["s04"]
        and "outside of its tif" in left_out["s04"]
        and ";" in left_out["s04"]
    )


def test_all_labels_outside(project):
    """The first reason is told where no label can be sampled."""
    world = project()
    for i, name in enumerate(IDS):
        write_tif(world.tif(name), pixels(i), *place(29 - i + 6))
    world.refuses_process("no label could be sampled", "outside of its tif")


def test_rotated_and_south_up_tifs(project):
    """A grid needs not point north."""
    from affine import Affine

    world = project()
    for i, name in enumerate(IDS):
        middle = reproject(shapely.Point(place(i)), "EPSG:4326", UTM)
        turn = Affine.scale(10, 10) if i % 2 else Affine.rotation(30) * Affine.scale(10, -10)
        write_tif(
            world.tif(name),
            pixels(i),
            *place(i),
            transform=Affine.translation(middle.x, middle.y)
            * turn
            * Affine.translation(-4.5, -4.5),
        )
    out = world.run()
    assert np.allclose(
        out["X"][np.argsort(out["id"])].reshape(30, -1), [pixels(i)[:, 4, 4] for i in range(30)]
    )


# --- too little -----------------------------------------------------------------------------------------------------------------


def test_one_class_only(project):
    """One class cannot be told from another."""
    project(label=["wheat"] * 30).refuses_process("'wheat'", "two classes or more")


def test_three_samples(project):
    """Three labels are too few."""
    project(3).refuses_process("3 labels are too few", "at least 10")


def test_all_in_one_place(project):
    """Labels in one block cannot be split by place; smaller blocks mend it."""
    world = project(12)
    world.refuses_process("no label is for", "split.block_km", overrides=["split.block_km=2000"])


def test_class_in_one_place_only(project):
    """A class that no fold can have on both sides is named."""
    world = project(
        label=["rare" if i in (28, 29) else "wheat" if i % 2 else "forest" for i in range(30)]
    )
    warnings = world.run("split.block_km=25", "split.buffer_km=0")["report"]["split"]["warnings"]
    assert any("class 'rare' lies in" in w and "left out of the score" in w for w in warnings), (
        warnings
    )


def test_all_pixels_missing(project):
    """Samples without values are left out; when all are, the run stops."""
    world = project(make=lambda i: pixels(i) * np.nan if i < 3 else pixels(i))
    left_out = world.run()["report"]["left_out"]
    assert sorted(left_out) == IDS[:3] and all(
        "100 % of its values are missing" in r and "process.max_missing = 0.7" in r
        for r in left_out.values()
    )


def test_nothing_but_missing(project):
    """Not one value anywhere."""
    world = project(make=lambda i: pixels(i) * np.nan)
    world.refuses_process("no sample is left", "100 %", "process.max_missing")


# --- shapes ---------------------------------------------------------------------------------------------------------------------


def test_self_crossing_polygon(empty):
    """A bow tie is mended to its two areas."""
    world, frame = empty(), make_labels(shape="polygon")
    middle = reproject(frame.geometry[4].centroid, "EPSG:4326", UTM)
    x, y = middle.x, middle.y
    bow = shapely.Polygon([(x - 40, y - 40), (x + 40, y + 40), (x + 40, y - 40), (x - 40, y + 40)])
    assert not bow.is_valid
    frame.loc[4, "geometry"] = reproject(bow, UTM)
    world.write_labels(frame)
    out = world.write_tifs(make_labels()).run()
    assert len(out["X"]) == 30 and exported(world).geometry.is_valid.all()


def test_polygon_that_touches_no_pixel_centre(empty):
    """A sliver takes the pixel under it."""
    world, frame = empty(), make_labels(shape="polygon", metres=1)
    frame["geometry"] = frame.geometry.translate(3.5e-5, 2.5e-5)  # off the pixel's centre
    world.write_labels(frame)
    out = world.write_tifs(make_labels()).run()
    assert np.allclose(
        out["X"][np.argsort(out["id"])].reshape(30, -1), [pixels(i)[:, 4, 4] for i in range(30)]
    )


@pytest.mark.parametrize(
    "overrides",
    [
        ["split.buffer_km=0"],
        ["split.buffer_km=0", "split.block_km=0.001"],
        ["split.method=column", "split.column=side", "split.buffer_km=0"],
    ],
)
@pytest.mark.parametrize("apart", [0.0, 2e-5], ids=["same geometry", "same pixel"])
@pytest.mark.parametrize("shape", ["point", "polygon"])
def test_two_labels_on_one_place_never_meet(empty, overrides, apart, shape):
    """Two labels on one pixel are on one side, or one goes, or the run stops."""
    world = empty()
    frame = make_labels(36, shape, metres=2, side=["a" if i % 3 else "b" for i in range(36)])
    shapes = frame.geometry.copy()
    for i in range(0, 36, 2):
        shapes[i + 1] = shapely.affinity.translate(shapes[i], apart)
    frame = frame.set_geometry(shapes)
    world.write_labels(frame)
    for i, name in enumerate(frame["id"]):
        write_tif(world.tif(name), pixels(i // 2 * 2), *place(i // 2 * 2))
    try:
        out = world.run(*overrides)
    except ValueError as error:
        assert "the split leaks" in str(error) or "no label is for" in str(error)
        assert world.made(*overrides) == ["manifest.json"]
        return
    for row in out["sides"]:
        side = dict(zip(out["label_id"], row))
        assert not [
            i
            for i in range(0, 36, 2)
            if {side[f"s{i:02d}"], side[f"s{i + 1:02d}"]} == {"train", "val"}
        ]


# --- refusals leave nothing that looks whole ----------------------------------------------------------------------------------------


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


# --- a real chip ------------------------------------------------------------------------------------------------------------------


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
