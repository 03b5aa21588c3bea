"""`make storm`: a thousand chips from an archive that fails, by a command that is killed ten times.

Two of five requests for images are refused, cut, late or somebody else's; tokens expire; a scene vanishes
and comes back. In the end every tif has to be the one of an archive without faults, and no chip may have
been fetched twice. The table goes to tests/servers/stac/storm.md.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.servers.stac.server import LocalArchive  # noqa: E402
from tests.support.stac import make_project  # noqa: E402

KINDS = (("status", 503), ("status", 503), ("status", (429, 0)), ("cut",), ("page",), ("garbage",))
SLOW = ("slow", 0.2)
GONE = "S2A_20210513_B08"


class Storm:
    """Says what goes wrong with each request, and counts it."""

    def __init__(self, share, seed=0):
        self.share = share
        self.draw = random.Random(seed)
        self.gone = True
        self.counts = Counter()

    def __call__(self, number, path):
        if path.startswith("/sas"):
            return None
        if GONE in path and self.gone:
            self.counts["a scene that has vanished"] += 1
            return "status", 404
        if self.draw.random() >= self.share:
            return None
        kinds = (*KINDS, SLOW) if ".tif" in path else KINDS[:2]
        kind = self.draw.choice(kinds)
        self.counts[" ".join(map(str, kind)).replace("(429, 0)", "429 with Retry-After")] += 1
        return kind


def command(project, env):
    """`seedbed export` in a process of its own."""
    run = "from seedbed.cli import main; main()"
    words = ["export", "--settings", str(project.root / "settings.ini")]
    return subprocess.Popen(
        [sys.executable, "-c", run, *words],
        env=env,
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def hashes(project):
    """The content of every tif of the export."""
    folder = project.root / project.settings().export_dir
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.glob("tifs/*.tif")}


def ledger(project):
    """The lines of the store's ledger."""
    path = project.root / "data/chips/ledger.jsonl"
    lines = []
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue  # the line that a kill has cut off
    return lines


def main():
    """Run the storm and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chips", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--share", type=float, default=0.4, help="of requests that go wrong")
    parser.add_argument("--table", default=str(Path(__file__).with_name("storm.md")))
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seedbed-storm-") as place:
        return storm(Path(place), asked)


def storm(place, asked):
    """Export without and with faults, and compare."""
    with LocalArchive(place / "archive") as server:
        env = os.environ | {"OMP_NUM_THREADS": "1"}
        clean = make_project(place / "clean", server.catalog, asked.chips)
        began = time.monotonic()
        first = command(clean, env)
        assert first.wait() == 0, first.stdout.read()
        rows = [("fault-free export", f"{time.monotonic() - began:.0f} s")]
        rows.append(("requests of it for images", f"{len(server.files()):,}"))
        expected = hashes(clean)
        server.log.clear()
        server.fault, server.tokens = Storm(asked.share), 3.0
        env |= {"SEEDBED_SAS_URL": f"{server.url}/sas"}
        project = make_project(place / "storm", server.catalog, asked.chips)
        began, draw, codes, killed = time.monotonic(), random.Random(1), [], 0
        while True:
            process = command(project, env)
            enough = len(ledger(project)) + draw.randint(1, asked.chips // (asked.kills + 2))
            while process.poll() is None and (
                killed == asked.kills or len(ledger(project)) < enough
            ):
                time.sleep(0.02)
            if process.poll() is None:
                process.kill()
                killed += 1
                server.fault.gone = killed < asked.kills // 2
                print(f"killed {killed} times; {len(ledger(project)):,} lines", flush=True)
            else:
                codes.append(process.returncode)
                server.fault.gone = False
            print(process.communicate()[0][-300:], flush=True)
            if codes and codes[-1] == 0 or len(codes) > 30:
                break
        lines = ledger(project)
        fetched = Counter(
            line["key"] for line in lines if line.get("status") == "done" and not line.get("found")
        )
        found = hashes(project)
        rows += [
            ("export with faults, all starts together", f"{time.monotonic() - began:.0f} s"),
            ("killed (kill -9)", f"{killed} times"),
            ("exit codes of the other starts", ", ".join(map(str, codes))),
            ("requests for images", f"{len(server.files()):,}"),
            *(
                (f"answers: {what}", f"{count:,}")
                for what, count in sorted(server.fault.counts.items())
            ),
            ("tokens that were issued", f"{len(server.issued):,}"),
            ("chips", f"{len(found):,} of {asked.chips:,}"),
            (
                "chips that lacked a part for a while",
                f"{sum(x.get('status') == 'partial' and 'unread' in x for x in lines):,}",
            ),
            (
                "chips that failed for a while",
                f"{sum(x.get('status') == 'failed' for x in lines):,}",
            ),
            (
                "chips that were fetched whole more than once",
                f"{sum(n > 1 for n in fetched.values()):,}",
            ),
            (
                "tifs that differ from the fault-free ones",
                f"{sum(found.get(n) != h for n, h in expected.items()):,}",
            ),
        ]
        table = "\n".join(f"| {what} | {value} |" for what, value in rows)
        text = f"# A thousand chips in a storm\n\n`make storm`, {time.strftime('%Y-%m-%d')}\n\n| what | value |\n|---|---|\n{table}\n"
        Path(asked.table).write_text(text)
        print(text)
        same = all(found.get(name) == content for name, content in expected.items())
        return 0 if same and len(found) == asked.chips and max(fetched.values()) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
