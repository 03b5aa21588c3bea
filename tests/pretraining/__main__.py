"""`make pretraining`: runs by command, their verdicts, and the table.

Names of cases given as arguments choose some, and then nothing is written. Half an hour of one core; what was made is
kept below the project's cache, so that a second time goes on where the first one ended.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from seedbed.base.files import read_json
from seedbed.base.settings import Settings, load_settings
from seedbed.evaluation.intervals import score_with_interval
from seedbed.evaluation.metrics import metric_named, within_folds
from seedbed.evaluation.units import drawn_units
from seedbed.models.base import predict_sklearn
from seedbed.models.baselines import fit_rule
from seedbed.models.pretrained.probes import ProbeRules, standardisation
from seedbed.models.records import per_label_predictions
from seedbed.models.registry import find_model
from seedbed.pretraining import SIZES, curve_table, drawn_rows, sides_of
from seedbed.process import ready_dataset
from seedbed.training.dataset import SampleDataset
from tests.pretraining import (
    CENTRAL_ASIA,
    EAST_AFRICA,
    MATO_GROSSO,
    MEASURED,
    REAL,
    central_asia,
    east_africa,
    mato_grosso,
    six_years,
)
from tests.support.paths import ROOT

TABLE = Path(__file__).parent / "table.md"
QUICK = ("run.optimism=no", "run.seeds=0", "run.resamples=500", "map.scene=none")
TABULAR = ("source.static=elevation, slope", "split.block_km=5.5", "split.buffer_km=0")


@dataclass(frozen=True)
class Case:
    """One run, and why it is made."""

    name: str
    why: str
    options: tuple[str, ...]
    refused: bool = False  # it must end in one line


def cases(folder: Path) -> list[Case]:
    """All that can be run with what is here."""
    one, both = ("models.names=presto",), ("models.names=presto, galileo",)
    year = ("split.method=year", "success.claim=new_year")
    region = ("split.method=region", "success.claim=new_region")
    years = (f"source.name=table:{six_years(folder)}", "source.variables=auto", *year)
    random = ("models.weights=presto = random",)
    found = [
        Case("no weights", "what a run says without them", one, refused=True),
        Case("romania, random", "an encoder without weights must not pay", (*one, *random)),
        Case("simulated years, random", "the same, for a new year", (*one, *random, *years)),
    ]
    if not REAL:
        return found
    real = (f"models.weights={REAL}",)
    found += [
        Case("romania", "the claim within a region", (*both, *real)),
        Case(
            "romania, new region",
            "the claim of a new region, with four regions",
            (*one, *real, *region),
        ),
    ]
    ndvi = (*one, *real, "source.step_months=0.5257", "source.variables=auto")
    if CENTRAL_ASIA.is_file():
        table = f"source.name=table:{central_asia(folder)}"
        why = "the claim of a new region, with five regions; of Presto's inputs the NDVI alone"
        found.append(Case("central asia, new region", why, (*ndvi, table, *region)))
    if MATO_GROSSO.is_file():
        table = f"source.name=table:{mato_grosso(folder)}"
        why = "the claim of a new year, with sixteen years; of Presto's inputs the NDVI alone"
        found.append(Case("mato grosso, new year", why, (*ndvi, table, *year)))
    if EAST_AFRICA.is_file():
        table = (f"source.name=table:{east_africa(folder)}", *TABULAR)
        unit = "models.units=total_precipitation: "
        trap = (*one, *real, *table, f"{unit}m/day")
        why = "rain of a month that is said to be of a day"
        found += [
            Case("east africa, m/day", why, trap, refused=True),
            Case(
                "east africa",
                "the claim within a region, with all of Presto's inputs",
                (*both, *real, *table, f"{unit}m/month", "process.max_missing=1"),
            ),
        ]
    return found


def overrides(case: Case, folder: Path) -> list[str]:
    """The settings of a case; datasets and embeddings are shared by the cases."""
    own = folder / case.name.replace(", ", "-").replace(" ", "-").replace("/", "-")
    shared = ("exports", "processed", "cache", "weights")
    paths = [f"paths.{name}={folder / name}" for name in shared]
    return [*QUICK, *case.options, *paths, f"paths.runs={own}"]


def execute(case: Case, folder: Path) -> tuple[int, str, Path, float]:
    """Run a case by command: exit code, what it said, its folder and the seconds."""
    asked = overrides(case, folder)
    options = [word for option in asked for word in ("-p", option)]
    code = "import seedbed.cli, sys; sys.argv[0] = 'seedbed'; seedbed.cli.main()"
    line = [sys.executable, "-c", code, "run", "--no-check", *options]
    began = time.perf_counter()
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    place = Path(asked[-1].partition("=")[2])
    run = max(place.glob("*/"), default=place)
    return done.returncode, done.stdout + done.stderr, run, time.perf_counter() - began


def fixed_probes(
    settings: Settings, encoder: str, unit: str = "", sizes: tuple[int, ...] = SIZES
) -> dict[tuple, list]:
    """Scores of forest and linear probe, by side and labels (None: all, with its interval)."""
    path = ready_dataset(settings)
    wanted = ("raw", "pretrained") if encoder == "presto" and not unit else ("pretrained",)
    sides = [s for s in sides_of(find_model(encoder), settings.models) if s.name in wanted]
    parts: dict[tuple, list] = {}
    draws = [(size, k) for size in sizes for k in range(3)] + [(None, 0)]
    tables, truth = [], []
    for fold in range(SampleDataset(path).folds):
        train, val = SampleDataset(path, "train", fold), SampleDataset(path, "val", fold)
        for side in sides:
            side.open(train, val)
            if unit and side.name == "pretrained":  # as it was said to be, unchecked
                side.model.learnt["plan"]["units"]["total_precipitation"] = unit
                side.train = side.model.unscaled_features(train)
                side.val = side.model.unscaled_features(val)
            for size, draw in draws:
                rows = drawn_rows(train, size, 1000 * draw + fold)
                mean, std = standardisation(side.train[rows])
                for name in ("forest", "linear") if side.name == "raw" else ("linear",):
                    rule = ProbeRules(draw)("classification", len(rows))[name]
                    X, y = (side.train[rows] - mean) / std, train.y[rows]
                    fitted = fit_rule(rule, X, y, "classification")
                    said = predict_sklearn(
                        fitted, (side.val - mean) / std, train.task, len(train.classes)
                    )
                    table, known, said = per_label_predictions(val, said)
                    parts.setdefault((side.name, name, size, draw), []).append(said)
        tables.append(table.assign(fold=fold))
        truth.append(known)
    table, y = pd.concat(tables), np.concatenate(truth)
    metric = within_folds(metric_named("f1_score", "classification"), table["fold"].to_numpy())
    units = drawn_units(table, SampleDataset(path).meta["split"])
    out: dict[tuple, list] = {}
    for (side, name, size, _), found in parts.items():
        prediction = np.concatenate(found)
        if size is None:
            score = score_with_interval(metric, y, prediction, units, 500)
            out.setdefault((side, name, size), []).append((score["value"], score["ci"]))
        else:
            out.setdefault((side, name, size), []).append(metric(y, prediction))
    return out


def against_measured(case: Case, folder: Path, run: Path) -> tuple[list[str], str]:
    """Lines of fixed probes beside the figures that were measured apart, and what explains the rest."""
    os.environ["SEEDBED_SETTINGS"] = str(run / "settings.ini")  # whose cache is used
    asked = overrides(case, folder)
    settings = load_settings(ROOT / "settings.ini", asked)
    if case.name == "east africa":
        kinds = [("presto", ""), ("galileo", ""), ("presto", "m/day")]
        found = [(e, u, fixed_probes(settings, e, u)) for e, u in kinds]
        return [line for one in found for line in probe_lines(case.name, *one)], ""
    near = [*asked, "split.buffer_km=0"]
    deals = [load_settings(ROOT / "settings.ini", [*near, f"split.seed={k}"]) for k in range(5)]
    split = SampleDataset(ready_dataset(settings)).meta["split"]
    kept, every = split["labels"]["train"], round(split["labels"]["val"] * 0.8)
    lines, gone, fewer, spread = [], [], [], []
    for encoder in ("presto", "galileo"):
        apart, beside = (
            fixed_probes(settings, encoder),
            fixed_probes(deals[0], encoder, "", (*SIZES, kept)),
        )
        lines += probe_lines("romania", encoder, "", beside)
        lines += probe_lines("romania, with its buffer", encoder, "", apart)
        others = [beside, *(fixed_probes(one, encoder, "", ()) for one in deals[1:])]
        for side in ("raw", "pretrained") if encoder == "presto" else ("pretrained",):
            key = side, "linear"
            value = beside[*key, None][0][0]
            gone.append(value - apart[*key, None][0][0])
            fewer.append(value - np.mean(beside[*key, kept]))
            found = [other[*key, None][0][0] for other in others]
            spread.append(
                f"{'raw' if side == 'raw' else encoder} {min(found):.3f} to {max(found):.3f}"
            )
    words = (
        f"On romania the figures measured apart have no buffer between training and validation,"
        f" as the first rows have none. The runs of this project leave out training labels within"
        f" {1000 * split['buffer_km']:.0f} m of a validation label, here {every - kept} of {every}:"
        f" the linear probe then scores {min(gone):.3f} to {max(gone):.3f} lower on all features,"
        f" raw values included. As many labels left out at random cost {min(fewer):.3f} to"
        f" {max(fewer):.3f}; the rest is the help of near neighbours. How the blocks are dealt into"
        f" folds moves it as well, which no interval of one deal shows: {', '.join(spread)} in five"
        " deals (`split.seed`), all labels, without a buffer."
    )
    return lines, words


def probe_lines(case: str, encoder: str, unit: str, found: dict[tuple, list]) -> list[str]:
    """Rows of the table of fixed probes; raw values once for a case."""
    lines = []
    for side, name in (("raw", "forest"), ("raw", "linear"), ("pretrained", "linear")):
        if (side, name, None) not in found:
            continue
        features = "raw" if side == "raw" else encoder
        value, ci = found[side, name, None][0]
        few = [np.mean(found[side, name, size]) for size in SIZES]
        shown = " / ".join(f"{v:.3f}" for v in (*few, value))
        before, inside = "", ""
        if (case, features, name) in MEASURED:
            known = MEASURED[case, features, name]
            before = " / ".join(f"{v:.3f}" for v in known)
            inside = "yes" if ci[0] <= known[-1] <= ci[1] else "no"
        what = f"{features}{', rain as it was said to be (m/day)' if unit else ''}"
        cells = case, what, name, shown, f"[{ci[0]:.3f}, {ci[1]:.3f}]", before, inside
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def main() -> int:
    """Run, write, and fail where a case does not end as it must."""
    wanted, failed, verdicts, probes, said, notes = sys.argv[1:], [], [], [], [], []
    began = time.perf_counter()
    folder = ROOT / "data/cache/pretraining"
    folder.mkdir(parents=True, exist_ok=True)
    for case in [case for case in cases(folder) if not wanted or case.name in wanted]:
        code, text, run, seconds = execute(case, folder)
        last = ([t for t in text.strip().splitlines() if t.strip()] or [""])[-1]
        print(f"{case.name:<26} rc {code} {seconds:5.0f} s", flush=True)
        if case.refused:
            if code == 0:
                failed.append(case.name)
            line = last.split("; the partial notebook")[0].replace(str(folder), "...")
            said.append(f"- **{case.name}** ({case.why}): `{line}`")
            continue
        if code:
            failed.append(case.name)
            said.append(f"- **{case.name}**: rc {code}: `{last}`")
            continue
        for found in read_json(run / "results.json")["pretraining"]:
            verdicts.append(f"### {case.name}: {case.why}\n\n{found['sentence']}\n")
            verdicts.append(rows_of(found))
            print(*verdicts[-2:], sep="\n", flush=True)
            if "random" in case.name and found["status"] == "pays":
                failed.append(f"{case.name}: an encoder without weights pays")
        if case.name in ("romania", "east africa"):
            lines, note = against_measured(case, folder, run)
            probes += lines
            notes += [note] if note else []
            print(*lines, note, sep="\n", flush=True)
    if not wanted:
        TABLE.write_text(page(verdicts, probes, notes, said, failed), encoding="utf-8")
    print(*said, sep="\n")
    print(f"{(time.perf_counter() - began) / 60:.0f} minutes")
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "none failed")
    return 1 if failed else 0


def rows_of(found: dict) -> str:
    """A curve as a table."""
    table = curve_table(found).reset_index()
    head = "| " + " | ".join(map(str, table.columns)) + " |"
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join([head, "|" + "---|" * len(table.columns), *lines, ""])


def page(verdicts: list, probes: list, notes: list, said: list, failed: list) -> str:
    """The whole file."""
    head = (
        "| data | features | probe | 30 / 60 / 120 / all labels | interval, all | measured apart |"
        " inside the interval |\n|---|---|---|---|---|---|---|"
    )
    return "\n".join(
        [
            "# Does pretraining pay?",
            "",
            "Made by `make pretraining`. Intervals of the verdicts hold for all sizes of a curve"
            " together (95 %).",
            "",
            "## One probe each, against figures measured with the authors' own code",
            "",
            "Macro-F1; neither the few-label draws nor the blocks are the same ones.",
            "",
            head,
            *probes,
            "",
            *notes,
            "",
            "## Verdicts",
            "",
            *verdicts,
            "## What is refused",
            "",
            *said,
            "",
            f"{len(failed)} cases failed." if failed else "No case failed.",
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
