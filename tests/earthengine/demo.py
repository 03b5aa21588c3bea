"""`make demo-export`: seedbed export against a local Earth Engine, without an account.

    python tests/earthengine/demo.py            a pilot and an export of the sample's labels
    python tests/earthengine/demo.py --serve    only the server, for experiments of one's own
"""

import os
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from earthengine.faults import chance # noqa: E402
from earthengine.server import LocalEarthEngine # noqa: E402

SETTINGS = ["source.name=earthengine", "source.labels_file=data/sample/romania/labels.geojson", "earthengine.preset=sentinel1_2", "earthengine.size=8", "earthengine.steps=2",
            "paths.chips=data/demo-chips", "paths.exports=data/demo-exports"]


def seedbed(url, *words):
    """Run a command as a user would, and show it."""
    overrides = [word for line in SETTINGS for word in ("-p", line)]
    print(f"\n$ seedbed {' '.join(words)}", flush=True)
    command = [sys.executable, "-c", "from seedbed.cli import main; main()", *words, *overrides]
    return subprocess.run(command, env=os.environ | {"SEEDBED_EARTHENGINE_URL": url}, check=False).returncode


def main():
    """Start the server, and show a pilot, an export and what a second export does."""
    serve = "--serve" in sys.argv
    with LocalEarthEngine(latency=.1, fault=chance(0 if serve else .1)) as server:
        print(f"A local Earth Engine listens at {server.url}. Its world is synthetic: every value follows from a formula in tests/earthengine/world.py.")
        print("One request in ten will fail on purpose." if not serve else f"Use it with: export SEEDBED_EARTHENGINE_URL={server.url}", flush=True)
        if serve:
            while True: time.sleep(3600)
        print("What seedbed is asked for:", *(f"  -p {line}" for line in SETTINGS), sep="\n", flush=True)
        codes = [seedbed(server.url, "export", "--pilot", "20"), seedbed(server.url, "export", "--every", "5"), seedbed(server.url, "export")]
        print(f"\n{len(server.asked)} requests for pixels were answered or failed; the second export asked for nothing. Look at data/demo-exports.")
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
