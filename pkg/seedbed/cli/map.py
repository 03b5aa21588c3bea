"""`seedbed map`: the model of a run, over a scene."""

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from . import completion
from .options import Debug, Run, SettingsFile, Start, Trust
from .watchers import pixel_report

SceneFile = Annotated[
    Path,
    typer.Option(
        "--scene",
        metavar="PATH",
        help="A tif, a VRT, or a folder of tiles, with the bands that the model was trained on.",
    ),
]
Model = Annotated[
    Optional[str],
    typer.Option(
        "--model",
        metavar="NAME",
        autocompletion=completion.models,
        help="A model of the run, e.g. tempcnn or tempcnn/seed_1; the best one if not given.",
    ),
]
Out = Annotated[
    Optional[Path],
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Where the map goes; maps/<scene> in the run's folder if not given.",
    ),
]
Workers = Annotated[
    Optional[int],
    typer.Option(
        "--workers",
        min=1,
        help="How many windows are mapped at the same time; the number of cores if not given.",
    ),
]
Probabilities = Annotated[
    bool,
    typer.Option(
        "--probabilities",
        help="Also write that of every class, as map.probabilities = yes does: with them"
        " `seedbed area` needs fewer labels.",
    ),
]


def map(
    run: Run,
    scene: SceneFile,
    model: Model = None,
    out: Out = None,
    workers: Workers = None,
    start: Start = "",
    probabilities: Probabilities = False,
    trust: Trust = False,
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Map a scene with a run's model: map.tif, quality.tif, map.json, and probabilities if wanted.

    An interrupted map goes on where it stopped.
    """
    from seedbed.base.files import relative
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run, settings_of

    project = load_settings(settings_file)
    found_run = find_run(project, run, complete=True)
    folder = found_run.folder
    sys.path.insert(0, str(project.root / "nbs"))  # models of one's own

    settings = settings_of(found_run, project)
    found = model_to_map(folder, model, settings, trust, probabilities)
    target = out or place_of_map(folder, scene)
    record = map_scene(found, settings, scene, target, start, workers)
    print_map(record, relative(target, project.root))


def place_of_map(folder: Path, scene: Path) -> Path:
    """Where a run keeps its map of a scene."""
    return folder / "maps" / scene.resolve().stem


def map_scene(
    found: tuple, settings, scene: Path, target: Path, start: str, workers: Optional[int] = None
) -> dict:
    """Map a scene with what `model_to_map` found, saying how far it is; the record."""
    from seedbed.base.errors import naming
    from seedbed.map import make_map

    model, place = found
    dataset = settings.root / settings.processed_dir / "dataset.h5"
    with naming(target):
        return make_map(
            model, place, scene, dataset, target, workers, start=start, report=pixel_report()
        )


def model_to_map(
    folder: Path, model: Optional[str], settings, trust: bool, probabilities: bool = False
) -> tuple:
    """The model of a run and its folder, as the run's section `map` wants its maps."""
    from seedbed.map import best_model

    wanted = settings.map
    every = probabilities or wanted.probabilities
    return best_model(folder, model, wanted.threshold, trust, wanted.largest, every)


def print_map(record: dict, folder: str):
    """Print the area of each class, what was mapped and how fast, and where the map is."""
    from .tables import line_of_pixels, make_console, print_areas

    console = make_console()
    print_areas(record, console)
    line = line_of_pixels(record)
    useless = record["no_useful_answer"]
    if useless is not None:
        line += f"; {100 * useless:.1f} % without a useful answer"
    console.print(
        f"\n{line}; {record['pixels_per_second']:,} pixels/s"
        f"\nThe map: {folder}/{' and '.join(record['files'])}",
        markup=False,
        soft_wrap=True,
    )
