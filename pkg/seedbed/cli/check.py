"""`seedbed check`: what is understood of the labels and images, before anything is computed."""

import json
from typing import Annotated

import typer

from .options import Debug, Overrides, SettingsFile


def check(
    overrides: Overrides = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document instead of lines.")
    ] = False,
    images: Annotated[
        int, typer.Option("--images", min=1, metavar="N", help="Read the images of N labels.")
    ] = 64,
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Say what is understood of the labels and images, and whether a run could end.

    Labels, target, bands, missing values, what is left out and why, and what the split can test.
    Nothing is written, and nothing is fetched from an archive.
    """
    from seedbed.base.settings import load_settings
    from seedbed.check import check_data, check_lines

    found = check_data(load_settings(settings_file, overrides or ()), images)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
    else:
        print("\n".join(check_lines(found)))
    if found["faults"]:
        raise typer.Exit(1)
