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
