"""`seedbed compare`: several runs on one validation set."""

from typing import Annotated

import typer

from . import completion
from .closing import with_interval
from .options import RUN, Debug, Trust
from .tables import make_console, number, print_table

Runs = Annotated[list[str], typer.Argument(metavar="RUN", help=RUN, autocompletion=completion.runs)]
Every = Annotated[
    bool, typer.Option("--all", help="Show every model, not only the best of each run.")
]


def compare(runs: Runs, every: Every = False, trust: Trust = False, debug: Debug = False):
    """Compare the scores of several runs, with the uncertainty of each difference.

    The runs must have the same split: all are scored on the same resamples of its validation
    blocks. The first run is the one that the others are compared with.
    """
    from seedbed.base.settings import load_settings
    from seedbed.compare import across_runs
    from seedbed.running.history import find_run
    from seedbed.running.trust import check_metric

    settings = load_settings()
    console = make_console()
    chosen = [find_run(settings, run, complete=True) for run in runs]
    for run in chosen:
        check_metric(run, settings, trust)
    found = across_runs([run.folder for run in chosen], every)
    names = list(dict.fromkeys(row["run"] for row in found["rows"]))
    print_table(columns_of(found, names), console)
    numbered = "\n".join(f"run {i}: {name}" for i, name in enumerate(names, 1))
    console.print(f"\n{numbered}", markup=False, soft_wrap=True)
    for line in [*found["notes"], *gains(found, names)]:
        console.print(line, markup=False)
    console.print(
        f"\nThis validation set has been scored {found['looks']} times: "
        "the best of many is partly luck.",
        markup=False,
    )


def columns_of(found: dict, names: list[str]) -> list[tuple[str, list[str]]]:
    """The columns of the table; a run is named by its number."""
    rows = found["rows"]
    better = [number((row["difference"] or {}).get("p_better"), 2) for row in rows]
    return [
        ("run", [str(names.index(row["run"]) + 1) for row in rows]),
        ("model", [row["model"] for row in rows]),
        (found["title"], [with_interval(row["value"], row["ci"]) for row in rows]),
        ("vs the first", [change(row["difference"]) for row in rows]),
        (f"P(> {found['rope']:g})", better),
        ("commit", [commit(row) for row in rows]),
        ("verdict", [", ".join([row["verdict"], *row["stamps"]]) for row in rows]),
    ]


def gains(found: dict, names: list[str]) -> list[str]:
    """Which commit has gained how much over the first run, where it is more than chance."""
    lines = []
    for row in found["rows"]:
        difference = row["difference"]
        if not difference or not difference["ci"]:
            continue
        low, high = difference["ci"]
        run = f"run {names.index(row['run']) + 1} (commit {commit(row)}, {row['model']})"
        if low > 0:
            lines.append(f"{run} has gained {change(difference)}")
        elif high < 0:
            lines.append(f"{run} has lost {change(difference)}")
        else:
            lines.append(f"{run}: the difference {change(difference)} could be chance")
    return lines


def change(difference: dict | None) -> str:
    """A difference with its sign and its interval."""
    if not difference:
        return "-"
    ci = difference["ci"]
    return f"{difference['value']:+.3f}" + (f" [{ci[0]:+.3f}, {ci[1]:+.3f}]" if ci else "")


def commit(row: dict) -> str:
    """The short commit; a star where files had changed since."""
    return (row["commit"] or "-")[:7] + ("*" if row["dirty"] else "")
