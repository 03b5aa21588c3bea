"""What marks a pixel as missing does so in chips, scenes and maps alike; nothing but a file is opened."""

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp

from seedbed.base.errors import InputError
from seedbed.base.files import link_image
from seedbed.imagery.chips import read_chip
from seedbed.imagery.layout import Layout
from seedbed.imagery.mosaic import mosaic
from seedbed.imagery.raster import read_tif
from seedbed.imagery.scene import Scene, write_cog
from seedbed.imagery.validity import open_image
from seedbed.sources.scene import cut_chip

TWO = Layout(("red", "nir"))
PLACE = Affine(10, 0, 5e5, 0, -10, 5e6)
HOLE = np.zeros((6, 8), bool)
HOLE[:, :3] = True


def image(path, data, names=("red", "nir"), transform=PLACE, **profile):
    """A tif of bands [b, 6, 8]."""
    grid = {"height": 6, "width": 8, "crs": "EPSG:32634", "transform": transform}
    options = {"driver": "GTiff", "count": len(data), "dtype": data.dtype, **grid}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **options | profile) as file:
        file.write(data)
        if names:
            file.descriptions = names
    return path


def numbers(dtype="uint16", bands=2):
    """Values that are nowhere 0, and 0 where a cloud was cut out."""
    data = np.random.default_rng(0).integers(20, 250, (bands, 6, 8)).astype(dtype)
    data[:, HOLE] = 0
    return data


def internal_mask(path):
    image(path, numbers())
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "r+") as file:
        file.write_mask(np.where(HOLE, 0, 255).astype("uint8"))


def msk_file(path):
    image(path, numbers())
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as file:
        file.write_mask(np.where(HOLE, 0, 255).astype("uint8"))
    assert path.with_name(path.name + ".msk").is_file()


def alpha_band(path):
    alpha = np.where(HOLE, 0, 255)[None]
    data = np.concatenate([numbers("uint8"), alpha]).astype("uint8")
    image(path, data, ("red", "nir", "alpha"))
    with rasterio.open(path, "r+") as file:
        file.colorinterp = (ColorInterp.gray, ColorInterp.undefined, ColorInterp.alpha)


def pam_nodata(path):
    image(path, numbers())
    path.with_name(path.name + ".aux.xml").write_text(
        "<PAMDataset>"
        + "".join(
            f'<PAMRasterBand band="{b}"><NoDataValue>0</NoDataValue></PAMRasterBand>'
            for b in (1, 2)
        )
        + "</PAMDataset>"
    )


def nodata_tag(path):
    image(path, numbers(), nodata=0)


def nodata_by_band(path):
    data = numbers()
    data[1, HOLE] = 9
    image(path, data)
    path.with_name(path.name + ".aux.xml").write_text(
        "<PAMDataset>"
        + "".join(
            f'<PAMRasterBand band="{b}"><NoDataValue>{v}</NoDataValue></PAMRasterBand>'
            for b, v in ((1, 0), (2, 9))
        )
        + "</PAMDataset>"
    )


def not_a_number(path):
    data = numbers("float32")
    data[:, HOLE] = np.nan
    image(path, data)


KINDS = [
    internal_mask,
    msk_file,
    alpha_band,
    pam_nodata,
    nodata_tag,
    nodata_by_band,
    not_a_number,
]


@pytest.mark.parametrize("make", KINDS)
def test_one_rule(make, tmp_path):
    """The same pixels are missing in a chip, in a linked chip, in a scene, in a chip cut from it and in a mosaic."""
    path = tmp_path / "mine/a.tif"
    make(path)
    link_image(path, tmp_path / "export/key.tif")
    chip = read_chip(path, TWO).data
    assert np.isnan(chip[:, HOLE]).all() and np.isfinite(chip[:, ~HOLE]).all()
    whole = Scene(path, TWO).read(0, 0, 6, 8)
    with open_image(path) as file:
        assert cut_chip(file, shapely.box(*file.bounds), 0, tmp_path / "cut.tif") is None
    image(tmp_path / "empty.tif", numbers())  # the folder of a mosaic holds tiles alone
    joined = Scene(mosaic(tmp_path / "mine", tmp_path / "m.vrt"), TWO).read(0, 0, 6, 8)
    for same in (
        read_chip(tmp_path / "export/key.tif", TWO).data,
        whole,
        read_chip(tmp_path / "cut.tif", TWO).data,
        joined,
    ):
        assert np.array_equal(same, chip, equal_nan=True)


@pytest.mark.parametrize("make", [internal_mask, alpha_band])
def test_masks_of_dates_and_tiles(make, tmp_path):
    """Each date of a mosaic keeps its own mask."""
    make(tmp_path / "d/1.tif")
    make(tmp_path / "d/2.tif")
    if make is alpha_band:
        with rasterio.open(tmp_path / "d/2.tif", "r+") as file:
            file.write(np.full((6, 8), 255, "uint8"), 3)
    scene = Scene(mosaic(tmp_path / "d", tmp_path / "m.vrt"), Layout(("red", "nir"), 2))
    values = scene.read(0, 0, 6, 8)
    assert np.isnan(values[:2, HOLE]).all()
    assert np.isnan(values[2:, HOLE]).all() == (make is internal_mask)


def test_scale_beside_the_file(tmp_path):
    """Scale and offset of the .aux.xml count, in chips and scenes."""
    path = image(tmp_path / "a.tif", numbers())
    (tmp_path / "a.tif.aux.xml").write_text(
        '<PAMDataset><PAMRasterBand band="1"><Offset>-1</Offset><Scale>0.01</Scale>'
        "</PAMRasterBand></PAMDataset>"
    )
    wanted = numbers()[0] * 0.01 - 1
    assert np.allclose(read_chip(path, TWO).data[0], wanted, atol=1e-6)
    assert np.allclose(Scene(path, TWO).read(0, 0, 6, 8)[0], wanted, atol=1e-6)


