"""`seedbed next`: which places to label next, and how many more labels it takes."""

import sys
from pathlib import Path
from typing import Annotated, Optional

import typer

from .map import map_scene, model_to_map, place_of_map, print_map
from .options import Debug, Overrides, Run, Start, Trust

Places = Annotated[int, typer.Option("--n", metavar="COUNT", min=1, help="How many places.")]
MapFolder = Annotated[
    Optional[Path],
    typer.Option(
        "--map",
        metavar="FOLDER",
        help="Holds map.tif and quality.tif; the run's own map if not given.",
    ),
]
SceneFile = Annotated[
    Optional[Path],
    typer.Option(
        "--scene", metavar="PATH", help="Another scene than the run's; it is mapped if need be."
    ),
]
Chips = Annotated[
    Optional[Path],
    typer.Option(
        "--chips", metavar="FOLDER", help="Holds a tif for each place that nobody has labelled."
    ),
]
Out = Annotated[
    Optional[Path],
    typer.Option("--out", metavar="FILE", help="A GeoJSON; next.geojson beside the map or chips."),
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
    scene: SceneFile = None,
    chips: Chips = None,
    start: Start = "",
    out: Out = None,
    forecast: Forecast = False,
    overrides: Overrides = None,
    trust: Trust = False,
    debug: Debug = False,
):
    """Choose places whose labels would help most; the section `next` of settings.ini says by what.

    They come from a map, a scene, or chips without labels. Their labels may train, and never
    validate nor estimate an area: the column `acquired` says so.
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

    if sum(given is not None for given in (map_folder, scene, chips)) > 1:
        raise InputError("--map, --scene, --chips: give one of them")
    settings = settings_of(found_run, project)
    path = project.root / settings.processed_dir / "dataset.h5"
    if not path.is_file():
        raise InputError(f"{path}: needed to know which labels there are; run 02_process again")
    data = SampleDataset(path, None)
    if not data.classes or data.dense:
        raise InputError(
            f"{relative(folder)}: predicts a quantity, or each pixel of an image; places are chosen"
            " for classes of single places"
        )
    labels = pd.DataFrame({name: data.column(name) for name in ("lon", "lat")})
    labels["label"] = [data.classes[k] for k in data.y]
    mix = project.next.model_dump()
    if chips is not None:
        target = out or chips / "next.geojson"
        chosen = from_chips(chips, target, labels, n, mix, folder, path, settings, start, trust)
    else:
        if map_folder is not None:
            check_map_of(map_folder, folder)
        place = map_folder or map_of_run(folder, run, scene, settings, start, trust)
        target = out or place / "next.geojson"
        chosen = next_places(place, target, labels, n, mix)
    says = ", ".join(f"{count} on {name}" for name, count in chosen["says"].value_counts().items())
    print(f"{n} places: {says}")
    if forecast:
        print_forecast(folder, path, settings, trust)
    print(
        f"{relative(target)}: fill in `label`; keep the column `acquired` when you add them to"
        " your labels: they may train, and never validate nor estimate an area"
    )


def check_map_of(place: Path, folder: Path):
    """InputError where a map says that another run has made it."""
    import rasterio

    from seedbed.base.errors import InputError
    from seedbed.base.files import relative

    path = place / "map.tif"
    if not path.is_file():
        return
    with rasterio.open(path) as file:
        tags = file.tags()
    made_by = tags.get("run", folder.name)
    if made_by != folder.name:
        raise InputError(
            f"{relative(path)}: is a map of run {made_by} ({tags.get('model', 'model unknown')}),"
            f" and the run asked for is {folder.name}; name its run: --run {made_by}, or a map of"
            " this one: --map FOLDER"
        )


def map_of_run(
    folder: Path, run: str, scene: Path | None, settings, start: str, trust: bool
) -> Path:
    """The folder of a run's map, or of a scene's, which is mapped where it was not."""
    from seedbed.base.errors import InputError
    from seedbed.base.files import read_json, relative
    from seedbed.map import find_scene, image_of

    if scene is None:
        found = sorted(file.parent for file in folder.glob("maps/*/map.tif"))
        if not found:
            known = find_scene(settings, settings.map.scene)
            image = relative(known) if known is not None else "PATH"
            raise InputError(
                f"{relative(folder)}: has no map; make one with: seedbed map --run {run}"
                f" --scene {image}"
            )
        own = find_scene(settings, settings.map.scene) if len(found) > 1 else None
        if own is not None and place_of_map(folder, own) in found:
            return place_of_map(folder, own)
        if len(found) > 1:
            names = ", ".join(relative(place) for place in found)
            raise InputError(f"{relative(folder)}: has several maps; name one with --map: {names}")
        return found[0]
    place = place_of_map(folder, scene)
    if not (place / "map.json").is_file():
        model = model_to_map(folder, None, settings, trust)
        record = map_scene(model, settings, scene, place, start)
        print_map(record, relative(place, settings.root))
        return place
    mapped = Path(read_json(place / "map.json")["scene"])
    wanted = image_of(scene, place)
    if mapped.resolve() != wanted.resolve():
        raise InputError(
            f"{relative(place)}: is the map of {relative(mapped)}; name it with --map, or map"
            f" {scene} elsewhere: seedbed map --run {run} --scene {scene} --out FOLDER"
        )
    return place


def from_chips(
    chips: Path, target: Path, labels, n: int, mix, folder, dataset, settings, start: str, trust
):
    """Choose among the tifs of a folder that no label names."""
    from seedbed.acquisition import chip_candidates, write_chosen
    from seedbed.base.errors import InputError
    from seedbed.map import applicability_of

    files = sorted(chips.glob("*.tif"))
    if not files:
        raise InputError(f"{chips}: holds no tif; name a folder with one for each place")
    model, place = model_to_map(folder, None, settings, trust)
    near = applicability_of(model, place, dataset)
    candidates = chip_candidates(files, model, near, settings.process, start)
    return write_chosen(candidates, target, labels, n, mix)


def print_forecast(folder: Path, path: Path, settings, trust: bool):
    """Train the best model on parts of the labels, and say how many it takes."""
    from seedbed.acquisition import forecast, score_for_verdict
    from seedbed.base.files import read_json
    from seedbed.evaluation.metrics import metric_named
    from seedbed.report import learning_rows

    model, place = model_to_map(folder, None, settings, trust)
    kind, metric = type(model), metric_named(settings.success.metric)
    primary = read_json(place / "results.json")["primary"]
    rows = learning_rows(lambda: kind(0, settings.models), path, settings.success.metric)
    usable = settings.success.usable
    wanted = score_for_verdict(usable, primary)
    made = forecast(rows, wanted, primary["value"], metric.greater_is_better)
    name = f"{metric.title} is {primary['value']:.3f}"
    if primary["ci"]:
        name += " [{:.3f}, {:.3f}]".format(*primary["ci"])
    print(f"{name}; for all of that to be usable ({usable:g}) it has to be {wanted:.3f}")
    print(f"until then: {made['said']}")
