"""The local Earth Engine, and projects that ask it."""

from functools import partial

import ee
import pytest

from seedbed.sources.fetching.ratelimit import RetryPolicy
from tests.servers.earthengine.places import make_places
from tests.servers.earthengine.server import LocalEarthEngine
from tests.support.world import World


@pytest.fixture
def service(monkeypatch, tmp_path):
    """A function that starts a local Earth Engine and sends seedbed there; pauses are short."""
    running = []
    for name in (
        "EARTHENGINE_PROJECT",
        "EARTHENGINE_SERVICE_ACCOUNT",
        "GOOGLE_APPLICATION_CREDENTIALS",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(
        "seedbed.sources.earthengine.source.RetryPolicy", partial(RetryPolicy, pause=0.01)
    )

    def start(**options):
        running.append(LocalEarthEngine(**options).__enter__())
        monkeypatch.setenv("SEEDBED_EARTHENGINE_URL", running[-1].url)
        return running[-1]

    yield start
    for server in running:
        server.__exit__()
    ee.Reset()


@pytest.fixture
def make(tmp_path):
    """A function that makes a project with labels of the synthetic world; options are settings."""

    def project(labels=6, name="project", **ini):
        made = World(
            tmp_path / name,
            {"source.name": "earthengine", "source.labels_file": "mine/labels.geojson"}
            | {k.replace("__", "."): v for k, v in ini.items()},
        )
        made.write_labels(make_places(labels) if isinstance(labels, int) else labels)
        return made

    return project
