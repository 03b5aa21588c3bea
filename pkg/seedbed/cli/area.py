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
        help="The points with the column `label` filled in; any vector file, or a csv with `id` and `label`.",
    ),
]


Width = Annotated[
    Optional[float],
    typer.Option(
        "--width",
        metavar="SHARE",
        min=4e-4,
        max=1.0,
        help="How wide the 95 % interval of the overall accuracy may be, in place of --error.",
    ),
]
Add = Annotated[
    Optional[int],
    typer.Option(
        "--add",
        metavar="COUNT",
        min=1,
        help="Draw so many more places for the design that is there; its labels stay.",
    ),
]
Probabilities = Annotated[
    Optional[Path],
    typer.Option(
        "--probabilities",
        metavar="FILE",
        help="A raster with the probability of each class, in the map's order; "
        "if not given, quality.tif beside the map, where there is one.",
    ),
]
Against = Annotated[
    Optional[Path],
    typer.Option(
        "--against",
        metavar="FILE",
        help="Another map: places are drawn where the two differ, to tell which is better.",
    ),
]


def design(
    map_file: MapFile,
    out: Out = None,
    n: Places = None,
    error: Error = 0.02,
    width: Width = None,
    accuracy: Accuracy = 0.8,
    least: Least = 50,
    seed: Seed = 0,
    probabilities: Probabilities = None,
    add: Add = None,
    against: Against = None,
    debug: Debug = False,
):
    """Draw a random sample of a map's pixels, to be labelled by a person.

    Writes points.geojson, to fill in, and design.json, which `seedbed area` needs.
    """
    from seedbed.base.errors import InputError
    from seedbed.base.files import relative
    from seedbed.evaluation.area import design_sample
    from seedbed.evaluation.decision import add_scores, extend_design
    from seedbed.imagery.scene import small_cache

    if not map_file.is_file():
        raise InputError(f"{map_file}: no such map; make one with: seedbed map")
    folder = out or map_file.parent
    record = folder / "design.json"
    if add is not None:
        with small_cache():
            made = extend_design(folder, add)
        print(f"{len(made['points'])} places in {1 + len(made['added'])} rounds")
        print(
            f"Fill in the new ones in {relative(folder / 'points.geojson')}; labels that stand in"
            " another file are not copied there"
        )
        return
    if record.exists():
        raise InputError(
            f"{record}: a sample was drawn here already; "
            "label that one, or name another folder with --out"
        )
    if against is not None:
        draw_against(map_file, against, folder, n, seed)
        return
    error = error if width is None else width / (2 * 1.96)
    with small_cache():
        made = design_sample(map_file, folder, n, error, accuracy, least, seed)
        add_scores(record, probabilities)
    strata = ", ".join(f"{s['places']} on {s['name']}" for s in made["strata"])
    print(f"{len(made['points'])} places: {strata}")
    if n is not None and len(made["points"]) > n:
        print(f"more than {n}, since every class gets at least {least} (--least)")
    print(
        f"Fill in `label` in {relative(folder / 'points.geojson')}, without looking at the map; "
        f"then: seedbed area --design {relative(record)} --labels FILE"
    )


def draw_against(first: Path, second: Path, folder: Path, n: int | None, seed: int):
    """Draw places where two maps differ, and say how many labels what difference takes."""
    from seedbed.base.errors import InputError
    from seedbed.base.files import relative
    from seedbed.evaluation.finite import labels_to_compare
    from seedbed.evaluation.two_maps import design_comparison

    if not second.is_file():
        raise InputError(f"{second}: no such map to compare with")
    made = design_comparison(first, second, folder, n or 200, seed)
    share = made["differing"] / made["hectares"]
    print(f"the maps differ on {100 * share:.1f} % of the ground; {n or 200} places drawn there")
    enough = labels_to_compare(share / 4, share)
    print(f"to see a difference of {100 * share / 4:.1f} points in accuracy takes {enough} places")
    print(
        f"Fill in `label` in {relative(folder / 'points.geojson')}, without looking at the maps; "
        f"then: seedbed area --design {relative(folder / 'design.json')} --labels FILE"
    )


