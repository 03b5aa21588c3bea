"""`seedbed design` and `seedbed area`: from a map to hectares with an interval."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from .options import Debug, Overrides, SettingsFile

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


Also = Annotated[
    Optional[list[str]],
    typer.Option(
        "--also",
        metavar="CLASS",
        help="A class that was found but is none of the map's. May be given several times.",
    ),
]
Result = Annotated[
    Optional[Path],
    typer.Option(
        "--out", metavar="FILE", help="Where the estimate goes; area.json beside the design."
    ),
]
Overwrite = Annotated[
    bool, typer.Option("--overwrite", help="Replace an estimate that is there already.")
]


def area(
    design_file: Design,
    labels: Labels,
    also: Also = None,
    out: Result = None,
    overwrite: Overwrite = False,
    overrides: Overrides = None,
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Estimate hectares of each class, with intervals, and the map's accuracy.

    The estimate comes from the labelled points of a design. A point whose label is empty or ? could
    not be labelled; it is counted, and bounded. Writes area.json. The level of the intervals is
    run.level of the settings.
    """
    from seedbed.base.errors import InputError
    from seedbed.base.files import fingerprint, read_json, relative, write_json
    from seedbed.base.settings import load_settings
    from seedbed.evaluation.area import estimate_from_design
    from seedbed.imagery.labels import read_vector

    level = load_settings(settings_file, overrides or ()).run.level
    found = estimate_from_design(design_file, read_vector(labels), level, also or ())
    found["labels_sha256"] = fingerprint(labels)
    target = out or design_file.parent / "area.json"
    if target.exists() and not overwrite and read_json(target) != found:
        raise InputError(
            f"{relative(target)}: holds another estimate; keep it and name another file with"
            " --out, or replace it with --overwrite"
        )
    write_json(target, found)
    print_area(found, relative(target))


def percent(answer: dict | None, key: str = "ci") -> str:
    """A share and its interval, or its bounds, in percent."""
    if answer is None:
        return "-"
    low, high = answer[key]
    return f"{100 * answer['value']:.0f} % [{100 * low:.0f}, {100 * high:.0f}]{mark(answer)}"


def mark(answer: dict) -> str:
    """A star where the interval is exact."""
    return "*" if answer["exact"] else ""


def reach(answer: dict, key: str) -> str:
    """From where to where, in hectares."""
    low, high = answer[key]
    return f"{low:,.1f} to {high:,.1f}"


def print_area(found: dict, file: str):
    """Print the estimate of each class beside what the pixels say, and the overall accuracy."""
    from .tables import make_console, number, print_table

    console = make_console()
    rows, mapped = found["classes"], found["mapped_hectares"]
    areas = [row["hectares"] for row in rows]
    columns = [
        ("class", [row["class"] for row in rows]),
        ("hectares", [f"{h['value']:,.1f}" for h in areas]),
        (f"{100 * found['level']:g} %", [reach(h, "ci") + mark(h) for h in areas]),
        ("pixels say", [number(mapped.get(row["class"]), 1) for row in rows]),
        ("user's accuracy", [percent(row["users_accuracy"]) for row in rows]),
        ("producer's", [percent(row["producers_accuracy"]) for row in rows]),
    ]
    if found["unlabelled"]:
        columns.insert(3, ("with any labels", [reach(h, "bounds") for h in areas]))
    print_table(columns, console)

    def say(line: str):
        console.print(line, markup=False, soft_wrap=True)

    say(f"\noverall accuracy {percent(found['overall_accuracy'])} from {found['n']} places")
    if any(h["exact"] for h in areas):
        say("* few places show an error: exact, so the truth lies within at least as often")
    if found["unlabelled"]:
        say(unlabelled_line(found))
    for line in found["warnings"]:
        say(line)
    say(file)


def unlabelled_line(found: dict) -> str:
    """How many places have no label, where, and what they could change."""
    where = [f"{n} on {name}" for name, n in found["unlabelled_by_stratum"].items() if n]
    low, high = found["overall_accuracy"]["bounds"]
    return (
        f"{found['unlabelled']} places have no label ({', '.join(where)}): the estimate takes them"
        " for like the others of their stratum; whatever they are, the overall accuracy is between"
        f" {100 * low:.0f} and {100 * high:.0f} %, and the hectares are as the table says"
    )
