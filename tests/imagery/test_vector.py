"""Labels come in the formats that people have; a file that is not what its name says is refused."""

import subprocess
import sys
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from seedbed.base.errors import InputError
from seedbed.imagery.vector import read_vector
from seedbed.sources.folder import find_labels_file
from tests.support.world import IDS, make_labels, write_tif

FILES = {
    "labels.json": {"driver": "GeoJSON"},
    "labels.kml": {"driver": "KML"},
    "labels.geoparquet": None,
    "labels.gdb": {"driver": "OpenFileGDB"},
    "labels.fgb": {"driver": "FlatGeobuf"},
    "labels.zip": "labels.shp",
    "labels.kmz": "doc.kml",
}


def write(frame, folder, name, kind):
    """A labels file of any format."""
    if kind is None:
        frame.to_parquet(folder / name)
    elif isinstance(kind, dict):
        frame.to_file(folder / name, **kind)
    else:
        inner = folder / "inner"
        inner.mkdir()
        frame.to_file(inner / kind, driver="KML" if kind.endswith("kml") else None)
        with zipfile.ZipFile(folder / name, "w") as file:
            for path in inner.iterdir():
                file.write(path, path.name)
        for path in inner.iterdir():
            path.unlink()
        inner.rmdir()


@pytest.mark.parametrize("name", FILES)
def test_formats(name, tmp_path):
    """Every format is found in a folder by itself, and holds the same labels."""
    frame = make_labels(6, "polygon")
    write(frame, tmp_path, name, FILES[name])
    (tmp_path / "manifest.json").write_text('{"type": "no labels"}')
    path = find_labels_file(tmp_path)
    assert path.name == name
    read = read_vector(path).sort_values("id").reset_index(drop=True)
    assert read["id"].tolist() == IDS[:6] and read["label"].tolist() == frame["label"].tolist()
    assert read.geometry.to_crs(4326).geom_equals_exact(frame.geometry, 1e-6).all() or all(
        a.symmetric_difference(b).area < 1e-12 for a, b in zip(read.geometry, frame.geometry)
    )


def test_layers(empty):
    """Several layers, and none named: stop and list them; tables without geometry do not count."""
    world = empty()
    frame = make_labels()
    world.write_tifs(frame)
    old = frame.assign(label="bare")
    old.to_file(world.data / "fields.gpkg", layer="drafts_2019")
    frame.to_file(world.data / "fields.gpkg", layer="fields_checked", mode="a")
    world.refuses_export("2 layers", "drafts_2019", "fields_checked", "source.layer")
    world.refuses_export("no layer 'drafts'", overrides=["source.layer=drafts"])
    made = world.export("source.layer=fields_checked")
    assert made["target"]["classes"] == ["forest", "wheat"]


def test_one_layer_and_a_table(tmp_path):
    """QGIS keeps styles in a table of their own."""
    import pyogrio

    frame = make_labels(3)
    frame.to_file(tmp_path / "fields.gpkg", layer="fields")
    styles = pd.DataFrame({"style": ["red"]})
    pyogrio.write_dataframe(styles, tmp_path / "fields.gpkg", layer="layer_styles", append=True)
    assert len(read_vector(tmp_path / "fields.gpkg")) == 3


def test_shapefiles_in_a_zip_are_layers(tmp_path):
    frame = make_labels(3)
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as file:
        for name in ("a", "b"):
            frame.to_file(tmp_path / f"{name}.shp")
            for path in tmp_path.glob(f"{name}.*"):
                file.write(path, path.name)
                path.unlink()
    with pytest.raises(InputError, match="2 layers"):
        read_vector(tmp_path / "all.zip")
    assert len(read_vector(tmp_path / "all.zip", layer="b")) == 3


def test_fid_as_id(empty):
    """The number that a GeoPackage gives to each feature is an id."""
    world = empty(labels__id="fid")
    frame = make_labels()
    frame.drop(columns="id").to_file(world.data / "fields.gpkg")
    world.write_tifs(frame.assign(id=range(1, 31)))
    out = world.run()
    assert sorted(map(int, out["label_id"])) == list(range(1, 31))


