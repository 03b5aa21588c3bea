"""`make try-earthengine`: what only the real service can show, checked in some minutes and ten chips.

python -m tests.servers.earthengine.verify           ask Earth Engine, with the account of this machine
python -m tests.servers.earthengine.verify --list    write UNVERIFIED.md anew
"""

import argparse
import concurrent.futures
import datetime as dt
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import ee
import numpy as np
from rasterio.io import MemoryFile

from seedbed.imagery.grid import grid_at
from seedbed.sources.earthengine.client import Client, request_body
from seedbed.sources.earthengine.credentials import connect
from seedbed.sources.earthengine.expression import NODATA, Expressions
from seedbed.sources.earthengine.quota import cost_of, guess_eecu
from seedbed.sources.earthengine.responses import read_pixels
from seedbed.sources.earthengine.sensors import LANDSAT57, catalogue, parse_sensor
from seedbed.sources.earthengine.spec import Spec, presets
from seedbed.sources.fetching.outcomes import ChipFailed, ExportStopped, RateLimited, TooLarge
from tests.servers.points import Points, leave_after

LIST = Path(__file__).parent / "UNVERIFIED.md"
NAIROBI = (36.82, -1.29)
TOGO = (1.42279, 7.71957)
SEA = (-30.0, 0.5)
START = "2021-03-01"
HEAD = """# What only the real Earth Engine can show

Everything else is tested against the local server of this folder, which was built from the documentation of Earth Engine, from its Python library, and from what its users have quoted. `make try-earthengine` asks the service itself, with an account, in some minutes and ten chips, and prints a table of these points. Until somebody has done so they are assumptions.
"""
FOOT = """## What ten chips cannot show

- What batch tasks cost beside single requests, and how long they wait: `seedbed export-scene` writes both into the ledger.
- The speed of thousands of chips, and the words of a project that is past its quota of the month.
- Whether neighbouring chips get different passes of Sentinel-1 from `orbit = auto`: the pass of a chip is not recorded.
- Which scene is chosen where two are equally clear, and what a distance transform makes of masked pixels: the score is CropHarvest's, step by step, so its results are whatever the service makes of them.
"""
point = Points(LIST, HEAD, FOOT)


@dataclass
class Asked:
    """The service, and what has been asked of it."""

    client: Client
    chips: int = 0
    profiles: dict = field(default_factory=dict)  # name by preset

    def answer(self, spec, place=NAIROBI, start=START, profile=False):
        """The answer to a request for a chip, as it came."""
        self.chips += 1
        grid, bands = grid_at(place, spec), spec.layout.descriptions
        text = Expressions(spec).text(start, grid.box())
        return self.client.pixels(request_body(text, grid, bands, self.client.tag), profile)

    def chip(self, spec, place=NAIROBI, start=START, preset=""):
        """Pixels by band; the profile of a preset's chip is kept."""
        found = self.answer(spec, place, start, bool(preset))
        if preset:
            self.profiles[preset] = found.profile
        bands = spec.layout.descriptions
        return dict(zip(bands, read_pixels(found.content, grid_at(place, spec), bands)))

    def value(self, computed):
        """What a computation yields."""
        body = json.dumps({"expression": ee.serializer.encode(computed)}).encode()
        return json.loads(self.client.post("value:compute", body).content)["result"]

    def constant(self, bands, side=1, tag=None):
        """A request for an image that is one number."""
        image = ee.Image.constant([1] * bands).toFloat()
        spec = replace(presets()["sentinel2"], size=side)
        names = [f"constant_{i}" for i in range(bands)] if bands > 1 else ["constant"]
        text = json.dumps(ee.serializer.encode(image))
        return self.client.pixels(request_body(text, grid_at(NAIROBI, spec), names, tag))


def share(values):
    """The part of some pixels that is there."""
    return float(np.mean([~np.isnan(v) for v in values]))


# --- answers -------------------------------------------------------------------------------------------------------------------------


@point(
    "An answer is a GeoTIFF with the bands that were asked for, in their order, named or without names."
)
def layout_of_answers(asked):
    spec = replace(presets()["sentinel2"], steps=1, size=300)
    with MemoryFile(asked.answer(spec).content) as memory, memory.open() as file:
        names = file.descriptions
        seen = (
            f"{file.count} bands, {file.dtypes[0]}, blocks {file.block_shapes[0]}, "
            f"{file.profile.get('interleave')}, {file.profile.get('compress')}, names {names[:2]}"
        )
    named = any(names)
    return file.count == 12 and (not named or names == spec.layout.descriptions), seen


