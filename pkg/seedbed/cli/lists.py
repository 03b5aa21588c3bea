"""`seedbed models`, `metrics` and `settings`: what settings.ini can name, and what it says."""

from typing import Annotated

import typer

from .options import Debug, Overrides
from .tables import make_console, print_table

Pretrained = Annotated[
    bool,
    typer.Option("--pretrained", help="Show what is known of pretrained encoders and products."),
]


def models(pretrained: Pretrained = False, debug: Debug = False):
    """List the models that settings.ini can name."""
    if pretrained:
        _known_weights()
        return
    from seedbed.models.network import Network
    from seedbed.models.registry import list_models

    found = list_models()

    def simplest_first(name):
        return issubclass(found[name], Network), found[name].sees == "bands"

    names = sorted(found, key=simplest_first)
    described = [(found[name].__doc__ or "").strip().partition("\n")[0] for name in names]
    print_table([("name", names), ("what it is", described)], make_console())


def _known_weights():
    """Pretrained encoders and embedding products: inputs, sizes, licences."""
    from seedbed.models.pretrained.store import KNOWN

    console = make_console()
    columns = {
        "name": [k.name for k in KNOWN],
        "model": [k.model or "none here" for k in KNOWN],
        "parameters": [k.parameters for k in KNOWN],
        "gives": [str(k.gives or "-") for k in KNOWN],
        "licence": [k.licence + (f"; forbids {k.forbids}" if k.forbids else "") for k in KNOWN],
        "inputs": [k.inputs for k in KNOWN],
    }
    print_table(list(columns.items()), console)
    console.print("\nGet weights once: seedbed weights get NAME", markup=False)


def metrics(debug: Debug = False):
    """List the metrics that settings.ini can name."""
    from seedbed.base.registry import own_functions
    from seedbed.evaluation.metrics import METRICS, metric_named

    found = [*METRICS.values(), *(metric_named(name) for name in own_functions("metrics"))]
    console = make_console()
    print_table(
        [
            ("name", [m.name for m in found]),
            ("what it is", [m.title for m in found]),
            ("task", [m.task for m in found]),
            ("better", ["greater" if m.greater_is_better else "smaller" for m in found]),
        ],
        console,
    )
    console.print("\n" + "\n".join(lines_on_own_metrics()), markup=False)


def lines_on_own_metrics() -> list[str]:
    """What a metric of one's own is called with; the numbers of the classes of the last run."""
    lines = [
        "A function of your own gets the truth and the prediction: of classes their numbers [n] and",
        "probabilities [n, classes], of a quantity two arrays of values. A parameter `classes` gets",
        "the names of the classes, in the order of their numbers.",
    ]
    if found := numbered_classes():
        lines.append(found)
    return lines


def numbered_classes() -> str:
    """The classes of the last complete run, each with its number; empty where there is none."""
    from seedbed.base.errors import InputError, shortened
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run

    try:
        run = find_run(load_settings(), "last", complete=True)
    except InputError:
        return ""
    classes = run.results.get("data", {}).get("classes") or []
    numbers = shortened((f"{number} {name}" for number, name in enumerate(classes)), 40)
    return f"In {run.name}: {numbers}" if classes else ""


def settings(overrides: Overrides = None, debug: Debug = False):
    """Print every setting that a run would use, with its value."""
    from seedbed.base.settings import load_settings, to_ini

    print(to_ini(load_settings(overrides=overrides or ())), end="")
