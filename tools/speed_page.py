"""Put what was measured into the guide about speed.

python tools/speed_page.py [benchmarks.json]     of `make bench`
python tools/speed_page.py --run [RUN]           of `make profile`: a default run, stage by stage
python tools/speed_page.py --million FILE        of `make million --page FILE`: many labels
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import nbformat

from where import found_in

ROOT = Path(__file__).resolve().parents[1]
PAGE, HEAD = ROOT / "nbs/guides/speed.ipynb", "## Measured"
STAGES, MILLION = "## Stage by stage", "### Many labels"
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


def put(text, page):
    """Replace the page's cell of the same heading, or add one before the last."""
    notebook = nbformat.read(page, 4)
    heads = [cell.source.splitlines()[0] for cell in notebook.cells]
    head = text.splitlines()[0]
    if head not in heads:
        heads.insert(-1, head)
        notebook.cells.insert(-1, nbformat.v4.new_markdown_cell(""))
    notebook.cells[heads.index(head)].source = text
    nbformat.write(notebook, page)


def short(stage):
    """04_model/majority from models/majority/seed_0/04_model."""
    parts = stage.split("/")
    return f"{parts[-1]}/{parts[1]}" if parts[0] == "models" else stage


def of_the_model(rows):
    """Seconds that the libraries of models took, to learn and to predict."""
    return sum(row["seconds"] for row in rows if row["library"] in ("sklearn", "torch"))


def places(rows, total, most=3, least=0.05):
    """The functions that took most of a notebook's time, with their shares of the whole."""
    by_place = Counter()
    for row in rows:
        library = f" ({row['library']})" if row["library"] else ""
        by_place[f"`{row['where']}`{library}"] += row["seconds"]
    large = [(k, v / total) for k, v in by_place.most_common(most) if v >= least * total]
    return ", ".join(f"{name} {share:.0%}" for name, share in large)


def of_run(run):
    """The stages of a default run, as Markdown."""
    record = json.loads((run / "run.json").read_text())
    machine, found = record["environment"], found_in(run)
    total = sum(row["seconds"] for rows in found.values() for row in rows)
    lines = [
        STAGES,
        "",
        f"A default run on the sample, on {record['started_at'][:10]}: {machine['cpu']},"
        f" {machine['cores']} cores, Python {machine['python']}; {total:.0f} seconds of CPU in"
        f" {len(found)} notebooks. A thread looks a hundred times a second at the function of"
        " seedbed that is at work, and at the library that it has called. What is outside of"
        " seedbed is mostly figures, which are drawn for the notebook when a cell has ended.",
        "",
        "| notebook | CPU s | where |",
        "|---|--:|---|",
    ]
    for name, rows in found.items():
        if "/" not in name or "/seed_0/" in name:
            seconds = sum(row["seconds"] for row in rows)
            lines.append(f"| {short(name)} | {seconds:.1f} | {places(rows, seconds)} |")
    return "\n".join(lines)


def of_many(runs):
    """Runs of more and more labels, as Markdown."""
    last, sizes = runs[-1], [run["labels"] for run in runs]
    head = ["notebook", *(f"CPU s, {n:,}" for n in sizes)]
    head += [f"MB, {sizes[-1]:,}", "times copying", "times reading", "the model itself", "where"]
    lines = [
        MILLION,
        "",
        f"Of {sizes[-1]:,} labels, {last['values_mb']:.0f} MB of values, to copy them in memory"
        f" takes {last['copy_s']:.2f} seconds of CPU, to read them from a file that the system"
        f" holds {last['read_s']:.2f}. How often a stage could have done either, what share of it"
        " is the model's own library, and where its time goes:",
        "",
        f"| {' | '.join(head)} |",
        "|---" + "|--:" * (len(sizes) + 4) + "|---|",
    ]
    for name, found in last["stages"].items():
        spent = max(found["cpu"], sum(row["seconds"] for row in found["where"]))
        cells = [name]
        for run in runs:
            known = run["stages"].get(name)
            cells.append(f"{known['cpu']:.1f}" if known else "")
        cells.append(f"{found['mb']:,.0f}")
        cells += [f"{spent / last[limit]:,.0f}" for limit in ("copy_s", "read_s")]
        own = of_the_model(found["where"]) / max(spent, 1e-9)
        cells += [f"{own:.0%}" if own >= 0.005 else "", places(found["where"], spent)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def newest(runs):
    """The folder of the latest run."""
    return max(runs.glob("*/run.json"), key=lambda file: file.stat().st_mtime).parent


def main():
    """Put in what is named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmarks", nargs="?", type=Path)
    parser.add_argument("--run", type=Path, nargs="?", const=Path("last"))
    parser.add_argument("--million", type=Path)
    asked = parser.parse_args()
    if asked.run:
        folder = asked.run if asked.run.is_dir() else newest(ROOT / "runs")
        put(of_run(folder), PAGE)
    if asked.million:
        put(of_many(json.loads(asked.million.read_text())), PAGE)
    if asked.benchmarks or not (asked.run or asked.million):
        file = asked.benchmarks or Path("benchmarks.json")
        put(measured(json.loads(file.read_text())), PAGE)


if __name__ == "__main__":
    main()
