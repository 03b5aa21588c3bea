"""Tables in a terminal."""

import os
import sys

PIPED_WIDTH = 100  # columns of text that goes into a file
WHOLE_LINES = 1000  # columns of a table whose lines are not to be broken
NAMES = ("model", "name", "notebook", "run", "path")  # columns to the left, on one line


def number(value, digits: int = 3) -> str:
    """A value of a table: thousands apart, fractions cut, a dash where there is none."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"


def make_console(wide: bool = False, width: int = 0):
    """A console of rich's, as wide as the terminal, or as `width` says.

    Where the output goes into a file, it is as wide as COLUMNS says, else 100 columns; where
    `wide`, lines are not broken.
    """
    from rich.console import Console

    if width:
        return Console(highlight=False, width=width)
    if sys.stdout.isatty():
        return Console(highlight=False)
    asked = os.environ.get("COLUMNS", "")
    width = int(asked) if asked.isdigit() else 0
    return Console(highlight=False, width=width or (WHOLE_LINES if wide else PIPED_WIDTH))


def print_areas(record: dict, console):
    """Print what a map, or a region, counts of each class; nothing of a quantity."""
    rows = record["area"]["classes"]
    if not rows:
        return
    total = max(record["pixels"]["mapped"], 1)
    columns = [
        ("class", [r["class"] for r in rows]),
        ("pixels", [f"{r['pixels']:,}" for r in rows]),
        ("hectares", [f"{r['hectares']:,.1f}" for r in rows]),
        ("share", [f"{100 * r['pixels'] / total:.1f} %" for r in rows]),
    ]
    print_table(columns, console)
    console.print(record["area"]["note"], markup=False)


def line_of_pixels(record: dict) -> str:
    """How many pixels a map, or a region, has of each kind, and how many nobody can judge."""
    counts = "; ".join(f"{n:,} {name}" for name, n in record["pixels"].items())
    share = record["beyond_applicability"]
    beyond = "" if share is None else f"; {100 * share:.1f} % beyond the training data"
    return f"{record['model']}: {counts}{beyond}"


def print_table(columns: list[tuple[str, list[str]]], console):
    """Print columns, each a heading and its texts; numbers to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading, texts in columns:
        is_name = heading in NAMES
        to_the_right = not is_name and all(map(_is_number, texts))
        table.add_column(heading, justify="right" if to_the_right else "left", no_wrap=is_name)
    for row in zip(*(texts for _, texts in columns)):
        table.add_row(*map(Text, row))
    console.print(table)


def _is_number(text: str) -> bool:
    "Whether a text starts as a number does, or is the dash of a missing one."
    return text[:1].isdigit() or text[:1] in "-+"
