"""Which band is which: names say it, not positions."""

import numpy as np
import pytest

from seedbed.base.errors import InputError
from seedbed.base.settings import load_settings
from seedbed.imagery.layout import layout_from_names, line_of_dates
from seedbed.sources.folder import layout_by_position
from tests.support.world import IDS, NAMES, pixels, place, write_tif


def test_bands_in_another_order(project):
    """Names, not positions, say which band is which."""
    world, rng = project(), np.random.default_rng(0)
    for i, name in enumerate(IDS):
        order = rng.permutation(6)
        write_tif(world.tif(name), pixels(i)[order], *place(i), names=[NAMES[k] for k in order])
    out = world.run()
    first = [NAMES[k] for k in np.random.default_rng(0).permutation(6)]
    variables = list(dict.fromkeys(n[:2] for n in first))
    index = [NAMES.index(f"{v}_t{t:02d}") for t in range(3) for v in variables]
    assert np.allclose(
        out["X"][np.argsort(out["id"])].reshape(30, -1), [pixels(i)[index, 4, 4] for i in range(30)]
    )


def test_a_tif_that_lacks_a_band(project):
    """Only that label is left out."""
    world = project()
    write_tif(world.tif("s07"), pixels(7)[:5], *place(7), names=NAMES[:5])
    out = world.run()
    assert (
        list(out["report"]["left_out"]) == ["s07"]
        and "lacks 1 of 6 bands, first B8 at step 2" in out["report"]["left_out"]["s07"]
    )
    assert len(out["X"]) == 29


def test_names_that_leave_a_step_out(project):
    """Names that describe a hole are refused."""
    world = project()
    for i, name in enumerate(IDS):
        write_tif(world.tif(name), pixels(i)[:5], *place(i), names=NAMES[:5])
    world.refuses_export("s00.tif", "B8 at step 2", "source.variables")


def test_a_band_twice_on_a_date():
    """The way out is a setting that can be copied."""
    names = ["2021-04-01_B4", "2021-04-01_B8", "2021-04-11_B4", "2021-04-11_B8", "2021-04-11_B4"]
    with pytest.raises(InputError, match=r"'2021-04-11_B4'.*source.variables=B4,B8"):
        layout_from_names(names)


def test_dates_in_names_are_said():
    names = ["2021-04-01_B4", "2021-04-11_B4", "2021-06-11_B4"]
    line = line_of_dates(names)
    assert "3 dates from 2021-04-01 to 2021-06-11, 10 to 61 days apart" in line
    assert "labels.start=2021-04-01" in line
    assert "labels.start" not in line_of_dates(names, "2021-04-01")
    assert line_of_dates(["B4_t00", "B4_t01"]) == ""


def test_dates_count_also_where_bands_are_taken_by_their_position():
    asked = load_settings(overrides=["source.variables=B4"]).source
    names = ["2021-04-01_B4", "2021-04-11_B4", "2021-04-11_B4", "2021-04-21_B4"]
    assert layout_by_position(names, asked, "a.tif").step_months == pytest.approx(0.329, abs=1e-3)
    assert layout_by_position(["", "", "", ""], asked, "a.tif").step_months == 1
    with pytest.raises(InputError, match="a.tif.*not in their order, 2021-04-01 comes late"):
        layout_by_position([*names, names[0]], asked, "a.tif")
