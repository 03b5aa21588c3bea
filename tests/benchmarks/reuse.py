"""What the graph costs a run in which nothing has changed: CPU seconds beyond imports. python tests/benchmarks/reuse.py [section.key=value ...]"""

import json
import sys
import time

sys.modules.setdefault("rfc3987_syntax", None) # as `seedbed run` does
began = time.process_time()
from seedbed.lib.running.pipeline import run_pipeline # noqa: E402

imports = time.process_time() - began
run_pipeline(overrides=sys.argv[1:]) # makes what is not there yet
began = time.process_time()
run = run_pipeline(overrides=sys.argv[1:])
spent = time.process_time() - began
record = json.loads((run / "run.json").read_text())
reused = sum(bool(node["reused"]) for node in record["graph"].values())
print(f"imports {imports:.2f} s of CPU; a run with {reused} of {len(record['graph'])} notebooks reused: {spent:.2f} s more")
assert reused == len(record["graph"]) and spent < 1
