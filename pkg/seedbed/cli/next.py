"""`seedbed next`: which places to label next, and how many more labels it takes."""

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from .options import Debug, Overrides, Run, Trust

Places = Annotated[int, typer.Option("--n", metavar="COUNT", min=1, help="How many places.")]
MapFolder = Annotated[
    Optional[Path],
    typer.Option(
        "--map",
        metavar="FOLDER",
        help="Holds map.tif and quality.tif; the run's own map if not given.",
    ),
]
Out = Annotated[
    Optional[Path],
    typer.Option("--out", metavar="FILE", help="A GeoJSON; next.geojson beside the map."),
]
Forecast = Annotated[
    bool,
    typer.Option(
        "--forecast",
        help="Also train on parts of the labels, and say how many it takes to be usable.",
    ),
]


def next(
    run: Run = "last",
    n: Places = 50,
    map_folder: MapFolder = None,
    out: Out = None,
    forecast: Forecast = False,
    overrides: Overrides = None,
    trust: Trust = False,
    debug: Debug = False,
):
    """Choose places of a map whose labels would help most; the section `next` of settings.ini says by what.

    Labels of these places may train, and never validate nor estimate an area: their column
    `acquired` says so.
    """
    import pandas as pd

    from seedbed.base.errors import InputError
    from seedbed.base.files import relative
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run, settings_of

    project = load_settings(None, overrides or ())
    found_run = find_run(project, run, complete=True)
    folder = found_run.folder
    sys.path.insert(0, str(project.root / "nbs"))  # models of one's own
    from seedbed.acquisition import next_places
    from seedbed.training.dataset import SampleDataset

    settings = settings_of(found_run, project)
    path = project.root / settings.processed_dir / "dataset.h5"
    if not path.is_file():
        raise InputError(f"{path}: needed to know which labels there are; run 02_process again")
    data = SampleDataset(path, None)
    if not data.classes:
        raise InputError(f"{relative(folder)}: predicts a quantity; places are chosen for classes")
    found = sorted(folder.glob("maps/*/map.tif"))
    if map_folder is None and not found:
        raise InputError(f"{relative(folder)}: has no map; make one with: seedbed map --run {run}")
    place = map_folder or found[0].parent
    labels = pd.DataFrame({name: data.column(name) for name in ("lon", "lat")})
    labels["label"] = [data.classes[k] for k in data.y]
    target = out or place / "next.geojson"
    chosen = next_places(place, target, labels, n, project.next.model_dump())
    says = ", ".join(f"{count} on {name}" for name, count in chosen["says"].value_counts().items())
    print(f"{n} places: {says}")
    if forecast:
        print_forecast(folder, path, settings, trust)
    print(
        f"{relative(target)}: fill in `label`; keep the column `acquired` when you add them to"
        " your labels: they may train, and never validate nor estimate an area"
    )


def print_forecast(folder: Path, path: Path, settings, trust: bool):
    """Train the best model on parts of the labels, and say how many it takes."""
    from seedbed.acquisition import forecast
    from seedbed.evaluation.metrics import metric_named
    from seedbed.map import best_model
    from seedbed.models.registry import find_model
    from seedbed.report import learning_rows

    model, _ = best_model(folder, trust=trust)
    kind, metric = find_model(model.title), metric_named(settings.success.metric)
    rows = learning_rows(lambda: kind(0, settings.models), path, settings.success.metric)
    said = forecast(rows, settings.success.usable, metric.greater_is_better)["said"]
    print(f"until {metric.title} is usable ({settings.success.usable:g}): {said}")
