"""The pages of published runs (`seedbed publish RUN`): made from results.json, so that they say what it says."""

import json
import shutil
from pathlib import Path

from pages import write_notebook

COLUMNS = {
    "model": "model",
    "value": "score",
    "ci": "interval",
    "difference": "difference",
    "us_per_sample": "µs a sample",
    "parameters": "parameters",
    "verdict": "verdict",
}


def cell(name: str, value) -> str:
    """A value as a table shows it."""
    if isinstance(value, (int, float)) and name == "value":
        return f"{value:.3f}"
    if isinstance(value, (int, float)):
        return f"{value:,.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"
    if isinstance(value, dict):
        return f"{value['value']:+.3f} to {value['to']}" if value.get("value") is not None else ""
    if isinstance(value, list):
        return f"{value[0]:.3f}–{value[1]:.3f}"
    return "" if value is None else str(value)


def table(rows: list[dict]) -> str:
    """The models side by side."""
    used = [k for k in COLUMNS if any(row.get(k) not in (None, "") for row in rows)]
    lines = [
        [COLUMNS[k] for k in used],
        ["---"] * len(used),
        *([cell(k, row.get(k)) for k in used] for row in rows),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def report_text(
    results: dict, name: str, figures: list[Path], notebooks: list[Path], whole: bool
) -> str:
    """A report as Markdown."""
    primary = results.get("primary", {})
    verdict = results.get("verdict", {})
    code = results.get("git", {})
    low, high = primary.get("ci") or (None, None)
    interval = f" (interval {low:.3f} to {high:.3f})" if low is not None else ""
    said = (
        f"**{results.get('best_model')}** has {primary.get('metric')} **{primary.get('value', float('nan')):.3f}**{interval}:"
        f" *{verdict.get('status', 'not scored')}*."
    )
    parts = [
        f"---\ntitle: {json.dumps('Report: ' + name)}\ndescription: {json.dumps('What a run has found, from its own results.json')}\n---\n",
        said,
    ]
    parts += [f"- {reason}" for reason in verdict.get("reasons", [])]
    parts += [f"![](figures/{p.name})" for p in figures] + [
        "## The models\n",
        table(results.get("models", [])),
    ]
    if results.get("warnings"):
        parts += ["## Warnings\n", *(f"- {w}" for w in results["warnings"])]
    parts += (
        [
            "## The run itself\n",
            "Its notebooks, as they were executed: "
            + ", ".join(f"[{p.stem}]({p.name})" for p in notebooks)
            + ".",
        ]
        if notebooks
        else []
    )
    files = ["[results.json](results.json){target=_blank}"] + (
        ["[report.html](report.html)"] if whole else []
    )
    parts += [
        f"Files: {', '.join(files)}. Started {results.get('started_at', '?')}"
        + (f", commit `{code['commit'][:12]}`" if code.get("commit") else "")
        + "."
    ]
    return "\n\n".join(parts) + "\n"


def write_reports(
    root: Path, staging: Path
) -> tuple[list[dict], list[str]]:  # sidebar entries, what is wrong
    """Write a page for each folder below reports/."""
    entries, found = [], []
    for folder in sorted(p.parent for p in root.glob("reports/*/results.json")):
        target = staging / "reports" / folder.name
        shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.ipynb"))
        notebooks = sorted(folder.glob("*.ipynb"))
        for path in notebooks:
            found += write_notebook(path, path, target / path.name, root, searched=False)
        results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
        text = report_text(
            results,
            folder.name,
            sorted(folder.glob("figures/*.png"), key=lambda p: (p.stem != "overview", p.name)),
            notebooks,
            (folder / "report.html").is_file(),
        )
        (target / "index.qmd").write_text(text, encoding="utf-8")
        entries.append({"text": folder.name, "href": f"reports/{folder.name}/index.qmd"})
    return entries, found
