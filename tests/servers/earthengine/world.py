"""A synthetic world: every collection, every scene and every value follows from a formula, so that a test can say what is right.

Fields are squares of 320 m with one of three covers and a soil of their own. Reflectances are 1000 + 100 x the band's number + 10 x the
month + the day + what the soil and a pattern of the pixels add, and plants add to the near infrared what their cover and the month
say. A scene's clouds are squares of 8 pixels that add 20,000; a pixel is clear in two scenes of three."""

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .images import Band, Image, Raster

S2 = "B1 B2 B3 B4 B5 B6 B7 B8 B8A B9 B11 B12".split()
L1C = "B1 B2 B3 B4 B5 B6 B7 B8 B8A B9 B10 B11 B12".split()
RED_EDGE_AND_BEYOND = 5  # bands from this number on see plants
COVERS = ("bare", "grass", "crop")


def cover(column, row):
    """Which of the covers a field has; of 10 m pixels."""
    a, b = column // 32, row // 32
    return ((a * 7 + b * 13 + (a * b) % 5) % 3 + 3) % 3


def luck(column, row, what):
    """A number between 0 and 1 that every field has for itself, another one for each thing."""
    a, b = column // 32, row // 32
    mixed = (a * 374761393 + b * 668265263 + what * 2246822519) & 0xFFFFFFFF
    mixed = ((mixed ^ (mixed >> 13)) * 1274126177) & 0xFFFFFFFF
    return (mixed ^ (mixed >> 16)) / 2**32


def growth(column, row, month):
    """What plants add to the near infrared: more in July, less in a poor field."""
    peak = 6.5 + luck(column, row, 1)
    return (
        cover(column, row)
        * (400 + 400 * luck(column, row, 2))
        * (1 + np.cos((month - peak) * np.pi / 6))
    )


