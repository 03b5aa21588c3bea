"""What settings.ini can name, and what it says."""

from tests.support.notebooks import make_project


def test_settings_are_printed_with_overrides(tmp_path, here):
    code, out, _ = here(
        "settings",
        "-p",
        "split.folds=3",
        "-p",
        "split.block_km=2",
        cwd=make_project(tmp_path / "p"),
    )
    assert (
        code == 0
        and "folds = 3\n" in out
        and "block_km = 2.0\n" in out
        and "names = majority, tempcnn\n" in out
    )


def test_metrics_are_listed(here):
    line = next(line for line in here("metrics")[1].splitlines() if line.startswith("rmse"))
    assert line.split()[-1] == "smaller" and "regression" in line


def test_models_are_listed(here):
    assert any(line.startswith("majority ") for line in here("models")[1].splitlines())


def test_own_metrics_are_told_which_number_is_which_class(tmp_path, here):
    root = make_project(tmp_path / "p")
    (root / "runs/one").mkdir(parents=True)
    (root / "runs/one/run.json").write_text('{"status": "complete"}')
    (root / "runs/one/results.json").write_text('{"data": {"classes": ["rye", "oats"]}}')
    assert "In one: 0 rye, 1 oats" in here("metrics", cwd=root)[1]
