"""`make million`: whole runs of three sizes, one after the other, and the table of what each stage cost.

With `--folds five` it is the second part of the table that is written: cross-validated, and by
default with the models that train quickly.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.million import BANDS, MODELS, STEPS, run

TABLE = Path(__file__).parent / "table.md"
SETTINGS = ["run.workers=1", "run.seeds=0"]
FOLDS = {"one": "no", "five": "yes"}  # split.cross_validate
QUICK = "majority,logistic_regression"
TITLE = "What a whole run costs, "  # of each part of the table
FITTED = ("logistic_regression", "hist_gradient_boosting", "random_forest", "tempcnn")
PAGES = 5e6  # bytes that a report and a notebook may have


def mb_of_values(count: int) -> float:
    """The dataset's own size."""
    return 4 * STEPS * BANDS * count / 1e6


def short(stage: str) -> str:
    """04_model/majority from models/majority/seed_0/04_model."""
    parts = stage.split("/")
    return f"{parts[-1]}/{parts[1]}" if parts[0] == "models" else stage


def rows_of(runs: list) -> list[str]:
    """The lines of the table: CPU seconds and MB of each stage, and how the cost a label grows."""
    sizes = [one.count for one in runs]
    head = ["stage", *(f"CPU s, {n:,}" for n in sizes), *(f"MB, {n:,}" for n in sizes)]
    growth = len(sizes) > 1
    if growth:
        head += [f"time a label, {sizes[-1]:,} over {sizes[-2]:,}", "aim"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for stage in runs[-1].stages:
        found = [one.stages.get(stage) for one in runs]
        cells = [short(stage)]
        cells += [f"{s['cpu']:.1f}" if s else "" for s in found]
        cells += [f"{s['mb']:,.0f}" if s else "" for s in found]
        if growth and found[-2]:
            each = [s["cpu"] / n for s, n in zip(found[-2:], sizes[-2:])]
            aim = 1.6 if any(name in stage for name in FITTED) else 1.3
            cells += [f"{each[1] / each[0]:.2f}", f"<= {aim}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def facts_of(one) -> list[str]:
    """What a run held and left, in lines."""
    most = 2 * one.dataset / 1e6 + 1000
    pages = {name: size for name, size in one.files.items() if name.endswith(("html", "ipynb"))}
    largest = max(pages, key=lambda name: pages[name])
    ended = "ended" if one.code == 0 else f"stopped with code {one.code}"
    return [
        f"- {one.count:,} labels, {mb_of_values(one.count):,.0f} MB of values: {ended}; peak of all"
        f" processes {one.peak:,.0f} MB (aim {most:,.0f}: twice dataset.h5 and 1 GB);"
        f" {one.wall:,.0f} s from start to end;"
        f" largest page {largest} with {pages[largest] / 1e6:.1f} MB (aim {PAGES / 1e6:g})"
    ]


def record_of(one) -> dict:
    """The numbers of a run."""
    stages = {
        short(name): {key: round(found[key], 2) for key in ("cpu", "fit", "mb")}
        | {"where": found["where"][:8]}
        for name, found in one.stages.items()
    }
    return {
        "labels": one.count,
        "values_mb": mb_of_values(one.count),
        "code": one.code,
        "peak_mb": round(one.peak),
        "wall_s": round(one.wall),
        "copy_s": round(one.copy, 3),
        "read_s": round(one.read, 3),
        "stages": stages,
    }


def with_part(text: str, part: str) -> str:
    """The table with one of its parts, which begin with their titles, in place of the earlier one."""
    parts = [TITLE + rest.strip() for rest in text.split(TITLE)[1:]]
    title = part.splitlines()[0].split(";")[0]
    kept = [part if one.startswith(title) else one for one in parts]
    return "\n\n".join(kept if part in kept else [*kept, part]) + "\n"


def main() -> int:
    """Run, write, and fail where a run fails."""
    parser = argparse.ArgumentParser(prog="make million")
    parser.add_argument("sizes", nargs="*", type=int, default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--folds", choices=FOLDS, default="one")
    parser.add_argument("--models", help=f"default: {MODELS}; of five folds {QUICK}")
    parser.add_argument("--set", action="append", default=[], help="section.key=value")
    parser.add_argument("--table", type=Path, default=TABLE)
    parser.add_argument("--page", type=Path, help="also write the numbers as JSON")
    asked = parser.parse_args()
    models = asked.models or (MODELS if asked.folds == "one" else QUICK)
    folds = f"split.cross_validate={FOLDS[asked.folds]}"
    runs = []
    for count in asked.sizes:
        with tempfile.TemporaryDirectory(prefix="million-") as folder:
            settings = [*SETTINGS, folds, f"models.names={models}", *asked.set]
            runs.append(run(Path(folder), count, settings))
        print(runs[-1].said[-2000:], *facts_of(runs[-1]), sep="\n", flush=True)
        many = f"{asked.folds} fold" if asked.folds == "one" else f"{asked.folds} folds"
        title = f"{TITLE}{many}; one process at a time, MB without mapped files."
        facts = [line for one in runs for line in facts_of(one)]
        part = "\n".join([title, "", *rows_of(runs), "", *facts])
        before = asked.table.read_text(encoding="utf-8") if asked.table.is_file() else ""
        asked.table.write_text(with_part(before, part), encoding="utf-8")
        page = json.dumps([record_of(one) for one in runs], indent=1)
        if asked.page:
            asked.page.write_text(page + "\n", encoding="utf-8")
    return max(one.code for one in runs)


if __name__ == "__main__":
    sys.exit(main())
