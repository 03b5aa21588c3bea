"""The committed samples are whole, small, consistent and made by the tool that says so."""

import hashlib
import json
import os
import subprocess
import sys
from collections import Counter

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely

from seedbed.base.settings import load_settings
from seedbed.sources.sample import sample_folder
from tests.support.paths import ROOT

SAMPLES = ROOT / "data/sample"
NAMES = ("brandenburg", "romania")
CRS = {"brandenburg": "EPSG:32633", "romania": "EPSG:3035"}
KEYS = {
    "schema_version",
    "name",
    "source",
    "description",
    "layout",
    "targets",
    "label_kind",
    "suggested",
    "licence",
    "attribution",
    "made_from",
    "scene",
    "bands",
}


def read_manifest(name):
    """A sample's manifest."""
    return json.loads((SAMPLES / name / "manifest.json").read_text(encoding="utf-8"))


def read_labels(name):
    """A sample's labels in longitude and latitude."""
    return gpd.read_file(SAMPLES / name / "labels.geojson")


def expected_names(layout):
    """Band descriptions that a layout asks for."""
    return tuple(
        f"{variable}_t{step:02d}"
        for step in range(layout["steps"])
        for variable in layout["variables"]
    )


def listed_hashes():
    """{file name: hash} of SHA256SUMS."""
    lines = (SAMPLES / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    return {name: digest for digest, name in (line.split("  ", 1) for line in lines)}


def committed_files():
    """All files of the samples but the list itself."""
    files = (path for path in SAMPLES.rglob("*") if path.is_file() and path.name != "SHA256SUMS")
    return {path.relative_to(SAMPLES).as_posix(): path for path in files}


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    """A function: the folder of the chips of a sample, cut anew."""
    exports = tmp_path_factory.mktemp("exports")
    settings = load_settings(ROOT / "settings.ini", [f"paths.exports={exports}"])
    return lambda name: sample_folder(name, settings) / "tifs"


def tree_cover_fit(labels, red, infrared, transform, shift):
    """How well a plane through two bands explains tree cover when the image is moved by (rows, columns)."""
    rows = np.round((transform.f - labels.centroid.y.to_numpy()) / 10).astype(int) + shift[0]
    columns = np.round((labels.centroid.x.to_numpy() - transform.c) / 10).astype(int) + shift[1]
    predictors = [np.ones(len(labels))]
    for image in (*red, *infrared):
        corners = [image[rows + i, columns + j] for i in (-1, 0) for j in (-1, 0)]
        predictors.append(np.mean(corners, axis=0))
    predictors = np.column_stack(predictors)
    target = labels["tree_cover"].to_numpy(float)
    weights = np.linalg.lstsq(predictors, target, rcond=None)[0]
    return np.corrcoef(predictors @ weights, target)[0, 1]


def test_hashes_match_and_nothing_else_is_there():
    files = committed_files()
    listed = listed_hashes()
    assert sorted(listed) == list(listed)
    assert set(files) == set(listed)
    changed = [
        name
        for name, path in files.items()
        if hashlib.sha256(path.read_bytes()).hexdigest() != listed[name]
    ]
    assert not changed


def test_samples_stay_small():
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) <= 12_000_000


@pytest.mark.parametrize("name", NAMES)
def test_manifest_says_what_is_needed(name):
    manifest = read_manifest(name)
    assert KEYS <= set(manifest)
    assert manifest["name"] == name and manifest["source"] == f"sample:{name}"
    assert [band["name"] for band in manifest["bands"]] == manifest["layout"]["variables"]
    assert len(manifest["made_from"]["sha256"]) == 64
    assert manifest["attribution"] in (SAMPLES / name / "ATTRIBUTION.md").read_text(
        encoding="utf-8"
    )
    assert manifest["label_kind"] == {"romania": "product", "brandenburg": "map"}[name]


@pytest.mark.parametrize("name", NAMES)
def test_labels_are_clean(name):
    labels = read_labels(name)
    record = json.loads((SAMPLES / name / "labels.geojson").read_text(encoding="utf-8"))
    assert "crs" not in record  # RFC 7946: always longitude and latitude
    assert labels["id"].is_unique and labels["id"].is_monotonic_increasing
    assert labels.geometry.is_valid.all() and (labels.geom_type == "Polygon").all()
    assert shapely.is_ccw(shapely.get_exterior_ring(labels.geometry.to_numpy())).all()
    assert not labels.isna().any().any()
    assert labels["region"].nunique() == 4


