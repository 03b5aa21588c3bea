"""Many tifs are read in batches and by processes: what they give is what one read gives."""

import json
import os
import signal
from functools import partial

import numpy as np
import pytest

from seedbed.base.errors import InputError
from seedbed.imagery.labels import read_labels
from seedbed.imagery.layout import layout_from_dict
from seedbed.imagery.samples import Spool, in_order, processes
from seedbed.process import read_samples
from tests.support.world import pixels


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Labels, layout and settings of a project with holes, an unreadable tif and a label that is all cloud."""
    from tests.support.world import build

    def make(i):
        values = pixels(i)
        if i % 3 == 0:
            values[i % 6, :4] = np.nan
        if i == 5:
            values[:] = np.nan
        return values

    world = build(tmp_path_factory.mktemp("world"), 30, make=make)
    world.export()
    settings = world.settings()
    folder = settings.root / settings.export_dir
    (folder / "tifs/s07.tif").unlink()
    (folder / "tifs/s07.tif").write_bytes(b"no tif")
    layout = layout_from_dict(json.loads((folder / "manifest.json").read_text())["layout"])
    return folder, read_labels(folder / "labels.geojson"), layout, settings.process


@pytest.mark.parametrize("sampling", ["center", "mean", "pixels", "chip"])
def test_batches_and_processes_change_nothing(exported, sampling, tmp_path):
    *given, process = exported
    given.append(process.model_copy(update={"sampling": sampling, "chip_size": 4}))
    whole, faults = read_samples(*given, size=1000)
    with processes(2) as pool:
        parts, again = read_samples(
            *given, map_tasks=partial(in_order, executor=pool), size=4, pixels=tmp_path / "X.h5"
        )
    assert (
        faults == again
        and set(faults) == {"s05", "s07"}
        and "100 %" in faults["s05"]
        and [path.name for path in tmp_path.iterdir()] == ["X.h5"]
    )
    for name in ("X", "static", "label", "place", "missing", "digest", "gaps"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
    for name in ("level", "absent", "total", "square"):
        np.testing.assert_array_equal(getattr(whole.moments, name), getattr(parts.moments, name))
    assert whole.ground == parts.ground and not {5, 7} & set(whole.label.tolist())


def test_a_spool_without_rows(tmp_path):
    spool = Spool(tmp_path)
    spool.append(np.zeros((0, 3, 2), "float32"))
    assert spool.array().shape == (0, 3, 2)


def test_a_process_of_this_machine_that_is_killed_is_told():
    with pytest.raises(InputError, match="a process that read tifs was killed; .*run.workers=1"):
        with processes(2) as pool:
            list(in_order(kill_self, [()], pool))


def kill_self():
    os.kill(os.getpid(), signal.SIGKILL)
