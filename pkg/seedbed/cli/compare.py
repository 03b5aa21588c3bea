"""`seedbed compare`: several runs on one validation set."""

from typing import Annotated

import typer

from .closing import with_interval
from .options import RUN, Debug
from .tables import make_console, number, print_table

Runs = Annotated[list[str], typer.Argument(metavar="RUN...", help=RUN)]
Every = Annotated[
    bool, typer.Option("--all", help="Show every model, not only the best of each run.")
]


def compare(runs: Runs, every: Every = False, debug: Debug = False):
    """Compare runs by the same draws of the same validation blocks; runs of different splits are refused."""
    from seedbed.base.settings import load_settings
    from seedbed.compare import across_runs
    from seedbed.running.history import find_run

    settings, console = load_settings(), make_console()
    found = across_runs([find_run(settings, run, complete=True).folder for run in runs], every)
    rows = found["rows"]
    names = list(dict.fromkeys(row["run"] for row in rows))
    print_table(
        [
            ("run", [str(names.index(row["run"]) + 1) for row in rows]),
            ("model", [row["model"] for row in rows]),
            (found["metric"], [with_interval(row["value"], row["ci"]) for row in rows]),
            ("vs the first", [change(row["difference"]) for row in rows]),
            (
                f"P(> {found['rope']:g})",
                [number((row["difference"] or {}).get("p_better"), 2) for row in rows],
            ),
            ("commit", [commit(row) for row in rows]),
            ("verdict", [", ".join([row["verdict"], *row["stamps"]]) for row in rows]),
        ],
        console,
    )
    console.print(
        "\n" + "\n".join(f"run {i}: {name}" for i, name in enumerate(names, 1)),
        markup=False,
        soft_wrap=True,
    )
    console.print(
        f"\nThis validation set has been scored {found['looks']} times: the best of many is partly luck.",
        markup=False,
    )


def change(difference: dict | None) -> str:
    """A difference with its sign and its interval."""
    if not difference:
        return "-"
    ci = difference["ci"]
    return f"{difference['value']:+.3f}" + (f" [{ci[0]:+.3f}, {ci[1]:+.3f}]" if ci else "")


def commit(row: dict) -> str:
    """The short commit; a star where files had changed since."""
    return (row["commit"] or "-")[:7] + ("*" if row["dirty"] else "")
