"""Chips that are kept, and the ledger of them."""

import numpy as np
import pytest
import rasterio

from seedbed.sources.earthengine.spec import spec_of
from seedbed.sources.fetching.store import Store
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
