"""Chips cut out of an image: the same pixels, hence the same dataset and the same map."""

import geopandas as gpd
import h5py
import numpy as np
import pytest
import rasterio
import shapely
from rasterio.windows import Window

from seedbed.base.errors import InputError
from seedbed.base.files import project_root
from seedbed.base.settings import load_settings
from seedbed.export import export
from seedbed.map import find_scene
from seedbed.process import process
from seedbed.running.graph import outside_files
from seedbed.sources.registry import find_source

SAMPLE = project_root() / "data/sample/romania"
TOLD = ["source.scale=0.0001", "split.block_km=0.2", "split.buffer_km=0.06"]


def settings_of(path, *more, labels=SAMPLE / "labels.geojson"):
    return load_settings(
        overrides=[
            f"source.name=scene:{path}",
            *([f"source.labels_file={labels}"] if labels else []),
            *TOLD,
            *more,
        ]
    )


def made(settings, folder):
    """X and ids of the dataset, and the manifest."""
    manifest = export(settings, folder / "export")
    process(settings, folder / "export", folder / "made")
    with h5py.File(folder / "made/dataset.h5") as file:
        return file["X"][:], file["id"].asstr()[:], manifest


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the sample's own tifs give."""
    return made(load_settings(), tmp_path_factory.mktemp("sample"))[:2]


def cut(target, windows, bands=None):
    """Pieces of Romania's scene as files of their own."""
    with rasterio.open(SAMPLE / "scene.tif") as file:
        for name, window in windows.items():
            here = bands[name] if bands else list(range(1, 43))
            path = target / f"{name}.tif"
            path.parent.mkdir(exist_ok=True, parents=True)
            profile = file.profile | {
                "count": len(here),
                "height": window.height,
                "width": window.width,
                "transform": file.window_transform(window),
            }
            with rasterio.open(path, "w", **profile) as piece:
                piece.write(file.read(here, window=window))
                piece.descriptions = [
                    file.descriptions[b - 1].partition("_")[0]
                    if bands
                    else file.descriptions[b - 1]
                    for b in here
                ]
    return target


LEFT, RIGHT = Window(0, 0, 37, 100), Window(37, 0, 63, 100)
MONTHS = {f"2018-{m + 4:02d}": list(range(6 * m + 1, 6 * m + 7)) for m in range(7)}


@pytest.mark.slow
@pytest.mark.parametrize("form", ["one image", "tiles", "a file a month", "a folder a month"])
def test_any_form_gives_the_dataset_that_tifs_give(form, expected, tmp_path):
    path = SAMPLE / "scene.tif"
    if form == "tiles":
        path = cut(tmp_path / "tiles", {"left": LEFT, "right": RIGHT})
    if form == "a file a month":
        path = cut(tmp_path / "months", dict.fromkeys(MONTHS, Window(0, 0, 100, 100)), MONTHS)
    if form == "a folder a month":
        pieces = {
            f"{m}/{side}": w for m in MONTHS for side, w in (("left", LEFT), ("right", RIGHT))
        }
        path = cut(
            tmp_path / "months", pieces, {name: MONTHS[name.partition("/")[0]] for name in pieces}
        )
    settings = settings_of(path)
    X, ids, manifest = made(settings, tmp_path)
    assert (ids == expected[1]).all() and np.array_equal(X, expected[0], equal_nan=True)
    assert manifest["layout"]["steps"] == 7 and manifest["labels"] == 700
    assert find_scene(settings, "auto") == path  # and a run maps it


def test_a_folder_holds_its_own_labels(tmp_path):
    folder = cut(tmp_path / "district", {"left": LEFT, "right": RIGHT})
    gpd.read_file(SAMPLE / "labels.geojson").iloc[:20].to_file(folder / "fields.gpkg")
    assert len(find_source(settings_of(folder, labels=None)).labels()) == 20
    assert [p for p, _ in outside_files(settings_of(folder, labels=None))] == [folder]


def test_what_cannot_be_cut_is_listed(tmp_path):
    labels = gpd.read_file(SAMPLE / "labels.geojson").iloc[:12]
    with rasterio.open(SAMPLE / "scene.tif") as file:
        profile, values = file.profile, file.read()
        box = gpd.GeoSeries([labels.geometry.iloc[1]], crs=4326).to_crs(file.crs).total_bounds
        row, column = file.index(box[0], box[3])
        values[:, row - 3 : row + 6, column - 3 : column + 6] = 0
        names = file.descriptions
    with rasterio.open(tmp_path / "scene.tif", "w", **profile) as file:
        file.write(values)
        file.descriptions = names
    labels.loc[labels.index[0], "geometry"] = shapely.Point(20, 45)
    labels.to_file(tmp_path / "labels.gpkg")
    manifest = export(
        settings_of(
            tmp_path / "scene.tif",
            "source.margin=0",
            "labels.max_left_out=1",
            labels=tmp_path / "labels.gpkg",
        ),
        tmp_path / "export",
    )
    assert manifest["left_out"][labels["id"].iloc[0]] == "lies outside of the scene"
    assert manifest["left_out"][labels["id"].iloc[1]] == "the scene has no data there"


@pytest.mark.slow
def test_scale_and_offset_tags_come_along(tmp_path):
    with rasterio.open(SAMPLE / "scene.tif") as file:
        profile, values, names = file.profile, file.read(), file.descriptions
    with rasterio.open(tmp_path / "scene.tif", "w", **profile) as file:
        file.write(values)
        file.descriptions = names
        file.scales, file.offsets = [0.0001] * 42, [-0.1] * 42
    settings = load_settings(
        overrides=[
            f"source.name=scene:{tmp_path}/scene.tif",
            f"source.labels_file={SAMPLE}/labels.geojson",
            *TOLD[1:],
        ]
    )
    X, _, _ = made(settings, tmp_path)
    reference, _, _ = made(
        load_settings(
            overrides=[
                "source.offset=-0.1",
                f"source.name=scene:{SAMPLE}/scene.tif",
                f"source.labels_file={SAMPLE}/labels.geojson",
                *TOLD,
            ]
        ),
        tmp_path / "b",
    )
    assert np.allclose(X, reference, atol=1e-6)


@pytest.mark.parametrize(
    "path, labels, said",
    [
        ("nowhere.tif", SAMPLE / "labels.geojson", "no such image or folder; correct source.name"),
        (SAMPLE / "scene.tif", None, "source.labels_file = auto: an image alone has no labels"),
        (
            SAMPLE / "manifest.json",
            SAMPLE / "labels.geojson",
            "holds a text that begins with .schema_version. and no pixels",
        ),
    ],
)
def test_faults_are_told_in_a_line(path, labels, said, tmp_path):
    with pytest.raises(InputError, match=said) as told:
        export(settings_of(path, labels=labels), tmp_path / "export")
    assert "\n" not in str(told.value)


def test_the_files_behind_a_virtual_image_count(tmp_path):
    from seedbed.imagery.mosaic import mosaic

    folder = cut(tmp_path / "tiles", {"left": LEFT, "right": RIGHT})
    vrt = mosaic(folder, tmp_path / "scene.vrt")
    assert {p.name for p, _ in outside_files(settings_of(vrt))} == {
        "scene.vrt",
        "labels.geojson",
        "left.tif",
        "right.tif",
    }
