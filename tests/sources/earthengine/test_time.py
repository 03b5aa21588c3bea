"""Steps that are not over, or older than the sensor."""

import json

import numpy as np
import pytest

from seedbed.export import pilot
from seedbed.sources.registry import find_source
from tests.servers.earthengine import world as synthetic
from tests.servers.earthengine.places import make_places
from tests.support.earthengine import TINY, bands_of, exported
from tests.support.world import refused

TWO = {"earthengine.sensors": "sentinel2, era5", "earthengine.steps": 3, "earthengine.size": 2}


@pytest.fixture
def on(monkeypatch, service):
    """A function that makes it a day: for seedbed, and for the archives of the local service."""

    def day(text):
        for module in ("earthengine.source", "fetching.store"):
            monkeypatch.setattr(f"seedbed.sources.{module}.now", lambda: f"{text}T12:00:00+00:00")
        return service(world=synthetic.make_world(today=text))

    return day


@pytest.mark.parametrize(
    "start,reasons",
    [
        ("2021-04-10", ["not over", "ECMWF/ERA5_LAND/MONTHLY_AGGR", "up to 2021-03-17"]),
        ("2017-03-10", ["too early", "S2_SR_HARMONIZED begins on 2017-03-28"]),
        ("2031-01-01", ["not over"]),
    ],
)
def test_refused_before_the_first_request(on, make, start, reasons):
    server = on("2021-06-15")
    project = make(make_places(3, start), **TWO)
    for call in (lambda: exported(project), lambda: pilot(project.settings(), 2)):
        refused(call, *reasons, "earthengine.incomplete = fetch")
    assert server.log == []


def test_some_labels_are_over_and_some_are_not(on, make):
    """The others are fetched, and those that are not over are for the next export."""
    on("2021-06-15")
    places = make_places(3).assign(start=["2020-06-01", "2021-04-01", "2016-05-01"])
    project = make(places, **TWO | {"labels.max_left_out": 1})
    manifest, chips, ledger = exported(project)
    assert list(chips) == ["f00000"] and manifest["unfinished"] == ["f00001"]
    assert ledger["f00000"]["at"].startswith("2021-06-15")  # the fetch date is kept
    on("2021-10-15")
    manifest, chips, _ = exported(project)
    assert list(chips) == ["f00000", "f00001"]


def test_a_chip_of_an_open_month_is_fetched_again(on, make):
    """With what there is, it has gaps and says so; once its time is over it counts as absent."""
    server = on("2021-05-20")
    project = make(make_places(2, "2021-04-01"), **TWO | {"earthengine.incomplete": "fetch"})
    manifest, chips, _ = exported(project)
    assert any("not over" in line and "2 labels" in line for line in manifest["warnings"])
    early = bands_of(chips["f00000"])
    assert np.isnan(early["B4_t02"]).all() and np.isnan(early["temperature_2m_t01"]).all()
    exported(project)
    assert len(server.asked) == 2  # nothing new can be expected yet
    later = on("2021-10-01")
    manifest, chips, ledger = exported(project)
    assert len(later.asked) == 2 and manifest["warnings"] == []
    assert not np.isnan(bands_of(chips["f00000"])["temperature_2m_t02"]).any()
    exported(project)
    assert len(later.asked) == 2


def test_a_lost_line_is_dated_by_its_file(on, make):
    """A chip whose line was lost is as old as its file, not as the day on which it was found."""
    server = on("2021-10-01")
    project = make(2, **TINY)
    exported(project)
    source = find_source(project.settings())
    chip = source.chips(source.labels())[0]
    source.store.ledger.path.write_text(json.dumps({"key": "other"}) + "\n")
    found = find_source(project.settings()).store.find(chip.key, chip.closes)
    assert found["found"] and found["at"] > "2021-10-02"  # the file is of today
    assert len(server.asked) == 2
