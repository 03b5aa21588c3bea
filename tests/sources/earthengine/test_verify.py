"""The list of what only the real service can show, and the command that asks it."""

import os
import subprocess
import sys

import pytest

from tests.servers.earthengine import verify
from tests.servers.earthengine.server import LocalEarthEngine
from tests.servers.earthengine.world import make_world
from tests.support.paths import ROOT

COMMAND = [sys.executable, "-m", "tests.servers.earthengine.verify"]
SYNTHETIC = {"numbers_of_cropharvest"}  # that only the real world has


def test_the_list_is_that_of_the_command():
    """`python -m tests.servers.earthengine.verify --list` writes it anew."""
    assert verify.LIST.read_text(encoding="utf-8") == verify.point.listed()
    assert "try-earthengine" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_command_on_the_local_service():
    """Every point is asked in ten chips; where the service is another one, the command says so."""
    with LocalEarthEngine(world=make_world(has_tile=lambda west, south: west > -10)) as server:
        environment = os.environ | {"SEEDBED_EARTHENGINE_URL": server.url}
        done = subprocess.run(
            COMMAND, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
        )
    lines = done.stdout.splitlines()
    wrong = {line.split()[2].rstrip(":") for line in lines if line.startswith("NOT SO")}
    assert wrong == SYNTHETIC and done.returncode == 1, done.stdout + done.stderr
    assert f"{len(verify.point) - 1} of {len(verify.point)} points hold; 10 chips" in done.stdout
