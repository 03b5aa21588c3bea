"""What the table of a million labels stands on, with few of them."""

import os
import subprocess
import sys
import time

import numpy as np

from seedbed.base.settings import make_settings
from seedbed.export import export
from seedbed.imagery.series import SERIES
from seedbed.models.classical import size_of_trees
from seedbed.process import process
from seedbed.training.dataset import SampleDataset
from tests.million import Watch, table
from tests.million.__main__ import TITLE, with_part


def test_a_table_in_parts_is_the_table_at_once(tmp_path, monkeypatch):
    table(tmp_path / "data.npz", 600)
    made = {}
    for rows in (100_000, 250):
        monkeypatch.setattr("seedbed.sources.table.source._ROWS", rows)
        monkeypatch.setattr("seedbed.process.ROWS", rows)
        monkeypatch.setattr("seedbed.sources.table.files.mapped_member", lambda *_: None)
        own = {"name": f"table:{tmp_path / 'data.npz'}"}
        places = {"exports": f"e{rows}", "processed": f"p{rows}"}
        settings = make_settings({"source": own, "paths": places}, root=tmp_path)
        export(settings), process(settings)
        made[rows] = (
            (tmp_path / settings.export_dir / SERIES).read_bytes(),
            (tmp_path / settings.processed_dir / "dataset.h5").read_bytes(),
        )
    assert made[100_000] == made[250]
    data = SampleDataset(tmp_path / settings.processed_dir / "dataset.h5", None)
    given = np.load(tmp_path / "data.npz")
    row = {name: i for i, name in enumerate(given["id"])}
    X = given["X"][[row[name] for name in data.column("id")]]
    seen = data.observed()
    assert (seen == np.isfinite(X)).all() and 0.05 < 1 - seen.mean() < 0.15


def test_trees_are_bounded_beyond_the_setting_alone():
    assert size_of_trees(50_000, 50_000) == {}
    assert size_of_trees(50_001, 50_000) == {"max_samples": 50_000, "min_samples_leaf": 5}


def test_each_part_of_the_table_is_written_anew_alone():
    one, five = f"{TITLE}one fold; MB.\n\n| a |", f"{TITLE}five folds; MB.\n\n| b |"
    both = with_part(with_part("", one), five)
    assert both == f"{one}\n\n{five}\n"
    assert with_part(both, one + " c") == f"{one} c\n\n{five}\n"


def test_the_watch_counts_memory_and_time_of_what_a_process_starts():
    code = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    inner = (
        "x = bytearray(b'1') * 200_000_000; s = sum(range(3_000_000)); import time; time.sleep(1)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, inner], env=os.environ)
    watch = Watch(child.pid)
    while child.poll() is None:
        watch.look()
        time.sleep(0.05)
    assert len(watch.processes) == 2 and 190 < watch.peak < 400
    assert sum(p.cpu for p in watch.processes.values()) > 0.05
