"""An archive that fails in every way: chips are whole or not there, and nothing is passed over."""

import random

import numpy as np
import pytest

from tests.support.stac import exported

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stac")]  # files are made once
KINDS = (("status", 503), ("status", (429, 0)), ("cut",), ("page",), ("garbage",), ("slow", 0.05))


def some(share, kinds, seed=0):
    """Wrong answers to a share of the requests for images."""
    draw = random.Random(seed)

    def fault(number, path):
        spoil = path.endswith(".tif") or ".tif?" in path
        return draw.choice(kinds) if spoil and draw.random() < share else None

    return fault


@pytest.fixture
def clean(archive, make):
    """Chips of an archive without faults."""
    server = archive()
    return server, exported(make(server.catalog, 12, "clean"))[1]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "_".join(map(str, kind)))
def test_a_fault_leaves_no_trace_in_a_chip(clean, make, kind):
    server, chips = clean
    server.log.clear()
    server.fault = some(0.4, [kind])
    manifest, found, _ = exported(make(server.catalog, 12, "faulty"))
    assert manifest["unfinished"] == [] and len(found) == 12 and len(server.files()) > 20
    for name, chip in chips.items():
        np.testing.assert_array_equal(found[name].data, chip.data)


def test_a_token_that_expires_is_renewed(clean, make, monkeypatch):
    server, chips = clean
    server.tokens, server.latency = 0.25, 0.02
    monkeypatch.setenv("SEEDBED_SAS_URL", f"{server.url}/sas")
    project = make(server.catalog, 12, "signed")
    manifest, found, _ = exported(project)
    assert manifest["labels"] == 12 and len(server.issued) > 1
    for name, chip in chips.items():
        np.testing.assert_array_equal(found[name].data, chip.data)
    kept = [path for path in project.root.rglob("*") if path.is_file()]
    assert not [path for path in kept if b"sig=" in path.read_bytes()]


def test_a_scene_that_vanishes_is_a_hole_that_is_told(clean, make):
    """Never the median of the scenes that are left: the step has no value, and is tried again."""
    server, chips = clean
    project = make(server.catalog, 12, "holes")
    gone = "S2A_20210513_B08"
    server.fault = lambda number, path: ("status", 404) if gone in path else None
    manifest, found, ledger = exported(project)
    assert manifest["labels"] == 12 and len(manifest["unfinished"]) == 12
    for name, chip in found.items():
        assert np.isnan(chip.data[:2]).all()
        np.testing.assert_array_equal(chip.data[2:], chips[name].data[2:])
        assert gone[:12] in ledger[name]["unread"]["t00"][0] and ledger[name]["status"] == "partial"
    assert "12 chips lack steps" in manifest["notes"][-1]
    server.fault = lambda number, path: None
    manifest, found, _ = exported(project)
    assert manifest["unfinished"] == []
    for name, chip in chips.items():
        np.testing.assert_array_equal(found[name].data, chip.data)


def test_a_search_that_is_busy_is_asked_again(clean, make):
    server, chips = clean
    draw = random.Random(3)

    def fault(number, path):
        is_search = not path.endswith(".tif")
        return ("status", 503) if is_search and draw.random() < 0.4 else None

    server.fault = fault
    manifest, _, _ = exported(make(server.catalog, 12, "busy"))
    assert manifest["labels"] == 12
