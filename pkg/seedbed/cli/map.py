"""`seedbed map`: the model of a run, over a scene."""

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from .options import RUN, Debug, SettingsFile

Run = Annotated[str, typer.Option("--run", metavar="ID", help=RUN)]
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
        "--workers", min=1, help="Windows side by side; the number of cores if not given."
    ),
]
Start = Annotated[
    str,
    typer.Option(
        "--start",
        metavar="DATE",
        help="Date of the scene's first step, for models that look at dates.",
    ),
]


class Progress:
    """Percent and pixels a second: on a terminal in place, elsewhere a line for every tenth."""

    def __init__(self):
        self.tenth = -1

    def __call__(self, done: int, total: int, seconds: float):
        left = seconds * (total - done) / max(done, 1)
        line = f"{100 * done / total:3.0f} %  {done:,} of {total:,} pixels  {done / max(seconds, 1e-9):,.0f} pixels/s  {left:,.0f} s left"
        if sys.stdout.isatty():
            print(f"\r{line:<78}", end="" if done < total else "\n", flush=True)
        elif 10 * done // total > self.tenth:
            self.tenth = 10 * done // total
            print(line, flush=True)


def map(
    run: Run,
    scene: SceneFile,
    model: Model = None,
    out: Out = None,
    workers: Workers = None,
    start: Start = "",
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Map a scene with a run's model: map.tif, quality.tif and map.json. An interrupted map goes on where it stopped."""
    from seedbed.base.files import relative
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run

    asked = load_settings(settings_file)
    root, folder = asked.root, find_run(asked, run, complete=True).folder
    sys.path.insert(0, str(root / "nbs"))  # models of one's own
    from seedbed.map import best_model, make_map

    found, place = best_model(folder, model)
    settings = load_settings(
        folder / "settings.ini" if (folder / "settings.ini").is_file() else None
    )
    target = out or folder / "maps" / scene.resolve().stem
    record = make_map(
        found,
        place,
        scene,
        root / settings.processed_dir / "dataset.h5",
        target,
        workers,
        start=start,
        report=Progress(),
    )
    print_map(record, relative(target, root))


def print_map(record: dict, folder: str):
    """What a person sees of a map."""
    from .tables import make_console, print_table

    console = make_console()
    if record["area"]["classes"]:
        rows, total = record["area"]["classes"], max(record["pixels"]["mapped"], 1)
        print_table(
            [
                ("class", [r["class"] for r in rows]),
                ("pixels", [f"{r['pixels']:,}" for r in rows]),
                ("hectares", [f"{r['hectares']:,.1f}" for r in rows]),
                ("share", [f"{100 * r['pixels'] / total:.1f} %" for r in rows]),
            ],
            console,
        )
        console.print(record["area"]["note"], markup=False)
    said = "; ".join(f"{n:,} {name}" for name, n in record["pixels"].items())
    beyond = (
        f"; {100 * record['beyond_applicability']:.1f} % beyond the training data"
        if record["beyond_applicability"] is not None
        else ""
    )
    console.print(
        f"\n{record['model']}: {said}{beyond}; {record['pixels_per_second']:,} pixels/s\nThe map: {folder}/map.tif and quality.tif",
        markup=False,
        soft_wrap=True,
    )
