"""`seedbed publish`: a run becomes a page of the docs site."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from .options import RUN, Debug

KEPT = ("results.json", "run.json", "report.html", "*.ipynb", "figures/*.png", "area.json")


def publish(
    run: Annotated[str, typer.Argument(help=RUN)],
    name: Annotated[
        Optional[str],
        typer.Option(
            "--as",
            metavar="NAME",
            help="The report's name; prose quotes it as {{ NAME.f1_score }}.",
        ),
    ] = None,
    debug: Debug = False,
):
    """Copy a run's results, figures and executed notebooks to reports/, where the docs site finds them."""
    import re
    import shutil

    from seedbed.base.errors import InputError
    from seedbed.base.files import atomic_folder, relative
    from seedbed.base.results import read_results
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run

    settings = load_settings()
    root, folder = settings.root, find_run(settings, run, complete=True).folder
    read_results(folder / "results.json")
    name = name or folder.name
    if not re.fullmatch(r"[A-Za-z0-9][\w-]*", name):
        raise InputError(f"--as {name}: use letters, digits, '_' and '-'")
    with atomic_folder(root / "reports" / name) as target:
        for path in sorted(p for pattern in KEPT for p in folder.glob(pattern)):
            (target / path.relative_to(folder)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target / path.relative_to(folder))
            if path.suffix in (".ipynb", ".json"):
                forget_places(target / path.relative_to(folder))
    print(
        f"{relative(root / 'reports' / name)}: published; `make docs` shows it, and prose can quote it: {{{{ {name}.accuracy }}}}"
    )


def forget_places(path: Path):
    """Take out of a notebook or a record where its files lay on this machine: a reader has no use for that."""
    import json

    record = json.loads(path.read_text(encoding="utf-8"))
    if "cells" in record:
        record["metadata"].pop("papermill", None)
    remote = (record.get("git") or {}).get("remote")
    if remote and "://" not in remote and "@" not in remote:
        record["git"]["remote"] = None
    path.write_text(
        json.dumps(record, indent=1 if "cells" in record else 2, ensure_ascii=False) + "\n",
        encoding="utf-8",
    )
