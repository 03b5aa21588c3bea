"""What the graph costs a run in which nothing has changed: CPU seconds beyond imports. python tests/benchmarks/reuse.py [section.key=value ...]"""

import json
import sys
import time

sys.modules.setdefault("rfc3987_syntax", None)  # as `seedbed run` does
began = time.process_time()
from seedbed.running.pipeline import run_pipeline  # noqa: E402

imports = time.process_time() - began
run_pipeline(overrides=sys.argv[1:])  # makes what is not there yet
began = time.process_time()
run = run_pipeline(overrides=sys.argv[1:])
spent = time.process_time() - began
graph = json.loads((run / "run.json").read_text())["graph"]
print(
    json.dumps(
        {
            "imports": imports,
            "spent": spent,
            "notebooks": len(graph),
            "reused": sum(bool(node["reused"]) for node in graph.values()),
        }
    )
)
