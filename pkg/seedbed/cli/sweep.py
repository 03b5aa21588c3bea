"""`seedbed sweep`"""

import os
import shlex
import sys
from typing import Annotated

import typer

from .options import Debug, Overrides, leave
from .tables import make_console, number, print_table

Ask = Annotated[bool, typer.Option("--dry-run", help="Only show the product.")]


def cell_line(cell, done: int, count: int, alike=()) -> str:
    """One line for a run of a sweep that has ended; what is alike in all of them is not said again."""
    return f"{done}/{count}  {'; '.join(o for o in cell.overrides if o not in alike) or 'the run'}: {f'failed: {cell.error}' if cell.error else os.path.basename(cell.run)} ({cell.seconds:.1f} s)"


def sweep(overrides: Overrides = None, dry_run: Ask = False, debug: Debug = False):
    """Run every combination: -p models.names=random_forest,tempcnn -p process.indices=,ndvi -p run.seeds=0..4"""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    sys.modules.setdefault("rfc3987_syntax", None)  # see `seedbed run`
    from seedbed.base.files import relative
    from seedbed.base.resources import default_workers
    from seedbed.base.settings import load_settings
    from seedbed.running.engines import preload
    from seedbed.running.pipeline import cluster_of
    from seedbed.running.sweep import (
        Cell,
        product,
        run_local,
        run_on_workers,
        seeds_together,
        values_of,
        write_sweep,
    )

    fixed = [
        o for o in overrides or () if o.startswith(("run.scheduler=", "run.workers=", "paths."))
    ]
    asked = [o for o in overrides or () if o not in fixed]
    cells = [
        Cell([*cell, *(o for o in fixed if o.startswith("paths."))]) for cell in product(asked)
    ]
    counts = {o: len(values_of(o.partition("=")[2])) for o in asked}
    varied = [o for o in asked if counts[o] > 1]
    alike = [o for o in cells[0].overrides if all(o in cell.overrides for cell in cells)]
    print(
        " x ".join(f"{counts[o]} {o.partition('=')[0]}" for o in varied) + f" = {len(cells)} runs"
        if varied
        else "1 run",
        flush=True,
    )
    if alike:
        print(f"{'in all of them' if varied else 'with'}: {'; '.join(alike)}", flush=True)
    metrics = dict.fromkeys(
        load_settings(overrides=cell.overrides).success.metric for cell in cells
    )  # and mistakes are told
    if dry_run:
        return print("\n".join("; ".join(cell.overrides) for cell in cells))
    settings = load_settings(overrides=fixed)
    command = shlex.join(["seedbed", *sys.argv[1:]])
    done = []

    def ended(cell):
        done.append(cell)
        print(cell_line(cell, len(done), len(cells), alike), flush=True)

    with cluster_of(settings, lambda text: print(text, flush=True)) as client:
        if client:
            run_on_workers(
                cells,
                settings.root,
                client,
                command,
                {"PYTHONPATH": os.environ.get("PYTHONPATH", "")},
                ended,
            )
        else:
            preload()
            run_local(
                cells,
                settings.root,
                settings.run.workers or default_workers(settings.run.threads),
                command,
                ended,
            )
    rows, console = seeds_together(cells, settings), make_console(wide=True)
    interval = lambda ci: f" [{ci[0]:.3f}, {ci[1]:.3f}]" if ci else ""
    told = lambda row: "; ".join(
        s for s in row["settings"] if s not in alike and not s.startswith("models.names=")
    )
    columns = [("settings", [told(row) for row in rows])] if any(map(told, rows)) else []
    print_table(
        [
            *columns,
            ("model", [row["model"] for row in rows]),
            (" or ".join(metrics), [number(row["value"]) + interval(row["ci"]) for row in rows]),
            ("between seeds", [number(row["seed_sd"]) for row in rows]),
            ("seeds", [number(len(row["seeds"])) for row in rows]),
        ],
        console,
    )
    path = write_sweep(settings, command, cells, rows)
    console.print(f"\nThe sweep: {relative(path)}", markup=False, soft_wrap=True)
    if failed := sum(bool(cell.error) for cell in cells):
        leave(f"{failed} of {len(cells)} runs failed", 1)
