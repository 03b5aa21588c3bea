"""The `seedbed` command. What is heavy is imported where it is used, so that `seedbed --help` answers at once."""

import os
import sys
import traceback

import typer

from seedbed.base.errors import InputError

from . import area, compare, export, lists, map, run
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
    help="From labels on a map to a model that a stakeholder can use: the stage notebooks, run in order.",
    epilog="Everything is set in settings.ini. Start with: seedbed run",
)


@app.callback()
def seedbed_command(version: Version = False):
    pass


for command in (
    run.run,
    compare.compare,
    export.export,
    export.export_scene,
    map.map,
    area.design,
    area.area,
    lists.models,
    lists.metrics,
    export.sensors,
    lists.settings,
    sweep,
    status,
    runs,
    replay,
    clean,
    publish,
    share,
    new,
    update,
    doctor,
):
    app.command()(command)


def main():
    """Run the command; tell an error in a line, and with --debug in full."""
    try:
        app()
    except Exception as error:
        if os.environ.get("SEEDBED_DEBUG"):
            traceback.print_exc()
        elif isinstance(error, InputError):
            print(error, file=sys.stderr)
        else:
            print(
                f"{type(error).__name__}: {' '.join(str(error).split())}; --debug shows where",
                file=sys.stderr,
            )
        sys.exit(1)
