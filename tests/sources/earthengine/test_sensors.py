"""Radar, optical sensors, terrain and embeddings."""

import numpy as np
import pytest

from tests.servers.earthengine.places import make_places
from tests.support.earthengine import SMALL, bands_of, exported


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


@pytest.mark.slow
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
