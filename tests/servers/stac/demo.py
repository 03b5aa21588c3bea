"""`make demo-stac`: seedbed export from a local STAC archive, without an account or a network.

python tests/servers/stac/demo.py            a pilot and an export of the sample's labels
python tests/servers/stac/demo.py --serve    only the archive, for experiments of one's own
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.servers.stac.server import PASSES, LocalArchive  # noqa: E402

SETTINGS = [
    "source.name=stac",
    "source.labels_file=data/sample/brandenburg/labels.geojson",
    "labels.start=2021-05-01",
    "stac.steps=2",
    "stac.size=16",
    "paths.chips=data/demo-chips",
    "paths.exports=data/demo-exports",
]


def seedbed(server, *words):
    """Run a command as a user would, and show it."""
    lines = [*SETTINGS, f"stac.catalog={server.catalog}"]
    overrides = [word for line in lines for word in ("-p", line)]
    print(f"\n$ seedbed {' '.join(words)}", flush=True)
    command = [sys.executable, "-c", "from seedbed.cli import main; main()", *words, *overrides]
    return subprocess.run(command, check=False).returncode


def show(server):
    """A pilot, an export, and what a second export does."""
    print(f"A local STAC archive: {server.catalog}, its files at {server.url}.")
    print(f"It has {len(PASSES)} dates of the sample's scene; one request in ten fails on purpose.")
    codes = [seedbed(server, "export", "--pilot", "20"), seedbed(server, "export")]
    asked = len(server.log)
    codes.append(seedbed(server, "export"))
    again = len(server.log) - asked
    print(f"\nThe archive was asked {asked} times, and {again} times by the second export.")
    return max(codes)


def main():
    """Start the archive, and show it or leave it running."""
    parser = argparse.ArgumentParser(description="A local STAC archive of the sample's scene.")
    parser.add_argument("--serve", action="store_true", help="only the archive")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds before each answer")
    parser.add_argument("--faults", type=float, help="share of requests that fail")
    asked = parser.parse_args()
    rate = asked.faults if asked.faults is not None else 0 if asked.serve else 0.1
    fault = lambda number, path: ("status", 503) if random.random() < rate else None  # noqa: E731
    with tempfile.TemporaryDirectory(prefix="seedbed-archive-") as folder:
        place = Path(folder) / "archive"
        with LocalArchive(place, latency=asked.latency, fault=fault) as server:
            if not asked.serve:
                return show(server)
            print(f"A local STAC archive. To use it: stac.catalog = {server.catalog}", flush=True)
            while True:
                time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())
