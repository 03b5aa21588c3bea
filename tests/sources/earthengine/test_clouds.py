"""The clearest scene of each pixel, as CropHarvest's own exporter chooses it."""

import json

import numpy as np
import pytest

from seedbed.sources.earthengine.spec import presets
from tests.servers.earthengine import world as synthetic
from tests.sources.earthengine.test_sensors import chip
from tests.support.earthengine import bands_of, exported
from tests.support.paths import ROOT


def test_the_pixels_are_those_of_cropharvest(service):
    """The values were made by CropHarvest's exporter (nasaharvest/cropharvest 05ec83e), which asked this local service.

    Two changes were needed: two of its collections are retired, and the rain of their successor is divided by the days.
    """
    known = json.loads((ROOT / "tests/servers/earthengine/golden/harvest_pixels.json").read_text())
    service(world=synthetic.make_world(today="2026-01-01"))
    place = known["lon"], known["lat"]
    values = chip(
        presets()["cropharvest"], place, known["start"], steps=known["steps"], size=known["size"]
    )
    for name, expected in known["bands"].items():
        np.testing.assert_allclose(values[name].ravel(), expected, rtol=1e-5, err_msg=name)
    ratio = (values["B7_t00"] - values["B3_t00"]) / (values["B7_t00"] + values["B3_t00"])
    np.testing.assert_allclose(values["NDVI_t00"], ratio, rtol=1e-5)


def test_the_clearest_pixel_has_no_holes(service, make):
    """Where every scene is cloudy there is the least cloudy one, and elsewhere no cloud is taken."""
    service()
    asked = {"earthengine.preset": "sentinel2", "earthengine.steps": 1, "earthengine.size": 12}
    _, chips, _ = exported(make(1, **asked | {"earthengine.composite": "least_cloudy"}))
    values = bands_of(chips["f00000"])["B4_t00"]
    assert not np.isnan(values).any() and values.max() < 0.3  # a cloud adds 2
    overcast = synthetic.make_world()
    clear = overcast["GOOGLE/CLOUD_SCORE_PLUS/V1/S2_HARMONIZED"]
    clear.value = lambda band, scene, date, column, row: 0.1 + 0.01 * (scene % 7) + 0 * column
    service(world=overcast)
    for composite, missing in (("median", 1), ("least_cloudy", 0)):
        project = make(1, name=composite, **asked | {"earthengine.composite": composite})
        found = bands_of(exported(project)[1]["f00000"])["B4_t00"]
        assert np.isnan(found).mean() == missing


@pytest.mark.parametrize("gap,expected", [((), -10.3), (("2021-02-01", "2021-04-20"), -10.45)])
def test_radar_of_fifteen_days_or_the_nearest(service, gap, expected):
    """Scenes within 15 days of the middle of the step; where there is none, the nearest of all."""
    world = synthetic.make_world()
    world["COPERNICUS/S1_GRD"].gaps = (gap,) if gap else ()
    world["COPERNICUS/S1_GRD"].value = lambda band, scene, date, column, row: (
        -10 - date.month / 10 - (date.month == 4) * 0.05 + 0 * column
    )
    service(world=world)
    values = chip(presets()["presto"], (36.82, -1.29), "2021-03-02", steps=1, size=1)
    assert values["VV_t00"] == pytest.approx(expected, abs=0.01)
