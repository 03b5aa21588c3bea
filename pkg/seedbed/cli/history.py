"""`seedbed status`, `seedbed runs`, `seedbed clean`: what a run would do, what runs have done, what none needs any more."""

import sys
from typing import Annotated, Optional

import typer

from .options import RUN, Debug, Overrides, SettingsFile, leave
from .tables import make_console, print_table

CommaList = Annotated[
    Optional[list[str]],
    typer.Argument(
        metavar="[WORD]...",
        help="Only runs of which all these are told: a source, a model, a date, a verdict, complete, killed, * for a dirty commit.",
        show_default=False,
    ),
]
Diff = Annotated[
    Optional[tuple[str, str]],
    typer.Option(
        "--diff", metavar="RUN RUN", help="Show how two runs differ: settings, code, data, scores."
    ),
]
Last = Annotated[int, typer.Option("-n", metavar="COUNT", help="At most so many, the latest.")]
Yes = Annotated[bool, typer.Option("--yes", help="Remove what is listed.")]


def status(overrides: Overrides = None, settings_file: SettingsFile = None, debug: Debug = False):
    """Show which notebooks a run would execute, and why."""
    sys.modules.setdefault("rfc3987_syntax", None)  # see `seedbed run`
    from seedbed.running.status import states

    found = states(overrides=overrides or (), settings_file=settings_file)
    said = lambda s: (
        f"made by {s.run}"
        if s.run
        else "; ".join(s.why[:3]) + (f" and {len(s.why) - 3} more" if len(s.why) > 3 else "")
    )
    print_table(
        [
            ("notebook", [s.name for s in found]),
            ("state", [s.state for s in found]),
            ("", [said(s) for s in found]),
        ],
        make_console(),
    )


def runs(words: CommaList = None, diff: Diff = None, last: Last = 20, debug: Debug = False):
    """List the runs, or show how two of them differ."""
    from seedbed.base.settings import load_settings
    from seedbed.running.history import compare_runs, find_run, list_runs, run_row

    settings, console = load_settings(), make_console()
    if diff:
        for heading, lines in compare_runs(*(find_run(settings, word) for word in diff)).items():
            console.print(f"{heading}: " + ("the same" if not lines else ""), markup=False)
            for line in lines:
                console.print(f"  {line}", markup=False, soft_wrap=True)
        return
    rows = [run_row(run) for run in list_runs(settings, words or ())]
    shown = [
        heading
        for heading in (rows[0] if rows else ())
        if heading != "settings" or any(row["settings"] for row in rows[:last])
    ]
    if rows:
        print_table(
            [(heading, [row[heading] for row in rows[:last]]) for heading in shown],
            make_console(wide=True),
        )
    console.print(
        f"{len(rows)} runs" + (f", the latest {last} shown" if len(rows) > last else ""),
        markup=False,
    )


def clean(yes: Yes = False, debug: Debug = False):
    """Show what no run refers to in the cache and the data, and remove it with --yes."""
    from seedbed.base.files import relative
    from seedbed.base.settings import load_settings
    from seedbed.running.history import remove, unreferenced

    found = unreferenced(load_settings())
    if found:
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
    print(
        "nothing to remove"
        if not found
        else f"removed: {total}"
        if yes
        else f"{total}; nothing was removed yet: seedbed clean --yes removes them"
    )


Keep = Annotated[bool, typer.Option("--keep", help="Leave the checkout in data/cache/replays.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help=RUN)]


def replay(run: RunName, keep: Keep = False, debug: Debug = False):
    """Make a run again from its commit, in a clean checkout, and hold the results against each other."""
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run
    from seedbed.running.replay import replay as replayed

    settings = load_settings()
    chosen = find_run(settings, run)
    print(f"replaying {chosen.name}, commit {chosen.commit}", flush=True)
    found = replayed(settings, chosen, keep, lambda line: print(f"  {line}", flush=True))
    for title, lines in (
        ("not the same machine or versions", found.environment),
        ("not the same data", found.data),
        ("not the same results", found.partings),
    ):
        if lines:
            print(
                "\n".join(
                    [
                        f"{title}:",
                        *[f"  {line}" for line in lines[:20]],
                        *([f"  ... and {len(lines) - 20} more"] if len(lines) > 20 else []),
                    ]
                )
            )
    if not found.identical:
        leave(
            f"{chosen.name}: the replay differs in {len(found.partings)} of {found.fields} fields",
            1,
        )
    print(f"{chosen.name}: identical in all {found.fields} fields of its results")
