"""`seedbed runs --diff` and `seedbed compare`: only what answers one question is subtracted."""

import copy
import json

import pytest

from seedbed.base.files import project_root, read_json

PUBLISHED = project_root(__file__) / "reports/romania/results.json"


@pytest.fixture
def two_runs(tmp_path):
    """A function that makes a project of a run and a changed one: changes by dotted path."""

    def make(**changes):
        first = read_json(PUBLISHED)
        first["data"]["labels"] = "1" * 64
        second = copy.deepcopy(first)
        second["models"][0]["value"] += 0.01
        for path, value in changes.items():
            place, key = second, path.split("__")
            for name in key[:-1]:
                place = place[name]
            place[key[-1]] = value
        for name, record in (("one", first), ("two", second)):
            folder = tmp_path / "runs" / name
            folder.mkdir(parents=True)
            (folder / "results.json").write_text(json.dumps(record | {"run_id": name}))
            (folder / "run.json").write_text(json.dumps({"status": "complete", "git": {}}))
            (folder / "settings.ini").write_text("[success]\nmetric = f1_score\n")
        (tmp_path / "settings.ini").write_text("[run]\nworkers = 1\n")
        return tmp_path

    return make


def test_scores_of_one_question_are_subtracted(two_runs, here):
    code, out, _ = here("runs", "--diff", "one", "two", cwd=two_runs())
    assert code == 0 and "results: the same" in out and "+0.0100, better" in out


@pytest.mark.parametrize(
    "change, said",
    [
        ({"split__claim": "new_year"}, "claim: within_region against new_year"),
        ({"data__labels": "0" * 64}, "labels or their truth: "),
        ({"split__fingerprint": "0" * 64}, "validation set: "),
        ({"data__target": "height"}, "target: label against height"),
    ],
)
def test_other_questions_are_said_and_never_subtracted(two_runs, here, change, said):
    root = two_runs(**change)
    code, out, _ = here("runs", "--diff", "one", "two", cwd=root)
    assert code == 0 and "not subtracted, since these differ: " in out and said in out
    assert "better with" not in out and "->" not in out and "seedbed compare" not in out
    code, _, err = here("compare", "one", "two", "--trust", cwd=root)
    assert code == 1 and "two cannot be compared with one: " in err and said in err


def test_another_metric_is_left_to_compare(two_runs, here):
    root = two_runs(primary__metric="accuracy", verdict__thresholds__usable=0.9)
    out = here("runs", "--diff", "one", "two", cwd=root)[1]
    assert "metric: f1_score against accuracy; seedbed compare one two scores both" in out
    assert "usable: 0.75 against 0.9" in out and "->" not in out


@pytest.mark.parametrize("width", ["60", "80", "120"])
def test_runs_fit_the_terminal_and_are_whole_on_request(two_runs, here, monkeypatch, width):
    root = two_runs()
    overrides = ["success.source=" + "a long reason " * 20]
    (root / "runs/one/run.json").write_text(
        json.dumps({"status": "complete", "git": {}, "overrides": overrides})
    )
    monkeypatch.setenv("COLUMNS", width)
    lines = here("runs", cwd=root)[1].splitlines()
    assert max(map(len, lines)) <= int(width) and any(line.startswith("one") for line in lines)
    assert any(
        "a long reason " * 20 in line for line in here("runs", "--wide", cwd=root)[1].splitlines()
    )
