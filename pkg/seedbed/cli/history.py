"""`seedbed status`, `runs`, `clean` and `replay`: what a run would do, and what runs have done."""

from typing import Annotated, Optional

import typer

from . import completion
from .options import Debug, Overrides, RunName, SettingsFile, Trust, leave
from .tables import WHOLE_LINES, make_console, print_table

Words = Annotated[
    Optional[list[str]],
    typer.Argument(
        metavar="WORD",
        help="Only runs to which every word applies: a source, a model, a date, a verdict, "
        "complete, killed, or * for code that differed from its commit.",
        show_default=False,
    ),
]
Diff = Annotated[
    Optional[tuple[str, str]],
    typer.Option(
        "--diff",
        metavar="RUN RUN",
        help="Show how two runs differ: settings, code, data and scores.",
        autocompletion=completion.runs,
    ),
]
Last = Annotated[int, typer.Option("-n", metavar="COUNT", help="Show this many, the latest ones.")]
Wide = Annotated[
    bool, typer.Option("--wide", help="Show every column whole, however long the lines get.")
]
Yes = Annotated[bool, typer.Option("--yes", help="Remove what is listed.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the checkout, in data/cache/replays.")]

OtherSeedbed = Annotated[
    str,
    typer.Option(
        "--seedbed",
        metavar="WHEEL|FOLDER|COMMIT",
        help="Replay with this seedbed: a wheel, a clone, or a commit of the clone in use.",
    ),
]


def status(overrides: Overrides = None, settings_file: SettingsFile = None, debug: Debug = False):
    """Show which notebooks a run would execute, and why; nothing is executed."""
    from .run import prepare_imports

    prepare_imports()
    from seedbed.running.status import states

    found = states(overrides=overrides or (), settings_file=settings_file)
    print_table(
        [
            ("notebook", [state.name for state in found]),
            ("state", [state.state for state in found]),
            ("", [origin_or_reasons(state) for state in found]),
        ],
        make_console(),
    )


def origin_or_reasons(state) -> str:
    """The run that made a notebook's outputs, else up to three reasons to execute it."""
    if state.run:
        return f"made by {state.run}"
    more = f" and {len(state.why) - 3} more" if len(state.why) > 3 else ""
    return "; ".join(state.why[:3]) + more


def runs(
    words: Words = None,
    diff: Diff = None,
    last: Last = 20,
    wide: Wide = False,
    debug: Debug = False,
):
    """List the runs, or show how two of them differ.

    Columns that the terminal (or COLUMNS) has no room for are left out or cut; --wide shows all.
    """
    from seedbed.base.settings import load_settings
    from seedbed.running.history import compare_runs, find_run, list_runs, run_row

    settings = load_settings()
    console = make_console()
    if diff:
        one, other = (find_run(settings, word) for word in diff)
        print_differences(compare_runs(one, other), console)
        return
    rows = [run_row(run) for run in list_runs(settings, words or ())]
    shown = rows[:last]
    if rows:
        print_runs(shown, make_console(width=WHOLE_LINES if wide else 0))
    note = f", the latest {last} shown" if len(rows) > last else ""
    console.print(f"{len(rows)} runs{note}", markup=False)


def print_runs(rows: list[dict], console):
    """Print runs, one a line; a terminal that is too narrow gets fewer and shorter columns."""
    headings = [h for h in rows[0] if h != "settings" or any(row[h] for row in rows)]
    columns = {h: [row[h] for row in rows] for h in headings}
    for shorten in (
        lambda: columns.pop("source", None),  # it stands in the run's name, as the commit does
        lambda: columns.pop("commit", None),
        lambda: columns.update(score=[text.partition(" [")[0] for text in columns["score"]]),
        lambda: shorten_settings(columns, console.width),
        lambda: columns.pop("settings", None),
        lambda: columns.pop("status", None),
        lambda: columns.pop("best model", None),
    ):
        if width_of(columns) <= console.width:
            break
        shorten()
    print_table(list(columns.items()), console)


def width_of(columns: dict[str, list[str]]) -> int:
    """How many columns of a terminal a table takes."""
    return sum(max(map(len, [heading, *texts])) + 1 for heading, texts in columns.items())


def shorten_settings(columns: dict[str, list[str]], width: int):
    """Cut the settings so that the table fits, where at least 12 characters remain of them."""
    texts = columns.pop("settings", [])
    room = width - width_of(columns) - 1
    if texts and room >= 12:
        cut = [text if len(text) <= room else text[: room - 1] + "…" for text in texts]
        columns["settings"] = cut


def print_differences(found: dict[str, list[str]], console):
    """Print how two runs differ, under headings."""
    for heading, lines in found.items():
        console.print(f"{heading}: " + ("the same" if not lines else ""), markup=False)
        for line in lines:
            console.print(f"  {line}", markup=False, soft_wrap=True)


def clean(yes: Yes = False, debug: Debug = False):
    """List files of the cache and the data that no run refers to; remove them with --yes."""
    from seedbed.base.files import relative
    from seedbed.base.settings import load_settings
    from seedbed.running.history import remove, unreferenced

    found = unreferenced(load_settings())
    if not found:
        print("nothing to remove")
        return
    print_table(
        [
            ("path", [relative(path) for path, _, _ in found]),
            ("MB", [f"{size / 1e6:.1f}" for _, size, _ in found]),
            ("what", [what for _, _, what in found]),
        ],
        make_console(wide=True),
    )
    total = f"{len(found)} of them, {sum(size for _, size, _ in found) / 1e6:.1f} MB"
    if yes:
        remove(path for path, _, _ in found)
        print(f"removed: {total}")
    else:
        print(f"{total}; nothing was removed yet: seedbed clean --yes removes them")


def replay(
    run: RunName,
    keep: Keep = False,
    trust: Trust = False,
    seedbed: OtherSeedbed = "",
    debug: Debug = False,
):
    """Repeat a run from its commit, in a clean checkout, and compare the results.

    What will be executed is shown first. A run that was not made by you on this machine needs
    --trust. The exit code is 1 where any field of the results differs.
    """
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run
    from seedbed.running.replay import replay as repeat
    from seedbed.running.trust import code_of_run

    settings = load_settings()
    chosen = find_run(settings, run)
    print(f"replaying {chosen.name}, which executes:", flush=True)
    for line in code_of_run(chosen):
        print(f"  {line}", flush=True)
    say = lambda line: print(f"  {line}", flush=True)
    found = repeat(settings, chosen, keep, say, trust, seedbed)
    print_some("not the same machine or versions", found.environment)
    print_some("not the same data", found.data)
    print_some("not the same results", found.differences)
    if not found.identical:
        leave(
            f"{chosen.name}: the replay differs in {len(found.differences)} of {found.fields} fields",
            1,
        )
    print(f"{chosen.name}: identical in all {found.fields} fields of its results")


def print_some(title: str, lines: list[str], most: int = 20):
    """Print a title and the first lines below it; nothing where there are none."""
    if not lines:
        return
    print(f"{title}:")
    for line in lines[:most]:
        print(f"  {line}")
    if len(lines) > most:
        print(f"  ... and {len(lines) - most} more")
