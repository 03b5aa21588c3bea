"""`seedbed publish`: what a report needs is copied, and no place of this machine."""

import json
import shutil
import sys
from pathlib import Path

from seedbed.sharing.quotes import fill_in
from tests.support.pages import RESULTS, notebook
from tests.support.paths import ROOT
from tests.support.world import refused


def test_publish_copies_what_a_report_needs(tmp_path, monkeypatch, capsys):
    for name in ("2026-01-01_a", "2026-01-02_b"):
        (tmp_path / "runs" / name / "figures").mkdir(parents=True)
        for file in ("results.json", "run.json"):
            (tmp_path / "runs" / name / file).write_text(json.dumps(RESULTS))
        (tmp_path / "runs" / name / "figures/scores.png").write_bytes(b"picture")
        (tmp_path / "runs" / name / "05_compare.ipynb").write_text(notebook("# Compare"))
    shutil.copy(ROOT / "settings.ini", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "seedbed.base.results.read_results", lambda path: json.loads(Path(path).read_text())
    )
    sys.modules["seedbed.cli.publish"].publish("latest", name="pilot", trust=True)
    assert sorted(
        p.relative_to(tmp_path / "reports").as_posix()
        for p in (tmp_path / "reports").rglob("*")
        if p.is_file()
    ) == [
        "pilot/05_compare.ipynb",
        "pilot/figures/scores.png",
        "pilot/results.json",
        "pilot/run.json",
    ]
    assert (
        fill_in("{{ pilot.f1_score:.1% }}", tmp_path) == "87.0%"
        and "pilot.accuracy" in capsys.readouterr().out
    )
    refused(
        lambda: sys.modules["seedbed.cli.publish"].publish("2026-01-03_c", trust=True),
        "no such complete run",
        "did you mean",
    )
    refused(
        lambda: sys.modules["seedbed.cli.publish"].publish("latest", name="../x", trust=True),
        "--as ../x",
    )


def test_a_published_run_does_not_say_where_it_lay(tmp_path):
    forget = sys.modules["seedbed.cli.publish"].forget_places
    for name, record in (
        (
            "a.ipynb",
            {
                "cells": [],
                "metadata": {"papermill": {"input_path": "/home/me/nbs/a.ipynb"}, "kernelspec": {}},
            },
        ),
        ("run.json", {"git": {"remote": "/home/me/seedbed"}}),
        ("results.json", {"git": {"remote": "git@github.com:me/seedbed"}}),
    ):
        (tmp_path / name).write_text(json.dumps(record))
        forget(tmp_path / name)
    kept = {p.name: json.loads(p.read_text()) for p in tmp_path.iterdir()}
    assert "/home/me" not in json.dumps(kept) and kept["a.ipynb"]["metadata"] == {"kernelspec": {}}
    assert kept["results.json"]["git"]["remote"] == "git@github.com:me/seedbed"