@point("What is masked arrives as the number that stands for missing, also outside of every scene.")
def missing_pixels(asked):
    spec = replace(presets()["sentinel2"], steps=1, size=2)
    found = asked.answer(spec, start="1990-01-01")
    with MemoryFile(found.content) as memory, memory.open() as file:
        values = file.read()
    return bool((values == NODATA).all()), f"a month without scenes holds {np.unique(values)[:3]}"


@point("A request may carry a workload tag.")
def workload_tag(asked):
    return bool(asked.constant(1, tag="seedbed-try").content), "accepted"


# --- pixels --------------------------------------------------------------------------------------------------------------------------


def raster_of(asked, asset, place):
    """Projection and transform of the first scene of 2021 at a place."""
    image = ee.ImageCollection(asset).filterDate("2021-01-01", "2022-01-01")
    first = image.filterBounds(ee.Geometry.Point(place)).first()
    found = asked.value(first.select(1).projection())
    return found["crs"], found["transform"]


@point(
    "Landsat's pixels have their corners at 15 m modulo 30 m, in northern zones on both sides of the equator."
)
def raster_of_landsat(asked):
    seen = [raster_of(asked, "LANDSAT/LC08/C02/T1_L2", place) for place in (NAIROBI, TOGO)]
    good = [crs.startswith("EPSG:326") and t[2] % 30 == t[5] % 30 == 15 for crs, t in seen]
    return all(good), "; ".join(f"{crs} {t[2]:.0f} {t[5]:.0f}" for crs, t in seen)


@point("The pixels of Sentinel-1 and -2 have their corners at multiples of 10 m.")
def raster_of_sentinel(asked):
    assets = ("COPERNICUS/S2_SR_HARMONIZED", "COPERNICUS/S1_GRD")
    seen = [raster_of(asked, asset, NAIROBI) for asset in assets]
    return all(t[2] % 10 == t[5] % 10 == 0 for _, t in seen), "; ".join(
        f"{crs} {t[2]:.0f} {t[5]:.0f}" for crs, t in seen
    )


@point("A chip on the open sea, where the terrain has no tile, is missing; it is not refused.")
def terrain_at_sea(asked):
    values, *_ = asked.chip(Spec((catalogue()["dem"],), size=4), SEA).values()
    return bool(np.isnan(values).all()), f"{share([values]):.0%} of the pixels are there"


@point(
    "A collection without time, and the most frequent class of a month, come as they are asked for."
)
def assets_of_ones_own(asked):
    cover = parse_sensor("GOOGLE/DYNAMICWORLD/V1 label=cover mode")
    land = parse_sensor("ESA/WorldCover/v200 Map=land static mosaic")
    values = asked.chip(Spec((cover, land), steps=1, size=4))
    seen = {name: np.unique(v).tolist()[:4] for name, v in values.items()}
    return not any(np.isnan(v).any() for v in values.values()), str(seen)


# --- presets -------------------------------------------------------------------------------------------------------------------------


@point(
    "The preset cropharvest has no holes: the clearest scene of each pixel, and the nearest radar."
)
def preset_cropharvest(asked):
    values = asked.chip(presets()["cropharvest"], TOGO, "2019-02-06", "cropharvest")
    timed = [v for name, v in values.items() if "_t" in name]
    return share(timed) > 0.99, f"{share(timed):.1%} of the pixels are there"


@point(
    "Its numbers are those of CropHarvest's own export of this place (Togo, February 2019 to January 2020)."
)
def numbers_of_cropharvest(asked):
    spec = replace(presets()["cropharvest"], steps=1)
    values = asked.chip(spec, TOGO, "2019-02-06")
    rain, warm = (
        float(values[f"{n}_t00"].mean()) for n in ("total_precipitation", "temperature_2m")
    )
    seen = f"rain {rain:.5f} m/day (0.00052), {warm:.1f} K (302.9), B4 {values['B4_t00'].mean():.0f} (1889)"
    return abs(rain - 0.00052) < 2e-4 and abs(warm - 302.9) < 1, seen


@point("The preset presto has no holes.")
def preset_presto(asked):
    values = asked.chip(presets()["presto"], TOGO, "2019-02-06", "presto")
    timed = [v for name, v in values.items() if "_t" in name]
    return share(timed) == 1, f"{share(timed):.1%} of the pixels are there"


