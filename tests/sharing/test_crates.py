"""Runs as Process Run Crates."""

import json

import pytest


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
