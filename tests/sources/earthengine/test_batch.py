"""Scenes by tasks that the service runs."""

import pytest

from tests.servers.earthengine.places import make_places
from tests.servers.earthengine.server import LocalEarthEngine


@pytest.mark.slow
def test_the_queue_is_not_filled():
    """Of nine tiles three wait at a time."""

    from seedbed.base.settings import EarthEngine
    from seedbed.sources.earthengine.batch import destination_of, export_scene, scene_tiles
    from seedbed.sources.earthengine.credentials import connect
    from seedbed.sources.earthengine.spec import spec_of

    spec, said = spec_of(EarthEngine(sensors="era5", steps="1")), []
    with LocalEarthEngine(queue=4) as server:
        connect(url=server.url)
        tiles = scene_tiles(make_places(1).geometry[0].buffer(0.002), spec, "2021-03-01", 16)[:10]
        assert (
            export_scene(
                spec,
                "2021-03-01",
                tiles,
                destination_of("drive:maps"),
                queue=3,
                every=0.05,
                say=said.append,
            )
            == {}
        )
        assert (
            server.tasks.peak <= 3
            and len(server.tasks.operations) == len(tiles) == 9
            and said[-1].startswith("9 of 9 tiles done, 0 failed")
        )
        server.tasks.queue = 0  # another program has filled it
        assert (
            export_scene(spec, "2021-03-01", tiles, destination_of("drive:maps"), say=said.append)
            == {}
        )
