"""`seedbed sweep`: one run for each combination of values."""

import os
import shlex
import sys
from collections.abc import Callable, Collection
from typing import Annotated

import typer

from .options import Debug, Overrides, leave
from .run import prepare_imports
from .tables import make_console, number, print_table

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only list the combinations.")]
FOR_ALL = ("run.scheduler=", "run.workers=", "paths.")  # not combined: how and where to work


def sweep(overrides: Overrides = None, dry_run: DryRun = False, debug: Debug = False):
    """Make a run for each combination of values, and compare the models of all runs.

    Several values of one setting are separated by commas, numbers can be a range:
    -p models.names=random_forest,tempcnn -p process.indices=,ndvi -p run.seeds=0..4
    """
    prepare_imports()
    from seedbed.base.files import relative
    from seedbed.base.settings import load_settings
    from seedbed.running.sweep import Cell, product, seeds_together, write_sweep

    fixed = [o for o in overrides or () if o.startswith(FOR_ALL)]
    asked = [o for o in overrides or () if o not in fixed]
    paths = [o for o in fixed if o.startswith("paths.")]
    cells = [Cell([*cell, *paths]) for cell in product(asked)]
    alike = [o for o in cells[0].overrides if all(o in cell.overrides for cell in cells)]
    print_product(asked, len(cells), alike)
    # Reading the settings of every cell reports mistakes before the first run.
    every = [load_settings(overrides=cell.overrides) for cell in cells]
    metrics = list(dict.fromkeys(settings.success.metric for settings in every))
    if dry_run:
        print("\n".join("; ".join(cell.overrides) for cell in cells))
        return
    settings = load_settings(overrides=fixed)
    command = shlex.join(["seedbed", *sys.argv[1:]])
    done = []

    def ended(cell):
        done.append(cell)
        print(cell_line(cell, len(done), len(cells), alike), flush=True)

    run_cells(cells, settings, command, ended)
    rows = seeds_together(cells, settings)
    print_rows(rows, metrics, alike)
    path = write_sweep(settings, command, cells, rows)
    make_console(wide=True).print(f"\nThe sweep: {relative(path)}", markup=False, soft_wrap=True)
    failed = sum(bool(cell.error) for cell in cells)
    if failed:
        leave(f"{failed} of {len(cells)} runs failed", 1)


def print_product(asked: list[str], count: int, alike: list[str]):
    """Print how many runs there will be, and the settings that are the same in all of them."""
    from seedbed.running.sweep import values_of

    factors = []
    for override in asked:
        name, _, values = override.partition("=")
        if len(values_of(values)) > 1:
            factors.append(f"{len(values_of(values))} {name}")
    print(f"{' x '.join(factors)} = {count} runs" if factors else "1 run", flush=True)
    if alike:
        print(f"{'in all of them' if factors else 'with'}: {'; '.join(alike)}", flush=True)


def cell_line(cell, done: int, count: int, alike: Collection[str] = ()) -> str:
    """One line for a run of a sweep that has ended, with the settings that are its own."""
    own = "; ".join(o for o in cell.overrides if o not in alike) or "the run"
    result = f"failed: {cell.error}" if cell.error else os.path.basename(cell.run)
    return f"{done}/{count}  {own}: {result} ({cell.seconds:.1f} s)"


def run_cells(cells: list, settings, command: str, ended: Callable):
    """Make the runs, on the cluster that the settings name or on this machine."""
    from seedbed.base.resources import default_workers
    from seedbed.running.engines import preload
    from seedbed.running.pipeline import cluster_of
    from seedbed.running.sweep import run_local, run_on_workers

    with cluster_of(settings, lambda text: print(text, flush=True)) as client:
        if client:
            environment = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
            run_on_workers(cells, settings.root, client, command, environment, ended)
        else:
            preload()
            workers = settings.run.workers or default_workers(settings.run.threads)
            run_local(cells, settings.root, workers, command, ended)


def print_rows(rows: list[dict], metrics: list[str], alike: list[str]):
    """Print the models of all runs, the seeds of one model in one row."""

    def own_settings(row):
        own = (s for s in row["settings"] if s not in alike and not s.startswith("models.names="))
        return "; ".join(own)

    def score(row):
        interval = row["ci"]
        if not interval:
            return number(row["value"])
        return f"{number(row['value'])} [{interval[0]:.3f}, {interval[1]:.3f}]"

    columns = [
        ("model", [row["model"] for row in rows]),
        (" or ".join(metrics), [score(row) for row in rows]),
        ("between seeds", [number(row["seed_sd"]) for row in rows]),
        ("seeds", [number(len(row["seeds"])) for row in rows]),
    ]
    if any(map(own_settings, rows)):
        columns.insert(0, ("settings", [own_settings(row) for row in rows]))
    print_table(columns, make_console(wide=True))