@pytest.mark.filterwarnings("ignore")
def test_columns_that_cannot_be_kept(empty):
    """A second geometry, lists, bytes and lengths of time are left out, and a note says so."""
    world = empty()
    frame = make_labels(shape="polygon")
    frame["centre"] = frame.geometry.centroid
    frame["age"] = pd.to_timedelta(range(30), unit="h")
    frame["tags"] = [["a", "b"]] * 30
    frame["raw"] = [b"x"] * 30
    world.write_labels(frame, "labels.parquet")
    out = world.write_tifs(frame).run()
    notes = " ".join(out["manifest"]["notes"])
    assert len(out["X"]) == 30
    assert all(name in notes for name in ("centre", "age", "tags", "raw"))


@pytest.mark.parametrize(
    "change",
    [
        lambda p: shapely.MultiPoint([p]),
        lambda p: shapely.Point(p.x, p.y, 7.0),
        lambda p: shapely.GeometryCollection([p]),
    ],
)
def test_one_point_in_other_clothes(project, empty, change):
    frame = make_labels()
    world = empty()
    world.write_labels(gpd.GeoDataFrame(frame, geometry=frame.geometry.map(change)), "a.gpkg")
    out = world.write_tifs(frame).run()
    assert out["report"]["left_out"] == {} and len(out["X"]) == 30


def test_areas_of_collections_and_true_multipoints(empty):
    """Of a collection the areas count; several points are no label."""
    frame = make_labels(shape="polygon")
    line = shapely.LineString([(26, 45), (26.0001, 45)])
    shapes = [shapely.GeometryCollection([g, line]) for g in frame.geometry]
    shapes[0] = shapely.MultiPoint([(26, 45), (26.1, 45)])
    world = empty()
    world.write_labels(gpd.GeoDataFrame(frame, geometry=shapes), "a.geojson")
    out = world.write_tifs(frame).run()
    assert out["report"]["left_out"] == {"s00": "is neither a point nor a polygon; convert it"}


def test_longitudes_from_0_to_360(empty):
    """Labels in the longitudes of a global product lie where they lie."""
    world = empty()
    frame = make_labels()
    moved = frame.assign(geometry=frame.geometry.translate(-100))
    world.write_tifs(moved, crs="EPSG:32617")
    world.write_labels(frame.assign(geometry=frame.geometry.translate(260)))
    out = world.run()
    assert len(out["X"]) == 30 and -75 < out["lon"].min() < out["lon"].max() < -73


@pytest.mark.parametrize(
    "name, text, said",
    [
        ("a.geojson", "<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>", "no JSON"),
        ("a.gpkg", "<OGRVRTDataSource/>", "is not what '.gpkg' says"),
        ("a.kml", '{"type": "FeatureCollection"}', "no XML"),
        ("a.gml", "<OGRWFSDataSource><URL>http://127.0.0.1:9</URL></OGRWFSDataSource>", "service"),
        (
            "a.json",
            '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline"}',
            "servic",
        ),
        ("a.zip", "<OGRVRTDataSource/>", "zip"),
    ],
)
def test_what_a_file_is_not(name, text, said, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=said) as told:
        read_vector(tmp_path / name)
    assert "\n" not in str(told.value)


def test_an_image_of_classes_is_no_labels_file(tmp_path):
    """The line has the command that makes polygons of it, and it works."""
    path = tmp_path / "classes.tif"
    classes = np.repeat([[1, 2]], 2, axis=0).astype("uint8")
    write_tif(path, classes[None], 30.0, 1.0, names=None)
    with pytest.raises(InputError, match="is an image.*rio shapes classes.tif") as refused:
        read_vector(path)
    command = str(refused.value).split("e.g. ")[1].split(" >")[0].split()
    program = Path(sys.executable).with_name(command[0])
    made = subprocess.run([program, *command[1:]], cwd=tmp_path, capture_output=True, check=True)
    (tmp_path / "classes.geojson").write_bytes(made.stdout)
    assert set(read_vector(tmp_path / "classes.geojson")["val"]) == {1, 2}
