"""Whole runs by command on tables of ten thousand to a million labels, stage by stage with time and memory."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np

from tests.support.paths import ROOT

STEPS, BANDS = 12, 10
REGIONS, CLASSES = 8, 6
TICK = os.sysconf("SC_CLK_TCK")
KB = 1024 / 1e6  # MB of what the system calls a kB
MODELS = "majority,logistic_regression,hist_gradient_boosting,random_forest,tempcnn"


def table(path: Path, count: int, seed: int = 0):
    """A table of `count` labels: crops in villages and regions, with dates and clouds.

    The ground is the same for any number of labels, so more of them lie closer together.
    """
    rng = np.random.default_rng(seed)
    villages = 2000
    middle = np.column_stack([rng.uniform(20, 28, villages), rng.uniform(44, 48, villages)])
    village = rng.integers(0, villages, count)
    place = middle[village] + rng.normal(0, 0.05, (count, 2))
    region = np.clip((place[:, 0] - 20).astype(int), 0, REGIONS - 1)
    habit = rng.dirichlet(np.full(CLASSES, 0.7), villages).cumsum(1)
    crop = (rng.random(count)[:, None] > habit[village]).sum(1).clip(0, CLASSES - 1)
    names = np.array(["barley", "grass", "maize", "rapeseed", "sunflower", "wheat"])
    np.savez(
        path,
        X=values(crop, region, rng),
        label=names[crop],
        id=np.char.mod("F%07d", rng.permutation(count)),
        lon=place[:, 0],
        lat=place[:, 1],
        region=np.char.mod("county %d", region),
        start=np.array(["2021-01-01", "2022-01-01"])[rng.integers(0, 2, count)],
    )


def values(crop, region, rng, rows=50_000):
    """Series [n, steps, bands] float32 of crops that peak later in the east; NaN where a cloud was."""
    out = np.empty((len(crop), STEPS, BANDS), np.float32)
    peak = np.array([4.6, 5.5, 7.2, 4.2, 7.0, 4.9], np.float32)
    width = np.array([1.6, 3.5, 1.8, 1.6, 1.5, 1.8], np.float32)
    answer = np.linspace(-0.4, 1.0, BANDS, dtype=np.float32)
    for first in range(0, len(crop), rows):
        part = slice(first, first + rows)
        kind, n = crop[part], len(crop[part])
        at = peak[kind] + 0.08 * region[part] + rng.normal(0, 0.9, n)
        green = np.exp(-(((np.arange(STEPS) - at[:, None]) / width[kind][:, None]) ** 2))
        X = 0.2 + 0.4 * green[..., None] * answer + rng.normal(0, 0.06, (n, STEPS, BANDS))
        X[rng.random((n, STEPS)) < 0.1] = np.nan
        out[part] = X
    return out


@dataclass
class Process:
    """What a process has used."""

    born: float  # seconds since 1970
    seen: float = 0.0
    cpu: float = 0.0  # seconds
    peak: float = 0.0  # MB


@dataclass
class Watch:
    """Follows a process and all that it starts, at most twenty times a second.

    To look at a process that holds much takes long; a twentieth of the time goes into looking.
    A page that several processes share counts once in all (proportional set size); pages of mapped
    files do not count, since the system takes them back at any time.
    """

    root: int
    processes: dict = field(default_factory=dict)
    peak: float = 0.0  # MB, of all together
    going: bool = True

    def follow(self):
        """Look until told to stop."""
        while self.going:
            start = time.thread_time()
            self.look()
            time.sleep(max(0.05, 19 * (time.thread_time() - start)))

    def look(self):
        """One look."""
        total = 0.0
        for pid in descendants(self.root):
            try:
                words = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            except (FileNotFoundError, ProcessLookupError):
                continue
            own = sum(int(x.split()[1]) for x in lines if x.startswith(("Pss_Anon", "Pss_Shmem")))
            found = self.processes.setdefault((pid, words[19]), Process(time.time()))
            found.seen, found.cpu = time.time(), (int(words[11]) + int(words[12])) / TICK
            found.peak = max(found.peak, own * KB)
            total += own * KB
        self.peak = max(self.peak, total)


def descendants(root: int) -> list[int]:
    """The ids of a process and of all below it."""
    found = [root]
    for pid in found:
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


@dataclass
class Measured:
    """A run by command."""

    count: int
    code: int
    said: str
    wall: float
    peak: float  # MB, of all processes together
    stages: dict  # by notebook: seconds, CPU seconds, MB
    files: dict  # bytes by name
    dataset: int  # bytes of dataset.h5
    copy: float  # CPU seconds to copy the values once in memory, on this machine
    read: float  # CPU seconds to read them from the table, the file in the system's memory


def run(root: Path, count: int, overrides: list[str]) -> Measured:
    """`seedbed run` on a table of so many labels."""
    root.mkdir(parents=True, exist_ok=True)
    data = root / "data.npz"
    if not data.is_file():
        table(data, count)
    places = [f"paths.{k}={root / k}" for k in ("exports", "processed", "cache", "runs")]
    settings = [f"source.name=table:{data}", "labels.target=label", *places, *overrides]
    options = [word for one in settings for word in ("-p", one)]
    command = [sys.executable, str(ROOT / "tools/where.py"), "--no-check", *options]
    start = time.perf_counter()
    with (root / "said.txt").open("w") as said:
        child = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        watch = Watch(child.pid)
        thread = threading.Thread(target=watch.follow, daemon=True)
        thread.start()
        code = child.wait()
        watch.going = False
        thread.join()
    wall = time.perf_counter() - start
    runs = sorted((root / "runs").glob("*/"), key=lambda p: p.stat().st_mtime)
    folder = runs[-1]
    return Measured(
        count,
        code,
        (root / "said.txt").read_text(),
        wall,
        watch.peak,
        stages_of(folder, watch),
        {str(p.relative_to(folder)): p.stat().st_size for p in folder.rglob("*") if p.is_file()},
        max((p.stat().st_size for p in root.glob("processed/*/dataset.h5")), default=0),
        *limits(data),
    )


def limits(data: Path) -> tuple[float, float]:
    """CPU seconds to copy and to read the values of a table, the best of three."""
    times: dict[str, list[float]] = {"read": [], "copy": []}
    for _ in range(3):
        start = time.process_time()
        with np.load(data) as file:
            X = file["X"]
        times["read"].append(time.process_time() - start)
        target = np.empty_like(X)
        target[:] = 0  # the system gives pages when they are first written
        start = time.process_time()
        np.copyto(target, X)
        times["copy"].append(time.process_time() - start)
    return min(times["copy"]), min(times["read"])


def stages_of(folder: Path, watch: Watch) -> dict:
    """Seconds, those of fitting, CPU seconds and peak MB of each executed notebook of a run."""
    found = {}
    for path in sorted(folder.rglob("*.ipynb")):
        times = []
        for cell in json.loads(path.read_text())["cells"]:
            at = cell["metadata"].get("papermill", {})
            times += [at[k] for k in ("start_time", "end_time") if at.get(k)]
        if not times:
            continue
        spans = [datetime.fromisoformat(t).timestamp() for t in times]
        begin, end = min(spans), max(spans)
        own = [
            p
            for (pid, _), p in watch.processes.items()
            if pid != watch.root and begin - 0.5 <= (p.born + p.seen) / 2 <= end + 0.5
        ]
        name = str(path.relative_to(folder).with_suffix(""))
        scores = path.with_name("results.json")
        is_model = name.startswith("models/") and scores.is_file()
        cost = json.loads(scores.read_text())["cost"] if is_model else {}
        found[name] = {
            "fit": cost.get("fit_s", 0.0),
            "seconds": end - begin,
            "cpu": sum(p.cpu for p in own),
            "mb": max((p.peak for p in own), default=0.0),
            "begin": begin,
            "where": json.loads(path.with_suffix(".where.json").read_text()),
        }
    return dict(sorted(found.items(), key=lambda item: item[1]["begin"]))
