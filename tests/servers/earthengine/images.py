"""Images, bands and pixels. A band is computed when it is asked for, once, on the pixels of the request."""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import pyproj
from affine import Affine

from .limits import Refusal

_transformers = {}


@dataclass(frozen=True)
class Pixels:
    """The pixels of a request."""

    width: int
    height: int
    transform: Affine
    crs: str

    @classmethod
    def parse(cls, grid):
        """Read a PixelGrid of the REST interface."""
        t, size = grid["affineTransform"], grid["dimensions"]
        place = Affine(
            t["scaleX"],
            t.get("shearX", 0),
            t["translateX"],
            t.get("shearY", 0),
            t["scaleY"],
            t["translateY"],
        )
        return cls(
            int(size["width"]), int(size["height"]), place, grid.get("crsCode") or grid["crsWkt"]
        )

    def moved(self):
        """The neighbouring place."""
        return Pixels(self.width, self.height, self.transform @ Affine.translation(3, 0), self.crs)

    def centres(self, crs):
        """Coordinates of the pixels' centres."""
        column, row = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        t = self.transform
        x, y = t.a * column + t.b * row + t.c, t.d * column + t.e * row + t.f
        if crs == self.crs:
            return x, y
        if (self.crs, crs) not in _transformers:
            _transformers[self.crs, crs] = pyproj.Transformer.from_crs(
                self.crs, crs, always_xy=True
            )
        return _transformers[self.crs, crs].transform(x, y)

    @cached_property
    def lonlat(self):
        """Longitudes and latitudes."""
        return self.centres("EPSG:4326")

    @lru_cache(64)
    def native(self, raster):
        """Column and row of the pixel of a sensor's own raster that holds each centre."""
        x, y = self.centres(raster.crs_at(self))
        column = np.floor((x - raster.corner) / raster.side)
        row = np.floor((y - raster.corner) / raster.side)
        return column.astype(np.int64), row.astype(np.int64)


SINUSOIDAL = "+proj=sinu +lon_0=0 +x_0=0 +y_0=0 +R=6371007.181 +units=m +no_defs"


@dataclass(frozen=True)
class Raster:
    """Where the pixels of a sensor lie: their side, the corner of one of them, and in which projection.

    `utm` is the zone of the place; `northern` the northern zone on both sides of the equator, as Landsat has it; `degrees`
    longitude and latitude; `sinusoidal` that of MODIS.
    """

    side: float = 10
    corner: float = 0
    kind: str = "utm"

    def crs_at(self, pixels):
        """The projection at the pixels of a request."""
        if self.kind in ("degrees", "sinusoidal"):
            return "EPSG:4326" if self.kind == "degrees" else SINUSOIDAL
        if pixels.crs.startswith(("EPSG:326", "EPSG:327")):
            zone, south = int(pixels.crs[-2:]), pixels.crs.startswith("EPSG:327")
        else:
            lon, lat = (values.mean() for values in pixels.lonlat)
            zone, south = int((lon + 180) // 6) + 1, lat < 0
        return f"EPSG:{(32700 if south and self.kind == 'utm' else 32600) + zone}"


class Band:
    """Values and where they count, computed once."""

    def __init__(self, compute):
        self.compute = compute

    @cached_property
    def result(self):
        """(values, valid)"""
        return self.compute()

    def then(self, change):
        """A band made of this one's values."""

        def compute():
            values, valid = self.result
            return change(values), valid

        return Band(compute)


class Image:
    """Bands by name, and properties. Bands may be given as a function that makes them: of most scenes nobody asks for them."""

    def __init__(self, bands, properties=None):
        self.make_bands = bands if callable(bands) else lambda: bands
        self.properties = properties or {}

    @cached_property
    def bands(self):
        """Bands by name."""
        return self.make_bands()

    def with_bands(self, bands):
        """Other bands, the same properties."""
        return Image(bands, self.properties)

    def names(self, selectors):
        """The bands that selectors mean; refuses those that are not there."""
        out = []
        for selector in [selectors] if isinstance(selectors, (str, int)) else selectors:
            if not self.bands:
                raise Refusal(
                    f"Image.select: Band pattern '{selector}' was applied to an Image with no bands. See https://developers.google.com/earth-engine/guides/debugging#no-bands."
                )
            name = list(self.bands)[selector] if isinstance(selector, int) else selector
            if name not in self.bands:
                raise Refusal(
                    f"Image.select: Band pattern '{name}' did not match any bands. Available bands: [{', '.join(self.bands)}]"
                )
            out.append(name)
        return out


def pairs(left, right):
    """Bands of two images that belong together; a single band goes with all."""
    a, b = list(left.bands.values()), list(right.bands.values())
    if not a or not b:
        raise Refusal("Image.binary: If one image has no bands, the other must also have no bands.")
    if len(a) == 1 and len(b) > 1:
        return list(zip(right.bands, a * len(b), b))
    if len(b) not in (1, len(a)):
        raise Refusal(
            f"Image.binary: Images must contain the same number of bands. Got {len(a)} and {len(b)}."
        )
    return list(zip(left.bands, a, b * len(a) if len(b) == 1 else b))
