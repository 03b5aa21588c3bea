"""Runs in MLflow, and as Process Run Crates."""

import json
import shutil
from pathlib import Path

import pytest

from seedbed.base.files import read_json
from seedbed.running.history import Run
from world import refused

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def run(tmp_path):
    """The published run in a folder of its own, as if its code had differed from the commit."""
    folder = shutil.copytree(ROOT / "reports/romania", tmp_path / "2026-01-01_000000-romania-abc")
    record = read_json(folder / "run.json")
    record["git"]["dirty"] = True
    (folder / "diff.patch").write_text("a difference\n")
    return Run(folder, record, read_json(folder / "results.json"), "complete")


def test_mlflow_has_settings_scores_origin_and_files(run, tmp_path):
    pytest.importorskip("mlflow")
    from seedbed.sharing.tracking import connect_mlflow, log_run

    store = str(tmp_path / "mlruns")
    client, logged = connect_mlflow(store), log_run(run, store)
    found = client.get_run(logged)
    assert (
        found.info.status == "FINISHED"
        and found.info.run_name == run.name
        and found.info.end_time > found.info.start_time
    )
    assert found.data.params["split.folds"] == str(run.results["settings"]["split"]["folds"])
    assert found.data.metrics["f1_score"] == run.results["f1_score"]
    for model in run.results["models"]:
        assert found.data.metrics[f"{model['model']}.value"] == model["value"]
    assert found.data.tags["mlflow.source.git.commit"] == run.record["git"]["commit"]
    assert found.data.tags["mlflow.source.git.dirty"] == "true"
    assert {"results.json", "diff.patch", "figures"} <= {
        a.path for a in client.list_artifacts(logged)
    }


def test_mlflow_takes_a_run_once_and_mends_one_cut_short(run, tmp_path):
    pytest.importorskip("mlflow")
    from seedbed.sharing.tracking import connect_mlflow, experiment_of, log_run, tags_of

    store = str(tmp_path / "mlruns")
    client = connect_mlflow(store)
    experiment = experiment_of(client, run.source)
    client.create_run(experiment, tags=tags_of(run))
    logged = log_run(run, store)
    assert [r.info.run_id for r in client.search_runs([experiment])] == [logged]
    refused(lambda: log_run(run, store), logged)


def test_a_crate_names_every_file_and_what_was_done(run):
    pytest.importorskip("rocrate")
    from seedbed.sharing.crates import write_crate

    for _ in range(2):
        path = write_crate(run)  # the second does not list the first
    by_id = {e["@id"]: e for e in json.loads(path.read_text())["@graph"]}
    files = {p.relative_to(run.folder).as_posix() for p in run.folder.rglob("*") if p.is_file()} - {
        path.name
    }
    ids = lambda entities: {e["@id"] for e in entities}
    assert ids(by_id["./"]["hasPart"]) == files
    done = by_id["#run"]
    assert (
        done["actionStatus"].endswith("CompletedActionStatus")
        and done["endTime"] == run.record["ended_at"]
    )
    assert ids(done["object"]) == {"#data", "diff.patch"} and ids(done["result"]) == files - {
        "diff.patch"
    }
    assert by_id["#data"]["identifier"] == run.results["data"]["fingerprint"]
    assert run.record["git"]["commit"] in by_id[done["instrument"]["@id"]]["softwareVersion"]
    assert by_id["./"]["conformsTo"]["@id"] == "https://w3id.org/ro/wfrun/process/0.5"
