"""A run of quick models on a sample, with its report."""

import json
import re

import pytest
from nbdev.test import test_nb as run_notebook

from seedbed.base.settings import load_settings, to_ini
from seedbed.compare import compare
from seedbed.export import export
from seedbed.model import cross_validate
from seedbed.models.registry import find_model
from seedbed.process import process
from tests.support.paths import ROOT


def a_run(folder, *overrides):
    """A run of quick models on a sample, with its report, and its dataset."""
    settings = load_settings(
        overrides=[
            "models.names=majority, logistic_regression",
            "run.resamples=200",
            f"paths.exports={folder}/exports",
            f"paths.processed={folder}/processed",
            f"paths.runs={folder}",
            *overrides,
        ]
    )
    run = folder / "run"
    run.mkdir()
    (run / "settings.ini").write_text(to_ini(settings))
    export(settings), process(settings)
    path = settings.root / settings.processed_dir / "dataset.h5"
    for name in settings.models.names:
        cross_validate(find_model(name)(0, settings.models), path, settings=settings, run_dir=run)
    compare(run, settings, str(run))
    with pytest.MonkeyPatch.context() as patch:
        (
            patch.setenv("SEEDBED_ROOT", str(settings.root)),
            patch.setenv("SEEDBED_SETTINGS", str(run / "settings.ini")),
            patch.setenv("SEEDBED_RUN", str(run)),
        )
        assert run_notebook(ROOT / "nbs/07_report.ipynb", showerr=True)[0]
    return run, path


def data_of(run):
    """The data that the page's script reads."""
    text = (run / "report.html").read_text()
    return json.loads(
        re.search(r'<script type="application/json" id="report-data">(.*?)</script>', text, re.S)[1]
    )
