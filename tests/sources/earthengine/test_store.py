"""Chips that are kept, and the ledger of them."""

import os

import numpy as np
import pytest
import rasterio

from seedbed.sources.earthengine.spec import spec_of
from seedbed.sources.earthengine.store import Ledger, Store
from tests.support.earthengine import SMALL, TINY, exported

# --- where a chip is ---


def test_the_file_is_the_fast_layout(service, make):
    service()
    project = make(1, **SMALL)
    exported(project)
    path = next((project.root / project.settings().export_dir).glob("tifs/*.tif"))
    with rasterio.open(path) as file:
        assert (
            file.profile["dtype"] == "float32"
            and "compress" not in file.profile
            and file.block_shapes[0][1] == 8
            and file.interleaving.name == "band"
        )
        assert np.isnan(file.nodata) and file.descriptions == tuple(
            spec_of(project.settings().earthengine).layout.descriptions
        )


# --- what is kept ---


@pytest.mark.slow
def test_a_damaged_chip_is_fetched_anew(service, make):
    server = service()
    project = make(3, **TINY)
    exported(project)
    store = Store(project.root / "data/chips")
    victim = store.path(next(iter(store.known)))
    whole = victim.read_bytes()
    victim.unlink()
    victim.write_bytes(whole[:100])
    assert (
        exported(project)[0]["labels"] == 3
        and len(server.asked) == 4
        and len(victim.read_bytes()) == len(whole)
    )


def test_what_a_kill_has_left_is_swept(tmp_path):
    """A temporary file is none of ours while it is young: another export may be writing it."""
    (tmp_path / "ab").mkdir()
    old, young = tmp_path / "ab/.tmp-old.tif", tmp_path / "ab/.tmp-young.tif"
    old.touch(), young.touch()
    os.utime(old, (0, 0))
    Store(tmp_path)
    assert not old.exists() and young.exists()


def test_a_torn_ledger_loses_one_line(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for i in range(3):
        ledger.add({"key": f"k{i}", "status": "done"})
    ledger.path.write_bytes(ledger.path.read_bytes()[:-9])
    ledger.add({"key": "k3", "status": "done"})
    assert sorted(ledger.read()) == ["k0", "k1", "k3"]
    ledger.path.write_bytes(ledger.path.read_bytes() + b"\xff\xfe[]\n12\n")
    assert sorted(ledger.read()) == ["k0", "k1", "k3"]
