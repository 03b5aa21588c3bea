"""`seedbed share`: a run for MLflow, and for an archive."""

from typing import Annotated, Optional

import typer

from .options import Debug, RunName, Trust

Store = Annotated[
    Optional[str],
    typer.Option(
        "--mlflow",
        metavar="STORE",
        help="Log the run into this MLflow store: a folder, or an address like "
        "http://localhost:5000.",
    ),
]
Crate = Annotated[
    bool,
    typer.Option(
        "--rocrate", help="Write ro-crate-metadata.json into the run's folder, for an archive."
    ),
]


def share(
    run: RunName,
    mlflow: Store = None,
    rocrate: Crate = False,
    trust: Trust = False,
    debug: Debug = False,
):
    """Log a run into MLflow, or describe its folder for an archive as a Process Run Crate.

    A run of which a file was altered, is a link or holds a secret is refused.
    """
    from seedbed.base.errors import InputError
    from seedbed.base.files import relative
    from seedbed.base.settings import load_settings
    from seedbed.running.history import find_run
    from seedbed.sharing.outgoing import check_outgoing

    if not (mlflow or rocrate):
        raise InputError("seedbed share: say where to, with --mlflow STORE or --rocrate or both")
    settings = load_settings()
    chosen = find_run(settings, run)
    check_outgoing(chosen, settings, trust)
    if mlflow:
        from seedbed.sharing.tracking import log_run

        print(f"{chosen.name}: logged into {mlflow} as {log_run(chosen, mlflow)}")
    if rocrate:
        from seedbed.sharing.crates import write_crate

        print(f"{relative(write_crate(chosen))}: written")
