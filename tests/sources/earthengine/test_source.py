"""An export from Earth Engine: which labels, what fails, what is not fetched twice."""

import numpy as np
import pytest

from seedbed.process import process
from seedbed.sources.earthengine.client import pixel_grid
from seedbed.sources.earthengine.credentials import offline
from seedbed.sources.registry import find_source
from tests.servers.earthengine.faults import Fault
from tests.servers.earthengine.places import make_places
from tests.support.earthengine import SMALL, TINY, exported
from tests.support.world import refused

pytestmark = pytest.mark.slow

# --- what is in a chip ---


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


# --- what goes wrong ---


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


def test_a_failed_chip_is_told_and_tried_again(service, make):
    """Never counted as done: left out of the labels, with its reason, and fetched by the next export."""
    project = make(5, **TINY)
    source = find_source(project.settings())
    bad = pixel_grid(source.chips(source.labels())[2].grid)
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


# --- what is kept ---


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


def test_an_export_without_its_network_keeps_the_chips(service, make):
    """The export's folder may go: the chips are still there, and it is made again without asking."""
    import shutil

    server = service()
    project = make(3, **TINY)
    exported(project)
    shutil.rmtree(project.root / "data/exports")
    assert exported(project)[0]["labels"] == 3 and len(server.asked) == 3


# --- settings, and what follows ---


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
