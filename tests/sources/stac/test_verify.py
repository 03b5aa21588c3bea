"""The list of what only real archives can show, and the command that asks them."""

import pytest

from tests.servers.stac import verify
from tests.support.paths import ROOT


def test_the_list_is_that_of_the_command():
    """`python -m tests.servers.stac.verify --list` writes it anew."""
    assert verify.LIST.read_text(encoding="utf-8") == verify.point.listed()
    assert "try-stac" in (ROOT / "Makefile").read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_points_on_a_local_archive(archive, monkeypatch):
    """With tokens, as the Planetary Computer has them; an archive that lacks bands is told."""
    server = archive(tokens=600)
    monkeypatch.setenv("SEEDBED_STAC_URL", server.catalog)
    monkeypatch.setenv("SEEDBED_SAS_URL", f"{server.url}/sas")
    place, dates = (12.6, 52.49), ("2021-05-01", "2021-06-01")
    said = []
    asked = verify.Asked("planetary-computer", place, *dates)
    assert verify.point.verify(asked, said.append) == 0, "\n".join(said)
    assert asked.chips <= 6 and "points hold" in said[-1]
    server.fault = lambda number, path: ("status", 404) if "B08" in path else None
    told = []
    assert verify.point.verify(verify.Asked("planetary-computer", place, *dates), told.append) > 0
    assert any(line.startswith("NOT SO") and "reading" in line for line in told)
