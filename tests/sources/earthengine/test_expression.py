"""What is asked of Earth Engine, and what the composites hold."""

import datetime as dt
import json
from dataclasses import replace

import ee
import numpy as np
import pytest

from seedbed.imagery.grid import grid_around, grid_at
from seedbed.sources.earthengine.client import pixel_grid
from seedbed.sources.earthengine.credentials import connect, offline
from seedbed.sources.earthengine.expression import Expressions, stack
from seedbed.sources.earthengine.spec import presets
from tests.servers.earthengine import graph
from tests.servers.earthengine import world as synthetic
from tests.support.earthengine import SMALL, bands_of, exported
from tests.support.paths import ROOT

GOLDEN = ROOT / "tests/servers/earthengine/golden"


# --- what is in a chip ---


def by_hand(raster, band, year, month):
    """The median of the clear scenes of a month, pixel by pixel, from the formulas of the world."""
    column, row = np.meshgrid(np.arange(raster.data.shape[2]), np.arange(raster.data.shape[1]))
    column, row = column + int(raster.transform.c // 10), int(raster.transform.f // 10) - 1 - row
    days = [(k, dt.date(2015, 6, 26) + dt.timedelta(days=5 * k)) for k in range(770)]
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


@pytest.mark.slow
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
                "grid": pixel_grid(grid_around(36.5, -1.2, 8, 10)),
            }
        )
    assert len(server.asked) == 1


# --- what is asked ---


@pytest.mark.parametrize("name", presets())
def test_golden_expressions(name):
    """What a preset asks for changes on purpose or not at all; `python -m tests.servers.earthengine.golden` writes the files anew."""
    offline()
    spec = replace(presets()[name], steps=2)
    box = grid_at((36.82, -1.29), spec).box()
    text = Expressions(spec).text("2021-03-01", box)
    assert json.loads(text) == json.loads((GOLDEN / f"{name}.json").read_text())
    direct = json.loads(json.dumps(ee.serializer.encode(stack(spec, "2021-03-01", box))))
    assert json.loads(text) == direct
    graph.check(direct)
    graph.check(ee.serializer.encode(ee.deserializer.decodeCloudApi(direct)))
