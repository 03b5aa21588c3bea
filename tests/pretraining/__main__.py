"""`make pretraining`: runs by command, their verdicts, and the table. Names of cases given as arguments choose some."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from seedbed.base.files import read_json
from seedbed.base.settings import load_settings
from seedbed.evaluation.intervals import score_with_interval
from seedbed.evaluation.metrics import metric_named, within_folds
from seedbed.evaluation.units import drawn_units
from seedbed.models.base import predict_sklearn
from seedbed.models.baselines import fit_rule
from seedbed.models.pretrained.probes import ProbeRules, standardisation
from seedbed.models.records import per_label_predictions
from seedbed.models.registry import find_model
from seedbed.pretraining import curve_table, drawn_rows, sides_of
from seedbed.training.dataset import SampleDataset
from tests.pretraining import EAST_AFRICA, MEASURED, REAL, east_africa, six_years
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
    both = ("models.names=coordinates, random_forest, raw_probe, presto, galileo",)
    one = ("models.names=coordinates, random_forest, raw_probe, presto",)
    years = (f"source.name=table:{six_years(folder)}", "source.variables=auto")
    year = ("split.method=year", "success.claim=new_year", *years)
    random = ("models.weights=presto = random",)
    found = [
        Case("no weights", "what a run says without them", one, refused=True),
        Case("romania, random", "an encoder without weights must not pay", (*one, *random)),
        Case("simulated years, random", "the same, for a new year", (*one, *random, *year)),
    ]
    if REAL:
        real = (f"models.weights={REAL}",)
        region = ("split.method=region", "success.claim=new_region")
        found += [
            Case("romania", "the claim within a region", (*both, *real)),
            Case("romania, new region", "the claim of a new region", (*one, *real, *region)),
            Case("simulated years", "the claim of a new year", (*one, *real, *year)),
        ]
        if EAST_AFRICA.is_file():
            table = (f"source.name=table:{east_africa(folder)}", *TABULAR)
            unit = "models.units=total_precipitation: "
            found += [
                Case(
                    "east africa, m/day",
                    "rain of a month that is said to be of a day",
                    (*both, *real, *table, f"{unit}m/day"),
                    refused=True,
                ),
                Case(
                    "east africa",
                    "all of Presto's inputs",
                    (*both, *real, *table, f"{unit}m/month", "process.max_missing=1"),
                ),
            ]
    return found


def execute(case: Case, folder: Path) -> tuple[int, str, Path, float]:
    """Run a case by command: exit code, what it said, its folder and the seconds."""
    own = folder / case.name.replace(", ", "-").replace(" ", "-").replace("/", "-")
    paths = [f"paths.{n}={own / n}" for n in ("exports", "processed", "cache", "runs", "weights")]
    options = [word for o in (*QUICK, *case.options, *paths) for word in ("-p", o)]
    code = "import seedbed.cli, sys; sys.argv[0] = 'seedbed'; seedbed.cli.main()"
    line = [sys.executable, "-c", code, "run", "--no-check", *options]
    began = time.perf_counter()
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    runs = sorted((own / "runs").glob("*/")) if (own / "runs").is_dir() else []
    run = runs[-1] if runs else own
    return done.returncode, done.stdout + done.stderr, run, time.perf_counter() - began


def fixed_probes(run: Path, encoder: str, unit: str = "") -> dict[tuple, list]:
    """Scores of forest and linear probe, by side, at 30, 60, 120 and all labels; the last with its interval."""
    os.environ["SEEDBED_SETTINGS"] = str(run / "settings.ini")
    settings = load_settings(run / "settings.ini")
    path = settings.root / settings.processed_dir / "dataset.h5"
    sides = [s for s in sides_of(find_model(encoder), settings.models) if s.name != "control"]
    parts: dict[tuple, list] = {}
    draws = [(size, k) for size in (30, 60, 120) for k in range(3)] + [(None, 0)]
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
                for name in ("forest", "linear"):
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


def against_measured(case: str, run: Path) -> list[str]:
    """Lines of the table of fixed probes, beside the figures that were measured apart."""
    lines = []
    kinds = [("presto", ""), ("galileo", "")]
    if case == "east africa":
        kinds.append(("presto", "m/day"))
    for encoder, unit in kinds:
        found = fixed_probes(run, encoder, unit)
        for side, name in (("raw", "forest"), ("raw", "linear"), ("pretrained", "linear")):
            if side == "raw" and (encoder != "presto" or unit):
                continue
            key = (case, "raw" if side == "raw" else encoder, name)
            value, ci = found[side, name, None][0]
            few = [np.mean(found[side, name, size]) for size in (30, 60, 120)]
            shown = " / ".join(f"{v:.3f}" for v in (*few, value))
            before = " / ".join(f"{v:.3f}" for v in MEASURED[key])
            inside = "yes" if ci[0] <= MEASURED[key][-1] <= ci[1] else "no"
            what = f"{key[1]}{', rain as it was said to be (m/day)' if unit else ''}"
            lines.append(
                f"| {case} | {what} | {name} | {shown} | [{ci[0]:.3f}, {ci[1]:.3f}] | {before} |"
                f" {inside} |"
            )
    return lines


def main() -> int:
    """Run, write, and fail where a case does not end as it must."""
    wanted, failed, verdicts, probes, said = sys.argv[1:], [], [], [], []
    with tempfile.TemporaryDirectory(prefix="pretraining-") as place:
        folder = Path(place)
        for case in cases(folder):
            if wanted and case.name not in wanted:
                continue
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
                if "random" in case.name and found["status"] == "pays":
                    failed.append(f"{case.name}: an encoder without weights pays")
            if case.name in ("romania", "east africa"):
                probes += against_measured(case.name, run)
    if not wanted:
        TABLE.write_text(page(verdicts, probes, said, failed), encoding="utf-8")
    print("\n".join([*said, *verdicts, *probes]))
    print(f"{len(failed)} failed: {', '.join(failed)}" if failed else "none failed")
    return 1 if failed else 0


def rows_of(found: dict) -> str:
    """A curve as a table."""
    table = curve_table(found).reset_index()
    head = "| " + " | ".join(map(str, table.columns)) + " |"
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join([head, "|" + "---|" * len(table.columns), *lines, ""])


def page(verdicts: list, probes: list, said: list, failed: list) -> str:
    """The whole file."""
    head = (
        "| data | features | probe | 30 / 60 / 120 / all labels | interval, all | measured apart |"
        " inside |\n|---|---|---|---|---|---|---|"
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
            "Macro-F1; the few-label draws are not the same ones.",
            "",
            head,
            *probes,
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
