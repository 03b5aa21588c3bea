"""Files of a stranger that would have GDAL send requests; a server of this machine notes them."""

import http.server
import threading
import zipfile
from contextlib import contextmanager

import rasterio

from tests.attacks import attack
from tests.attacks.place import Done
from tests.support.small_data import COLUMNS_OF_FIELDS, FORMS

ROOM = "Files that reach for the network"


@contextmanager
def listening():
    """The address of a server, and the list of what it is asked for."""
    asked = []

    class Notes(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        do_HEAD = do_GET

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Notes)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()


def vrt_of(place, url: str) -> str:
    """A virtual raster like the scene, whose pixels lie on a server."""
    with rasterio.open(place.checkout / "data/scene/image.tif") as file:
        count, width, height, where = file.count, file.width, file.height, file.transform.to_gdal()
    bands = "".join(
        f'<VRTRasterBand dataType="UInt16" band="{band}"><SimpleSource>'
        f'<SourceFilename relativeToVRT="0">/vsicurl/{url}/scene.tif</SourceFilename>'
        f"<SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
        for band in range(1, count + 1)
    )
    place_of = ", ".join(map(str, where))
    return (
        f'<VRTDataset rasterXSize="{width}" rasterYSize="{height}"><SRS>EPSG:32635</SRS>'
        f"<GeoTransform>{place_of}</GeoTransform>{bands}</VRTDataset>"
    )


def ogr_of(url: str) -> str:
    return (
        '<OGRVRTDataSource><OGRVRTLayer name="fields">'
        f"<SrcDataSource>/vsicurl/{url}/fields.geojson</SrcDataSource>"
        "</OGRVRTLayer></OGRVRTDataSource>"
    )


def checked(place, alter, form="folder, points", code=1, says="") -> Done:
    """`seedbed check` of data that were altered, which reads them; nothing may be asked for."""
    folder = place.new("net")
    settings = FORMS[form](folder)
    with listening() as (url, asked):
        alter(folder, url)
        lines = [*COLUMNS_OF_FIELDS, "labels.target=crop", *settings, "labels.max_left_out=0"]
        asking = [word for line in lines for word in ("-p", line)]
        done = place.seedbed(place.checkout, "check", *asking)
    assert not asked, f"a request was sent: {asked[0]}"
    assert "Traceback" not in done.said, done.line
    assert done.code == code, f"rc {done.code}: {done.line}"
    assert says in done.line, f"'{says}' is not said: {done.line}"
    return done


def vrt_named(place, name: str, code: int = 1) -> Done:
    """`checked`, where a file in `tifs` is a VRT that points to a server."""
    return checked(
        place,
        lambda folder, url: (folder / "tifs" / name).write_text(vrt_of(place, url)),
        code=code,
    )


@attack(ROOM, "`tifs/F-007.tif` is a VRT that points to a server", "requests were sent")
def vrt_named_tif(place):
    return vrt_named(place, "F-007.tif")


@attack(ROOM, "`fields.geojson` is an OGR VRT that points to a server", "requests were sent")
def vrt_named_geojson(place):
    return checked(
        place,
        lambda folder, url: (folder / "fields.geojson").write_text(ogr_of(url)),
        says="fields.geojson",
    )


@attack(ROOM, "a zip file of labels that holds an OGR VRT called `fields.geojson`", "not tried")
def vrt_in_a_zip(place):
    def alter(folder, url):
        (folder / "fields.geojson").unlink()
        with zipfile.ZipFile(folder / "fields.zip", "w") as file:
            file.writestr("fields.geojson", ogr_of(url))

    return checked(place, alter, says="fields.zip")


@attack(ROOM, "`F-007.tif.msk`, a mask beside a tif, is a VRT that points to a server", "not tried")
def vrt_as_mask(place):
    return vrt_named(place, "F-007.tif.msk", code=0)


@attack(ROOM, "`F-007.tif.ovr`, overviews beside a tif, is such a VRT", "not tried")
def vrt_as_overview(place):
    return vrt_named(place, "F-007.tif.ovr", code=0)


@attack(ROOM, "`F-007.tif.aux.xml` says that overviews lie on a server", "not tried")
def overviews_by_metadata(place):
    def alter(folder, url):
        text = (
            '<PAMDataset><Metadata domain="OVERVIEWS">'
            f'<MDI key="OVERVIEW_FILE">/vsicurl/{url}/o.ovr</MDI></Metadata></PAMDataset>'
        )
        (folder / "tifs/F-007.tif.aux.xml").write_text(text)

    return checked(place, alter, says="names a place in the network")


