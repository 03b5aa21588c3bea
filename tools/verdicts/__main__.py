"""The verdicts of an older commit and of today's code on the same data, and whether threads matter.

`python tools/verdicts COMMIT [FOLDER]`, where SEEDBED_SHARED_DATA names the folder of the published data. Each case is
one run by the command, in a worktree of that commit and in this one, with the same settings; writes table.md
beside this file. With two cores it takes
about half an hour; FOLDER keeps the runs, and what is there is not run again.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from seedbed.base.files import project_root
from seedbed.reevaluation import shared_data

ROOT = project_root(Path(__file__))

MODELS = "models.names=majority,coordinates,date,logistic_regression,random_forest"
COMMON = [MODELS, "run.workers=1", "run.seeds=0", "run.optimism=no"]
MODIS, CAWA = (
    f"source.name=table:{shared_data('mt_modis_9class')}",
    f"source.name=table:{shared_data('cawa_central_asia')}",
)
BY_REGION = ["split.method=region", "success.claim=new_region"]
BY_YEAR = ["split.method=year", "success.claim=new_year"]

# title, settings, and why its verdict is another one
CASES = {
    "romania": (
        ["source.name=sample:romania"],
        "the same verdict; the record says what a fresh split would show of one picked among five",
    ),
    "romania, new region": (
        ["source.name=sample:romania", *BY_REGION],
        "four regions cannot decide a claim about others: no interval, and no verdict, below five",
    ),
    "romania, tree cover": (
        ["source.name=sample:romania", "labels.target=tree_cover", "success.metric=r2"],
        "the same",
    ),
    "brandenburg": (["source.name=sample:brandenburg"], "the same"),
    "brandenburg, new region": (
        ["source.name=sample:brandenburg", *BY_REGION],
        "four strips cannot decide a claim about others",
    ),
    "Mato Grosso": (
        [MODIS, "split.block_km=25"],
        "the same; two classes that few blocks test are named",
    ),
    "Mato Grosso, new year": (
        [MODIS, *BY_YEAR, "split.block_km=25"],
        "the same verdict; seasons are told apart by calendar, and years are drawn in place of blocks",
    ),
    "Central Asia": (
        [CAWA],
        "the same verdict; neighbouring blocks are alike, so larger ones are drawn, and the interval is called rough",
    ),
    "Central Asia, new region": (
        [CAWA, *BY_REGION],
        "the same verdict; five regions are drawn in place of blocks, so the interval is wider",
    ),
    "Central Asia, new year": (
        [CAWA, *BY_YEAR],
        "the same verdict; years are drawn in place of blocks, so the interval is wider",
    ),
}


def run(tree: Path, settings: list[str], aside: Path) -> dict:
    """One run by the command of a working tree: its results, or what stopped it."""
    found = sorted(aside.glob("runs/*/results.json"))
    if not found:
        paths = [
            f"paths.{name}={aside}/{name}" for name in ("runs", "exports", "processed", "cache")
        ]
        options = [part for setting in [*paths, *COMMON, *settings] for part in ("-p", setting)]
        ended = subprocess.run(
            [sys.executable, "-c", "from seedbed.cli import main; main()", "run", *options],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree / "pkg"), "COLUMNS": "300"},
            capture_output=True,
            text=True,
        )
        found = sorted(aside.glob("runs/*/results.json"))
        if not found:
            said = (ended.stdout + ended.stderr).strip().splitlines()
            return {"stopped": said[-1]}
    return json.loads(found[-1].read_text(encoding="utf-8"))


def verdict(results: dict) -> str:
    """Best model, score, interval and verdict in a cell."""
    if "stopped" in results:
        return f"stopped: {results['stopped']}"
    primary, best = results["primary"], results["best_model"]
    ci = primary.get("ci")
    interval = f"[{ci[0]:.3f}, {ci[1]:.3f}]" if ci else "no interval"
    return f"**{results['verdict']['status']}**: {best} {primary['value']:.3f} {interval}"


def threads(tree: Path, folder: Path) -> list[str]:
    """Scores of the default run's models with one thread and with two, as lines of a table."""
    found = {}
    for n in (1, 2):
        settings = [
            "source.name=sample:romania",
            "models.names=majority,random_forest,tempcnn",
            f"run.threads={n}",
        ]
        scored = run(tree, settings, folder / f"threads_{n}")["models"]
        found[n] = {each["model"]: each["value"] for each in scored}
    lines = ["| model | 1 thread | 2 threads | the same |", "|---|---|---|---|"]
    for model in found[1]:
        one, two = (found[n][model] for n in (1, 2))
        lines.append(f"| {model} | {one!r} | {two!r} | {'yes' if one == two else 'no'} |")
    return lines


def main(commit: str, folder: Path):
    """Run every case twice, and write the table."""
    before = folder / "before"
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--detach", "-q", str(before), commit], check=True)
    rows = []
    try:
        for title, (settings, why) in CASES.items():
            name = title.replace(", ", "_").replace(" ", "_")
            then = run(before, settings, folder / f"{name}_then")
            now = run(ROOT, settings, folder / f"{name}_now")
            rows.append(f"| {title} | {verdict(then)} | {verdict(now)} | {why} |")
            print(rows[-1], flush=True)
            for when, one in (("then", then), ("now", now)):
                for line in one.get("verdict", {}).get("reasons", []) + one.get("warnings", []):
                    print(f"    {when}: {line}", flush=True)
        same = threads(ROOT, folder)
    finally:
        subprocess.run([*git, "remove", "--force", str(before)], check=True)
    write(commit, rows, same)


def write(commit: str, rows: list[str], same: list[str]):
    """The table beside this file."""
    lines = [
        "# Verdicts then and now",
        f"Written by `python tools/verdicts {commit}`: the same settings and data by the command of that "
        "commit and by today's, one seed, without networks. The score is macro-F1, or R2 for tree cover.",
        "\n".join(
            ["| data and claim | then | now | why another one |", "|---|---|---|---|", *rows]
        ),
        "## Threads\n\nThe sample of Romania with `run.threads` 1 and 2, one run each:",
        "\n".join(same),
    ]
    Path(__file__).with_name("table.md").write_text("\n\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as aside:
        main(sys.argv[1], Path(sys.argv[2] if len(sys.argv) > 2 else aside).resolve())
