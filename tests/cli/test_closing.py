"""The table at the end of a run."""

import io

import pytest
from rich.console import Console

from seedbed.cli.closing import closing_columns, fitting, print_results
from tests.support.notebooks import make_project, the_run

ROWS = [
    {
        "model": "random_forest",
        "seeds": [0, 1, 2],
        "value": 0.842,
        "ci": [0.751, 0.896],
        "verdict": "usable",
        "difference": {"to": "coordinates", "value": 0.327, "ci": [0.1, 0.5]},
        "worst_region": {"region": "south_east", "n": 68, "value": 0.75},
        "parameters": 19010.67,
        "fit_s": 0.33,
        "us_per_sample": 91.7,
    },
    {
        "model": "coordinates",
        "seeds": [0],
        "value": 0.515,
        "ci": None,
        "verdict": "not usable",
        "difference": None,
        "worst_region": None,
        "parameters": None,
        "fit_s": 0.01,
        "us_per_sample": 2.0,
    },
]
RESULTS = {
    "primary": {"metric": "f1_score", "value": 0.842},
    "best_model": "random_forest",
    "models": ROWS,
    "verdict": {"status": "usable", "reasons": ["f1 is [high]"]},
    "warnings": ["few blocks"],
}


def test_whether_pretraining_pays_is_said():
    console, sentence = Console(file=io.StringIO(), width=200), "presto: undecided, for the claim"
    print_results(RESULTS | {"pretraining": [{"sentence": sentence}]}, console)
    assert f"\npretraining: {sentence}\n" in console.file.getvalue()


@pytest.mark.slow
def test_a_complete_run_ends_with_the_table_and_the_place(tmp_path, here):
    write = "import json\nfolder = settings.root / run_dir\n"
    score = (
        write
        + "place = folder / 'models' / model / f'seed_{seed}'\n(place / 'results.json').write_text(json.dumps({'primary': {'metric': 'f1_score', 'value': .5}}));"
    )
    root = make_project(
        tmp_path / "p",
        model=[score],
        compare=[write + f"(folder / 'results.json').write_text(json.dumps({RESULTS!r}));"],
    )
    code, out, err = here("run", "-p", "models.names=majority", cwd=root)
    assert code == 0 and err == ""
    lines = out.splitlines()
    assert any(
        line.startswith("04_model/majority/seed_0")
        and "macro-F1 0.500" in line
        and line.endswith(" s")
        for line in lines
    )
    assert any(
        line.startswith("random_forest") and "0.842 [0.751, 0.896]" in line and "usable" in line
        for line in lines
    )
    ended = [line.split()[0] if line else "" for line in lines]
    assert ended.index("05_compare") < ended.index("random_forest") < ended.index("06_map")
    assert (
        "  f1 is [high]" in lines
        and "warning: few blocks" in lines
        and lines[-1] == f"The run: runs/{the_run(root).name}"
    )
    assert (
        max(len(line) for line in lines if not line.startswith("note:")) <= 100
        and "\x1b" not in out
    )


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_the_table_fits_and_keeps_what_matters(width):
    file = io.StringIO()
    print_results(RESULTS, Console(file=file, width=width))
    text = file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    for word in (
        "random_forest",
        "0.842 [0.751, 0.896]",
        "not usable",
        "verdict: random_forest is usable",
        "few blocks",
    ):
        assert word in text
    assert ("19,011" in text) == (width == 140) and ("south_east 0.750 (n=68)" in text) == (
        width >= 100
    )


def printed(results):
    """What a run's end says, on a wide terminal."""
    file = io.StringIO()
    print_results(results, Console(file=file, width=200))
    return file.getvalue()


def test_a_baseline_is_never_crowned():
    rows = [ROWS[0], ROWS[1] | {"sees": "coordinates", "verdict": "usable"}]
    headline = "no model beats coordinates, a non-imagery baseline"
    verdict = RESULTS["verdict"] | {"headline": headline}
    text = printed(RESULTS | {"models": rows, "verdict": verdict})
    assert f"verdict: {headline}" in text
    line = next(line for line in text.splitlines() if line.startswith("coordinates"))
    assert line.rstrip().endswith("baseline") and "usable" not in line


def test_the_score_is_called_by_its_title():
    assert "macro-F1" in printed(RESULTS).splitlines()[0]
    primary = RESULTS["primary"] | {"metric": "f1:crop", "title": "F1 of crop"}
    assert "F1 of crop" in printed(RESULTS | {"primary": primary}).splitlines()[0]


def test_a_tuned_threshold_is_shown_where_it_changes_something():
    threshold = {"shipped": 0.2, "tuned_by": "f1_score", "scores": {"f1_score": {"value": 0.61}}}
    text = printed(RESULTS | {"f1_score": 0.5, "threshold": threshold})
    rows = [{"class": "crop"}, {"class": "rest"}]
    named = printed(RESULTS | {"threshold": threshold | {"per_class": rows}})
    assert "tuned threshold 0.2 of rest: macro-F1" in named
    assert "tuned threshold 0.2: macro-F1 0.610 in place of 0.842" in text
    assert "map.threshold = tuned" in text
    assert "tuned" not in printed(RESULTS | {"threshold": threshold | {"shipped": 0.5}})


def test_a_table_of_bare_rows_is_no_error():
    bare = {
        "models": [{"model": "a[b]", "value": None, "ci": None, "verdict": "undecided", "seeds": 1}]
    }
    assert [heading for heading, _, _ in closing_columns(bare)] == [
        "model",
        "score",
        "seeds",
        "verdict",
    ]
    file = io.StringIO()
    print_results(bare, Console(file=file, width=80))
    assert "a[b]" in file.getvalue()
    print_results({}, Console(file=io.StringIO()))


def test_the_least_important_column_goes_first():
    columns = [("a", 0, ["x" * 10]), ("b", 2, ["x" * 10]), ("c", 1, ["x" * 10])]
    assert [heading for heading, _, _ in fitting(columns, 30)] == ["a", "c"] and [
        heading for heading, _, _ in fitting(columns, 5)
    ] == ["a"]