@attack(ROOM, "tags inside of a tif say that overviews lie on a server", "not tried")
def overviews_by_tags(place):
    def alter(folder, url):
        with rasterio.open(folder / "tifs/F-007.tif", "r+") as file:
            file.update_tags(ns="OVERVIEWS", OVERVIEW_FILE=f"/vsicurl/{url}/o.ovr")

    return checked(place, alter, code=0)


@attack(ROOM, "`F-007.tif` is a web map service's description (`<GDAL_WMS>`)", "not tried")
def wms_named_tif(place):
    def alter(folder, url):
        text = (
            f'<GDAL_WMS><Service name="WMS"><ServerUrl>{url}/?</ServerUrl><Layers>x</Layers>'
            "</Service><DataWindow><UpperLeftX>0</UpperLeftX><UpperLeftY>9</UpperLeftY>"
            "<LowerRightX>9</LowerRightX><LowerRightY>0</LowerRightY><SizeX>9</SizeX>"
            "<SizeY>9</SizeY></DataWindow><BandsCount>8</BandsCount></GDAL_WMS>"
        )
        (folder / "tifs/F-007.tif").write_text(text)

    return checked(place, alter)


@attack(ROOM, "a Python pixel function in a VRT called `F-007.tif`", "refused by GDAL")
def pixel_function(place):
    marker = place.new("marker")

    def alter(folder, url):
        text = (
            '<VRTDataset rasterXSize="9" rasterYSize="9"><VRTRasterBand dataType="UInt16" band="1"'
            ' subClass="VRTDerivedRasterBand"><PixelFunctionLanguage>Python</PixelFunctionLanguage>'
            "<PixelFunctionType>f</PixelFunctionType><PixelFunctionCode><![CDATA[\n"
            f"open({str(marker)!r}, 'w')\ndef f(*a, **k): pass\n"
            "]]></PixelFunctionCode></VRTRasterBand></VRTDataset>"
        )
        (folder / "tifs/F-007.tif").write_text(text)

    done = checked(place, alter)
    assert not marker.exists(), "it was executed"
    return done


def mapped(place, alter, name="scene.tif", code=1) -> Done:
    """`seedbed map` of a scene that was altered."""
    folder = place.new("scene")
    folder.mkdir()
    with listening() as (url, asked):
        alter(folder, url)
        words = ("--run", "last", "--model", "majority", "--scene", str(folder / name))
        done = place.seedbed(place.checkout, "map", *words, "--out", str(folder / "out"))
    assert not asked, f"a request was sent: {asked[0]}"
    return done.refused() if code else done


@attack(ROOM, "`map`: `scene.tif` is a VRT that points to a server", "requests were sent")
def scene_vrt(place):
    return mapped(place, lambda folder, url: (folder / "scene.tif").write_text(vrt_of(place, url)))


@attack(ROOM, "`map`: an honest `scene.vrt` that points to a server", "requests were sent")
def honest_vrt(place):
    return mapped(
        place,
        lambda folder, url: (folder / "scene.vrt").write_text(vrt_of(place, url)),
        "scene.vrt",
    )


@attack(
    ROOM,
    "`map`: a local VRT whose source is a VRT called `a.tif` that points to a server",
    "requests were sent",
)
def nested_vrt(place):
    def alter(folder, url):
        (folder / "a.tif").write_text(vrt_of(place, url))
        text = vrt_of(place, url).replace(f"/vsicurl/{url}/scene.tif", str(folder / "a.tif"))
        (folder / "scene.vrt").write_text(text)

    return mapped(place, alter, "scene.vrt")


@attack(ROOM, "`export-scene`: the outline of a region is an OGR VRT", "requests were sent")
def outline(place):
    root, _ = place.copy("outline")
    with listening() as (url, asked):
        (root / "survey.geojson").write_text(ogr_of(url))
        words = (
            "export-scene",
            "survey.geojson",
            "--start",
            "2021-01-01",
            "--to",
            "drive:x",
            "--plan",
        )
        done = place.seedbed(root, *words)
    assert not asked, f"a request was sent: {asked[0]}"
    return done.refused("survey.geojson")
