"""kill -9 at random moments, and many commands at once; in the end everything is as if nothing had happened."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks import attack
from tests.attacks.place import Done, Place, processes_in, temporary_in
from tests.attacks.signals import big_scene
from tests.servers.earthengine.server import LocalEarthEngine
from tests.support.small_data import COLUMNS_OF_FIELDS, labels_alone

ROOM = "Killed, and all at once"
KILLS, SEED = 30, 7
FEW = ("-p", "models.names=majority, random_forest")


def scores(run: Path) -> dict:
    """The scores of a run's models, to the last digit, by the number of folds and the model's name."""
    record = json.loads((run / "results.json").read_text())
    folds = int(record["settings"]["split"]["folds"])
    return {(folds, row["model"]): (row["value"], row["ci"]) for row in record["models"]}


def check_scores(runs: list[Path], expected: dict):
    """Every score of some runs is the one that was expected."""
    for run in runs:
        for what, found in scores(run).items():
            assert expected[what] == found, f"{run.name}: {what}: {expected[what]} -> {found}"


def digests(folder: Path, pattern: str) -> dict[str, str]:
    """Of files, by name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.glob(pattern))
    }


@dataclass
class Storm:
    """A checkout in which commands are killed."""

    place: Place
    root: Path
    server: LocalEarthEngine
    kills: dict[str, int] = field(default_factory=dict)
    maps: int = 0  # that were finished

    def __post_init__(self):
        labels = [
            *COLUMNS_OF_FIELDS,
            "labels.target=crop",
            *labels_alone(self.root / "data/labels"),
        ]
        own = [line for line in labels if not line.startswith("paths.chips")]
        own += ["earthengine.workers=4", "labels.max_left_out=1"]
        self.labels = [word for line in own for word in ("-p", line)]

    def words(self, kind: str, where: str = "killed") -> tuple[str, ...]:
        """A command."""
        scene = str(big_scene(self.place))
        run = self.place.run.name
        paths = (f"paths.chips=data/{where}-chips", f"paths.exports=data/{where}-exports")
        return {
            "run": ("run", "--force", *FEW),
            "sweep": ("sweep", *FEW, "-p", "split.folds=4,5"),
            "replay": ("replay", run),
            "export": ("export", *self.labels, "-p", paths[0], "-p", paths[1]),
            "map": (
                *("map", "--run", run, "--model", "random_forest", "--scene", scene),
                *("--out", f"data/{where}-map-{self.maps}"),
            ),
        }[kind]

    def environment(self) -> dict[str, str]:
        return {"SEEDBED_EARTHENGINE_URL": self.server.url}

    def kill(self, kind: str, after: float) -> bool:
        """Start a command and kill its group; False where it has ended before."""
        process = self.place.start(self.root, *self.words(kind), **self.environment())
        try:
            _, err = process.communicate(timeout=after)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
        else:
            assert process.returncode == 0, f"{kind}: rc {process.returncode}: {err[-300:]}"
            self.maps += kind == "map"
            return False
        self.kills[kind] = self.kills.get(kind, 0) + 1
        deadline = time.monotonic() + 10
        while left := processes_in(self.root):
            assert time.monotonic() < deadline, f"after {kind} was killed, these go on: {left}"
            time.sleep(0.2)
        return True

    def finish(self, kind: str, where: str = "killed") -> Done:
        """The command, undisturbed."""
        done = self.place.seedbed(
            self.root, *self.words(kind, where), limit=900, **self.environment()
        )
        assert done.code == 0, f"{kind}, afterwards: rc {done.code}: {done.line}"
        return done


MOST = {"run": 35, "sweep": 45, "replay": 45, "export": 9, "map": 14}  # seconds until the kill


