"""`seedbed export`, `export-scene` and `sensors`: labels and imagery from a source."""

import os
from collections import Counter
from pathlib import Path
from typing import Annotated, Optional

import typer

from seedbed.base.signals import exit_code_of

from .options import Debug, Overrides, SettingsFile, Start, leave
from .watchers import end_line, make_progress

Pilot = Annotated[
    Optional[int],
    typer.Option(
        "--pilot",
        metavar="COUNT",
        min=1,
        help="Fetch only this many chips, and estimate what the others would take.",
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
Area = Annotated[
    Path, typer.Argument(metavar="AREA", help="A vector file with the region's outline.")
]
To = Annotated[
    str,
    typer.Option(
        "--to", metavar="PLACE", help="Where the tiles go: gs://BUCKET/FOLDER or drive:FOLDER."
    ),
]
Side = Annotated[
    int, typer.Option("--side", metavar="PIXELS", min=16, help="Rows and columns of a tile.")
]
Plan = Annotated[bool, typer.Option("--plan", help="Only say what it would take; start no task.")]


def export(
    pilot: Pilot = None,
    overrides: Overrides = None,
    every: Every = 30,
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Fetch labels and imagery from the source into the export folder.

    What is there already is not fetched again. The exit code is 2 where chips have failed.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from seedbed.base.errors import naming
    from seedbed.base.files import project_root
    from seedbed.base.settings import load_settings
    from seedbed.export import export as export_all
    from seedbed.export import pilot as export_few
    from seedbed.running.history import remove_left_over

    settings = load_settings(settings_file or project_root() / "settings.ini", overrides or ())
    remove_left_over(settings)
    progress = make_progress(every)
    try:
        with naming(settings.root / settings.export_dir):
            if pilot:
                failed = print_pilot(*export_few(settings, pilot))
                if failed:
                    leave(f"{failed:,} chips of the pilot could not be had", 2)
                return
            manifest = export_all(settings, progress=progress)
    except KeyboardInterrupt as stopped:
        text = "\ninterrupted; what has come is kept: the same command goes on from there"
        leave(text, exit_code_of(stopped))
    end_line()
    print_export(manifest, settings.export_dir, progress)
    lacking = max(progress.failed, len(manifest["unfinished"]))
    if lacking:
        text = "chips could not be had, whole or in part; the same command tries them again"
        leave(f"{lacking:,} {text}", 2)


def print_pilot(records: list[dict], forecast) -> int:
    """Print what the pilot has found, and what the others will take; how many chips failed."""
    from seedbed.sources.fetching.workers import warn_of_gaps

    come = [record for record in records if record["status"] != "failed"]
    reasons = Counter(r["reason"] for r in records if r["status"] == "failed")
    if come:
        print_pilot_chips(come)
    for line in warn_of_gaps(come):
        print(f"warning: {line}")
    for reason, count in reasons.most_common(5):
        print(f"failed {count:,}: {reason}")
    if forecast is None:
        print("Not a single chip has come, so there is no forecast.")
        return reasons.total()
    for line in forecast.lines():
        print(line)
    if forecast.share and forecast.share > 1:
        print(
            f"warning: that is {forecast.share:.1f} months of the tier's quota; export a part, "
            "a smaller chip or fewer steps, or set earthengine.max_eecu_hours"
        )
    print("To fetch them: seedbed export" if forecast.chips else "There are no others.")
    return reasons.total()


def print_pilot_chips(records: list[dict]):
    """Print what a pilot's chips have taken, and how much of each variable they lack."""
    from seedbed.base.progress import size

    count = len(records)
    seconds = sum(r["seconds"] for r in records) / count
    bytes_each = sum(r["bytes"] for r in records) / count
    missing = sum(r["missing"] for r in records) / count
    print(
        f"pilot: {count} chips, {seconds:.2f} s and {size(bytes_each)} each, "
        f"{missing:.1%} of their pixels missing"
    )
    gaps: Counter = Counter()
    for record in records:
        gaps.update(record.get("gaps", {}))
    if gaps:
        shares = [f"{name} {share / count:.1%}" for name, share in gaps.most_common(8)]
        print(f"  missing by variable: {', '.join(shares)}")


def print_export(manifest: dict, folder: str, progress):
    """Print how many labels were exported, and for which reasons others were left out."""
    print(f"{manifest['labels']:,} labels in {folder}; {progress.line()}")
    for line in manifest.get("understood", []):
        print(f"  {line}")
    for column, reason in manifest["set_aside"].items():
        print(f"  column '{column}' is set aside: it {reason}")
    for line in manifest["warnings"]:
        print(f"warning: {line}")
    reasons = Counter(manifest["left_out"].values())
    for reason, count in reasons.most_common(5):
        print(f"  left out {count:,}: {reason}")
    if len(reasons) > 5:
        print(f"  and {len(reasons) - 5} other reasons, in manifest.json")


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
    """Let Earth Engine compute the imagery of a whole region, as batch tasks.

    The price comes first: tiles, EECU-hours, bytes and room on the disk.

    Bands, steps and resolution are those of the section earthengine of settings.ini. `seedbed map`
    reads the tiles.
    """
    import shutil

    import ee

    from seedbed.base.errors import counted
    from seedbed.base.files import project_root
    from seedbed.base.settings import load_settings
    from seedbed.imagery.labels import read_vector
    from seedbed.sources.earthengine.batch import (
        TaskBudget,
        destination_of,
        scene_price,
        scene_tiles,
        zones_line,
    )
    from seedbed.sources.earthengine.batch import export_scene as start_tasks
    from seedbed.sources.earthengine.credentials import connect
    from seedbed.sources.earthengine.spec import spec_of
    from seedbed.sources.fetching.store import Store

    settings = load_settings(settings_file or project_root() / "settings.ini", overrides or ())
    asked = settings.earthengine
    spec = spec_of(asked)
    destination = destination_of(to)
    outline = read_vector(area, settings.source.crs).to_crs(4326).union_all()
    check_time(spec, start, asked.incomplete)
    tiles = scene_tiles(outline, spec, start, side)
    store = Store(settings.root / settings.paths.chips)
    chip = store.known.get(f"cost of {spec.key}", {}).get("each")
    price = scene_price(spec, tiles, chip)
    print(
        f"{counted(len(tiles), 'tile')} of {side} pixels, {spec.layout.count} bands each, to {to}"
    )
    zones = zones_line(outline, tiles[0].grid.crs) if tiles else ""
    free = shutil.disk_usage(settings.root).free
    for line in [*price.lines(asked.tier, free), *([zones] if zones else [])]:
        print(line)
    if plan:
        return
    connect(asked.project)
    ee.data.setDefaultWorkloadTag(asked.workload_tag)
    budget = TaskBudget(store, price.eecu_each, asked.max_eecu_hours)
    try:
        lost = start_tasks(
            spec,
            start,
            tiles,
            destination,
            every=every,
            say=lambda line: print(line, flush=True),
            budget=budget,
        )
    except KeyboardInterrupt as stopped:
        text = "\ninterrupted; the tasks go on at Earth Engine, and the same command follows them"
        leave(text, exit_code_of(stopped))
    if lost:
        leave(f"{len(lost)} tiles failed; the same command hands them in again", 2)
    print(way_home(destination))


def check_time(spec, start: str, incomplete: str):
    """InputError where the steps are not over, or begin before a sensor did."""
    from seedbed.base.errors import InputError
    from seedbed.base.provenance import now
    from seedbed.sources.earthengine.source import out_of_time

    reason = out_of_time(spec, start, now()[:10])
    if reason and incomplete == "refuse":
        raise InputError(f"--start {start}: {reason}")
    if reason:
        print(f"warning: {reason}")


def way_home(destination: tuple[str, str]) -> str:
    """The commands that bring the tiles home and map them."""
    kind, place = destination
    fetch = {
        "gs": f"gcloud storage cp 'gs://{place}/seedbed_*' tiles/",
        "drive": f"rclone copy 'drive:{place}' tiles --include 'seedbed_*'",
    }
    return f"To bring them home: {fetch[kind]}; then: seedbed map --run RUN --scene tiles"


def sensors(overrides: Overrides = None, debug: Debug = False):
    """List the presets and sensors that the section earthengine of settings.ini can name."""
    from seedbed.sources.earthengine.sensors import catalogue
    from seedbed.sources.earthengine.spec import DIFFERENCES, presets

    from .tables import make_console, print_table

    console = make_console()
    found = presets()
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
    for name, differences in DIFFERENCES.items():
        console.print(f"\n{name} differs from the project of this name:")
        for line in differences:
            console.print(f"  - {line}")
    console.print()
    known = catalogue()
    print_table(
        [
            ("sensor", list(known)),
            ("collection", [s.assets[0] for s in known.values()]),
            ("bands", [_few(s.variables) for s in known.values()]),
            ("units", [" ".join(dict.fromkeys(s.units)) or "-" for s in known.values()]),
            ("since", [s.begins or "-" for s in known.values()]),
            ("complete after", [f"{s.lag} days" if s.lag else "-" for s in known.values()]),
        ],
        console,
    )


def _few(names, most: int = 20) -> str:
    "Names in a row; of many, the first two, the last and their number."
    if len(names) <= most:
        return " ".join(names)
    return f"{names[0]} {names[1]} ... {names[-1]} ({len(names)})"