@pytest.mark.parametrize("name", NAMES)
def test_classes_are_the_labels(name):
    labels, targets = read_labels(name), read_manifest(name)["targets"]
    for column, target in targets.items():
        assert column in labels.columns
        if target["task"] == "classification":
            assert set(target["classes"]) == set(labels[column])
        else:
            assert np.issubdtype(labels[column].dtype, np.number) and target["unit"]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_label_has_its_tif(name, chips):
    layout, labels = read_manifest(name)["layout"], read_labels(name)
    folder = chips(name)
    tifs = {path.stem for path in folder.iterdir()}
    assert tifs == set(labels["id"])
    outside = []
    for identifier, center in zip(labels["id"], labels.to_crs(CRS[name]).centroid):
        with rasterio.open(folder / f"{identifier}.tif") as file:
            assert file.descriptions == expected_names(layout), identifier
            assert set(file.dtypes) == {"uint16"} and file.nodata == layout["nodata"] == 0, (
                identifier
            )
            assert (
                file.crs.to_string() == CRS[name] and file.res == (layout["resolution_m"],) * 2
            ), identifier
            left, bottom, right, top = file.bounds
        if not (left < center.x < right and bottom < center.y < top):
            outside.append(identifier)
    assert not outside


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_labels_lie_in_their_tifs_and_hold_pixels(name, chips):
    labels, folder = read_labels(name).to_crs(CRS[name]), chips(name)
    for identifier, polygon in zip(labels["id"], labels.geometry):
        with rasterio.open(folder / f"{identifier}.tif") as file:
            columns, rows = np.meshgrid(np.arange(file.width) + 0.5, np.arange(file.height) + 0.5)
            x, y = file.transform.c + 10 * columns, file.transform.f - 10 * rows
            assert shapely.box(*file.bounds).buffer(0.1).covers(polygon), identifier
        assert shapely.contains_xy(polygon, x, y).any(), identifier


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_chips_are_cut_from_the_scene(name, chips):
    manifest = read_manifest(name)
    with rasterio.open(SAMPLES / name / manifest["scene"]["file"]) as scene:
        bands, origin = scene.read(), scene.transform
        assert scene.descriptions == expected_names(manifest["layout"])
        assert scene.crs.to_string() == manifest["scene"]["crs"] == CRS[name]
        assert list(scene.bounds) == pytest.approx(manifest["scene"]["bounds"])
        assert bands.shape == tuple(manifest["scene"][key] for key in ("bands", "height", "width"))
    for path in sorted(chips(name).iterdir())[::25]:
        with rasterio.open(path) as chip:
            row = round((origin.f - chip.transform.f) / 10)
            column = round((chip.transform.c - origin.c) / 10)
            assert np.array_equal(
                chip.read(), bands[:, row : row + chip.height, column : column + chip.width]
            ), path.name


def test_romania_covers_every_square():
    labels = read_labels("romania").to_crs(CRS["romania"])
    assert len(labels) >= 600
    left, bottom, _, _ = read_manifest("romania")["scene"]["bounds"]
    east = ((labels.centroid.x - left) // 100).astype(int)
    north = ((labels.centroid.y - bottom) // 100).astype(int)
    squares = Counter(zip(east, north))
    assert set(squares) == {(i, j) for i in range(10) for j in range(10)}
    assert set(squares.values()) == {7}


def test_romania_classes_follow_the_density():
    labels = read_labels("romania")
    density = labels["tree_cover"]
    assert density.between(0, 100).all()
    expected = np.where(density < 30, "open", np.where(density > 70, "dense", "mixed"))
    column = next(
        key
        for key, target in read_manifest("romania")["targets"].items()
        if target["task"] == "classification"
    )
    assert (labels[column] == expected).all()


def test_romania_tree_cover_lies_on_the_imagery():
    labels = read_labels("romania").to_crs(CRS["romania"])
    with rasterio.open(SAMPLES / "romania" / "scene.tif") as scene:
        place = {name: index for index, name in enumerate(scene.descriptions)}
        bands, transform = scene.read().astype(float), scene.transform
    april_to_july = (0, 1, 3)  # steps without a missing pixel
    red, infrared = (
        [bands[place[f"{band}_t{step:02d}"]] for step in april_to_july] for band in ("B4", "B8")
    )
    shifts = [(row, column) for row in range(-2, 3) for column in range(-2, 3)]
    fits = {shift: tree_cover_fit(labels, red, infrared, transform, shift) for shift in shifts}
    assert max(fits, key=fits.get) == (0, 0), fits
    assert fits[0, 0] > 0.85


@pytest.mark.slow
@pytest.mark.network
def test_the_tool_makes_the_same_files():
    command = [sys.executable, str(ROOT / "tools" / "make_samples.py"), "--check"]
    if folder := os.environ.get("SEEDBED_WHEELS"):
        command += ["--wheels", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