@attack(
    ROOM,
    f"kill -9 at {KILLS} random moments of run, sweep, export, map and replay",
    "held for run alone",
)
def kills(place):
    chance = random.Random(SEED)
    root, run = place.copy("storm")
    with LocalEarthEngine(latency=0.4) as server:
        storm = Storm(place, root, server)
        for _ in range(3 * KILLS):
            if sum(storm.kills.values()) == KILLS:
                break
            kind = min(MOST, key=lambda name: (storm.kills.get(name, 0), chance.random()))
            storm.kill(kind, chance.uniform(0.5, MOST[kind]))
        assert sum(storm.kills.values()) == KILLS, storm.kills
        listed = place.seedbed(root, "runs", "killed")
        assert listed.code == 0, f"runs: {listed.line}"
        as_undisturbed(storm, run)
    shutil.rmtree(root)
    said = ", ".join(f"{name} {count}" for name, count in sorted(storm.kills.items()))
    return Done(0, f"killed: {said}; then all resumed, and every score, tif and map is the same")


def as_undisturbed(storm: Storm, run: Path):
    """Resume everything at once; then scores, tifs and maps are those that were never disturbed."""
    root = storm.root
    asked = [(kind, "killed") for kind in MOST] + [("export", "calm"), ("map", "calm")]
    with ThreadPoolExecutor(4) as executor:
        ended = dict(zip(asked, executor.map(lambda one: storm.finish(*one), asked)))
    assert "identical" in ended["replay", "killed"].out, "the replay differs"
    four = storm.place.seedbed(root, *storm.words("run"), "-p", "split.folds=4", limit=900)
    assert four.code == 0, four.line
    calm = max(root.glob("runs/*/results.json"), key=lambda path: path.stat().st_mtime).parent
    last = max(root.glob("runs/sweep-*.json"), key=lambda path: path.stat().st_mtime)
    swept = [Path(cell["run"]) for cell in json.loads(last.read_text())["cells"]]
    assert len(swept) == 4, f"{len(swept)} runs in the sweep"
    check_scores(
        [*swept, *(path.parent for path in root.glob("runs/*/results.json"))],
        scores(run) | scores(calm),
    )
    tifs = digests(root, "data/calm-exports/*/tifs/*.tif")
    assert tifs and tifs == digests(root, "data/killed-exports/*/tifs/*.tif"), "tifs differ"
    [one] = set(digests(root, "data/calm-map-*/map.tif").values())
    for folder in root.glob("data/killed-map-*"):
        assert digests(folder, "map.tif") == {"map.tif": one}, f"{folder.name} differs"
    long_ago = time.time() - 100_000
    for path in temporary_in(root):
        os.utime(path, (long_ago, long_ago))
    storm.finish("export")
    left = [str(Path(path).relative_to(root)) for path in temporary_in(root)]
    assert not left, f"outlived a day: {left}"


@attack(
    ROOM,
    "four runs, two sweeps and a `clean --yes` at once, from an empty cache",
    "`clean` removed the data of a run",
)
def crowd(place):
    root, run = place.copy("crowd")
    for name in ("cache", "exports", "processed"):
        shutil.rmtree(root / "data" / name)
    words = [("run", *FEW)] * 4 + [("sweep", *FEW, "-p", f"split.folds={n}") for n in ("5", "4,5")]
    started = [place.start(root, *asked) for asked in words]
    time.sleep(8)
    cleaned = place.seedbed(root, "clean", "--yes")
    ended = [process.communicate(timeout=900) for process in started]
    for asked, process, (_, err) in zip(words, started, ended):
        assert process.returncode == 0, f"{asked[0]}: rc {process.returncode}: {err[-300:]}"
    assert "Traceback" not in cleaned.said, cleaned.line
    found = [
        path.parent for path in root.glob("runs/*/results.json") if path.parent.name != run.name
    ]
    fours = [folder for folder in found if (4, "majority") in scores(folder)]
    fours += [folder for folder in found if (4, "random_forest") in scores(folder)]
    assert len(found) == 4 + 2 + 4 and len(fours) == 2, (
        f"{len(found)} runs, {len(fours)} of 4 folds"
    )
    check_scores([folder for folder in found if folder not in fours], scores(run))
    left = temporary_in(root)
    assert not left, f"files were left: {left}"
    shutil.rmtree(root)
    return Done(cleaned.code, f"all end with the same scores; clean said: {cleaned.line}")