def cloudy(scene, column, row):
    """Whether a pixel is under a cloud."""
    return (column // 8 + row // 8 + scene) % 3 == 0


def texture(column, row):
    """What tells pixels apart, from 0 to 96."""
    return (column * 7919 + row * 104729 + column * row * 31) % 97


def ground(band, date, column, row):
    """Reflectance x 10,000 without clouds."""
    plants = growth(column, row, date.month) if band >= RED_EDGE_AND_BEYOND else 0
    soil = 400 * luck(column, row, 10 + band) + 200 * luck(column, row, 100 * band + date.month)
    return np.floor(
        1000 + 100 * band + 10 * date.month + date.day + soil + texture(column, row) + plants
    )


def under_clouds(band, scene, date, column, row):
    """Reflectance x 10,000 as a scene shows it."""
    return ground(band, date, column, row) + np.where(cloudy(scene, column, row), 20000, 0)


def landsat(band, scene, date, column, row):
    """Six bands as stored, and the quality band with the cloud's bit."""
    if band == 6:
        return np.where(cloudy(scene, column, row), 1 << 3, 1 << 6)
    return 10000 + 500 * band + date.month + np.where(cloudy(scene, column, row), 20000, 0)


def modis(band, scene, date, column, row):
    """NDVI x 10,000, and 3 where it is cloudy, else 0."""
    return (
        np.where(cloudy(scene, column, row), 3, 0)
        if band
        else 3000 + 200 * date.month + (column + row) % 50
    )


@dataclass
class Asset:
    """A collection, or an image where it has no dates."""

    bands: dict  # type by name
    value: callable  # of band's number, scene's number, date, column, row
    every: int | str | None = (
        5  # days between scenes; month | year | 16 of a year; None: a single image
    )
    first: str = "2015-06-26"
    lag: int = 2  # days until a scene is in the archive
    raster: Raster = Raster()
    properties: list = field(default_factory=lambda: [{}])  # of the scenes, in turn
    gaps: tuple = ()  # (first day, first day after) without any scene
    tiled: bool = False  # a collection without dates, of tiles of one degree
    has_tile: callable = lambda west, south: True
    today: str = ""  # on which the archive is looked at; "": the real one

    def next(self, day):
        """The date of the scene after that of a day."""
        new_year = day.replace(year=day.year + 1, month=1, day=1)
        if self.every == "month":
            return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
        if self.every == "year":
            return new_year
        if self.every == "16 of a year":
            return min(day + dt.timedelta(days=16), new_year)
        return day + dt.timedelta(days=self.every)

    @property
    def dates(self):
        """Of its scenes: the archive ends some days before today, and grows."""
        today = dt.date.fromisoformat(self.today) if self.today else dt.date.today()
        length = {"month": 31, "year": 366, "16 of a year": 16}.get(self.every, 0)
        end = today - dt.timedelta(days=self.lag + length)
        return [day for day in self.planned if day <= end]

    @cached_property
    def planned(self):
        """The dates on which the sensor looks down."""
        day, out = dt.date.fromisoformat(self.first), []
        while day.year < 2040:
            if not any(a <= day.isoformat() < b for a, b in self.gaps):
                out.append(day)
            day = self.next(day)
        return out

    def scene(self, name, number, date, pixels):
        """An image of the asset on the pixels of a request."""

        def band(index, kind):
            def compute():
                column, row = pixels.native(self.raster)
                values = np.broadcast_to(self.value(index, number, date, column, row), column.shape)
                return values.astype(kind), np.ones(column.shape, bool)

            return Band(compute)

        properties = {"system:index": f"{date:%Y%m%d}" if date else name} | self.properties[
            number % len(self.properties)
        ]
        properties |= {"system:raster": self.raster}
        return Image(
            lambda: {n: band(i, kind) for i, (n, kind) in enumerate(self.bands.items())},
            properties | ({"system:time_start": date} if date else {}),
        )

    def scenes(self, name, pixels, first=dt.date.min, after=dt.date.max):
        """The images of the collection, or those of some days."""
        if not self.every:
            return [self.scene(name, 0, None, pixels)]
        dates = enumerate(self.dates)
        return [self.scene(name, k, d, pixels) for k, d in dates if first <= d < after]

    def tiles(self, name, pixels, box):
        """The tiles that touch a box of degrees, with no pixels beyond their own degree."""
        west, south, east, north = (int(np.floor(v)) for v in box)
        corners = [(x, y) for x in range(west, east + 1) for y in range(south, north + 1)]
        return [self.tile(name, pixels, *corner) for corner in corners if self.has_tile(*corner)]

    def tile(self, name, pixels, west, south):
        """One tile."""
        whole = self.scene(name, 0, None, pixels)
        lon, lat = pixels.lonlat
        here = (np.floor(lon) == west) & (np.floor(lat) == south)
        bands = {
            n: Band(lambda b=b: (b.result[0], b.result[1] & here)) for n, b in whole.bands.items()
        }
        return Image(bands, whole.properties | {"system:index": f"tile_{west}_{south}"})


EVERYWHERE = (-180, -90, 540, 90)  # west, south, east, north; beyond the date line, too


def radar_scene(orbit, mode="IW", footprint=EVERYWHERE):
    """The properties of a scene of Sentinel-1."""
    return {
        "system:footprint": footprint,
        "instrumentMode": mode,
        "orbitProperties_pass": orbit,
        "transmitterReceiverPolarisation": ["VV", "VH"],
    }


def backscatter(band, scene, date, column, row):
    """Decibels; scenes go down, up, and in another mode in turn, and each kind has its own level."""
    return -10.0 - 6 * band - date.month / 10 - (0, 3, 40)[scene % 3] + 0 * column


def optical_scenes():
    """Properties of scenes of Sentinel-2: where the sun stands, and how much is cloudy."""
    return [
        {
            "CLOUDY_PIXEL_PERCENTAGE": 37 * k % 100,
            "MEAN_SOLAR_AZIMUTH_ANGLE": 120.0 + 5 * k,
            "MEAN_SOLAR_ZENITH_ANGLE": 20.0 + 3 * k,
        }
        for k in range(11)
    ]


def make_world(gaps=(), today="", descending=EVERYWHERE, has_tile=lambda west, south: True):
    """The collections that seedbed asks for.

    `gaps` are times without a scene of Sentinel-2, `today` is where the archives end, `descending` is where Sentinel-1 passes
    southward, and `has_tile` says where there is terrain.
    """
    world = _collections(gaps, descending, has_tile)
    for asset in world.values():
        asset.today = today
    return world


def _collections(gaps, descending, has_tile):
    reflectance = dict.fromkeys(S2, "uint16")

    def confidence(band, scene, date, column, row):
        return np.where(cloudy(scene, column, row), 0.1, 0.9)

    def weather(band, scene, date, column, row):
        return (0.01 * date.month if band else 280.0 + date.month) + 0 * column

    bands_of_landsat = {f"SR_B{i}": "uint16" for i in range(2, 8)} | {"QA_PIXEL": "uint16"}
    older = {f"SR_B{i}": "uint16" for i in (1, 2, 3, 4, 5, 7)} | {"QA_PIXEL": "uint16"}
    clouds = {
        "COPERNICUS/S2_SR_HARMONIZED": Asset(
            reflectance | {"SCL": "uint8"}, under_clouds, properties=optical_scenes(), gaps=gaps
        ),
        "COPERNICUS/S2_HARMONIZED": Asset(
            dict.fromkeys(L1C, "uint16") | {"QA60": "uint16"},
            under_clouds,
            properties=optical_scenes(),
            gaps=gaps,
        ),
        "GOOGLE/CLOUD_SCORE_PLUS/V1/S2_HARMONIZED": Asset(
            {"cs": "float32", "cs_cdf": "float32"}, confidence, gaps=gaps
        ),
    }
    return clouds | {
        "COPERNICUS/S1_GRD": Asset(
            {"VV": "float64", "VH": "float64", "angle": "float32"},
            backscatter,
            4,
            "2014-10-03",
            properties=[
                radar_scene("DESCENDING", footprint=descending),
                radar_scene("ASCENDING"),
                radar_scene("DESCENDING", "EW", descending),
            ],
        ),
        "ECMWF/ERA5_LAND/MONTHLY_AGGR": Asset(
            {"temperature_2m": "float64", "total_precipitation_sum": "float64"},
            weather,
            "month",
            "1950-02-01",
            lag=45,
            raster=Raster(0.1, -0.05, "degrees"),
        ),
        "LANDSAT/LC08/C02/T1_L2": Asset(
            bands_of_landsat, landsat, 16, "2013-03-18", 16, raster=Raster(30, 15, "northern")
        ),
        "LANDSAT/LC09/C02/T1_L2": Asset(
            bands_of_landsat, landsat, 16, "2021-11-03", 16, Raster(30, 15, "northern")
        ),
        "LANDSAT/LE07/C02/T1_L2": Asset(
            older, landsat, 16, "1999-06-01", 16, Raster(30, 15, "northern")
        ),
        "LANDSAT/LT05/C02/T1_L2": Asset(
            older, landsat, 16, "1984-03-16", 16, Raster(30, 15, "northern")
        ),
        "GOOGLE/DYNAMICWORLD/V1": Asset(
            {"label": "uint8"}, lambda b, s, d, c, r: np.where(s % 3, cover(c, r), 8)
        ),
        "ESA/WorldCover/v200": Asset(
            {"Map": "uint8"},
            lambda b, s, d, c, r: 10 * (1 + (c + r) % 3),
            None,
            raster=Raster(1 / 12000, 0, "degrees"),
            tiled=True,
        ),
        "GOOGLE/SATELLITE_EMBEDDING/V1/ANNUAL": Asset(
            {f"A{i:02d}": "float64" for i in range(64)},
            lambda b, s, d, c, r: (d.year - 2000) / 100 + b / 1000 + 0 * c,
            "year",
            "2017-01-01",
            lag=0,
        ),
        "MODIS/061/MOD13Q1": Asset(
            {"NDVI": "int16", "SummaryQA": "int8"},
            modis,
            "16 of a year",
            "2000-02-18",
            20,
            Raster(231.65635826, 0, "sinusoidal"),
        ),
        "COPERNICUS/DEM/GLO30": Asset(
            {"DEM": "float32"},
            lambda b, s, d, c, r: 500.0 + (c % 100) + 2.0 * (r % 50),
            None,
            raster=Raster(1 / 3600, 0, "degrees"),
            tiled=True,
            has_tile=has_tile,
        ),
        "USGS/SRTMGL1_003": Asset(
            {"elevation": "int16"},
            lambda b, s, d, c, r: 500 + (c + r) % 50,
            None,
            raster=Raster(1 / 3600, 0, "degrees"),
        ),
    }
