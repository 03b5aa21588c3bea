"""From settings to a spec: steps, dates, and what is wrong."""

import calendar

import geopandas as gpd
import numpy as np
import pytest
import rasterio

from seedbed.imagery.grid import grid_at, place_of
from seedbed.sources import cropharvest
from seedbed.sources.earthengine.spec import Spec, presets
from seedbed.sources.fetching.spec import windows
from tests.servers.earthengine.places import make_places
from tests.support.earthengine import SMALL, TINY, bands_of, exported
from tests.support.paths import ROOT
from tests.support.world import refused

# --- what is in a chip ---


@pytest.mark.slow
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


def test_years_are_dates(service, make):
    service()
    labels = make_places(2).assign(start=[2020, 2021])
    _, chips, _ = exported(make(labels, **TINY))
    assert [float(bands_of(c)["temperature_2m_t00"][0, 0]) for c in chips.values()] == [281, 281]
    assert windows("2020-01-01", Spec(()))[0] == ("2020-01-01", "2020-02-01")


# --- settings, and what follows ---


@pytest.mark.parametrize(
    "override,fragments",
    [
        ("earthengine.preset=cropharvst", ["did you mean 'cropharvest'"]),
        ("earthengine.sensors=sentinel-2", ["did you mean 'sentinel2'"]),
        ("earthengine.step=a week", ["earthengine.step = a week"]),
        ("earthengine.composite=least_cloudy", ["least_cloudy is for Sentinel-2"]),
        ("earthengine.workers=100", ["less than or equal to 40"]),
        ("earthengine.workload_tag=My crops", ["not a tag", "crops-2026"]),
        ("earthengine.orbit=sideways", ["'ascending'"]),
        ("source.labels_file=none", ["needs the path of a labels file"]),
        ("source.labels_file=gone.gpkg", ["gone.gpkg", "no such labels file"]),
        ("source.name=earthengine:x", ["write earthengine alone"]),
    ],
)
def test_what_is_wrong_in_the_settings(make, override, fragments):
    refused(lambda: exported(make(1, **TINY), override), *fragments)


# --- presets that are named after projects ---

PRESTO = (
    "VV VH B2 B3 B4 B5 B6 B7 B8 B8A B11 B12 temperature_2m total_precipitation elevation slope NDVI"
).split()  # BANDS without B9 of presto/dataops/pipelines/s1_s2_era5_srtm.py


def test_presets_have_the_channels_of_their_projects():
    """NDVI stands before the terrain, which is static here; CropHarvest's arrays are read in the same order."""
    harvest, presto = (presets()[name].layout for name in ("cropharvest", "presto"))
    assert harvest.variables == cropharvest.LAYOUT.variables
    assert harvest.static == cropharvest.LAYOUT.static
    assert [*presto.variables[:-1], *presto.static, presto.variables[-1]] == PRESTO
    for layout in (harvest, presto):
        assert layout.unit_of["total_precipitation"] == "m/day"
        assert layout.unit_of["B2"] == "1e-4" and layout.unit_of["VV"] == "dB"
    assert windows("2019-02-06", presets()["presto"])[-1] == ("2020-01-02", "2020-02-01")


def test_rain_is_a_day_s(service, make):
    """What Earth Engine stores is the sum of a month; both presets want metres a day."""
    service()
    places = make_places(1, "2019-02-06")
    asked = {"earthengine.preset": "presto", "earthengine.steps": 3}
    values = bands_of(exported(make(places, **asked))[1]["f00000"])
    for step, month in enumerate((2, 3, 4)):
        days = calendar.monthrange(2019, month)[1]
        assert values[f"total_precipitation_t{step:02d}"] == pytest.approx(0.01 * month / days)


TOGO = ROOT.parent / "shared/data/togo_cropharvest_chip"


@pytest.fixture
def togo():
    """A real export of CropHarvest and its label."""
    folder = next(
        (p for p in (TOGO, ROOT.parents[1] / "shared/data" / TOGO.name) if p.exists()), None
    )
    if folder is None:
        pytest.skip("the chip of Togo is not on this machine")
    label = gpd.read_file(folder / "labels.geojson")
    with rasterio.open(folder / "tifs/98.tif") as file:
        yield label, file


def test_a_real_chip_of_cropharvest(togo):
    """The same pixels, the same bands in the same order but for two that CropHarvest drops, and the same ranges."""
    label, file = togo
    spec = presets()["cropharvest"]
    grid = grid_at(place_of(label.geometry[0], spec), spec)
    assert (grid.width, grid.height, grid.crs) == (file.width, file.height, file.crs.to_string())
    np.testing.assert_allclose(grid.transform[:6], file.transform[:6], rtol=1e-9)
    names = [
        name.rpartition("_")[0] if name[-1].isdigit() and "_" in name else name
        for name in file.descriptions
    ]
    step = [name for name in file.descriptions[:17] if name not in cropharvest.REMOVED]
    assert tuple(step) + ("NDVI",) == spec.layout.variables
    assert file.descriptions[-2:] == spec.layout.static and names
    assert file.count == spec.steps * 17 + 2
    pixels = {name: file.read(i + 1) for i, name in enumerate(file.descriptions)}
    days = [w for w in windows(str(label["start_date"][0])[:10], spec)]
    assert days[-1][1] == str(label["end_date"][0])[:10]
    rain = [np.nanmean(v) for n, v in pixels.items() if n.startswith("total_precipitation")]
    assert 1.0 < 30 * sum(rain) < 1.7  # metres a year in Togo: the numbers are a day's
    assert 273 < np.nanmean(pixels["temperature_2m"]) < 320 and 100 < np.nanmean(pixels["B4"]) < 1e4
    assert -30 < np.nanmean(pixels["VH"]) < np.nanmean(pixels["VV"]) < 0


def test_a_workload_tag_goes_with_every_request(service, make):
    server = service()
    exported(make(2, **TINY | {"earthengine.workload_tag": "crops-2026"}))
    assert {entry["body"]["workloadTag"] for entry in server.asked} == {"crops-2026"}
