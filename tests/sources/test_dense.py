"""Targets for each pixel: where they come from, and what is refused in one line."""

import numpy as np
import pytest

from seedbed.base.errors import InputError
from seedbed.sources import dense
from seedbed.sources.registry import find_source
from tests.support.dense import (
    CLASSES,
    CRS,
    GRID,
    dense_settings,
    truth,
    write_polygons,
    write_raster,
    write_scene,
)

VALUES = "0=bare, 1=crop, 2=wood"


@pytest.fixture
def place(tmp_path):
    """A folder with the scene."""
    write_scene(tmp_path)
    return tmp_path


def whole(source):
    """Every target of the scene, put together from its tiles."""
    out = np.full((96, 96), -9.0)
    for image, tile in source._tiles.values():
        mask = source.mask_of(image, tile)
        out[tile.row : tile.row + 8, tile.column : tile.column + 8] = mask
    return out


def test_polygons_are_burnt_and_the_rest_is_unlabelled(place):
    write_polygons(place)
    source = find_source(dense_settings(place))
    found, inside = whole(source), np.zeros((12, 12), bool)
    inside[1:-1, 1:-1] = True
    assert source.classes == sorted(CLASSES)
    np.testing.assert_array_equal(found, np.where(np.tile(inside, (8, 8)), truth(), -1))


def test_a_raster_on_the_same_grid_is_taken_as_it_is(place):
    write_raster(place / "mask.tif", truth().astype("uint8"))
    source = find_source(dense_settings(place, labels={"masks": "mask.tif", "values": VALUES}))
    np.testing.assert_array_equal(whole(source), truth())
    assert source.classes == list(CLASSES)
    assert not any("resampled" in line for line in source.notes())


def test_another_grid_and_projection_are_resampled_by_nearest_with_a_word(place):
    import rasterio.warp

    moved, width, height = rasterio.warp.calculate_default_transform(
        CRS, "EPSG:3035", 96, 96, *(GRID @ (0, 96)), *(GRID @ (96, 0)), resolution=5
    )
    coarse = np.full((height, width), 255, "uint8")
    rasterio.warp.reproject(
        truth().astype("uint8"),
        coarse,
        src_transform=GRID,
        src_crs=CRS,
        dst_transform=moved,
        dst_crs="EPSG:3035",
        dst_nodata=255,
    )
    write_raster(place / "mask.tif", coarse, moved, "EPSG:3035", 255)
    source = find_source(dense_settings(place, labels={"masks": "mask.tif"}))
    found = whole(source)
    assert (found >= 0).mean() > 0.97
    assert (found == truth())[found >= 0].mean() > 0.95
    assert any("resampled by nearest" in line and "EPSG:3035" in line for line in source.notes())


def test_a_quantity_comes_as_floats(place):
    values = truth().astype("float32") + 0.5
    values[:20] = np.nan
    write_raster(place / "mask.tif", values)
    source = find_source(dense_settings(place, labels={"masks": "mask.tif"}))
    assert source.task == "regression"
    np.testing.assert_array_equal(whole(source)[16:20], np.full((4, 96), np.nan))


def test_chips_of_a_folder_have_a_mask_each(tmp_path):
    (tmp_path / "tifs").mkdir()
    (tmp_path / "masks").mkdir()
    image = np.zeros((1, 32, 32), "float32")
    for k in range(3):
        grid = GRID @ GRID.translation(100 * k, 0)
        write_raster(tmp_path / f"tifs/c{k}.tif", image, grid, names=["red_t00"])
        write_raster(tmp_path / f"masks/c{k}.tif", np.eye(32, dtype="uint8"), grid)
    labels = {"masks": "masks/{id}.tif"}
    settings = dense_settings(tmp_path, labels=labels, source={"name": f"folder:{tmp_path}"})
    source = find_source(settings)
    labels = source.labels()
    assert len(labels) == 48 and set(labels["group"]) == {"c0", "c1", "c2"}
    assert any("each of the 3 chips is a group" in line for line in source.notes())
    (tmp_path / "masks/c1.tif").unlink()
    with pytest.raises(InputError, match="1 of 3 chips have no label raster, e.g. c1"):
        find_source(settings).labels()


