"""Which band is which: names say it, not positions."""

import numpy as np

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
