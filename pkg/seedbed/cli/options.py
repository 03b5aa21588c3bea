"""Options that several commands share, and how a command ends early."""

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn, Optional

import typer

from seedbed import __version__

from . import completion


def _show_version(wanted: bool):
    if wanted:
        print(f"seedbed {__version__}")
        raise typer.Exit()


def _set_debug(wanted: bool):
    os.environ["SEEDBED_DEBUG"] = "1" if wanted else ""


RUN = "The run: its folder, its name, a part of the name that no other run has, or last."
Run = Annotated[str, typer.Option("--run", metavar="RUN", help=RUN, autocompletion=completion.runs)]
RunName = Annotated[str, typer.Argument(metavar="RUN", help=RUN, autocompletion=completion.runs)]
Overrides = Annotated[
    Optional[list[str]],
    typer.Option(
        "-p",
        metavar="SECTION.KEY=VALUE",
        autocompletion=completion.settings,
        help="Use this value instead of the one in settings.ini. May be given several times.",
    ),
]
SettingsFile = Annotated[
    Optional[Path],
    typer.Option(
        "--settings", metavar="FILE", help="Read this file instead of the project's settings.ini."
    ),
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        callback=_set_debug,
        envvar="SEEDBED_DEBUG",
        help="Show the whole traceback of an error.",
    ),
]
Trust = Annotated[
    bool,
    typer.Option(
        "--trust",
        help="Execute what the run asks for, although it was not made by you on this machine.",
    ),
]


def date_of(option: typer.CallbackParam, text: str) -> str:
    """A date of the command line; InputError where it is none, empty where it is not given."""
    from datetime import date

    from seedbed.base.errors import InputError

    if not text and not option.required:
        return ""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InputError(f"--start {text}: not a date; write YYYY-MM-DD") from None


Start = Annotated[
    str,
    typer.Option(
        "--start",
        metavar="DATE",
        callback=date_of,
        help="Date of the imagery's first step, YYYY-MM-DD, for archives and models of dates.",
    ),
]
Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
]


EXIT_CODES = {  # shown in the reference of the command line
    0: "done; of doctor: nothing needs fixing",
    1: "an error in settings, data or a notebook, said in one line; of replay: the results differ;"
    " of update: a conflict is left",
    2: "the command line is wrong; of export and export-scene: some chips or tiles could not be"
    " fetched, and the same command tries them again",
    3: "done, and the scores are there, but the map, the report or the cache has failed; the line says"
    " what to run again",
    130: "interrupted by Ctrl-C; what was finished is kept",
    143: "ended by a signal (SIGTERM; 129 for SIGHUP); what was finished is kept",
}


def leave(message: str, code: int) -> NoReturn:
    """Say why on standard error, and end the command with this exit code."""
    from seedbed.base.secrets import redact

    print(redact(message), file=sys.stderr)
    raise typer.Exit(code)
