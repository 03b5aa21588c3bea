"""`seedbed docs`: the site of a project, with its notebooks, its published runs and its reference."""

import importlib.util
import subprocess
import sys
from typing import Annotated

import typer

from .options import Debug

Serve = Annotated[
    bool,
    typer.Option("--serve", help="Show the site on this machine, and build again on every change."),
]
Port = Annotated[int, typer.Option(metavar="NUMBER", help="Of the server.")]
Execute = Annotated[
    bool,
    typer.Option(
        "--execute/--no-execute", help="Run the notebooks that have no outputs, or leave them so."
    ),
]


def docs(serve: Serve = False, port: Port = 4200, execute: Execute = True, debug: Debug = False):
    """Build the documentation site into _docs; a link that leads nowhere fails.

    The exit code is 1 where the site cannot be published as it is.
    """
    from seedbed.base.errors import InputError
    from seedbed.base.files import project_root, shipped

    if importlib.util.find_spec("smalldocs") is None:
        raise InputError("the site needs the extra docs; install it: pip install 'seedbed[docs]'")
    words = [
        *(["--serve", "--port", str(port)] if serve else []),
        *([] if execute else ["--no-execute"]),
    ]
    done = subprocess.run([sys.executable, shipped("tools/docs"), *words], cwd=project_root())
    raise typer.Exit(done.returncode)
