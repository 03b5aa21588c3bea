"""Tables in a terminal."""

import os
import sys


def number(value, digits: int = 3) -> str:
    """A value of a table: thousands apart, fractions cut, a dash where there is none."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.{digits}f}"


def make_console(wide: bool = False):
    """A terminal as wide as it is; elsewhere plain text as wide as COLUMNS says, else 100 columns, or as many as a line has."""
    from rich.console import Console

    if sys.stdout.isatty():
        return Console(highlight=False)
    asked = os.environ.get("COLUMNS", "")
    return Console(
        highlight=False,
        width=int(asked) if asked.isdigit() and int(asked) else 1000 if wide else 100,
    )


NAMES = ("model", "name", "notebook", "run", "path")  # to the left, on one line


def print_table(columns: list[tuple[str, list[str]]], console):
    """Columns of text, numbers to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for heading, texts in columns:
        table.add_column(
            heading,
            justify="right"
            if heading not in NAMES and all(t[:1].isdigit() or t[:1] in "-+" for t in texts)
            else "left",
            no_wrap=heading in NAMES,
        )
    for row in zip(*(texts for _, texts in columns)):
        table.add_row(*(_literal(text) for text in row))
    console.print(table)


def _literal(text: str):
    from rich.text import Text

    return Text(text)
