"""`make demo-export`: seedbed export against a local Earth Engine, without an account.

python tests/servers/earthengine/demo.py            a pilot and an export of the sample's labels, and a scene
python tests/servers/earthengine/demo.py --serve    only the server, for experiments of one's own
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import geopandas as gpd
import shapely

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.servers.earthengine.faults import chance  # noqa: E402
from tests.servers.earthengine.server import LocalEarthEngine  # noqa: E402

SETTINGS = [
    "source.name=earthengine",
    "source.labels_file=data/sample/romania/labels.geojson",
    "earthengine.preset=sentinel1_2",
    "earthengine.size=8",
    "earthengine.steps=2",
    "paths.chips=data/demo-chips",
    "paths.exports=data/demo-exports",
]


def seedbed(url, *words):
    """Run a command as a user would, and show it."""
    overrides = [word for line in SETTINGS for word in ("-p", line)]
    print(f"\n$ seedbed {' '.join(words)}", flush=True)
    command = [sys.executable, "-c", "from seedbed.cli import main; main()", *words, *overrides]
    return subprocess.run(
        command, env=os.environ | {"SEEDBED_EARTHENGINE_URL": url}, check=False
    ).returncode


def serve(server):
    """Wait for whoever asks."""
    print(
        f"A local Earth Engine. To use it: export SEEDBED_EARTHENGINE_URL={server.url}", flush=True
    )
    while True:
        time.sleep(3600)


def district():
    """The outline of a region in the synthetic world, as a file."""
    path = Path("data/demo-chips/district.geojson")
    path.parent.mkdir(parents=True, exist_ok=True)
    outline = gpd.GeoSeries([shapely.box(24.0, 45.5, 24.02, 45.51)], crs=4326)
    outline.to_file(path, driver="GeoJSON")
    return path


def show(server):
    """A pilot, an export, what a second export does, and a region in tiles."""
    print(
        f"A local Earth Engine listens at {server.url}. Its world is synthetic: every value follows from a formula in tests/servers/earthengine/world.py."
    )
    print(
        "One request in ten fails on purpose. What is asked for:",
        *(f"  -p {line}" for line in SETTINGS),
        sep="\n",
        flush=True,
    )
    codes = [
        seedbed(server.url, "export", "--pilot", "20"),
        seedbed(server.url, "export", "--every", "5"),
    ]
    asked = len(server.asked)
    codes.append(seedbed(server.url, "export"))
    fetched_again = len(server.asked) - asked
    scene = ["export-scene", str(district()), "--start", "2021-04-01", "--to", "gs://demo/tiles"]
    codes.append(seedbed(server.url, *scene, "--plan"))
    codes.append(seedbed(server.url, *scene, "--side", "128", "--every", "1"))
    print(
        f"\nThe service was asked {asked} times, and {fetched_again} times by the second export: what is there is not fetched again. Look at data/demo-exports, and at data/demo-bucket for the tiles."
    )
    return max(codes)


def main():
    """Start the server, and show it or leave it running."""
    parser = argparse.ArgumentParser(description="A local Earth Engine with a synthetic world.")
    parser.add_argument("--serve", action="store_true", help="only the server")
    parser.add_argument("--latency", type=float, default=0.1, help="seconds before each answer")
    parser.add_argument("--faults", type=float, help="share of requests that fail")
    parser.add_argument(
        "--remember", action="store_true", help="answer a question that was asked before at once"
    )
    asked = parser.parse_args()
    rate = asked.faults if asked.faults is not None else 0 if asked.serve else 0.1
    with LocalEarthEngine(
        latency=asked.latency,
        fault=chance(rate),
        remember=asked.remember,
        bucket="data/demo-bucket",
    ) as server:
        return serve(server) if asked.serve else show(server)


if __name__ == "__main__":
    sys.exit(main())
