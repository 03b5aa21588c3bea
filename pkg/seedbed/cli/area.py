"""`seedbed design` and `seedbed area`: from a map to hectares with an interval."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from .options import Debug

MapFile = Annotated[Path, typer.Option("--map", metavar="FILE", help="A map.tif of classes.")]
Out = Annotated[
    Optional[Path],
    typer.Option(
        "--out",
        metavar="FOLDER",
        help="Where points.geojson and design.json go; the map's folder if not given.",
    ),
]
Places = Annotated[
    Optional[int],
    typer.Option(
        "--n",
        metavar="COUNT",
        min=2,
        help="Number of places. If not given, it follows from --error and --accuracy. "
        "It becomes larger where --least needs more.",
    ),
]
Error = Annotated[
    float,
    typer.Option(
        "--error",
        metavar="SHARE",
        min=1e-4,
        max=0.5,
        help="The standard error of the overall accuracy to aim for.",
    ),
]
Accuracy = Annotated[
    float,
    typer.Option(
        "--accuracy",
        metavar="SHARE",
        min=0.01,
        max=0.99,
        help="The user's accuracy that is expected of each class.",
    ),
]
Least = Annotated[
    int, typer.Option("--least", metavar="COUNT", min=2, help="At least so many places per class.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of the random draw.")]
Design = Annotated[
    Path, typer.Option("--design", metavar="FILE", help="The design.json of the sample.")
]
Labels = Annotated[
    Path,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="The points with the column `label` filled in; any vector file.",
    ),
]


def design(
    map_file: MapFile,
    out: Out = None,
    n: Places = None,
    error: Error = 0.02,
    accuracy: Accuracy = 0.8,
    least: Least = 50,
    seed: Seed = 0,
    debug: Debug = False,
):
    """Draw a random sample of a map's pixels, to be labelled by a person.

    Writes points.geojson, to fill in, and design.json, which `seedbed area` needs.
    """
    from seedbed.base.errors import InputError
    from seedbed.base.files import relative
    from seedbed.evaluation.area import design_sample

    if not map_file.is_file():
        raise InputError(f"{map_file}: no such map; make one with: seedbed map")
    folder = out or map_file.parent
    record = folder / "design.json"
    if record.exists():
        raise InputError(
            f"{record}: a sample was drawn here already; "
            "label that one, or name another folder with --out"
        )
    made = design_sample(map_file, folder, n, error, accuracy, least, seed)
    strata = ", ".join(f"{s['places']} on {s['name']}" for s in made["strata"])
    print(f"{len(made['points'])} places: {strata}")
    print(
        f"Fill in `label` in {relative(folder / 'points.geojson')}, without looking at the map; "
        f"then: seedbed area --design {relative(record)} --labels FILE"
    )


def area(design_file: Design, labels: Labels, debug: Debug = False):
    """Estimate hectares of each class, with intervals, and the map's accuracy.

    The estimate comes from the labelled points of a design. Writes area.json.
    """
    from seedbed.base.files import read_json, relative, write_json
    from seedbed.evaluation.area import estimate_from_design
    from seedbed.imagery.labels import read_vector

    mapped = {}
    if design_file.is_file():  # where it is not, the estimate says so
        mapped = mapped_hectares(read_json(design_file))
    found = estimate_from_design(design_file, read_vector(labels), mapped)
    target = design_file.parent / "area.json"
    write_json(target, found | {"mapped_hectares": mapped})
    print_area(found, mapped, relative(target))


def mapped_hectares(design: dict) -> dict[str, float]:
    """Hectares by class as the pixels of the map say; InputError where the map is another one."""
    from seedbed.base.errors import InputError
    from seedbed.base.files import fingerprint, read_json

    if not design:
        return {}
    record = read_json(Path(design.get("map", "")).parent / "map.json")
    if fingerprint(design["map"]) != design["map_sha256"]:
        raise InputError(
            f"{design['map']}: has changed since the sample was drawn; "
            "estimate from the map of then, or draw anew"
        )
    return {row["class"]: row["hectares"] for row in record["area"]["classes"]}


def percent(value: dict | None) -> str:
    """A share and its interval, in percent."""
    if value is None:
        return "-"
    low, high = value["ci"]
    return f"{100 * value['value']:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


def print_area(found: dict, mapped: dict[str, float], file: str):
    """Print the estimate of each class beside what the pixels say, and the overall accuracy."""
    from .tables import make_console, number, print_table

    console = make_console()
    rows = found["classes"]
    hectares = [row["hectares"] for row in rows]
    print_table(
        [
            ("class", [row["class"] for row in rows]),
            ("hectares", [f"{h['value']:,.1f}" for h in hectares]),
            ("95 %", [f"{h['ci'][0]:,.1f} to {h['ci'][1]:,.1f}" for h in hectares]),
            ("pixels say", [number(mapped.get(row["class"]), 1) for row in rows]),
            ("user's accuracy", [percent(row["users_accuracy"]) for row in rows]),
            ("producer's", [percent(row["producers_accuracy"]) for row in rows]),
        ],
        console,
    )
    unlabelled = found["unlabelled"]
    left = f"; {unlabelled} were left without a label" if unlabelled else ""
    console.print(
        f"\noverall accuracy {percent(found['overall_accuracy'])} "
        f"from {found['n']} places{left}\n{file}",
        markup=False,
        soft_wrap=True,
    )
