"""What a person sees at the end of a run: the models side by side, the verdict, the warnings."""

from .tables import number, print_table


def with_interval(value, ci) -> str:
    """A score and its interval."""
    return number(value) + (f" [{ci[0]:.3f}, {ci[1]:.3f}]" if ci else "")


def gain(difference) -> str:
    """A difference with its sign."""
    value = difference.get("value") if isinstance(difference, dict) else difference
    return "-" if value is None else f"{value:+.3f}"


def gain_heading(rows: list[dict]) -> str:
    """What the differences are to, where all are to the same."""
    others = {
        row["difference"].get("to") for row in rows if isinstance(row.get("difference"), dict)
    }
    return f"vs {others.pop()}" if len(others) == 1 and None not in others else "difference"


def worst(region) -> str:
    """A region and its score."""
    return (
        f"{region.get('region', '')} {number(region.get('value'))}".strip()
        if isinstance(region, dict)
        else number(region)
    )


def closing_columns(results: dict) -> list[tuple[str, int, list[str]]]:
    """Heading, importance (0 always stays) and texts of each column that has any; = marks models tied with the best."""
    rows = results.get("models", [])
    column = lambda key, form=number: [form(row.get(key)) for row in rows]
    columns = [
        ("model", 0, [("= " if row.get("tied") else "") + str(row.get("model")) for row in rows]),
        (
            results.get("primary", {}).get("metric", "score"),
            0,
            [with_interval(row.get("value"), row.get("ci")) for row in rows],
        ),
        (gain_heading(rows), 1, column("difference", gain)),
        ("worst region", 2, column("worst_region", worst)),
        ("seeds", 6, column("seeds", lambda v: number(len(v) if isinstance(v, list) else v))),
        ("fit s", 5, column("fit_s")),
        ("us/sample", 3, column("us_per_sample", lambda v: number(v, 1))),
        ("parameters", 4, column("parameters", lambda v: number(v, 0))),
        (
            "verdict",
            0,
            [", ".join([number(row.get("verdict")), *row.get("stamps", [])]) for row in rows],
        ),
    ]
    return [
        (heading, importance, texts)
        for heading, importance, texts in columns
        if importance == 0 or set(texts) != {"-"}
    ]


def fitting(
    columns: list[tuple[str, int, list[str]]], width: int
) -> list[tuple[str, int, list[str]]]:
    """The columns without the least important ones, so that a line holds them."""
    wide = lambda c: max(len(text) for text in [c[0], *c[2]]) + 2
    columns = list(columns)
    while sum(map(wide, columns)) > width and any(importance for _, importance, _ in columns):
        columns.remove(max(columns, key=lambda c: c[1]))
    return columns


def print_results(results: dict, console):
    """The models side by side, the verdict with its reasons, and the warnings."""
    print_table(
        [
            (heading, texts)
            for heading, _, texts in fitting(closing_columns(results), console.width)
        ],
        console,
    )
    verdict = results.get("verdict", {})
    lines = (
        [f"verdict on {results.get('best_model', 'the best model')}: {verdict['status']}"]
        if "status" in verdict
        else []
    )
    lines += [f"  {reason}" for reason in verdict.get("reasons", [])]
    smallest = results.get("primary", {}).get("smallest_detectable_difference")
    if smallest is not None:
        lines.append(
            f"  this validation set can tell two models apart that differ by {smallest:.3f} or more"
        )
    if any(row.get("tied") for row in results.get("models", [])):
        lines.append("  =: the difference to the best could be chance; choose by cost")
    lines += [f"warning: {warning}" for warning in results.get("warnings", [])]
    if lines:
        console.print("\n" + "\n".join(lines), markup=False)
