"""`make try-stac`: what only a real archive can show, checked in some minutes and a few chips.

python -m tests.servers.stac.verify ARCHIVE    ask planetary-computer, earth-search or cdse
python -m tests.servers.stac.verify --list     write UNVERIFIED.md anew
"""

import argparse
import datetime as dt
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import shapely

from seedbed.base.settings import load_settings
from seedbed.sources.fetching.source import chip_request
from seedbed.sources.fetching.workers import fetch_chips
from seedbed.sources.stac.bands import band_file, is_sentinel2, names_of
from seedbed.sources.stac.catalogue import ARCHIVES, Search, open_catalogue
from seedbed.sources.stac.items import scene_of
from seedbed.sources.stac.source import StacArchive
from tests.servers.points import Points, leave_after
from tests.support.paths import ROOT

LIST = Path(__file__).parent / "UNVERIFIED.md"
HEAD = """# What only real archives can show

Everything else is tested against the local archive of this folder: rustac's search, files behind a server with ranges, tokens, and faults. Nothing was asked of Planetary Computer, Earth Search or CDSE while seedbed was written; what it takes for granted of them was read in the code and the issues of their clients. `make try-stac ARGS=planetary-computer` (or `earth-search`, or `cdse` with S3 keys) asks an archive itself, in some minutes and a few chips, and prints a table of these points. Until somebody has done so they are assumptions.
"""
FOOT = """## What a few chips cannot show

- Whether a token that ends in the middle of a long export is renewed in time: tokens of the Planetary Computer are valid for about an hour, and seedbed asks for another one five minutes before. The local archive lets them end after seconds.
- How many requests at once an archive bears for hours, and in which words it refuses more: `stac.workers` is 16 unless you say otherwise.
- Whether keys of CDSE that have ended are told from missing rights: both are HTTP 403.
- Speed: `seedbed export --pilot 20` measures yours.
- Scenes of Sentinel-2 whose offset neither the item nor the pixels tell, such as those over dark water alone.
"""
PLACE = (13.40, 52.45)  # longitude, latitude: Berlin, fields and a lake
point = Points(LIST, HEAD, FOOT)


class Asked:
    """An archive, and what has been asked of it."""

    def __init__(self, name, place=PLACE, before="2021-06-01", after="2023-06-01"):
        self.name, self.place, self.before, self.after = name, place, before, after
        self.folder = Path(tempfile.mkdtemp(prefix="seedbed-try-"))
        self.chips = 0

    def source(self, **settings):
        """A source of one month and 16 pixels."""
        asked = {"catalog": self.name, "steps": 1, "size": 16, "bands": "blue, green, red, nir"}
        lines = [f"stac.{name}={value}" for name, value in (asked | settings).items()]
        found = StacArchive("", load_settings(ROOT / "settings.ini", lines))
        found.keep_in(self.folder / f"{len(list(self.folder.iterdir()))}")
        return found

    def chip(self, source, start):
        """Pixels [bands, H, W] of the place in the month from a date on, and the ledger's line."""
        from seedbed.imagery.raster import read_tif

        self.chips += 1
        request = chip_request("here", shapely.Point(self.place), start, source.spec)
        asked = source.looked_up([request])
        if not asked:
            raise ValueError(source.empty["here"])
        [(chip, record, reason)] = fetch_chips(source.store, asked, source.make_fetcher)
        if reason:
            raise ValueError(reason)
        return read_tif(source.store.path(chip.key)).data, record

    @cached_property
    def items(self):
        """Scenes of Sentinel-2 around the place, of both years."""
        catalogue, found = open_catalogue(self.name, ROOT), []
        x, y = self.place
        box = (x - 0.01, y - 0.01, x + 0.01, y + 0.01)
        for start in (self.before, self.after):
            end = (dt.date.fromisoformat(start) + dt.timedelta(30)).isoformat()
            found += catalogue.find(Search(self.source().spec, box, start, end))
        return found


@point("The catalogue answers a search, and has the collection sentinel-2-l2a.")
def search(asked):
    known = open_catalogue(asked.name, ROOT).collections()
    return "sentinel-2-l2a" in known and bool(asked.items), f"{len(known)} collections"


@point("A search over a large place brings every page of its answer, none twice.")
def pages(asked):
    x, y = asked.place
    end = (dt.date.fromisoformat(asked.after) + dt.timedelta(20)).isoformat()
    wide = Search(asked.source().spec, (x - 2, y - 2, x + 2, y + 2), asked.after, end)
    found = open_catalogue(asked.name, ROOT).find(wide)
    ids = {item["id"] for item in found}
    return len(ids) == len(found) > 0, f"{len(found)} scenes"


