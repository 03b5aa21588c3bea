"""Put the results of `make bench` into the guide about speed: python tools/speed_page.py [benchmarks.json]"""

import json
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
PAGE, HEAD = ROOT / "nbs/guides/speed.ipynb", "## Measured"
TITLES = {
    "reading": "Tifs to arrays, and to a dataset",
    "batches": "Batches",
    "training": "Training",
    "mapping": "Maps",
    "rigour": "What rigour costs",
    "headless": "Headless runs",
    "growth": "How cost grows",
    "exporting": "Fetching chips",
    "archives": "Archives with a catalogue",
    "encoders": "Pretrained encoders",
    "large_map": "Large maps of networks of pixels",
}


def line(row):
    """A row of the table."""
    goal = (
        f"{row['wanted'].replace('>=', '≥').replace('<=', '≤')}, {'met' if row['met'] else '**missed**'}"
        if row["wanted"]
        else ""
    )
    return f"| {row['what']} | {row['measured']:.3g} | {goal} | {row['note'].replace(' | ', ' · ')} |".replace(
        "<", "&lt;"
    )


def measured(record):
    """The section as Markdown: the machine, the day, a table for each benchmark."""
    machine = record["machine"]
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB of memory, GPU: {machine['gpu'] or 'none'}"
    parts = [
        HEAD,
        f"On {record['at'][:10]}: {where}, Python {machine['python']}, load {machine['load'][0]} at the start.",
    ]
    for name, rows in record["results"].items():
        parts.append(
            f"### {TITLES[name]}\n\n| | measured | goal | |\n|---|--:|---|---|\n"
            + "\n".join(line(row) for row in rows)
        )
    return "\n\n".join(parts)


def put(record, page):
    """Replace the page's section."""
    notebook = nbformat.read(page, 4)
    cell = next(c for c in notebook.cells if c.source.startswith(HEAD))
    cell.source = measured(record)
    nbformat.write(notebook, page)


if __name__ == "__main__":
    put(json.loads(Path(sys.argv[1] if len(sys.argv) > 1 else "benchmarks.json").read_text()), PAGE)
