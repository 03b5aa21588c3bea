"""Runs in MLflow."""

import pytest

from tests.support.world import refused


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