Also = Annotated[
    Optional[list[str]],
    typer.Option(
        "--also",
        metavar="CLASS",
        help="A class that was found but is none of the map's. May be given several times.",
    ),
]
Certify = Annotated[
    Optional[float],
    typer.Option(
        "--certify",
        metavar="SHARE",
        min=0.001,
        max=0.999,
        help="Say which classes of the map are wrong on no more than this share of their ground.",
    ),
]
Verify = Annotated[
    Optional[Path],
    typer.Option(
        "--verify",
        metavar="FILE",
        help="Estimate nothing new: hold a certificate.json against the design and the labels.",
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
    certify: Certify = None,
    verify: Verify = None,
    out: Result = None,
    overwrite: Overwrite = False,
    overrides: Overrides = None,
    settings_file: SettingsFile = None,
    debug: Debug = False,
):
    """Estimate hectares of each class, with intervals, and the map's accuracy.

    The estimate comes from the labelled points of a design. A point whose label is empty or ? could
    not be labelled; it is counted, and bounded. Writes area.json and certificate.json. The level of the intervals is
    run.level of the settings.
    """
    from seedbed.base.errors import InputError
    from seedbed.base.files import fingerprint, read_json, relative, write_json
    from seedbed.base.settings import load_settings
    from seedbed.evaluation.area import open_design, read_design
    from seedbed.evaluation.decision import area_record, certificate, verify_certificate
    from seedbed.evaluation.two_maps import KIND, compare_from_design

    level = load_settings(settings_file, overrides or ()).run.level
    design = open_design(design_file)
    two_maps = design.get("kind") == KIND
    if not two_maps or verify is not None:
        design = read_design(design_file)
    points = read_points(labels, design)
    if verify is not None:
        verify_certificate(verify, design, points)
        print(
            f"{relative(verify)}: map, design, labels and estimates are those that it vouches for"
        )
        return
    if two_maps:
        print_better(compare_from_design(design, points, level))
        return
    found = area_record(design, points, level, also or (), certify)
    found["labels_sha256"] = fingerprint(labels)
    target = out or design_file.parent / "area.json"
    if target.exists() and not overwrite and read_json(target) != found:
        raise InputError(
            f"{relative(target)}: holds another estimate; keep it and name another file with"
            " --out, or replace it with --overwrite"
        )
    write_json(target, found)
    vouched = certificate(design, points, found, also or ())
    write_json(target.with_name("certificate.json"), vouched)
    print_area(found, relative(target))
    renew_page(design, target)


def renew_page(design: dict, estimate: Path):
    """Write the page for those who decide anew, where it shows an estimate: in a run, by the map."""
    from seedbed.base.files import fingerprint, relative

    folder = estimate.resolve().parent
    run, page = folder.parent.parent, folder.parent.parent / "stakeholder.html"
    if estimate.name != "area.json" or folder.parent.name != "maps" or not page.is_file():
        return
    own = folder / Path(design["map"]).name
    if not own.is_file() or fingerprint(own) != design["map_sha256"]:
        return
    from seedbed.running.verify import list_anew
    from seedbed.stakeholder import write_stakeholder

    write_stakeholder(run)
    list_anew(run, page.name)
    print(f"{relative(page)}: written anew, with this estimate")


def read_points(file: Path, design):
    """Labelled points of a design: any vector file, or a table that knows them by their ids."""
    from seedbed.base.errors import InputError
    from seedbed.base.files import relative
    from seedbed.evaluation.area import labels_of_places
    from seedbed.imagery.labels import read_vector
    from seedbed.sources.table.files import DELIMITED, read_frame

    if not file.exists():
        raise InputError(
            f"--labels {file}: no such file; name the points of the design with `label` filled in"
        )
    if is_table := file.is_file() and file.suffix.lower() in DELIMITED:
        points = read_frame(file, ("id", "label")).frame
    else:
        points = read_vector(file)
    try:
        known = labels_of_places(points, design)
    except InputError as error:
        raise InputError(f"{relative(file)}: {error}") from None
    absent = [name for name in design["points"] if name not in known.index]
    if is_table and absent:
        print(
            f"{relative(file)}: {len(absent)} of {len(design['points'])} places are not in it, e.g."
            f" {absent[0]}; they count as places that nobody could label"
        )
    return points


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
    if any("assisted" in row for row in rows):
        assisted = [reach(row["assisted"], "ci") if "assisted" in row else "-" for row in rows]
        columns.insert(3, ("with probabilities", assisted))
    if found["rounds"] > 1:
        looks = [found["looks"]["hectares"][row["class"]] for row in rows]
        columns.insert(3, ("at any look", [f"{low:,.1f} to {high:,.1f}" for low, high in looks]))
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
    if found["rounds"] > 1:
        low, high = found["looks"]["overall_accuracy"]
        say(
            f"places were added later ({found['rounds']} rounds in all): who went on because of what"
            f" the labels showed reports the column `at any look`; the accuracy is then between"
            f" {100 * low:.0f} and {100 * high:.0f} %"
        )
    for row in found.get("zones", {}).get("rows", ()):
        state = "certified" if row["certified"] else "not certified"
        say(f"{row['zone']}: {state}, wrong on at most {100 * row['at_most']:.1f} % of its ground")
    say(file)


def print_better(found: dict):
    """Print which of two maps is better, and how sure that is."""
    low, high = (100 * end for end in found["ci"])
    names = {"first": found["maps"][0], "second": found["maps"][1]}
    verdict = "cannot be told apart" if found["better"] is None else names[found["better"]]
    print(f"better: {verdict}" if found["better"] else f"the two maps {verdict}")
    print(
        f"{found['first']} places speak for the first, {found['second']} for the second,"
        f" {found['neither']} for neither; p = {found['p']:.3g}"
    )
    print(
        f"difference of the accuracies {100 * found['difference']:+.2f} points"
        f" [{low:+.2f}, {high:+.2f}]"
    )
    if found["unlabelled"]:
        low, high = (100 * end for end in found["bounds"])
        print(
            f"{found['unlabelled']} places have no label; whatever they are, the difference is"
            f" between {low:+.2f} and {high:+.2f} points"
        )


def unlabelled_line(found: dict) -> str:
    """How many places have no label, where, and what they could change."""
    where = [f"{n} on {name}" for name, n in found["unlabelled_by_stratum"].items() if n]
    low, high = found["overall_accuracy"]["bounds"]
    return (
        f"{found['unlabelled']} places have no label ({', '.join(where)}): the estimate takes them"
        " for like the others of their stratum; whatever they are, the overall accuracy is between"
        f" {100 * low:.0f} and {100 * high:.0f} %, and the hectares are as the table says"
    )
