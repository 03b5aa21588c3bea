"""Labels of any file: awkward ones work, or are refused in a line that says how to fix them."""

import numpy as np
import pytest
import shapely

from seedbed.base.files import file_key
from seedbed.imagery.labels import read_labels
from seedbed.imagery.raster import reproject
from tests.support.world import IDS, UTM, make_labels


def exported(world, *overrides):
    """The labels of the export folder."""
    settings = world.settings(overrides)
    return read_labels(settings.root / settings.export_dir / "labels.geojson")


# --- it works ---


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


def test_a_column_of_groups_can_be_left_unused(empty):
    world, frame = empty(labels__group="none"), make_labels().assign(group="one farm")
    world.write_labels(frame, "fields.gpkg")
    world.write_tifs(frame).export()
    assert "group" not in exported(world) and "region" not in exported(world)


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
@pytest.mark.slow
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


# --- the labels file ---


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


def test_any_text_is_an_id(empty):
    """An id that cannot name a file has a key that can; ids stay as they are."""
    world = empty()
    names = ["field/7", "../up", "a b", "-rf", ".hidden", "Müller 3", "con", *IDS[7:]]
    frame = make_labels(id=names)
    world.write_labels(frame)
    world.write_tifs(frame.assign(id=[file_key(name) for name in names]))
    out = world.run()
    assert sorted(out["label_id"]) == sorted(names)
    tifs = world.root / world.settings().export_dir / "tifs"
    assert sorted(path.stem for path in tifs.iterdir()) == sorted(map(file_key, names))


def test_an_id_that_is_a_path(empty):
    """Of the id a/b the tif may be tifs/a/b.tif, and none outside of the folder."""
    world = empty()
    frame = make_labels(id=["north/7", "../../up", *IDS[2:]])
    world.write_labels(frame)
    world.write_tifs(frame[frame["id"] != "../../up"])
    manifest = world.export()
    assert manifest["left_out"] == {"../../up": "no tif; expected tifs/../../up.tif"}


def test_an_id_with_a_control_character(empty):
    world = empty()
    world.write_labels(make_labels(id=["a\tb", *IDS[1:]]))
    world.refuses_export("id 'a\\tb' holds a control character")


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


@pytest.mark.slow
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


# --- shapes ---


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
