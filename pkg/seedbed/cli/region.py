"""`seedbed region`: from a region's outline to its map."""

import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Optional

import typer

from .map import Model, Probabilities, Workers, model_to_map
from .options import Debug, Run, SettingsFile, Start, Trust, leave

Area = Annotated[
    Path, typer.Argument(metavar="AREA", help="A vector file with the region's outline.")
]
SceneFile = Annotated[
    Optional[Path],
    typer.Option(
        "--scene",
        metavar="PATH",
        help="Imagery that is here: a tif, a VRT or a folder of tiles; the run's archive, or its"
        " scene, if not given.",
    ),
]
Name = Annotated[
    str,
    typer.Option(
        "--name", metavar="NAME", help="Of the folder in the run's regions; AREA's if not given."
    ),
]
Side = Annotated[
    Optional[int],
    typer.Option("--side", metavar="PIXELS", min=16, help="Rows and columns of a tile."),
]
MaxTiles = Annotated[
    int, typer.Option("--max-tiles", metavar="COUNT", min=1, help="Refuse to cut into more.")
]
Tiles = Annotated[
    Optional[int],
    typer.Option("--tiles", metavar="COUNT", min=1, help="Do only so many now: a pilot."),
]
Plan = Annotated[bool, typer.Option("--plan", help="Only say what it would take.")]
DropImagery = Annotated[
    bool, typer.Option("--drop-imagery", help="Remove the imagery of a tile when it is mapped.")
]


def region(
    area: Area,
    run: Run,
    plan: Plan = False,
    model: Model = None,
    scene: SceneFile = None,
    start: Start = "",
    name: Name = "",
    side: Side = None,
    tiles: Tiles = None,
    max_tiles: MaxTiles = 5000,
    drop_imagery: DropImagery = False,
    probabilities: Probabilities = False,
    workers: Workers = None,
    trust: Trust = False,
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Map a region with a run's model, tile by tile, from the run's archive.

    Its imagery begins at --start or, without that, at `labels.start` of the run where it is a date.
    What is done is never done again: an interrupted region goes on where it stopped. The exit code
    is 2 where imagery could not be read. Tiles that the archive has nothing of are named, and
    their part of the map is empty.
    """
    from seedbed.base.errors import InputError, naming
    from seedbed.base.files import relative
    from seedbed.base.settings import load_settings
    from seedbed.base.signals import exit_code_of
    from seedbed.running.history import find_run, settings_of

    project = load_settings(settings_file)
    found_run = find_run(project, run, complete=True)
    folder = found_run.folder
    sys.path.insert(0, str(project.root / "nbs"))  # models of one's own
    from seedbed.region import Region, imagery_for, outline_of

    settings = settings_of(found_run, project)
    outline = outline_of(area)
    found, place = model_to_map(folder, model, settings, trust, probabilities)
    name = name or area.stem
    if Path(name).name != name or name.startswith("."):
        raise InputError(f"--name {name}: no name of a folder; use letters, digits, - and _")
    target = folder / "regions" / name
    with naming(target):
        imagery, begins = imagery_for(settings, found, target, scene, start)
        work = Region(outline, found, place, imagery, target, side, begins, max_tiles, drop_imagery)
        for line in work.plan().lines():
            print(line, flush=True)
        if plan:
            return
        tags = {"model": found.name, "run": folder.name, "software": "seedbed"}
        dataset = project.root / settings.processed_dir / "dataset.h5"
        try:
            with cluster_of(project) as cluster:
                record = work.run(workers, tiles, print_tile, tags, dataset, cluster, trust)
        except KeyboardInterrupt as stopped:
            text = "\ninterrupted; finished tiles are kept: the same command goes on from there"
            leave(text, exit_code_of(stopped))
    print_region(record, relative(target, project.root))
    if record["unfinished"]:
        text = "tiles have no imagery that could be read; the same command tries them again"
        leave(f"{len(record['unfinished']):,} {text}", 2)


def cluster_of(project) -> AbstractContextManager:
    """The workers that `run.scheduler` names; None where it names none."""
    from seedbed.base.cluster import cluster_executor

    return cluster_executor(project) if project.run.scheduler else nullcontext()


def print_tile(done: int, total: int, tile):
    """Say that a tile is done."""
    print(f"{done:,} of {total:,} tiles: {tile.key}", flush=True)


def print_region(record: dict, folder: str):
    """Print the area of each class inside the region, what is missing, and where the map is."""
    from .tables import line_of_pixels, make_console, print_areas

    console = make_console()
    print_areas(record, console)
    lines = ["\n" + line_of_pixels(record)]
    lines += [f"missing: {key}: {why}" for key, why in list(record["missing"].items())[:5]]
    if len(record["missing"]) > 5:
        lines.append(f"and {len(record['missing']) - 5:,} more, in region.json")
    if not record["covered"]:
        lines.append("a part of the region lies outside of the scene, and is not in the map")
    lines.append(f"{record['done']:,} of {record['tiles']:,} tiles are done")
    lines += [f"The map: {folder}/{name}" for name in record["files"] if "map" in name]
    console.print("\n".join(lines), markup=False, soft_wrap=True)
