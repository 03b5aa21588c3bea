"""What the graph costs a run in which nothing has changed."""

import json
import tempfile
from pathlib import Path

from harness import Row
from headless import copy_of_project, seconds

RUN = """
import json, sys, time
sys.modules.setdefault("rfc3987_syntax", None) # as `seedbed run` does
began = time.process_time()
from seedbed.lib.running.pipeline import run_pipeline
imports = time.process_time() - began
began = time.process_time()
run = run_pipeline({root!r}, ["models.epochs=2", "run.resamples=200", "run.optimism=no"])
spent = time.process_time() - began
nodes = json.loads((run / "run.json").read_text())["graph"].values()
print(json.dumps([imports, spent, sum(bool(n["reused"]) for n in nodes), len(nodes)]))
"""


def run():
    """The rows of the table."""
    with tempfile.TemporaryDirectory() as name:
        root = copy_of_project(Path(name).resolve())
        once = lambda: json.loads(seconds(RUN.format(root=str(root)), SEEDBED_ROOT=str(root), PYTHONPATH=str(root / "pkg"),
                                          OPENBLAS_NUM_THREADS="1")[1].splitlines()[-1])
        once() # makes what is to be reused
        imports, spent, reused, nodes = min((once() for _ in range(2)), key=lambda found: found[1])
    assert reused == nodes, f"{reused} of {nodes} reused"
    return [Row("a run in which nothing has changed, seconds of CPU beyond imports", spent, "<= 1",
                f"{nodes} notebooks reused; the imports take {imports:.1f} s")]