@point(
    "orbit = auto, which chooses the pass within the expression, is taken, and the chip has radar."
)
def orbit_auto(asked):
    spec = Spec((catalogue("auto")["sentinel1"],), steps=1, size=2)
    there = share(asked.chip(spec).values())
    return there == 1, f"{there:.0%} of the pixels are there"


# --- archives ------------------------------------------------------------------------------------------------------------------------


def moments(asked, function):
    """The first or last day of each archive, by sensor."""
    out = {}
    for name, sensor in (catalogue() | {"landsat57": LANDSAT57}).items():
        if sensor.is_static or sensor.also or name == "sentinel2_ndvi":
            continue
        if name == "landsat57" and function.endswith("max"):
            continue  # they have ended
        days = [
            asked.value(getattr(ee.ImageCollection(a), function)("system:time_start"))
            for a in sensor.assets
        ]
        days = [dt.datetime.fromtimestamp(d / 1000, dt.timezone.utc).date() for d in days]
        out[name] = sensor, (min(days) if function.endswith("min") else max(days))
    return out


LENGTHS = {"month": 31, "year": 366}  # days of an image, which is dated by its first


@point("Each archive is complete as many days before today as its sensor's lag says.")
def lags(asked):
    seen, good = [], True
    for name, (sensor, last) in moments(asked, "aggregate_max").items():
        length = LENGTHS.get(sensor.every, 16 if name == "modis" else 1)
        behind = (dt.date.today() - last).days - length
        good &= behind <= sensor.lag
        seen.append(f"{name} {behind} of {sensor.lag}")
    return good, ", ".join(seen)


@point("Each archive begins when its sensor says.")
def beginnings(asked):
    seen, good = [], True
    for name, (sensor, first) in moments(asked, "aggregate_min").items():
        good &= first.isoformat() <= sensor.since or not sensor.since
        seen.append(f"{name} {first}")
    return good, ", ".join(seen)


# --- cost and refusals ---------------------------------------------------------------------------------------------------------------


@point(
    "The service says what a chip has cost, and the guess is not too low by more than five times."
)
def cost(asked):
    seen, good = [], bool(asked.profiles)
    for name, profile in asked.profiles.items():
        told, guess = (
            cost_of(asked.client, [profile] if profile else []),
            guess_eecu(presets()[name]),
        )
        good &= told is not None and told <= 5 * guess
        seen.append(f"{name}: {told} EECU-seconds, guessed {guess:.2g}")
    return good, "; ".join(seen) or "no profile was given"


def refusal(call):
    """How a request is refused: the exception, or None."""
    try:
        call()
    except Exception as error:
        return error


@point("Too many bytes and too many bands are refused in words that seedbed takes for too large.")
def too_large(asked):
    errors = [refusal(lambda: asked.constant(9, 1300)), refusal(lambda: asked.constant(1100))]
    return all(isinstance(e, TooLarge) for e in errors), " | ".join(map(str, errors))


@point(
    "An asset that does not exist, and a band that does not, are refused in words that seedbed knows."
)
def no_such_asset(asked):
    gone = refusal(
        lambda: asked.chip(Spec((parse_sensor("seedbed/none B1 mean"),), steps=1, size=1))
    )
    band = refusal(
        lambda: asked.chip(Spec((parse_sensor("USGS/SRTMGL1_003 none static"),), size=1))
    )
    good = isinstance(gone, ExportStopped) and isinstance(band, ChipFailed)
    return good, f"{gone} | {band}"


@point("Sixty requests at once are refused with 429, and only slow seedbed down.")
def too_many_at_once(asked):
    with concurrent.futures.ThreadPoolExecutor(60) as pool:
        errors = list(pool.map(lambda _: refusal(lambda: asked.constant(1)), range(60)))
    told = {str(error)[:120] for error in errors if error}
    good = all(e is None or isinstance(e, RateLimited) for e in errors)
    return good, f"{sum(e is not None for e in errors)} refused: {sorted(told)[:2]}"


def main():
    """Ask, or write the list."""
    parser = argparse.ArgumentParser(description="What only the real Earth Engine can show.")
    parser.add_argument("--list", action="store_true", help="write UNVERIFIED.md anew")
    parser.add_argument(
        "--project", help="Google Cloud project; that of the credentials if not given"
    )
    given = parser.parse_args()
    if given.list:
        point.write()
        return 0
    url, credentials, project = connect(given.project)
    print(f"Asking {url} for project {project}; it costs about ten chips of your quota.\n")
    return 1 if point.verify(Asked(Client(url, credentials, project, workers=60))) else 0


if __name__ == "__main__":
    leave_after(main)
