"""Fetching a chip in spite of faults, in parts where it is too large."""

import json
import threading
import time

import numpy as np
import pytest

from seedbed.base.settings import EarthEngine
from seedbed.imagery.grid import grid_around
from seedbed.sources.earthengine.client import Client
from seedbed.sources.earthengine.credentials import connect
from seedbed.sources.earthengine.expression import Expressions
from seedbed.sources.earthengine.responses import classify_response
from seedbed.sources.earthengine.spec import spec_of
from seedbed.sources.fetching.outcomes import ChipFailed
from seedbed.sources.fetching.ratelimit import RateLimit, RetryPolicy
from tests.servers.earthengine.faults import Fault
from tests.servers.earthengine.limits import Limits
from tests.support.earthengine import SMALL, TINY, exported

pytestmark = pytest.mark.slow

# --- what is asked ---


def test_a_region_elsewhere_finds_nothing(service):
    """The local server looks at the box, so that a wrong one would show."""
    server = service()
    client, spec = Client(*connect()), spec_of(EarthEngine(sensors="era5", steps="1", size="2"))
    here, there = grid_around(36.8, -1.3, 2, 10), grid_around(10, 50, 2, 10)
    from seedbed.sources.earthengine.fetch import fetch_chip

    right = fetch_chip(
        client,
        RateLimit(1),
        RetryPolicy(),
        Expressions(spec).text("2021-03-01", here.box()),
        here,
        spec.layout.descriptions,
    )
    wrong = fetch_chip(
        client,
        RateLimit(1),
        RetryPolicy(),
        Expressions(spec).text("2021-03-01", there.box()),
        here,
        spec.layout.descriptions,
    )
    assert not np.isnan(right).any() and np.isnan(wrong).all() and len(server.asked) == 2


# --- what goes wrong ---


FAULTS = [429, "busy", "drop", "truncate", "wrong_place"]
MORE_FAULTS = [500, 503, "html", "garbage", 408]


@pytest.mark.parametrize(
    "kind", [*FAULTS, *(pytest.param(kind, marks=pytest.mark.slow) for kind in MORE_FAULTS)]
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
        RateLimit(1),
        RetryPolicy(pause=0.01),
        Expressions(spec).text("2021-03-01", grid.box()),
        grid,
        spec.layout.descriptions,
        cost=cost,
    )
    assert cost.attempts == 2 and time.monotonic() - began < fault.seconds


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
    from seedbed.sources.earthengine import fetch

    assert len(fetch.plan(193, grid_around(36.8, -1.3, 256, 10))) == 2
    assert all(
        fetch.fits(p.count, p.grid) for p in fetch.plan(1, grid_around(36.8, -1.3, 40000, 10))
    )
    with pytest.raises(ChipFailed):
        raise classify_response(400, "anything else")
    assert not server.asked
