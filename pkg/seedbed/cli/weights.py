"""`seedbed weights`: fetch pretrained weights once, and list those that are here."""

from typing import Annotated, Literal

import typer

from .options import Debug, Overrides
from .tables import make_console, print_table

What = Annotated[Literal["get", "list"], typer.Argument(help="get: fetch; list: what is here.")]
Name = Annotated[
    str,
    typer.Argument(
        help="Of `seedbed models --pretrained`, or hf:owner/name@revision:file, or an address "
        "that ends in #sha256=...",
    ),
]
Accept = Annotated[
    bool, typer.Option("--accept-licence", help="Where a licence forbids something: accept it.")
]


def weights(
    what: What,
    name: Name = "",
    accept_licence: Accept = False,
    overrides: Overrides = None,
    debug: Debug = False,
):
    """Fetch pretrained weights once, into paths.weights; a run never fetches any."""
    from seedbed.base.errors import InputError
    from seedbed.base.settings import load_settings
    from seedbed.models.pretrained.store import get_weights, list_stored

    settings = load_settings(overrides=overrides or ())
    folder = settings.root / settings.paths.weights
    console = make_console()
    if what == "list":
        found = list_stored(folder)
        columns = ("source", "licence", "bytes", "sha256")
        shown = [(c, [str(record[c])[:60] for record in found]) for c in columns]
        print_table(shown, console)
        return
    if not name:
        raise InputError(
            "weights get: name what to fetch, e.g. presto; seedbed models --pretrained"
        )
    record = get_weights(name, folder, accept_licence)
    console.print(
        f"{record['source']}: {record['bytes']:,} bytes, sha256 {record['sha256'][:16]}...,"
        f" licence {record['licence']}; in {settings.paths.weights}/{record['file']}",
        markup=False,
        soft_wrap=True,
    )
