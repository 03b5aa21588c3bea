"""A synthetic world: every collection, every scene and every value follows from a formula, so that a test can say what is right.

Fields are squares of 320 m with one of three covers and a soil of their own. Reflectances are 1000 + 100 x the band's number + 10 x the
month + the day + what the soil and a pattern of the pixels add, and plants add to the near infrared what their cover and the month
say. A scene's clouds are squares of 8 pixels that add 20,000; a pixel is clear in two scenes of three."""

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from .images import Band, Image

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
    every: int | str | None = 5  # days between scenes; month | year; None: a single image
    first: str = "2015-07-01"
    last: str = "2026-01-01"
    metres: float = 10
    properties: list = field(default_factory=lambda: [{}])  # of the scenes, in turn
    gaps: tuple = ()  # (first day, first day after) without any scene
    tiled: bool = False  # a collection without dates

    @cached_property
    def dates(self):
        """Of its scenes."""
        day, end, out = dt.date.fromisoformat(self.first), dt.date.fromisoformat(self.last), []
        while day < end:
            if not any(a <= day.isoformat() < b for a, b in self.gaps):
                out.append(day)
            next_month = (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
            next_year = day.replace(year=day.year + 1, month=1, day=1)
            day = {"month": next_month, "year": next_year}.get(self.every) or day + dt.timedelta(
                days=self.every
            )
        return out

    def scene(self, name, number, date, pixels):
        """An image of the asset on the pixels of a request."""

        def band(index, kind):
            def compute():
                column, row = pixels.native(self.metres)
                values = np.broadcast_to(self.value(index, number, date, column, row), column.shape)
                return values.astype(kind), np.ones(column.shape, bool)

            return Band(compute)

        properties = {"system:index": f"{date:%Y%m%d}" if date else name} | self.properties[
            number % len(self.properties)
        ]
        return Image(
            lambda: {n: band(i, kind) for i, (n, kind) in enumerate(self.bands.items())},
            properties | ({"system:time_start": date} if date else {}),
        )

    def scenes(self, name, pixels, first=dt.date.min, after=dt.date.max):
        """The images of the collection, or those of some days."""
        return (
            [
                self.scene(name, k, date, pixels)
                for k, date in enumerate(self.dates)
                if first <= date < after
            ]
            if self.every
            else [self.scene(name, 0, None, pixels)]
        )


def radar_scene(orbit, mode="IW"):
    """The properties of a scene of Sentinel-1."""
    return {
        "instrumentMode": mode,
        "orbitProperties_pass": orbit,
        "transmitterReceiverPolarisation": ["VV", "VH"],
    }


def backscatter(band, scene, date, column, row):
    """Decibels; scenes go down, up, and in another mode in turn, and each kind has its own level."""
    return -10.0 - 6 * band - date.month / 10 - (0, 3, 40)[scene % 3] + 0 * column


def make_world(gaps=()):
    """The collections that seedbed asks for; `gaps` are times without a scene of Sentinel-2."""
    reflectance = dict.fromkeys(S2, "uint16")

    def confidence(band, scene, date, column, row):
        return np.where(cloudy(scene, column, row), 0.1, 0.9)

    def weather(band, scene, date, column, row):
        return (0.01 * date.month if band else 280.0 + date.month) + 0 * column

    bands_of_landsat = {f"SR_B{i}": "uint16" for i in range(2, 8)} | {"QA_PIXEL": "uint16"}
    clouds = {
        "COPERNICUS/S2_SR_HARMONIZED": Asset(
            reflectance | {"SCL": "uint8"}, under_clouds, gaps=gaps
        ),
        "COPERNICUS/S2_HARMONIZED": Asset(
            dict.fromkeys(L1C, "uint16") | {"QA60": "uint16"}, under_clouds, gaps=gaps
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
            properties=[
                radar_scene("DESCENDING"),
                radar_scene("ASCENDING"),
                radar_scene("DESCENDING", "EW"),
            ],
        ),
        "ECMWF/ERA5_LAND/MONTHLY_AGGR": Asset(
            {"temperature_2m": "float64", "total_precipitation_sum": "float64"},
            weather,
            "month",
            "2015-01-01",
            metres=11132,
        ),
        "LANDSAT/LC08/C02/T1_L2": Asset(bands_of_landsat, landsat, 16, metres=30),
        "LANDSAT/LC09/C02/T1_L2": Asset(bands_of_landsat, landsat, 16, "2021-11-02", metres=30),
        "GOOGLE/SATELLITE_EMBEDDING/V1/ANNUAL": Asset(
            {f"A{i:02d}": "float64" for i in range(64)},
            lambda b, s, d, c, r: (d.year - 2000) / 100 + b / 1000 + 0 * c,
            "year",
            "2017-01-01",
        ),
        "MODIS/061/MOD13Q1": Asset({"NDVI": "int16", "SummaryQA": "int8"}, modis, 16, metres=250),
        "COPERNICUS/DEM/GLO30": Asset(
            {"DEM": "float32"},
            lambda b, s, d, c, r: 500.0 + (c % 100) + 2.0 * (r % 50),
            None,
            metres=30,
            tiled=True,
        ),
        "USGS/SRTMGL1_003": Asset(
            {"elevation": "int16"}, lambda b, s, d, c, r: 500 + (c + r) % 50, None, metres=30
        ),
    }
