"""What a person sees at the end of a run: the models side by side, the verdict, the warnings."""

from .tables import number, print_table

# Heading, importance and texts of a column. Importance 0 always stays; where lines are too long,
# the column with the highest goes first.
Column = tuple[str, int, list[str]]


def with_interval(value, ci) -> str:
    """A score and its interval."""
    return number(value) + (f" [{ci[0]:.3f}, {ci[1]:.3f}]" if ci else "")


def gain(difference) -> str:
    """A difference with its sign."""
    value = difference.get("value") if isinstance(difference, dict) else difference
    return "-" if value is None else f"{value:+.3f}"


def gain_heading(rows: list[dict]) -> str:
    """What the differences are to, where all are to the same."""
    differences = [row["difference"] for row in rows if isinstance(row.get("difference"), dict)]
    others = {difference.get("to") for difference in differences}
    return f"vs {others.pop()}" if len(others) == 1 and None not in others else "difference"


def worst(region) -> str:
    """A region and its score."""
    if not isinstance(region, dict):
        return number(region)
    count = f" (n={region['n']})" if "n" in region else ""
    return f"{region.get('region', '')} {number(region.get('value'))}{count}".strip()


def count_of_seeds(seeds) -> str:
    """How many seeds there are; a record of an earlier version has the number itself."""
    return number(len(seeds) if isinstance(seeds, list) else seeds)


def name_of(row: dict) -> str:
    """A model's name; = marks one that is tied with the best."""
    return ("= " if row.get("tied") else "") + str(row.get("model"))


def verdict_of(row: dict) -> str:
    """A model's verdict and its stamps, e.g. LEAKY; a non-imagery baseline has none."""
    verdict = "baseline" if row.get("sees", "bands") != "bands" else number(row.get("verdict"))
    return ", ".join([verdict, *row.get("stamps", [])])


def title_of(primary: dict) -> str:
    """What the deciding score is called; records of earlier versions have its name alone."""
    name = primary.get("metric", "score")
    return primary.get("title") or {"f1_score": "macro-F1"}.get(name, name)


def closing_columns(results: dict) -> list[Column]:
    """The columns of the table of models, without those that have no value."""
    rows = results.get("models", [])
    metric = title_of(results.get("primary", {}))

    def of(key, form=number, **options):
        return [form(row.get(key), **options) for row in rows]

    columns = [
        ("model", 0, [name_of(row) for row in rows]),
        (metric, 0, [with_interval(row.get("value"), row.get("ci")) for row in rows]),
        (gain_heading(rows), 1, of("difference", gain)),
        ("worst region", 2, of("worst_region", worst)),
        ("seeds", 6, of("seeds", count_of_seeds)),
        ("fit s", 5, of("fit_s")),
        ("us/sample", 3, of("us_per_sample", digits=1)),
        ("parameters", 4, of("parameters", digits=0)),
        ("verdict", 0, [verdict_of(row) for row in rows]),
    ]
    return [column for column in columns if column[1] == 0 or set(column[2]) != {"-"}]


def fitting(
    columns: list[Column],
    width: int,  # of a line
) -> list[Column]:
    """The columns without the least important ones, so that a line holds them."""

    def wide(column):
        heading, _, texts = column
        return max(len(text) for text in [heading, *texts]) + 2

    def importance(column):
        return column[1]

    columns = list(columns)
    while sum(map(wide, columns)) > width and any(map(importance, columns)):
        columns.remove(max(columns, key=importance))
    return columns


def verdict_lines(results: dict) -> list[str]:
    """The verdict with its reasons, what the validation set can tell, and the warnings."""
    lines = []
    verdict = results.get("verdict", {})
    if "status" in verdict:
        best = results.get("best_model", "the best model")
        lines.append(f"verdict: {verdict.get('headline') or best + ' is ' + verdict['status']}")
    lines += [f"  {reason}" for reason in verdict.get("reasons", [])]
    smallest = results.get("primary", {}).get("smallest_detectable_difference")
    warned = any("cannot be seen with this" in warning for warning in results.get("warnings", []))
    if smallest is not None and not warned:
        lines.append(
            f"  this split can tell two models apart that differ by {smallest:.3f} or more"
        )
    if any(row.get("tied") for row in results.get("models", [])):
        lines.append(
            "  =: cannot be told apart from the best, all compared at once; choose by cost"
        )
    lines += threshold_lines(results.get("threshold"), results)
    lines += [f"pretraining: {found['sentence']}" for found in results.get("pretraining") or []]
    return lines + [f"warning: {warning}" for warning in results.get("warnings", [])]


def threshold_lines(threshold: dict | None, results: dict) -> list[str]:
    """What a tuned threshold would change, where it is not one half."""
    if not threshold or threshold.get("shipped") in (None, 0.5):
        return []
    name = threshold["tuned_by"]
    primary = results.get("primary", {})
    known = results | {primary.get("metric"): primary.get("value")}
    title = {"f1_score": "macro-F1"}.get(name, name)
    rows = threshold.get("per_class") or []
    of = f" of {rows[-1]['class']}" if rows else ""
    return [
        f"  tuned threshold {threshold['shipped']:.3g}{of}: {title}"
        f" {number(threshold['scores'][name]['value'])} in place of {number(known.get(name))};"
        " the map uses it with map.threshold = tuned"
    ]


def print_results(results: dict, console):
    """Print the models side by side, the verdict with its reasons, and the warnings."""
    columns = fitting(closing_columns(results), console.width)
    print_table([(heading, texts) for heading, _, texts in columns], console)
    lines = verdict_lines(results)
    if lines:
        console.print("\n" + "\n".join(lines), markup=False)
