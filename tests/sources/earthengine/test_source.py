"""Chips of a local Earth Engine: their values, the ways in which asking fails, what is kept, what it costs, who may ask."""

import datetime as dt
import json
import os
import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import ee
import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from seedbed.sources.registry import find_source

from earthengine import graph
from earthengine import world as synthetic
from earthengine.accounts import make_key
from earthengine.faults import Fault
from earthengine.limits import Limits
from earthengine.places import make_places
from earthengine.server import LocalEarthEngine
from seedbed.base.settings import EarthEngine
from seedbed.export import export, pilot
from seedbed.imagery.raster import read_tif
from seedbed.process import process
from seedbed.sources.earthengine.client import Client
from seedbed.sources.earthengine.credentials import connect, offline
from seedbed.sources.earthengine.expression import Expressions, stack
from seedbed.sources.earthengine.grid import grid_around, zone_of
from seedbed.sources.earthengine.ratelimit import Gate, Patience, persist
from seedbed.sources.earthengine.responses import Busy, Refused, Stopped, judge, retry_after
from seedbed.sources.earthengine.source import holds, place_of
from seedbed.sources.earthengine.spec import Spec, presets, spec_of, windows
from seedbed.sources.earthengine.store import Ledger, Store
from world import World, refused

SMALL = {
    "earthengine.sensors": "sentinel1, sentinel2, era5, srtm",
    "earthengine.steps": 2,
    "earthengine.size": 8,
}
TINY = {"earthengine.sensors": "era5", "earthengine.steps": 2, "earthengine.size": 2}
GOLDEN = Path(__file__).parent / "earthengine/golden"


