"""Many workers fetch chips."""

import json

import pytest

from seedbed.sources.earthengine.client import pixel_grid
from seedbed.sources.registry import find_source
from tests.support.earthengine import TINY, exported
from tests.support.world import refused

# --- what is asked ---


@pytest.mark.slow
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
        assert len(found) == 1 and entry["body"]["grid"] == pixel_grid(found[0].grid)


# --- what goes wrong ---


@pytest.mark.slow
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
