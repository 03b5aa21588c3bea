"""Where a chip lies."""

import geopandas as gpd
import numpy as np
import pytest

from tests.servers.earthengine.places import make_places
from tests.support.earthengine import SMALL, TINY, exported


@pytest.mark.slow
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
