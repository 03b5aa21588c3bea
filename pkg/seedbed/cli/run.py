"""`seedbed run`: all stages, in order."""

import os
import shlex
import sys
from typing import Annotated, Optional

import typer

from seedbed.base.signals import exit_code_of

from . import completion
from .options import Debug, Overrides, SettingsFile, leave
from .tables import make_console
from .watchers import run_watcher

Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Execute notebooks again although nothing has changed: those named as STAGE, "
        "or all where none is named.",
    ),
]
Stages = Annotated[
    Optional[list[str]],
    typer.Argument(
        metavar="STAGE",
        autocompletion=completion.stages,
        help="With --force: the stages to execute again, e.g. 02_process, 04_model or "
        "04_model/tempcnn.",
        show_default=False,
    ),
]


Check = Annotated[
    bool,
    typer.Option(
        "--check/--no-check",
        envvar="SEEDBED_CHECK",
        help="Say first what is understood of the data, and stop where a run could not end.",
    ),
]


def run(
    stages: Stages = None,
    overrides: Overrides = None,
    force: Force = False,
    check: Check = True,
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Run all stages, and show which model is best and whether it is good enough.

    The executed notebooks and results.json go into a new folder below runs/. Stages whose code,
    settings and data have not changed since an earlier run are not executed again.
    """
    prepare_imports()
    from seedbed.base.errors import InputError

    if stages and not force:
        raise InputError(
            f"seedbed run {stages[0]}: stages are named to run them again; "
            f"write --force {stages[0]}, or -p section.key=value for a setting"
        )
    from seedbed.base.files import read_json, relative
    from seedbed.running.pipeline import RunFailed, run_pipeline

    try:
        with run_watcher() as watcher:
            folder = run_pipeline(
                overrides=overrides or (),
                settings_file=settings_file,
                command=shlex.join(["seedbed", *sys.argv[1:]]),
                watcher=watcher,
                force=(stages or ["all"]) if force else (),
                check=understood if check else None,
            )
    except RunFailed as failed:
        if os.environ.get("SEEDBED_DEBUG"):
            print(failed.outcome.failure.traceback, file=sys.stderr)
        leave(str(failed), 1)
    except KeyboardInterrupt as stopped:
        done = f"; what was done so far: {stopped}" if str(stopped) else ""
        leave(f"interrupted{done}", exit_code_of(stopped))
    make_console().print(f"\nThe run: {relative(folder)}", markup=False, soft_wrap=True)
    warnings = read_json(folder / "run.json").get("warnings")
    if warnings:
        leave(f"{len(warnings)} warnings; the last: {warnings[-1]}", 3)


def understood(settings) -> list[str]:
    """What is understood of the data, in lines; InputError where a run could not end."""
    from seedbed.check import lines_before_a_run

    return lines_before_a_run(settings)


def prepare_imports():
    """What must be set before numpy is imported, and before nbformat imports jsonschema."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy's threads would not survive the fork
    from seedbed.base.registry import import_jsonschema

    import_jsonschema()
