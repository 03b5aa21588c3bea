"""`seedbed run`"""

import os
import shlex
import signal
import sys
from typing import Annotated, Optional

import typer

from .closing import print_results
from .options import Debug, Overrides, SettingsFile, leave
from .progress import progress
from .tables import make_console

Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Run notebooks again though nothing has changed: those named behind it, else all.",
    ),
]
Stages = Annotated[
    Optional[list[str]],
    typer.Argument(
        metavar="[STAGE]...",
        help="With --force: e.g. 02_process, 04_model or 04_model/tempcnn.",
        show_default=False,
    ),
]


def run(
    stages: Stages = None,
    overrides: Overrides = None,
    force: Force = False,
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Run all stages into a new folder under runs/, reusing what was made before, and show which model is best and whether it is good enough."""
    os.environ["OPENBLAS_NUM_THREADS"] = (
        "1"  # before numpy is there: its threads would not survive the fork
    )
    sys.modules.setdefault(
        "rfc3987_syntax", None
    )  # jsonschema would build 38 grammars for addresses that no record holds
    from seedbed.base.errors import InputError

    if stages and not force:
        raise InputError(
            f"seedbed run {stages[0]}: stages are named to run them again; write --force {stages[0]}, or -p section.key=value for a setting"
        )
    from seedbed.base.files import read_json, relative
    from seedbed.running.pipeline import RunFailed, run_pipeline

    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(
            signal, name, None
        )  # what the caller ignores, as nohup does, stays ignored
        if number and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)
    try:
        with progress() as watcher:
            folder = run_pipeline(
                overrides=overrides or (),
                settings_file=settings_file,
                command=shlex.join(["seedbed", *sys.argv[1:]]),
                watcher=watcher,
                force=stages or ["all"] if force else (),
            )
    except RunFailed as failed:
        if os.environ.get("SEEDBED_DEBUG"):
            print(failed.outcome.failure.traceback, file=sys.stderr)
        leave(str(failed), 1)
    except KeyboardInterrupt as stopped:
        leave(
            f"interrupted; what was done so far: {stopped}" if str(stopped) else "interrupted", 130
        )
    console = make_console()
    if (folder / "results.json").is_file():
        print_results(read_json(folder / "results.json"), console)
    console.print(f"\nThe run: {relative(folder)}", markup=False, soft_wrap=True)
