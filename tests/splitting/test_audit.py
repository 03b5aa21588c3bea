"""Planted leaks that the audit must find."""

import json

import numpy as np
import pytest
import shapely

from seedbed.imagery.labels import read_labels
from seedbed.splitting.audit import audit, audit_folds, identical, must_fail, near_identical

# --- the audit ---


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A processed project: the arguments of `audit`, in which nothing leaks."""
    from tests.support.world import build

    world = build(
        tmp_path_factory.mktemp("audit"),
        36,
        "polygon",
        {"process.sampling": "pixels", "process.pixels_per_label": "4"},
        group=[f"g{i}" for i in range(36)],
    )
    out = world.run()
    settings = world.settings()
    shapes = read_labels(settings.root / settings.export_dir / "labels.geojson").geometry.values
    meta = out.pop("facts")
    return (
        out,
        shapes,
        json.loads(meta["split"]),
        json.loads(meta["classes"]),
        {k: meta[k] for k in ("mean", "std", "medians")},
    )


def planted(clean, change):
    """What the audit finds after a change to a copy."""
    arrays, shapes, split, classes, meta = clean
    arrays = {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in arrays.items()}
    shapes, meta, split = shapes.copy(), {k: v[0] for k, v in meta.items()}, dict(split)
    change(arrays, shapes, meta, split)
    return must_fail(audit(arrays, shapes, split, classes, meta))


def rows(arrays, side):
    """Samples of a side."""
    return np.flatnonzero(arrays["split"] == side)


def label_rows(arrays, side):
    """Numbers of the labels of a side, as `shapes` counts them."""
    first = np.sort(np.unique(arrays["label_id"], return_index=True)[1])
    return np.flatnonzero(arrays["split"][first] == side)


def test_nothing_planted(clean):
    """The pipeline's own split passes."""
    assert planted(clean, lambda *_: None) == []


def test_planted_label_on_both_sides(clean):
    """One pixel of a validation field goes to training."""

    def change(arrays, shapes, meta, split):
        arrays["split"][rows(arrays, "val")[1]] = "train"

    assert any("a label on both sides" in line for line in planted(clean, change))


def test_planted_group(clean):
    """A training field belongs to the farmer of a validation field."""

    def change(arrays, shapes, meta, split):
        arrays["group"][rows(arrays, "train")[0]] = arrays["group"][rows(arrays, "val")[0]]

    found = planted(clean, change)
    assert any("a group on both sides" in line for line in found) and len(found) == 1


def test_planted_values(clean):
    """A validation sample is a copy of a training sample, under another id."""

    def change(arrays, shapes, meta, split):
        arrays["X"][rows(arrays, "val")[2]] = arrays["X"][rows(arrays, "train")[5]]

    assert any("the same values on both sides" in line for line in planted(clean, change))


def test_planted_touch(clean):
    """A training field touches a validation field."""

    def change(arrays, shapes, meta, split):
        shapes[label_rows(arrays, "train")[0]] = shapely.affinity.translate(
            shapes[label_rows(arrays, "val")[0]], 1e-5
        )

    found = planted(clean, change)
    assert any("touch" in line for line in found) and any(
        "inside of the buffer" in line for line in found
    )


def test_planted_neighbour(clean):
    """A training field lies inside of the buffer, without touching."""

    def change(arrays, shapes, meta, split):
        shapes[label_rows(arrays, "train")[0]] = shapely.affinity.translate(
            shapes[label_rows(arrays, "val")[0]], 0.005
        )

    found = planted(clean, change)
    assert any("inside of the buffer" in line for line in found) and not any(
        "touch" in line for line in found
    )


def test_planted_touch_of_a_large_shape(clean):
    """A training field whose middle is far away touches a validation field."""

    def change(arrays, shapes, meta, split):
        middle = shapes[label_rows(arrays, "val")[0]].centroid
        shapes[label_rows(arrays, "train")[0]] = shapely.box(
            middle.x, middle.y, middle.x + 5, middle.y + 0.0001
        )

    assert any("touch" in line for line in planted(clean, change))


@pytest.mark.parametrize("key", ["mean", "std"])
def test_planted_statistics(clean, key):
    """Means and deviations are those of all samples."""

    def change(arrays, shapes, meta, split):
        X = arrays["X"].astype(float)
        meta[key] = (X.mean((0, 1)) if key == "mean" else X.std((0, 1))).astype(np.float32)

    assert (
        planted(clean, change)
        == [line for line in planted(clean, change) if "statistics" in line]
        != []
    )


def test_a_leak_in_any_fold_is_found(clean):
    """All folds are audited, not only the first."""
    arrays, shapes, split, classes, meta = clean
    assert (
        must_fail(audit_folds(arrays | {"split": arrays["sides"]}, shapes, split, classes, meta))
        == []
    )
    for number in range(len(arrays["sides"]) - 1):
        sides = arrays["sides"].copy()
        sides[number, np.flatnonzero(sides[number] == "val")[0]] = "train"
        found = must_fail(audit_folds(arrays | {"split": sides}, shapes, split, classes, meta))
        assert any("a label on both sides" in line for line in found)


# --- planted leaks, through the whole stage ---


def test_near_copies_are_found_among_many():
    """Copies with a little noise are found, and nothing else; an outlier changes nothing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 8, 4))
    X[2000:2010] = X[:10] + rng.normal(size=(10, 8, 4)) * 0.003
    X[50] *= 1000
    pairs = near_identical(X, identical(X))
    assert sorted(tuple(sorted(map(int, pair))) for pair in pairs.T) == [
        (i, 2000 + i) for i in range(10)
    ]
    assert near_identical(np.zeros((50, 8, 4)), np.arange(50)).shape == (2, 0)