@point("A condition on clouds is understood, and leaves the same scenes as it does here.")
def conditions(asked):
    spec = asked.source(query="eo:cloud_cover < 20").spec
    x, y = asked.place
    end = (dt.date.fromisoformat(asked.after) + dt.timedelta(30)).isoformat()
    box = (x - 0.01, y - 0.01, x + 0.01, y + 0.01)
    told = open_catalogue(asked.name, ROOT).find(Search(spec, box, asked.after, end))
    here = [i for i in asked.items if i["properties"].get("eo:cloud_cover", 100) < 20]
    here = [i for i in here if scene_of(i).when.date().isoformat() >= asked.after]
    return {i["id"] for i in told} == {i["id"] for i in here}, f"{len(told)} of {len(asked.items)}"


@point("Bands are found by common names, and the scene classification as scl.")
def names_of_bands(asked):
    wanted = ("blue", "green", "red", "nir", "scl")
    lacking = [name for name in wanted if not band_file(asked.items[0], name)]
    return not lacking, f"lacks {lacking}; there are {', '.join(names_of(asked.items[0])[:20])}"


@point("Its scenes say that they are of Sentinel-2, and which processing baseline they have.")
def baselines(asked):
    said = [item["properties"] for item in asked.items]
    keys = ("s2:processing_baseline", "processing:version", "earthsearch:boa_offset_applied")
    seen = {key: sorted({str(p.get(key)) for p in said}) for key in keys}
    good = all(is_sentinel2(item) for item in asked.items)
    return good and any(set(values) != {"None"} for values in seen.values()), str(seen)


@point("Files are read in parts, signed as the archive wants it, and nothing of a chip is missing.")
def reading(asked):
    values, record = asked.chip(asked.source(mask="none"), asked.before)
    seen = f"{record['requests']} requests of {record['attempts']}, {record['received']:,} bytes"
    return "unread" not in record and np.isfinite(values).any(), f"{seen}, {record['seconds']} s"


@point("Sixteen files that are opened at the same time come without a refusal.")
def many_at_once(asked):
    source, began = asked.source(workers=16), time.monotonic()
    names = ("blue", "green", "red", "nir")
    files = [band_file(item, name) for item in asked.items for name in names]
    hrefs = [file.href for file in files if file][:16]
    with ThreadPoolExecutor(16) as pool:
        images = list(pool.map(source.reader.image, hrefs))
    kinds = sorted({str(image.dtype) for image in images})
    return len(images) == len(
        hrefs
    ), f"{len(images)} files of {kinds}, {time.monotonic() - began:.1f} s"


@point("Numbers of both sides of the new baseline are reflectance: the dark pixels agree.")
def offsets(asked):
    low = {}
    for start in (asked.before, asked.after):
        source = asked.source()
        values, _ = asked.chip(source, start)
        low[start] = float(np.nanpercentile(values[0], 5))
    decisions = {d["why"] for d in source.frozen.offsets.values()}
    good = all(-0.02 < v < 0.12 for v in low.values()) and abs(np.diff([*low.values()])[0]) < 0.05
    return good, f"5th percentile of blue {low}; {decisions}"


@point("The means of blue, green, red and near infrared are those of a reflectance.")
def plausible(asked):
    values, _ = asked.chip(asked.source(mask="none"), asked.after)
    means = dict(zip(("blue", "green", "red", "nir"), np.nanmean(values, axis=(1, 2)).round(3)))
    return all(0 <= v < 0.9 for v in means.values()), str(means)


@point("The same request again searches for nothing and reads nothing.")
def frozen(asked):
    source = asked.source()
    first, _ = asked.chip(source, asked.before)
    again, record = asked.chip(source, asked.before)
    return record.get("kept") is True and np.array_equal(first, again, equal_nan=True), "kept"


def main():
    """Ask, or write the list."""
    parser = argparse.ArgumentParser(description="What only real archives can show.")
    parser.add_argument("archive", nargs="?", help=f"{', '.join(ARCHIVES)}, or an address")
    parser.add_argument("--list", action="store_true", help="write UNVERIFIED.md anew")
    parser.add_argument("--place", nargs=2, type=float, default=PLACE, metavar=("LON", "LAT"))
    parser.add_argument("--dates", nargs=2, default=("2021-06-01", "2023-06-01"))
    given = parser.parse_args()
    if given.list:
        point.write()
        return 0
    if not given.archive:
        parser.error(f"name an archive: {', '.join(ARCHIVES)}, or an address")
    open_catalogue(given.archive, ROOT)
    print(f"Asking {given.archive}; it costs a few chips of 16 pixels.\n")
    return 1 if point.verify(Asked(given.archive, tuple(given.place), *given.dates)) else 0


if __name__ == "__main__":
    leave_after(main)
