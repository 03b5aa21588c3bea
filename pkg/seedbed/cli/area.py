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
        min=2,
        help="Places in all, more where --least of each class needs more; from --error if not given.",
    ),
]
Error = Annotated[
    float,
    typer.Option(
        "--error", min=1e-4, max=0.5, help="Standard error of the overall accuracy that is wanted."
    ),
]
Accuracy = Annotated[
    float, typer.Option("--accuracy", min=0.01, max=0.99, help="User's accuracy that is expected.")
]
Least = Annotated[int, typer.Option("--least", min=2, help="Places of a class, at least.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of the draw.")]
Design = Annotated[
    Path, typer.Option("--design", metavar="FILE", help="The design.json of the sample.")
]
Labels = Annotated[
    Path,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="The points, with the column `label` filled in; any vector file.",
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
    """Draw a random sample of a map's pixels to be labelled: points.geojson to fill in, design.json to keep."""
    from seedbed.base.errors import InputError
    from seedbed.base.files import relative
    from seedbed.evaluation.area import design_sample

    if not map_file.is_file():
        raise InputError(f"{map_file}: no such map; make one with: seedbed map")
    folder = out or map_file.parent
    if (folder / "design.json").exists():
        raise InputError(
            f"{folder / 'design.json'}: a sample was drawn here already; label that one, or name another folder with --out"
        )
    made = design_sample(map_file, folder, n, error, accuracy, least, seed)
    print(
        f"{len(made['points'])} places: "
        + ", ".join(f"{s['places']} on {s['name']}" for s in made["strata"])
    )
    print(
        f"Fill in `label` in {relative(folder / 'points.geojson')}, without a look at the map; then: seedbed area --design {relative(folder / 'design.json')} --labels FILE"
    )


def area(design_file: Design, labels: Labels, debug: Debug = False):
    """Hectares of each class with their interval, and the map's accuracy, from labelled points of a design. Writes area.json."""
    from seedbed.base.errors import InputError
    from seedbed.base.files import fingerprint, read_json, relative, write_json
    from seedbed.evaluation.area import estimate_from_design
    from seedbed.imagery.labels import read_vector

    from .tables import make_console, number, print_table

    design = read_json(design_file) if design_file.is_file() else {}
    record = Path(design.get("map", "")).parent / "map.json"
    mapped = (
        {r["class"]: r["hectares"] for r in read_json(record)["area"]["classes"]} if design else {}
    )
    if design and fingerprint(design["map"]) != design["map_sha256"]:
        raise InputError(
            f"{design['map']}: has changed since the sample was drawn; estimate from the map of then, or draw anew"
        )
    found = estimate_from_design(design_file, read_vector(labels), mapped)
    write_json(design_file.parent / "area.json", found | {"mapped_hectares": mapped})
    console = make_console()
    percent = lambda v: (
        "-"
        if v is None
        else f"{100 * v['value']:.0f} % [{100 * v['ci'][0]:.0f}, {100 * v['ci'][1]:.0f}]"
    )
    print_table(
        [
            ("class", [c["class"] for c in found["classes"]]),
            ("hectares", [f"{c['hectares']['value']:,.1f}" for c in found["classes"]]),
            (
                "95 %",
                [
                    f"{c['hectares']['ci'][0]:,.1f} to {c['hectares']['ci'][1]:,.1f}"
                    for c in found["classes"]
                ],
            ),
            ("pixels say", [number(mapped.get(c["class"]), 1) for c in found["classes"]]),
            ("user's accuracy", [percent(c["users_accuracy"]) for c in found["classes"]]),
            ("producer's", [percent(c["producers_accuracy"]) for c in found["classes"]]),
        ],
        console,
    )
    console.print(
        f"\noverall accuracy {percent(found['overall_accuracy'])} from {found['n']} places"
        + (f"; {found['unlabelled']} were left without a label" if found["unlabelled"] else "")
        + f"\n{relative(design_file.parent / 'area.json')}",
        markup=False,
        soft_wrap=True,
    )
