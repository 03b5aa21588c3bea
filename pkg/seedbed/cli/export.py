"""`seedbed export`: the first stage alone, with its progress, or a pilot of it. `seedbed sensors`: what can be asked for."""

import os
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated, Optional

import typer

from .options import Debug, Overrides, SettingsFile, leave

Pilot = Annotated[
    Optional[int],
    typer.Option(
        "--pilot",
        metavar="N",
        min=1,
        help="Fetch only N chips, and say what the others would take.",
    ),
]
Every = Annotated[
    float,
    typer.Option(
        "--every",
        metavar="SECONDS",
        min=0,
        help="Time between two lines of progress, where the output is not a terminal.",
    ),
]


def make_progress(every: float):
    """A line that is drawn anew on a terminal, a line in an interval elsewhere."""
    from seedbed.base.progress import Progress

    if not sys.stdout.isatty():
        return Progress(every, say=lambda line: print(line, flush=True))
    return Progress(0.2, say=lambda line: print(f"\r{line:<100}", end="", flush=True))


def print_pilot(records: list[dict], rest):
    """What the pilot has found, and what the rest will take."""
    from seedbed.base.progress import size

    if records:
        each = sum(r["seconds"] for r in records) / len(records)
        print(
            f"pilot: {len(records)} chips, {each:.2f} s and {size(sum(r['bytes'] for r in records) / len(records))} each, "
            f"{sum(r['missing'] for r in records) / len(records):.1%} of their pixels missing"
        )
    for line in rest.lines():
        print(line)
    if rest.share and rest.share > 1:
        print(
            f"warning: that is {rest.share:.1f} months of the tier's quota; export a part, a smaller chip or fewer steps, or set "
            f"earthengine.max_eecu_hours"
        )
    print("To fetch them: seedbed export" if rest.chips else "There are no others.")


def print_export(manifest: dict, folder: str, progress):
    """What is there now, and what is not."""
    print(f"{manifest['labels']:,} labels in {folder}; {progress.line()}")
    reasons = Counter(manifest["left_out"].values())
    for reason, count in reasons.most_common(5):
        print(f"  left out {count:,}: {reason}")
    if len(reasons) > 5:
        print(f"  and {len(reasons) - 5} other reasons, in manifest.json")


def export(
    pilot: Pilot = None,
    overrides: Overrides = None,
    every: Every = 30,
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Fetch labels and imagery of the source into the export folder. What is there already is not fetched again."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from seedbed.base.files import project_root
    from seedbed.base.settings import load_settings
    from seedbed.export import export
    from seedbed.export import pilot as try_few

    settings = load_settings(settings_file or project_root() / "settings.ini", overrides or ())
    progress = make_progress(every)
    try:
        if pilot:
            return print_pilot(*try_few(settings, pilot))
        manifest = export(settings, progress=progress)
    except KeyboardInterrupt:
        leave("\ninterrupted; what has come is kept: the same command goes on from there", 130)
    if sys.stdout.isatty():
        print()
    print_export(manifest, settings.export_dir, progress)
    if progress.failed:
        leave(f"{progress.failed:,} chips could not be had; the same command tries them again", 2)


def date_of(text: str) -> str:
    """A date of the command line."""
    from datetime import date

    from seedbed.base.errors import InputError

    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise InputError(f"--start {text}: not a date; write YYYY-MM-DD") from None


Area = Annotated[
    Path, typer.Argument(metavar="AREA", help="A vector file with the region's outline.")
]
To = Annotated[
    str, typer.Option("--to", metavar="PLACE", help="gs://BUCKET/FOLDER or drive:FOLDER.")
]
Start = Annotated[
    str, typer.Option("--start", metavar="DATE", help="Date of the first step, YYYY-MM-DD.")
]
Side = Annotated[int, typer.Option("--side", min=16, help="Rows and columns of a tile.")]
Plan = Annotated[bool, typer.Option("--plan", help="Only say how many tiles there would be.")]


def export_scene(
    area: Area,
    start: Start,
    to: To,
    side: Side = 2048,
    plan: Plan = False,
    every: Every = 30,
    overrides: Overrides = None,
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Let Earth Engine compute a whole region with the bands of the section earthengine, as batch tasks; `seedbed map` reads the tiles."""
    from seedbed.base.files import project_root
    from seedbed.base.settings import load_settings
    from seedbed.imagery.labels import read_vector
    from seedbed.sources.earthengine.batch import destination_of, export_scene, scene_tiles
    from seedbed.sources.earthengine.credentials import connect
    from seedbed.sources.earthengine.spec import spec_of

    settings = load_settings(settings_file or project_root() / "settings.ini", overrides or ())
    spec, destination = spec_of(settings.earthengine), destination_of(to)
    tiles = scene_tiles(
        read_vector(area, settings.source.crs).to_crs(4326).union_all(), spec, date_of(start), side
    )
    print(
        f"{len(tiles)} tiles of {side} pixels, {len(spec.layout.descriptions)} bands each, to {to}"
    )
    if plan:
        return
    connect(settings.earthengine.project)
    try:
        lost = export_scene(
            spec, start, tiles, destination, every=every, say=lambda line: print(line, flush=True)
        )
    except KeyboardInterrupt:
        leave(
            "\ninterrupted; the tasks go on at Earth Engine, and the same command looks after them",
            130,
        )
    if lost:
        leave(f"{len(lost)} tiles failed; the same command hands them in again", 2)


def _few(names, most: int = 20) -> str:
    return (
        " ".join(names)
        if len(names) <= most
        else f"{names[0]} {names[1]} ... {names[-1]} ({len(names)})"
    )


def sensors(overrides: Overrides = None, debug: Debug = False):
    """List the presets and sensors that the section earthengine of settings.ini can name."""
    from seedbed.sources.earthengine.sensors import catalogue
    from seedbed.sources.earthengine.spec import presets

    from .tables import make_console, print_table

    console, found, known = make_console(), presets(), catalogue()
    print_table(
        [
            ("preset", list(found)),
            ("steps", [f"{s.steps} x {s.length} {s.unit}" for s in found.values()]),
            ("size", [f"{s.size} px of {s.resolution:g}" for s in found.values()]),
            ("bands of a step", [_few(s.layout.variables) for s in found.values()]),
            ("static", [" ".join(s.layout.static) for s in found.values()]),
        ],
        console,
    )
    console.print()
    print_table(
        [
            ("sensor", list(known)),
            ("collection", [s.assets[0] for s in known.values()]),
            ("bands", [_few(s.variables) for s in known.values()]),
            ("since", [s.since or "-" for s in known.values()]),
        ],
        console,
    )
