"""`seedbed verify`: whether a run is still what it was when it was made."""

from typing import Annotated

import typer

from .options import RUN, Debug, leave

RunName = Annotated[str, typer.Argument(metavar="RUN", help=RUN)]
Deep = Annotated[
    bool,
    typer.Option(
        "--deep",
        help="Read every file of the data again, also those whose dates say that nothing changed.",
    ),
]


def verify(run: RunName, deep: Deep = False, debug: Debug = False):
    """Hold every file of a run, its data and its code against what was written down.

    The exit code is 1 where anything differs.
    """
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run
    from seedbed.running.trust import made_here
    from seedbed.running.verify import verify_run

    settings = load_settings()
    chosen = find_run(settings, run)
    found = verify_run(chosen, settings, deep)
    whose = "made by you on this machine" if made_here(chosen) else "not made by you here"
    print(f"{chosen.name}: {whose}")
    for line in found.notes:
        print(f"  note: {line}")
    for line in found.faults:
        print(f"  fault: {line}")
    if found.faults:
        leave(f"{chosen.name}: {len(found.faults)} things are not as they were made", 1)
    print(f"{found.files} files of the run and {found.data} of its data are as they were made")