def test_infrared_that_is_tagged_as_alpha(tmp_path):
    """Much software tags the fourth band as alpha; a name or its values tell that it is imagery."""
    data = numbers("uint8", bands=4)
    for names in (("red", "green", "blue", "nir"), None):
        path = image(tmp_path / "a.tif", data, names)
        with rasterio.open(path) as file:
            assert ColorInterp.alpha in file.colorinterp
        assert read_tif(path).data.shape[0] == 4
        assert read_tif(path, "mask").data.shape[0] == 3
    data[3] = 255
    image(path, data, None)
    assert read_tif(path).data.shape[0] == 3
    assert read_tif(path, "band").data.shape[0] == 4
    assert read_tif(path, count=4).data.shape[0] == 4


def placed_by_points(path):
    corners = ((0, 0), (0, 8), (6, 0), (6, 8))
    points = [GroundControlPoint(r, c, 5e5 + 10 * c, 5e6 - 10 * r) for r, c in corners]
    image(path, numbers(), transform=None, gcps=points)


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda p: image(p, numbers().astype("complex64")), "complex numbers"),
        (placed_by_points, "gdalwarp"),
        (lambda p: image(p, numbers(), crs=None), "no coordinate reference system"),
        (lambda p: p.write_text("<GDAL_WMS/>"), "no pixels"),
        (lambda p: p.write_text('{"type": "gdal_streamed_alg"}'), "no pixels"),
        (lambda p: p.write_text("<VRTDataset/>"), "call a mosaic of files .vrt"),
        (lambda p: p.write_bytes(b"MZ\0\0"), "cannot be read"),
    ],
)
def test_refused_in_a_line(make, said, tmp_path):
    """The reader of chips and that of scenes say the same."""
    path = tmp_path / "a.tif"
    make(path)
    for read in (lambda: read_chip(path, TWO), lambda: Scene(path, TWO)):
        with pytest.raises(InputError, match=said) as told:
            read()
        assert "\n" not in str(told.value) and str(path) in str(told.value)


@pytest.mark.parametrize(
    "source",
    [
        "/vsicurl/http://127.0.0.1:9/a.tif",
        "/vsizip//vsicurl/http://127.0.0.1:9/a.zip/a.tif",
        "http://127.0.0.1:9/a.tif",
        "WMS:http://127.0.0.1:9/",
        "<GDAL_WMS/>",
        "inner.tif",
    ],
)
def test_a_vrt_that_leads_to_the_network(source, tmp_path):
    """A VRT may name files alone, and those may not name anything else."""
    (tmp_path / "inner.tif").write_text("<GDAL_WMS><Service name='TMS'/></GDAL_WMS>")
    path = tmp_path / "a.vrt"
    path.write_text(
        '<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand dataType="Byte" band="1">'
        '<SimpleSource><SourceFilename relativeToVRT="1">'
        f"{source.replace('<', '&lt;')}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises(InputError, match="not a file on this machine|no pixels"):
        open_image(path)


def test_a_vrt_of_files(tmp_path):
    """Through a link that is called .tif, as in an export, too."""
    image(tmp_path / "d/1.tif", numbers())
    vrt = mosaic(tmp_path / "d", tmp_path / "d/m.vrt")
    link_image(vrt, tmp_path / "e/key.tif")
    assert np.array_equal(read_chip(tmp_path / "e/key.tif", TWO).data, numbers())


def test_scene_and_labels_across_180_degrees(tmp_path):
    """A scene in 0..360 is cut for labels on both sides of the line, and for one on it."""
    from seedbed.imagery.places import middles
    from seedbed.imagery.raster import into_grid
    from seedbed.imagery.sampling import sample_mean

    path = image(
        tmp_path / "a.tif",
        np.arange(96, dtype="float32").reshape(2, 6, 8),
        transform=Affine(0.01, 0, 179.96, 0, -0.01, 0.03),
        crs="EPSG:4326",
    )
    across = shapely.MultiPolygon(
        [shapely.box(179.99, 0, 180, 0.01), shapely.box(-180, 0, -179.99, 0.01)]
    )
    shapes = [shapely.Point(179.965, 0.005), shapely.Point(-179.965, 0.005), across]
    raster = read_chip(path, TWO)
    found = [
        float(sample_mean(raster, into_grid(s, raster.crs, raster.transform, (6, 8)))[0, 0])
        for s in shapes
    ]
    assert found == [16, 23, 19.5]
    assert np.allclose(np.abs(middles(np.array(shapes))[:, 0]), [179.965, 179.965, 180])
    frame = gpd.GeoDataFrame({"id": ["a"]}, geometry=[across], crs=4326)
    with open_image(path) as file:
        shape = into_grid(frame.geometry.values[0], "EPSG:4326", file.transform, (6, 8))
        assert cut_chip(file, shape, 0, tmp_path / "cut.tif") is None
    assert read_chip(tmp_path / "cut.tif", TWO).data.shape[2] in (2, 3)


@pytest.mark.parametrize("count", [3, 4, 5])
def test_no_band_of_a_written_raster_is_transparency(count, tmp_path):
    nodata_tag(tmp_path / "a.tif")
    scene, names = Scene(tmp_path / "a.tif", TWO), [f"class {k}" for k in range(count)]
    parts = [(0, 0, np.ones((count, 6, 8), "uint8"))]
    write_cog(tmp_path / "b.tif", parts, scene, names, "uint8", 255)
    with rasterio.open(tmp_path / "b.tif") as file:
        assert {kind.name for kind in file.colorinterp} == {"gray", "undefined"}
