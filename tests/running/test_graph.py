"""What a change runs again, and why."""

import nbformat
import pytest

from seedbed.base.errors import InputError
from tests.support.notebooks import all_of, edit, executed, record_of

pytestmark = pytest.mark.slow


def prose(root):
    edit(root, "02_process", "\n%matplotlib inline\n!ls\n# a comment\n")
    nb = nbformat.read(p := root / "nbs/02_process.ipynb", 4)
    nb.cells.insert(0, nbformat.v4.new_markdown_cell("More prose."))
    nbformat.write(nb, p)


def docstring(root):
    (root / "nbs/helper.py").write_text(
        "def used():\n    'What it is.'\n    return 1 # one\n\n\ndef unused(): return 2\n"
    )


def touch(root):
    for path in [*root.rglob("*.ipynb"), *root.rglob("*.py"), *root.rglob("*.h5")]:
        path.touch()


def unused(root):
    (root / "nbs/helper.py").write_text("def used(): return 1\ndef unused(): return 3\n")


def outputs(root):
    nb = nbformat.read(p := root / "nbs/02_process.ipynb", 4)
    nb.cells[-1].outputs = [nbformat.v4.new_output("stream", text="x")]
    nb.cells[-1].execution_count = 7
    nbformat.write(nb, p)


def not_run(root):
    nb = nbformat.read(p := root / "nbs/02_process.ipynb", 4)
    nb.cells.append(nbformat.v4.new_code_cell("#| eval: false\n1 / 0"))
    nbformat.write(nb, p)


OTHERS = (docstring, touch, unused, outputs, not_run)


@pytest.mark.parametrize(
    "change", [prose, *(pytest.param(c, marks=pytest.mark.slow) for c in OTHERS)]
)
def test_what_changes_nothing_runs_nothing(made, change):
    root, _ = made
    change(root)
    assert executed(root)[0] == []


@pytest.mark.parametrize(
    "change, overrides, begun, said",
    [
        (
            None,
            ["split.folds=7"],
            ["02_process", "03_dataset", "04_model/majority/seed_0", "05_compare"],
            "split.folds 5 -> 7",
        ),
        (
            lambda root: (root / "nbs/helper.py").write_text("def used(): return 3\n"),
            [],
            ["02_process"],
            "used in helper has changed",
        ),
        (
            lambda root: edit(root, "02_process", "return 2", cell=3, replace="return 1"),
            [],
            ["02_process"],
            "its answer in 02_process has changed",
        ),
        (
            lambda root: edit(root, "02_process", "more = 1\n"),
            [],
            ["02_process"],
            "the notebook's cells have changed",
        ),
        (
            None,
            ["dataset.batch_size=32"],
            ["03_dataset"],
            "dataset.batch_size 64 -> 32",
        ),
        (None, ["run.workers=1"], [], ""),
    ],
)
def test_what_a_change_runs_again_and_why(made, change, overrides, begun, said):
    root, _ = made
    if change:
        change(root)
    found, run = executed(root, *overrides)
    assert found[: len(begun)] == begun and (len(found) == len(begun) or begun[-1] == "05_compare")
    if begun:
        assert record_of(run)["graph"][begun[0]]["why"] == [said]


def test_another_dataset_runs_all_that_stands_on_it(made):
    root, _ = made
    edit(
        root,
        "02_process",
        "'{settings.split.folds} FOLDS'",
        replace="'{settings.split.folds} folds'",
    )
    found, run = executed(root)
    assert found[:4] == ["02_process", "03_dataset", "04_model/majority/seed_0", "05_compare"]
    assert record_of(run)["graph"]["04_model/majority/seed_0"]["why"] == [
        "what 02_process has made has changed"
    ]
    assert record_of(run)["graph"]["01_export"]["reused"]


def test_a_model_added_runs_that_model(made):
    root, _ = made
    found = executed(root, "models.names=majority, coordinates")[0]
    assert found[:2] == ["04_model/coordinates/seed_0", "05_compare"]


def test_force_runs_again_what_is_named(made):
    root, _ = made
    found, run = executed(root, force=["03"])
    assert found == ["03_dataset"] and record_of(run)["graph"]["03_dataset"]["why"] == ["--force"]
    assert all_of(executed(root, force=["all"])[0])
    with pytest.raises(InputError, match="did you mean '03_dataset'"):
        executed(root, force=["03_datase"])


def test_label_rasters_are_files_of_the_source(tmp_path):
    from seedbed.base.settings import make_settings
    from seedbed.running.graph import outside_files

    (tmp_path / "scene.tif").touch()
    (tmp_path / "mask.tif").touch()
    given = {"source": {"name": "scene:scene.tif"}, "labels": {"masks": "mask.tif"}}
    found = outside_files(make_settings(given, root=tmp_path))
    assert (tmp_path / "mask.tif", ()) in found
