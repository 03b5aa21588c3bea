"""Whole runs, by command and through the notebooks, on small data of every form.

`make matrix` runs all of them and writes `table.md`; the tests run a part in which every two of source, task and
models meet.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from tests.servers.earthengine.server import LocalEarthEngine
from tests.support.paths import ROOT
from tests.support.small_data import COLUMNS_OF_FIELDS, FORMS

MODELS = {
    "classical": "coordinates, logistic_regression",
    "trees": "date, hist_gradient_boosting",
    "network": "majority, tempcnn",
}
OF_PIXELS = {  # where each pixel has a target
    "classical": "majority, pixel_forest",
    "trees": "pixel_forest",
    "network": "majority, unet",
}
TASKS = ("classification", "regression")
SOURCES = ("sample", *FORMS, "cropharvest")
SIGNAL = 0.6  # macro-F1 or R2 that a classical model reaches where the images tell the answer


@dataclass(frozen=True)
class Case:
    """One run."""

    source: str
    task: str
    models: str

    @property
    def name(self) -> str:
        """For tables and tests."""
        return f"{self.source}, {self.task}, {self.models}"

    @property
    def dense(self) -> bool:
        """Whether each pixel has a target."""
        return self.source.startswith("dense")

    @property
    def metric(self) -> str:
        """That decides."""
        if self.task == "regression":
            return "r2"
        return "mean_iou" if self.dense else "f1_score"

    @property
    def tells(self) -> bool:
        """Whether the images tell the answer, so that a score can be asked for."""
        return self.source in FORMS and self.source != "earthengine" and self.models == "classical"


def all_cases() -> list[Case]:
    """Every source with every task and every kind of model; CropHarvest has no quantity."""
    return [
        Case(source, task, models)
        for source in SOURCES
        for task in TASKS
        for models in MODELS
        if (source, task) != ("cropharvest", "regression")
    ]


def covering() -> list[Case]:
    """A part of all cases: every source once, every task with every kind of model."""
    kinds = list(MODELS)
    chosen = []
    for number, source in enumerate(SOURCES):
        for task in (TASKS[number % 2], TASKS[0]):
            case = Case(source, task, kinds[number % len(kinds)])
            if case in all_cases():
                chosen.append(case)
                break
    return chosen


def settings_of(case: Case, folder: Path) -> list[str]:
    """The settings of a run, as a user would give them."""
    common = [
        f"models.names={(OF_PIXELS if case.dense else MODELS)[case.models]}",
        "models.epochs=3",
        "run.seeds=0",
        "run.resamples=200",
        "run.optimism=no",
        f"success.metric={case.metric}",
        "success.usable=0.5",
        "success.ceiling=0.99",
        *(f"paths.{name}={folder / name}" for name in ("exports", "processed", "cache", "runs")),
    ]
    is_class = case.task == "classification"
    if case.source == "sample":
        target = "label" if is_class else "tree_cover"
        return [*common, "source.name=sample:romania", f"labels.target={target}"]
    if case.source == "cropharvest":
        from tests.sources.test_cropharvest import make_folder

        make_folder(folder / "crop")
        own = ["split.block_km=15", "split.buffer_km=0", "split.folds=3", "source.task=kenya"]
        return [*common, f"source.name=cropharvest:{folder / 'crop'}", *own]
    target = "crop" if is_class else "yield_t"
    own = FORMS[case.source](folder / "data")
    return [*common, f"labels.target={target}", *COLUMNS_OF_FIELDS, *own]


@dataclass
class Outcome:
    """How a run ended."""

    case: Case
    code: int
    seconds: float
    said: str  # standard output and error
    results: dict | None  # the run's results.json
    explored: str = ""  # why explore.ipynb failed on the run; empty where it was not tried

    @property
    def score(self) -> float | None:
        """Of the best model."""
        return self.results["primary"]["value"] if self.results else None

    def fault(self) -> str:
        """What is wrong; empty where nothing is."""
        if "Traceback" in self.said:
            return "a traceback"
        if self.code:
            return f"rc {self.code}: {(self.said.strip().splitlines() or [''])[-1]}"
        if self.results is None:
            return "no results.json"
        if self.case.tells and not self.score > SIGNAL:
            return f"the images tell the answer, and the best score is {self.score:.3f}"
        return self.explored


EXPLORE = """
import sys
from nbdev.config import get_config
from nbdev.test import test_nb
sys.exit(not test_nb(sys.argv[1], skip_flags=get_config(sys.argv[2]).tst_flags, showerr=True)[0])
"""


def explored(run_folder: Path) -> str:
    """Why explore.ipynb fails on a run; empty where it does not."""
    own = {"SEEDBED_ROOT": str(ROOT), "SEEDBED_SETTINGS": str(run_folder / "settings.ini")}
    done = subprocess.run(
        [sys.executable, "-c", EXPLORE, str(ROOT / "nbs/explore.ipynb"), str(ROOT)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "agg"} | own,
        capture_output=True,
        text=True,
    )
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return f"explore.ipynb: {last}" if done.returncode else ""


def run(case: Case, folder: Path, explore: bool = False) -> Outcome:
    """Execute a case as a user would, in a process of its own; then explore it."""
    words = [word for line in settings_of(case, folder) for word in ("-p", line)]
    command = [sys.executable, "-c", "from seedbed.cli import main; main()", "run", *words]
    service = LocalEarthEngine() if case.source == "earthengine" else nullcontext()
    with service as server:
        extra = {"SEEDBED_EARTHENGINE_URL": server.url} if server else {}
        began = time.perf_counter()
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"} | extra,
            capture_output=True,
            text=True,
        )
        seconds = time.perf_counter() - began
    found = sorted((folder / "runs").glob("*/results.json"))
    results = json.loads(found[-1].read_text()) if found else None
    why = explored(found[-1].parent) if explore and found else ""
    return Outcome(case, done.returncode, seconds, done.stdout + done.stderr, results, why)
