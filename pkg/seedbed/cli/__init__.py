"""The `seedbed` command.

Heavy libraries are imported where they are used, so that `seedbed --help` answers at once.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

import typer

from seedbed.base.errors import InputError, hint_for
from seedbed.base.signals import ended_in_a_line

from . import area, check, compare, export, lists, map, run, weights
from .docs import docs
from .doctor import doctor
from .history import clean, replay, runs, status
from .new import demo, new, own, update
from .next import next
from .options import Version
from .pack import pack
from .publish import publish
from .region import region
from .share import share
from .sweep import sweep
from .verify import verify

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
    "Look at runs and pass them on": (runs, compare.compare, verify, publish, share, pack),
    "Data and maps": (
        export.export,
        export.export_scene,
        map.map,
        region,
        next,
        area.design,
        area.area,
        weights.weights,
    ),
    "What settings.ini can say": (lists.settings, lists.models, lists.metrics, export.sensors),
    "The project": (demo, new, own, update, docs, doctor, clean),
}
for panel, commands in PANELS.items():
    for command in commands:
        app.command(rich_help_panel=panel)(ended_in_a_line()(command))


def main():
    """Run the command; an error is one line on standard error, and a traceback with --debug."""
    try:
        with ended_in_a_line():
            app()
    except Exception as error:
        if os.environ.get("SEEDBED_DEBUG"):
            traceback.print_exc()
        else:
            print(line_of(error), file=sys.stderr)
        sys.exit(1)


def line_of(error: Exception) -> str:
    """An error in one line, without secrets; what the user can do about it where that is known."""
    from seedbed.base.secrets import redact

    if isinstance(error, InputError):
        return redact(str(error))
    name, message = type(error).__name__, " ".join(str(error).split())
    hint = hint_for(name, message) or "--debug shows where"
    return redact(f"{name}: {message}; {hint}")