REFUSED = {
    "empty": (np.full((96, 96), 255, "uint8"), "no pixel of the image has a target"),
    "one class": (np.zeros((96, 96), "uint8"), "expected two classes or more"),
    "no class": (np.full((96, 96), 7, "uint8"), "the value 7, in .* is none of the classes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mask_that_says_nothing_is_refused(place, case):
    values, line = REFUSED[case]
    write_raster(place / "mask.tif", values, nodata=255)
    named = {} if case == "one class" else {"values": VALUES}
    source = find_source(dense_settings(place, labels={"masks": "mask.tif"} | named))
    with pytest.raises(InputError, match=line) as error:
        source.labels()
    assert "\n" not in str(error.value)


def test_a_mask_beside_the_image_is_refused(place):
    write_raster(place / "mask.tif", truth().astype("uint8"), GRID.translation(1e6, 0) @ GRID)
    source = find_source(dense_settings(place, labels={"masks": "mask.tif", "values": VALUES}))
    with pytest.raises(InputError, match="the labels lie beside scene.tif"):
        source.labels()


def test_a_mask_that_is_missing_or_a_picture_is_refused(place):
    source = find_source(dense_settings(place, labels={"masks": "mask.tif"}))
    with pytest.raises(InputError, match="labels.masks = mask.tif: no such raster"):
        source.labels()
    write_raster(place / "mask.tif", np.zeros((3, 96, 96), "uint8"))
    source = find_source(dense_settings(place, labels={"masks": "mask.tif", "values": VALUES}))
    with pytest.raises(InputError, match="a label raster of 3 bands, expected one"):
        source.labels()


def test_many_values_are_no_classes(place):
    write_raster(place / "mask.tif", np.arange(96 * 96, dtype="int32").reshape(96, 96))
    source = find_source(dense_settings(place, labels={"masks": "mask.tif"}))
    with pytest.raises(InputError, match="too many for classes; set labels.task = regression"):
        source.labels()


def test_paths_as_targets_lead_to_the_guide(place):
    from seedbed.export import plan_export

    write_polygons(place, values=("a.tif", "b.tif", "c.tif"))
    settings = dense_settings(place, labels={"kind": "label"}, success={"metric": "f1_score"})
    with pytest.raises(InputError, match="set labels.kind = dense .guide: My labels are masks"):
        plan_export(find_source(settings), settings)


def test_listed_values_are_unlabelled_and_must_be_numbers(place):
    write_raster(place / "mask.tif", truth().astype("uint8"))
    labels = {"masks": "mask.tif", "missing": "0"}
    source = find_source(dense_settings(place, labels=labels))
    found = whole(source)
    np.testing.assert_array_equal(np.where(found == -9, -1, found), truth() - 1)
    source = find_source(dense_settings(place, labels=labels | {"missing": "none at all"}))
    with pytest.raises(InputError, match="a label raster holds numbers"):
        source.labels()


@pytest.mark.parametrize("kind", ["quantity", "class"])
def test_a_value_that_looks_like_no_data_is_refused(place, kind):
    """A raster without nodata in its tags: -9999 is no biomass, 255 no land cover."""
    values, odd = (truth() + 0.5, -9999) if kind == "quantity" else (truth(), 255)
    values[:30] = odd
    write_raster(place / "mask.tif", values.astype("float32" if kind == "quantity" else "uint8"))
    labels = {"masks": "mask.tif"}
    with pytest.raises(InputError, match=f"{odd} stands in 2,880 pixels.*labels.missing = {odd}"):
        find_source(dense_settings(place, labels=labels)).labels()
    found = whole(find_source(dense_settings(place, labels=labels | {"missing": str(odd)})))
    assert odd not in found
    kept = find_source(dense_settings(place, labels=labels | {"missing": "none"}))
    assert odd in whole(kept) or "255" in kept.classes


@pytest.mark.parametrize("kind", ["quantity", "class", "named"])
def test_each_tile_of_a_label_raster_is_read_once(place, kind, monkeypatch):
    """Its values, what seems to be no data and each tile's answer come from one count."""
    write_raster(place / "mask.tif", truth().astype("float32" if kind == "quantity" else "uint8"))
    labels = {"masks": "mask.tif"} | ({"values": VALUES} if kind == "named" else {})
    source = find_source(dense_settings(place, labels=labels))
    read, seen = dense.read_mask, []
    monkeypatch.setattr(dense, "read_mask", lambda *asked: seen.append(asked) or read(*asked))
    assert len(source.labels()) == len(seen) == len(set(seen))


def test_notes_say_what_a_raster_covers_and_what_its_classes_hold(place):
    write_raster(place / "mask.tif", truth()[:, :48].astype("uint8"))
    source = find_source(dense_settings(place, labels={"masks": "mask.tif", "values": VALUES}))
    notes = " | ".join(source.notes())
    assert "mask.tif: covers 50% of the image" in notes
    held = [f"{name} {(truth()[:, :48] == k).sum():,}" for k, name in enumerate(CLASSES)]
    assert f"pixels by class: {', '.join(held)}" in notes
