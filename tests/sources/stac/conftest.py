"""A local archive, and projects that ask it."""

import pytest

from seedbed.sources.fetching.ratelimit import RetryPolicy
from tests.servers.stac.server import LocalArchive
from tests.support.stac import make_project


@pytest.fixture
def archive(monkeypatch, tmp_path):
    """A function that starts a local archive; pauses between tries are short."""
    running = []
    for name in ("SEEDBED_STAC_URL", "SEEDBED_SAS_URL", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    policy = lambda: RetryPolicy(tries=12, pause=0.002)  # noqa: E731
    monkeypatch.setattr("seedbed.sources.stac.source.new_policy", policy)

    def start(**options):
        folder = tmp_path / f"archive{len(running)}"
        running.append(LocalArchive(folder, **options).__enter__())
        return running[-1]

    yield start
    for server in running:
        server.__exit__()


@pytest.fixture
def make(tmp_path):
    """A function that makes a project with labels in the archive; options are settings."""

    def project(catalog, labels=6, name="project", **ini):
        return make_project(tmp_path / name, catalog, labels, **ini)

    return project
