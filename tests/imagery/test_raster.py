"""Tifs of any type and any grid: the fast reader gives what the general one gives, and what is missing stays missing."""

import numpy as np
import pyproj
import pytest
import rasterio
import shapely
from affine import Affine

from seedbed.imagery.raster import (
    Heads,
    _read_fast,
    _read_general,
    pixel_hectares,
    read_tif,
    reproject,
    to_float,
    window_hectares,
)
from tests.support.paths import SHARED
from tests.support.world import IDS, UTM, pixels, place, write_tif

# --- tifs ---


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
@pytest.mark.slow
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
@pytest.mark.slow
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
@pytest.mark.slow
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


@pytest.mark.slow
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


TOGO = SHARED / "togo_cropharvest_chip"
TYPES = ("uint8", "int16", "float32", "float64")


def tiled(path, data, **options):
    """A small image in one large tile, as Earth Engine writes it."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        count=len(data),
        height=data.shape[1],
        width=data.shape[2],
        dtype=data.dtype,
        crs="EPSG:4326",
        transform=Affine(9e-5, 0, 1.2, 0, -9e-5, 6.9),
        tiled=True,
        blockxsize=256,
        blockysize=256,
        **options,
    ) as file:
        file.write(data)
    return path


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("predictor", [1, 2, 3])
def test_rows_that_exist_are_all_that_an_lzw_tile_is_unpacked_for(
    tmp_path, dtype, interleave, predictor
):
    if predictor == 3 and not dtype.startswith("float"):
        pytest.skip("this predictor is for floating point")
    data = np.random.default_rng(0).normal(100, 30, (5, 17, 17)).astype(dtype)
    path = tiled(
        tmp_path / "a.tif", data, compress="lzw", interleave=interleave, predictor=predictor
    )
    assert np.array_equal(_read_fast(path).data, data) and np.array_equal(
        _read_general(path).data, data
    )


@pytest.mark.parametrize("size", [(17, 300), (300, 17), (256, 256), (257, 17)])
@pytest.mark.parametrize("compress", ["lzw", "deflate", None])
def test_images_larger_than_a_tile(tmp_path, size, compress):
    data = np.random.default_rng(0).integers(0, 50, (2, *size)).astype("uint16")
    path = tiled(tmp_path / "a.tif", data, **({"compress": compress} if compress else {}))
    assert np.array_equal(_read_fast(path).data, data)


@pytest.mark.skipif(not TOGO.is_dir(), reason="SEEDBED_SHARED_DATA holds no real chip")
def test_a_real_export_of_earth_engine():
    for path in TOGO.glob("tifs/*.tif"):
        fast, general = _read_fast(path), _read_general(path)
        assert np.array_equal(fast.data, general.data, equal_nan=True)
        assert fast.descriptions == general.descriptions and fast.crs == general.crs


@pytest.mark.parametrize(
    "crs, x, y, side",
    [
        ("EPSG:4326", 8, 55, 0.01),
        ("EPSG:4326", 179.95, 3, 0.01),
        ("EPSG:3857", 3_000_000, 6_400_000, 10),
        ("EPSG:32635", 500_000, 5_500_000, 10),
        ("EPSG:3035", 5_000_000, 2_900_000, 10),
        ("EPSG:3413", 1_000_000, -1_000_000, 100),
        ("EPSG:2263", 1_000_000, 200_000, 300),
    ],
)
def test_hectares_are_those_of_the_ground(crs, x, y, side):
    """Against the area of the outline on the ellipsoid; the last grid counts in feet."""
    grid = Affine(side, 0, x, 0, -side, y)
    found = window_hectares(grid, crs, (10, 20, 300, 200))
    left, top = grid @ (20, 10)
    edge = shapely.box(left, top - 300 * side, left + 200 * side, top)
    outline = reproject(shapely.segmentize(edge, side * 5), crs)
    ground = abs(pyproj.Geod(ellps="WGS84").geometry_area_perimeter(outline)[0]) / 1e4
    assert found.shape == (300, 200) and found.sum() == pytest.approx(ground, rel=2e-5)
    assert found[::299, ::199] == pytest.approx(
        pixel_hectares(grid, crs, np.array([[10], [309]]), np.array([[20, 219]]))
    )


# --- chips that are written alike ---


@pytest.mark.parametrize("interleave", ["band", "pixel"])
@pytest.mark.parametrize("dtype", ["float32", "uint16"])
def test_files_that_differ_by_pixels_and_place_alone(tmp_path, interleave, dtype):
    """A head that was read once stands for those like it, and for no other."""
    grid = {"height": 4, "width": 4, "count": 4, "dtype": dtype, "interleave": interleave}
    rng, paths = np.random.default_rng(0), [tmp_path / f"{i}.tif" for i in range(4)]
    for i, path in enumerate(paths):
        place = Affine(10, 0, 5e5 + 40 * i, 0, -10, 5e6)
        about = {"crs": f"EPSG:{32633 + (i == 3)}", "transform": place, "nodata": 7 + (i == 2)}
        with rasterio.open(path, "w", driver="GTiff", **grid, **about) as file:
            file.write(rng.integers(0, 9, (4, 4, 4)).astype(dtype))
            file.descriptions = list("abcd")
    sizes = {path.stat().st_size for path in paths}
    assert len(sizes) == 1
    heads = Heads()
    _read_fast(paths[0], heads)
    alike = [heads.read_alike(path) is not None for path in paths]
    assert alike == [True, True, False, False]
    assert Heads().read_alike(paths[0]) is None  # each reader has its own
    for path in paths:
        fast, general = _read_fast(path, heads), _read_general(path)
        assert np.array_equal(fast.data, general.data) and fast.data.dtype == general.data.dtype
        assert fast.transform.almost_equals(general.transform)
        assert (fast.crs, fast.nodata) == (general.crs, general.nodata)
    (tmp_path / "1.tif.msk").touch()
    assert _read_fast(paths[1]) is None