@pytest.fixture
def service(monkeypatch, tmp_path):
    """A function that starts a local Earth Engine and sends seedbed there; pauses are short."""
    running = []
    for name in (
        "EARTHENGINE_PROJECT",
        "EARTHENGINE_SERVICE_ACCOUNT",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(
        "seedbed.sources.earthengine.source.Patience", partial(Patience, pause=0.01)
    )

    def start(**options):
        running.append(LocalEarthEngine(**options).__enter__())
        monkeypatch.setenv("SEEDBED_EARTHENGINE_URL", running[-1].url)
        return running[-1]

    yield start
    for server in running:
        server.__exit__()
    ee.Reset()


@pytest.fixture
def make(tmp_path):
    """A function that makes a project with labels of the synthetic world; options are settings."""

    def project(labels=6, name="project", **ini):
        made = World(
            tmp_path / name,
            {"source.name": "earthengine", "source.labels_file": "mine/labels.geojson"}
            | {k.replace("__", "."): v for k, v in ini.items()},
        )
        made.write_labels(make_places(labels) if isinstance(labels, int) else labels)
        return made

    return project


def exported(project, *overrides):
    """The manifest, the rasters by id and the ledger of an export."""
    settings = project.settings(overrides)
    manifest = export(settings)
    folder = settings.root / settings.export_dir
    ledger = {
        line["id"]: line
        for line in map(json.loads, (folder / "export.jsonl").read_text().splitlines())
    }
    return (
        manifest,
        {path.stem: read_tif(path) for path in sorted(folder.glob("tifs/*.tif"))},
        ledger,
    )


def bands_of(raster):
    """Pixels by the bands' names."""
    return dict(zip(raster.descriptions, raster.data))


# --- what is in a chip ------------------------------------------------------------------------------------------------------------


def by_hand(raster, band, year, month):
    """The median of the clear scenes of a month, pixel by pixel, from the formulas of the world."""
    column, row = np.meshgrid(np.arange(raster.data.shape[2]), np.arange(raster.data.shape[1]))
    column, row = column + int(raster.transform.c // 10), int(raster.transform.f // 10) - 1 - row
    days = [(k, dt.date(2015, 7, 1) + dt.timedelta(days=5 * k)) for k in range(770)]
    scenes = [(k, day) for k, day in days if (day.year, day.month) == (year, month)]
    assert len(scenes) in (6, 7)
    expected = np.full(column.shape, np.nan)
    for i in np.ndindex(column.shape):
        clear = [
            float(synthetic.ground(band, day, column[i], row[i]))
            for k, day in scenes
            if not synthetic.cloudy(k, column[i], row[i])
        ]
        expected[i] = np.median(clear) / 10000
    return expected


def test_a_composite_is_what_the_clear_scenes_say(service, make):
    service()
    manifest, chips, _ = exported(make(2, **SMALL))
    for chip in chips.values():
        values = bands_of(chip)
        np.testing.assert_allclose(values["B4_t00"], by_hand(chip, 3, 2021, 3), rtol=1e-6)
        np.testing.assert_allclose(values["B8_t01"], by_hand(chip, 7, 2021, 4), rtol=1e-6)
        assert values["B4_t00"].max() < 0.3  # a cloud would add 2
        np.testing.assert_allclose(values["temperature_2m_t00"], 283)
        np.testing.assert_allclose(values["total_precipitation_t01"], 0.04, rtol=1e-6)
    assert (
        manifest["layout"]["variables"][:2] == ("VV", "VH")
        and manifest["layout"]["static"] == ("elevation", "slope")
        and manifest["labels"] == 2
    )


@pytest.mark.parametrize(
    "orbit,level", [("descending", -10.3), ("ascending", -13.3), ("both", -11.8)]
)
def test_radar_comes_from_one_pass(service, make, orbit, level):
    """Scenes of the other pass, and of another mode, would show as another level."""
    service()
    _, chips, _ = exported(
        make(1, **SMALL | {"earthengine.sensors": "sentinel1", "earthengine.orbit": orbit})
    )
    found = bands_of(chips["f00000"])["VV_t00"]
    np.testing.assert_allclose(found, level, atol=0.3 if orbit == "both" else 1e-5)


def test_a_month_without_scenes_is_there_and_empty(service, make):
    service(world=synthetic.make_world(gaps=[("2021-04-01", "2021-05-01")]))
    _, chips, ledger = exported(make(1, **SMALL))
    values = bands_of(chips["f00000"])
    assert (
        np.isnan(values["B4_t01"]).all()
        and not np.isnan(values["B4_t00"]).any()
        and not np.isnan(values["VV_t01"]).any()
    )
    assert ledger["f00000"]["missing"] == pytest.approx(12 / 34, abs=1e-3)


def test_the_plain_composite_would_have_failed(service):
    """Earth Engine's trap that the empty image is for; and the local one falls into it, too."""
    server = service()
    connect()
    plain = (
        ee.ImageCollection("COPERNICUS/S2_SR_HARMONIZED")
        .filterDate("2031-01-01", "2031-02-01")
        .median()
        .select("B4")
    )
    with pytest.raises(ee.EEException, match="Image with no bands"):
        ee.data.computePixels(
            {
                "expression": plain,
                "fileFormat": "GEO_TIFF",
                "grid": grid_around(36.5, -1.2, 8, 10).request(),
            }
        )
    assert len(server.asked) == 1


def test_landsat_modis_and_terrain(service, make):
    service()
    _, chips, _ = exported(
        make(
            1,
            **{
                "earthengine.sensors": "landsat, modis, dem, USGS/SRTMGL1_003 elevation=height static",
                "earthengine.steps": 3,
                "earthengine.size": 40,
            },
        )
    )
    values = bands_of(chips["f00000"])
    clear = values["blue_t00"][~np.isnan(values["blue_t00"])]
    np.testing.assert_allclose(clear, 10003 * 2.75e-5 - 0.2, rtol=1e-5)
    missing = np.mean(
        [np.isnan(values[f"{band}_t{t:02d}"]) for t in range(3) for band in ("blue", "ndvi")]
    )
    assert missing == 0  # of two scenes in a row at least one is clear
    assert (
        0.3 < np.nanmean([values[f"ndvi_t{t:02d}"] for t in range(3)]) < 0.45
        and values["height"].min() >= 500
        and values["elevation"].min() >= 500
        and values["slope"].max() > 5
    )


def test_steps_of_days_and_weather_of_months(service, make):
    """Ten days from the label's date on; the weather is that of the month in which a step begins."""
    service()
    manifest, chips, _ = exported(
        make(
            make_places(1, "2021-03-25"),
            **SMALL
            | {
                "earthengine.sensors": "sentinel2, era5",
                "earthengine.step": "10 days",
                "earthengine.steps": 3,
            },
        )
    )
    temperature = [
        float(bands_of(chips["f00000"])[f"temperature_2m_t{t:02d}"][0, 0]) for t in range(3)
    ]
    assert temperature == [283, 284, 284] and manifest["layout"]["step_months"] == pytest.approx(
        10 * 12 / 365.25, abs=1e-5
    )


def test_the_embedding_of_the_year_that_most_of_the_season_lies_in(service, make):
    service()
    for start, year in (("2021-04-01", 2021), ("2021-10-01", 2022)):
        manifest, chips, _ = exported(
            make(
                make_places(1, start), **{"earthengine.preset": "embedding", "earthengine.size": 4}
            )
        )
        values = bands_of(chips["f00000"])
        assert (
            len(values) == 64
            and manifest["layout"]["steps"] == 1
            and manifest["layout"]["step_months"] == 12
        )
        np.testing.assert_allclose(values["A63_t00"], (year - 2000) / 100 + 0.063, rtol=1e-6)
    assert manifest["attribution"].startswith(
        "The AlphaEarth Foundations Satellite Embedding dataset is produced by Google"
    )


def test_years_are_dates(service, make):
    service()
    labels = make_places(2).assign(start=[2020, 2021])
    _, chips, _ = exported(make(labels, **TINY))
    assert [float(bands_of(c)["temperature_2m_t00"][0, 0]) for c in chips.values()] == [281, 281]
    assert windows("2020-01-01", Spec(()))[0] == ("2020-01-01", "2020-02-01")


def test_a_label_without_a_date_is_left_out(service, make):
    server = service()
    manifest, chips, ledger = exported(
        make(make_places(3).assign(start=["2021-03-01", None, "2021-03-01"]), **TINY)
    )
    assert manifest["left_out"] == {
        "f00001": "no date: fill the column 'start', or set labels.start to a date for all"
    }
    assert (
        sorted(chips) == ["f00000", "f00002"]
        and ledger["f00001"]["status"] == "failed"
        and len(server.asked) == 2
    )


# --- where a chip is ----------------------------------------------------------------------------------------------------------------


def test_neighbours_share_their_pixels(service, make):
    service()
    labels = make_places(1)
    near = labels.assign(id="near", geometry=labels.translate(0.00035))
    _, chips, _ = exported(make(gpd.pd.concat([labels, near], ignore_index=True), **SMALL))
    one, two = chips["f00000"], chips["near"]
    shift = round((two.transform.c - one.transform.c) / 10)
    assert 0 < shift < 8 and two.transform.c % 10 == 0 == one.transform.f % 10
    timed = [i for i, name in enumerate(one.descriptions) if name != "slope"]
    np.testing.assert_array_equal(one.data[timed][:, :, shift:], two.data[timed][:, :, : 8 - shift])


@pytest.mark.parametrize(
    "lon,lat,crs",
    [
        (36.8, -1.3, "EPSG:32737"),
        (5.3, 60.4, "EPSG:32632"),
        (15.6, 78.2, "EPSG:32633"),
        (179.99999, -17, "EPSG:32760"),
        (-180, 51, "EPSG:32601"),
        (0, 85, "EPSG:5041"),
        (0, -81, "EPSG:5042"),
    ],
)
def test_zones(lon, lat, crs):
    grid = grid_around(lon, lat, 16, 10)
    assert zone_of(lon, lat) == grid.crs == crs
    west, south, east, north = grid.box()
    assert west < east < west + 1 or abs(lat) > 80
    assert south < lat < north


def test_any_crs(service, make):
    """Degrees, as CropHarvest's own chips have them."""
    service()
    _, chips, _ = exported(
        make(
            2,
            **TINY
            | {
                "earthengine.crs": "EPSG:4326",
                "earthengine.resolution": "8.983152841195215e-05",
                "earthengine.size": 5,
            },
        )
    )
    assert {c.crs for c in chips.values()} == {"EPSG:4326"} and chips[
        "f00000"
    ].transform.a == pytest.approx(8.983152841195215e-05)


def test_a_polygon_lies_in_its_chip():
    spec = replace(presets()["sentinel2"], size=16)
    small, large = shapely.box(36.5, -1.2, 36.501, -1.1992), shapely.box(36.5, -1.2, 36.6, -1.1)
    u_shape = shapely.Polygon(
        [
            (36.5, -1.2),
            (36.6, -1.2),
            (36.6, -1.1),
            (36.59, -1.1),
            (36.59, -1.19),
            (36.51, -1.19),
            (36.51, -1.1),
            (36.5, -1.1),
        ]
    )
    assert holds(grid_around(*place_of(small, spec), 16, 10), small) and not holds(
        grid_around(*place_of(large, spec), 16, 10), large
    )
    assert u_shape.contains(shapely.Point(place_of(u_shape, spec)))


def test_the_file_is_the_fast_layout(service, make):
    service()
    project = make(1, **SMALL)
    exported(project)
    path = next((project.root / project.settings().export_dir).glob("tifs/*.tif"))
    with rasterio.open(path) as file:
        assert (
            file.profile["dtype"] == "float32"
            and "compress" not in file.profile
            and file.block_shapes[0][1] == 8
            and file.interleaving.name == "band"
        )
        assert np.isnan(file.nodata) and file.descriptions == tuple(
            spec_of(project.settings().earthengine).layout.descriptions
        )


# --- what is asked -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", presets())
def test_golden_expressions(name):
    """What a preset asks for changes on purpose or not at all; tests/earthengine/golden.py writes the files anew."""
    offline()
    spec = replace(presets()[name], steps=2)
    box = grid_around(36.82, -1.29, spec.size, spec.resolution).box()
    text = Expressions(spec).text("2021-03-01", box)
    assert json.loads(text) == json.loads((GOLDEN / f"{name}.json").read_text())
    direct = json.loads(json.dumps(ee.serializer.encode(stack(spec, "2021-03-01", box))))
    assert json.loads(text) == direct
    graph.check(direct)
    graph.check(ee.serializer.encode(ee.deserializer.decodeCloudApi(direct)))


def test_threads_ask_for_their_own_place(service, make):
    """Of every chip the grid, the box and the bands belong together, however many ask at once."""
    server = service(latency=0.005)
    project = make(60, **TINY | {"earthengine.workers": 20})
    exported(project)
    chips = {
        c.grid.box()[0]: c
        for c in find_source(project.settings()).chips(find_source(project.settings()).labels())
    }
    assert len(server.asked) == 60
    for entry in server.asked:
        text = json.dumps(entry["body"]["expression"])
        found = [c for west, c in chips.items() if f"[{west}, " in text]
        assert len(found) == 1 and entry["body"]["grid"] == found[0].grid.request()


def test_a_region_elsewhere_finds_nothing(service):
    """The local server looks at the box, so that a wrong one would show."""
    server = service()
    client, spec = Client(*connect()), spec_of(EarthEngine(sensors="era5", steps="1", size="2"))
    here, there = grid_around(36.8, -1.3, 2, 10), grid_around(10, 50, 2, 10)
    from seedbed.sources.earthengine.fetch import fetch_chip

    right = fetch_chip(
        client,
        Gate(1),
        Patience(),
        Expressions(spec).text("2021-03-01", here.box()),
        here,
        spec.layout.descriptions,
    )
    wrong = fetch_chip(
        client,
        Gate(1),
        Patience(),
        Expressions(spec).text("2021-03-01", there.box()),
        here,
        spec.layout.descriptions,
    )
    assert not np.isnan(right).any() and np.isnan(wrong).all() and len(server.asked) == 2


# --- what goes wrong -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", [429, "busy", 500, 503, "html", "drop", "truncate", "garbage", "wrong_place", 408]
)
def test_a_fault_leaves_no_trace_in_a_chip(service, make, kind):
    server = service()
    _, clean, _ = exported(make(4, "clean", **TINY))
    times, first = {}, threading.Lock()

    def fault(number, body):
        with first:
            times[json.dumps(body["grid"])] = times.get(json.dumps(body["grid"]), 0) + 1
            return (
                Fault(kind, headers={"Retry-After": "0"})
                if times[json.dumps(body["grid"])] <= 2
                else None
            )

    server.fault = fault
    manifest, found, ledger = exported(make(4, "faulty", **TINY))
    assert manifest["left_out"] == {} and all(line["attempts"] == 3 for line in ledger.values())
    for name in clean:
        np.testing.assert_array_equal(clean[name].data, found[name].data)


@pytest.mark.parametrize(
    "fault", [Fault("hang", seconds=3), Fault("drip", seconds=6)], ids=["hang", "drip"]
)
def test_no_wait_is_endless(service, fault):
    server = service(fault=lambda number, body: fault if len(server.asked) == 1 else None)
    client = Client(*connect(), timeout=1)
    spec = spec_of(EarthEngine(sensors="era5", steps="1", size="2"))
    grid = grid_around(36.8, -1.3, 2, 10)
    from seedbed.sources.earthengine.fetch import Cost, fetch_chip

    cost, began = Cost(), time.monotonic()
    fetch_chip(
        client,
        Gate(1),
        Patience(pause=0.01),
        Expressions(spec).text("2021-03-01", grid.box()),
        grid,
        spec.layout.descriptions,
        cost=cost,
    )
    assert cost.attempts == 2 and time.monotonic() - began < fault.seconds


def test_a_wish_to_wait_is_granted(service, make):
    server = service(
        fault=lambda number, body: (
            Fault("busy", headers={"Retry-After": "1"}) if len(server.asked) == 1 else None
        )
    )
    exported(make(3, **TINY | {"earthengine.workers": 1}))
    asked = [entry["time"] for entry in server.asked]
    assert len(asked) >= 4 and asked[-1] - asked[0] >= 1
    assert retry_after("7") == 7 and retry_after(None) == 0 == retry_after("soon")


def test_too_many_at_once_is_nobodys_fault(service, make):
    server = service(limits=Limits(concurrent=2), latency=0.01)
    manifest, _, ledger = exported(make(40, **TINY | {"earthengine.workers": 16}))
    assert manifest["labels"] == 40 and any(entry["status"] == 429 for entry in server.asked)
    assert sum(line["attempts"] for line in ledger.values()) == len(server.asked)


def test_the_gate_halves_and_grows():
    gate = Gate(32, hold=0)
    for error in (Busy(""), Busy(""), Busy("")):
        with pytest.raises(Busy), gate:
            raise error
    assert gate.limit == 4
    for _ in range(600):
        with gate:
            pass
    assert gate.limit > 30


def test_nothing_but_refusals_ends():
    def refuse():
        raise Busy("HTTP 429: no")

    with pytest.raises(Stopped, match="nothing but refusals"):
        persist(refuse, Gate(1), Patience(pause=0.01, busy=0.05))


def test_memory_errors_split_by_bands_and_then_by_space(service, make):
    server = service()
    options = SMALL | {"earthengine.sensors": "era5, srtm"}
    _, clean, _ = exported(make(1, "clean", **options))
    server.limits.memory = 40  # values of a request; a band of a chip has 64
    server.log.clear()
    _, split, ledger = exported(make(1, "split", **options))
    np.testing.assert_array_equal(
        clean["f00000"].data[:-1], split["f00000"].data[:-1]
    )  # but the slope, which looks beyond its pixels
    good = [entry for entry in server.asked if entry["status"] == 200]
    assert {len(entry["body"]["bandIds"]) for entry in good} == {1} and {
        entry["body"]["grid"]["dimensions"]["height"] for entry in good
    } == {4}
    assert ledger["f00000"]["requests"] == len(good) == 12


def test_known_limits_are_planned_for(service, make):
    """Two requests of 144 bands for 256 pixels, and not one that is refused."""
    server = service(limits=Limits(answer=2**20))
    from seedbed.sources.earthengine.source import fetch

    assert len(fetch.plan(193, grid_around(36.8, -1.3, 256, 10))) == 2
    assert all(
        fetch.fits(p.count, p.grid) for p in fetch.plan(1, grid_around(36.8, -1.3, 40000, 10))
    )
    with pytest.raises(Refused):
        raise judge(400, "anything else")
    assert not server.asked


@pytest.mark.parametrize(
    "code,command", [(401, "earthengine authenticate"), (403, "earthengine set_project")]
)
def test_who_may_not_ask_stops_at_once(service, make, code, command):
    server = service(
        fault=lambda number, body: Fault(
            code, "Project fields-of-kenya is not registered to use Earth Engine."
        )
    )
    refused(
        lambda: exported(make(200, **TINY | {"earthengine.workers": 4})), "not registered", command
    )
    assert len(server.asked) <= 8


def test_twenty_failures_in_a_row_stop(service, make):
    server = service()
    project = make(
        200,
        **TINY
        | {
            "earthengine.sensors": "ECMWF/ERA5_LAND/MONTHLY_AGGR temperature_3m mean",
            "earthengine.workers": 4,
        },
    )
    refused(
        lambda: exported(project),
        "20 chips in a row",
        "temperature_3m",
        "is something wrong with all of them?",
    )
    assert 20 <= len(server.asked) <= 30 and project.made() == []


def test_a_failed_chip_is_told_and_tried_again(service, make):
    """Never counted as done: left out of the labels, with its reason, and fetched by the next export."""
    project = make(5, **TINY)
    bad = (
        find_source(project.settings())
        .chips(find_source(project.settings()).labels())[2]
        .grid.request()
    )
    server = service(
        fault=lambda number, body: (
            Fault(400, "Image.load: asset is broken") if body["grid"] == bad else None
        )
    )
    manifest, chips, ledger = exported(project)
    assert (
        "asset is broken" in manifest["left_out"]["f00002"]
        and "f00002" not in chips
        and manifest["labels"] == 4
    )
    assert (
        ledger["f00002"]["status"] == "failed"
        and ledger["f00002"]["attempts"] == 1
        and manifest["unfinished"] == ["f00002"]
    )
    server.fault = lambda number, body: None
    server.log.clear()
    manifest, chips, ledger = exported(project)
    assert (
        manifest["labels"] == 5
        and len(server.asked) == 1
        and ledger["f00002"]["status"] == "done"
        and manifest["unfinished"] == []
    )


def test_on_fault_stop_stops(service, make):
    service(fault=lambda number, body: Fault(400, "Image.load: asset is broken"))
    refused(lambda: exported(make(2, **TINY | {"labels.on_fault": "stop"})), "asset is broken")


def test_a_service_that_is_not_there(monkeypatch, make):
    offline()  # what was set up for another service must not be used for this one
    monkeypatch.setenv("SEEDBED_EARTHENGINE_URL", "http://127.0.0.1:9")
    refused(lambda: exported(make(1, **TINY)), "http://127.0.0.1:9", "cannot be reached")


# --- what is kept --------------------------------------------------------------------------------------------------------------------


def test_nothing_is_fetched_twice(service, make):
    server = service()
    project = make(5, **TINY)
    exported(project)
    assert len(server.asked) == 5
    server.__exit__()  # no service is needed any more
    manifest, chips, ledger = exported(project)
    assert manifest["labels"] == len(chips) == 5 and all(line["kept"] for line in ledger.values())


def test_more_labels_ask_only_for_more(service, make):
    server = service()
    project = make(5, **TINY)
    exported(project)
    project.write_labels(make_places(8).assign(id=[f"renamed{i}" for i in range(8)]))
    assert exported(project)[0]["labels"] == 8 and len(server.asked) == 8


def test_another_question_is_another_chip(service, make):
    server = service()
    project = make(2, **TINY)
    for override in (
        "earthengine.steps=2",
        "earthengine.steps=1",
        "earthengine.size=3",
        "earthengine.sensors=srtm",
        "labels.start=2020-01-01",
    ):
        exported(project, override)
    assert len(server.asked) == 10
    moved = make_places(2)
    project.write_labels(moved.assign(geometry=moved.translate(0.01)))
    before = exported(project)[1]
    assert len(server.asked) == 12 and len(before) == 2


def test_a_damaged_chip_is_fetched_anew(service, make):
    server = service()
    project = make(3, **TINY)
    exported(project)
    store = Store(project.root / "data/chips")
    victim = store.path(next(iter(store.known)))
    whole = victim.read_bytes()
    victim.unlink()
    victim.write_bytes(whole[:100])
    assert (
        exported(project)[0]["labels"] == 3
        and len(server.asked) == 4
        and len(victim.read_bytes()) == len(whole)
    )


def test_what_a_kill_has_left_is_swept(tmp_path):
    """A temporary file is none of ours while it is young: another export may be writing it."""
    (tmp_path / "ab").mkdir()
    old, young = tmp_path / "ab/.tmp-old.tif", tmp_path / "ab/.tmp-young.tif"
    old.touch(), young.touch()
    os.utime(old, (0, 0))
    Store(tmp_path)
    assert not old.exists() and young.exists()


def test_a_torn_ledger_loses_one_line(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for i in range(3):
        ledger.add({"key": f"k{i}", "status": "done"})
    ledger.path.write_bytes(ledger.path.read_bytes()[:-9])
    ledger.add({"key": "k3", "status": "done"})
    assert sorted(ledger.read()) == ["k0", "k1", "k3"]
    ledger.path.write_bytes(ledger.path.read_bytes() + b"\xff\xfe[]\n12\n")
    assert sorted(ledger.read()) == ["k0", "k1", "k3"]


def test_an_export_without_its_network_keeps_the_chips(service, make):
    """The export's folder may go: the chips are still there, and it is made again without asking."""
    import shutil

    server = service()
    project = make(3, **TINY)
    exported(project)
    shutil.rmtree(project.root / "data/exports")
    assert exported(project)[0]["labels"] == 3 and len(server.asked) == 3


# --- what it costs -------------------------------------------------------------------------------------------------------------------


def test_a_pilot_counts_what_the_service_tells(service, make):
    server = service(eecu=2.5)
    project = make(50, **TINY)
    records, rest = pilot(project.settings(), 10)
    assert len(records) == 10 == len(server.asked) and rest.chips == 40 and rest.measured
    assert (
        rest.eecu_hours == pytest.approx(40 * 2.5 / 3600)
        and "told by the service" in rest.lines()[1]
    )
    assert (
        exported(project)[0]["labels"] == 50 and len(server.asked) == 50
    )  # the pilot's chips are not asked for again


def test_a_limit_stops_before_it_is_passed(service, make):
    server = service(eecu=36.0)
    project = make(50, **TINY | {"earthengine.max_eecu_hours": 0.2, "earthengine.workers": 3})
    pilot(project.settings(), 5)
    refused(lambda: exported(project), "earthengine.max_eecu_hours = 0.2", "would pass the limit")
    first = len(server.asked)
    refused(
        lambda: exported(project), "would pass the limit"
    )  # nor does another start begin at nothing: it asks for what the first had no time to ask
    assert first <= len(server.asked) <= 25


def test_past_the_quota_less_is_asked_at_once(service, make, capsys):
    server = service(restricted=True, latency=0.02)
    exported(make(40, **TINY | {"earthengine.workers": 16}))
    assert capsys.readouterr().out.count("past its quota") == 1
    late = [entry["time"] for entry in server.asked][24:]
    assert max(sum(t <= other < t + 0.02 for other in late) for t in late) <= 8


# --- who asks ------------------------------------------------------------------------------------------------------------------------


def test_a_service_account_and_no_trace_of_its_key(service, make, monkeypatch, capsys, tmp_path):
    """The whole way: an assertion is signed, a token is given and sent; nothing secret is written or said."""
    server = service(asks_for_tokens=True)
    key = make_key(server.url)
    monkeypatch.setenv("EARTHENGINE_SERVICE_ACCOUNT", json.dumps(key))
    project = make(4, **TINY)
    assert exported(project)[0]["labels"] == 4 and server.tokens.given >= 1
    assert {entry["headers"]["x-goog-user-project"] for entry in server.asked} == {
        "fields-of-kenya"
    } and "/projects/fields-of-kenya/" in server.asked[0]["path"]
    said = capsys.readouterr()
    written = (
        b"".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())
        + said.out.encode()
        + said.err.encode()
    )
    for secret in [key["private_key"][60:100], key["client_email"], *server.tokens.valid]:
        assert secret.encode() not in written
    (tmp_path / "key.json").write_text(json.dumps(key))
    monkeypatch.setenv("EARTHENGINE_SERVICE_ACCOUNT", str(tmp_path / "key.json"))
    monkeypatch.setenv("EARTHENGINE_PROJECT", "another-project")
    assert (
        exported(project, "earthengine.steps=1")[0]["labels"] == 4
        and server.asked[-1]["headers"]["x-goog-user-project"] == "another-project"
    )


def test_a_short_token_is_renewed(service, make, monkeypatch):
    server = service(asks_for_tokens=True)
    server.tokens.lifetime = 1
    monkeypatch.setenv("EARTHENGINE_SERVICE_ACCOUNT", json.dumps(make_key(server.url)))
    assert exported(make(4, **TINY))[0]["labels"] == 4 and server.tokens.given >= 4


@pytest.mark.parametrize(
    "value,fragments",
    [
        ("{not json", ["not valid JSON"]),
        ("/no/such/file", ["neither JSON nor a file"]),
        ('{"client_email": "a@b"}', ["no private_key"]),
        (
            '{"client_email": "a", "private_key": "SECRET-WORD", "token_uri": "u", "project_id": "p"}',
            ["private key cannot be read"],
        ),
    ],
)
def test_a_wrong_key_is_told_without_showing_it(monkeypatch, make, value, fragments):
    monkeypatch.setenv("EARTHENGINE_SERVICE_ACCOUNT", value)
    message = refused(lambda: exported(make(1, **TINY)), "EARTHENGINE_SERVICE_ACCOUNT", *fragments)
    assert "SECRET-WORD" not in message and "not json" not in message and "/no/such" not in message


def test_nobody_has_signed_in(monkeypatch, make, tmp_path):
    for name in (
        "EARTHENGINE_SERVICE_ACCOUNT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "SEEDBED_EARTHENGINE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    refused(lambda: exported(make(1, **TINY)), "nobody has signed in", "earthengine authenticate")


# --- settings, and what follows --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "override,fragments",
    [
        ("earthengine.preset=cropharvst", ["did you mean 'cropharvest'"]),
        ("earthengine.sensors=sentinel-2", ["did you mean 'sentinel2'"]),
        ("earthengine.step=a week", ["earthengine.step = a week"]),
        ("earthengine.workers=100", ["less than or equal to 40"]),
        ("earthengine.orbit=sideways", ["'ascending'"]),
        ("source.labels_file=none", ["needs the path of a labels file"]),
        ("source.labels_file=gone.gpkg", ["gone.gpkg", "no such labels file"]),
        ("source.name=earthengine:x", ["write earthengine alone"]),
    ],
)
def test_what_is_wrong_in_the_settings(make, override, fragments):
    refused(lambda: exported(make(1, **TINY), override), *fragments)


def test_the_export_goes_on_to_the_dataset(service, make):
    """What the source writes is what the next stage reads."""
    service()
    project = make(
        40,
        **SMALL
        | {
            "process.sampling": "chip",
            "process.chip_size": 4,
            "split.block_km": 1,
            "split.buffer_km": 0,
            "split.folds": 2,
        },
    )
    manifest, _, _ = exported(project)
    process(project.settings())
    import h5py

    with h5py.File(project.root / project.settings().processed_dir / "dataset.h5") as file:
        assert (
            file["X"].shape == (40, 2, 16, 4, 4)
            and file["static"].shape[1] == 2
            and not np.isnan(file["X"][:]).all()
        )
    assert (
        "COPERNICUS/S1_GRD" in manifest["attribution"] and manifest["request"]["spec"]["steps"] == 2
    )
