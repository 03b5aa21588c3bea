"""The `seedbed` command.

Heavy libraries are imported where they are used, so that `seedbed --help` answers at once.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import typer

from seedbed.base.errors import InputError

from . import area, check, compare, export, lists, map, run
from .doctor import doctor
from .history import clean, replay, runs, status
from .new import new, update
from .options import Version
from .publish import publish
from .share import share
from .sweep import sweep

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="From labels on a map to a model that a stakeholder can use: "
    "the stage notebooks, run in order.",
    epilog="Everything is set in settings.ini. Start with: seedbed run",
)


@app.callback()
def seedbed_command(version: Version = False):
    """Options of the command itself."""


PANELS: dict[str, tuple[Callable[..., Any], ...]] = {
    "Run the stages": (check.check, run.run, status, sweep, replay),
    "Look at runs and pass them on": (runs, compare.compare, publish, share),
    "Data and maps": (export.export, export.export_scene, map.map, area.design, area.area),
    "What settings.ini can say": (lists.settings, lists.models, lists.metrics, export.sensors),
    "The project": (new, update, doctor, clean),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(command)


def main():
    """Run the command; an error is one line on standard error, and a traceback with --debug."""
    try:
        app()
    except Exception as error:
        if os.environ.get("SEEDBED_DEBUG"):
            traceback.print_exc()
        elif isinstance(error, InputError):
            print(error, file=sys.stderr)
        else:
            message = " ".join(str(error).split())
            print(f"{type(error).__name__}: {message}; --debug shows where", file=sys.stderr)
        sys.exit(1)
