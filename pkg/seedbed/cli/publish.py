"""`seedbed publish`: a run becomes a page of the docs site."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from .options import Debug, RunName, Trust

KEPT = ("results.json", "run.json", "report.html", "*.ipynb", "figures/*.png", "area.json")
ReportName = Annotated[
    Optional[str],
    typer.Option(
        "--as",
        metavar="NAME",
        help="The report's name; prose quotes it as {{ NAME.f1_score }}. "
        "The run's name if not given.",
    ),
]


def publish(run: RunName, name: ReportName = None, trust: Trust = False, debug: Debug = False):
    """Copy a run's results, figures and executed notebooks to reports/.

    The docs site shows what lies there, and prose can quote its numbers. Paths of this machine are
    taken out. A run of which a file was altered, is a link or holds a secret is refused.
    """
    import re
    import shutil

    from seedbed.base.errors import InputError
    from seedbed.base.files import atomic_folder, relative
    from seedbed.base.results import read_results
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run
    from seedbed.sharing.outgoing import check_outgoing, outgoing_files

    settings = load_settings()
    chosen = find_run(settings, run, complete=True)
    folder = chosen.folder
    check_outgoing(chosen, settings, trust)
    read_results(folder / "results.json")
    name = name or folder.name
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
        raise InputError(f"--as {name}: use letters, digits, '_' and '-'")
    report = settings.root / "reports" / name
    with atomic_folder(report) as target:
        for path in outgoing_files(folder, KEPT):
            copy = target / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)
            if path.suffix in (".ipynb", ".json"):
                forget_places(copy)
    print(
        f"{relative(report)}: published; `make docs` shows it, "
        f"and prose can quote it: {{{{ {name}.accuracy }}}}"
    )


def forget_places(path: Path):
    """Take out of a notebook or a record where its files lay on this machine."""
    import json

    record = json.loads(path.read_text(encoding="utf-8"))
    is_notebook = "cells" in record
    if is_notebook:
        record["metadata"].pop("papermill", None)
    remote = (record.get("git") or {}).get("remote")
    if remote and "://" not in remote and "@" not in remote:
        record["git"]["remote"] = None
    text = json.dumps(record, indent=1 if is_notebook else 2, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
