"""Nothing that validation holds can be answered from memory: properties of the split, and leaks that the audit must catch."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seedbed.base.settings import Split
from seedbed.imagery.labels import read_labels
from seedbed.splitting.audit import audit, audit_folds, must_fail
from seedbed.splitting.blocks import (
    assign,
    blocks,
    choose_fold,
    distances,
    hashed_folds,
    systematic_folds,
    uncovered,
    within_buffer,
)
from seedbed.splitting.folds import make_split, with_final
from world import make_labels, pixels, refused

GEOD = pyproj.Geod(ellps="WGS84")
FEW = budget(max_examples=40, deadline=None, derandomize=True)
LATITUDES = st.one_of(
    st.floats(-90, 90), st.sampled_from([-90.0, -89.99, -60.0, 0.0, 45.0, 89.9, 90.0])
)
LONGITUDES = st.one_of(
    st.floats(-180, 180), st.sampled_from([-180.0, -179.999, 0.0, 179.999, 180.0])
)


def geodesic_km(a, b):
    """Distances on the ellipsoid between all pairs of points [n, 2] and [m, 2]."""
    i, j = np.meshgrid(np.arange(len(a)), np.arange(len(b)), indexing="ij")
    return GEOD.inv(*a[i.ravel()].T, *b[j.ravel()].T)[2].reshape(len(a), len(b)) / 1000


def cloud(seed, count, lon, lat, spread):
    """Places around a place, anywhere on Earth, in degrees of a great circle."""
    rng = np.random.default_rng(seed)
    far = 111_195 * spread * np.sqrt(rng.random(count))
    x, y, _ = GEOD.fwd(np.full(count, lon), np.full(count, lat), rng.uniform(0, 360, count), far)
    return np.column_stack([x, y])


def frame_of(xy, classes=("a", "b"), seed=0, **columns):
    """Canonical labels at places."""
    rng = np.random.default_rng(seed)
    table = {"id": [f"p{i:04d}" for i in range(len(xy))], "label": rng.choice(classes, len(xy))}
    return gpd.GeoDataFrame(table | columns, geometry=shapely.points(xy), crs=4326)


def blobs(rng, xy, size):
    """Random triangles and slivers around places; `size` in degrees of latitude."""
    out = []
    for x, y in xy:
        offset = rng.normal(0, size, (3, 2)) * rng.choice([0.05, 1, 3], (1, 2))
        offset[:, 0] /= max(np.cos(np.radians(y)), 0.05)
        out.append(shapely.convex_hull(shapely.multipoints(np.array([x, y]) + offset)))
    return np.array(out)


def plane_km(a, others):
    """An independent distance from a shape to the nearest of others: pyproj's azimuthal equidistant plane around the first."""
    middle = a.centroid
    move = pyproj.Transformer.from_crs(
        "EPSG:4326", f"+proj=aeqd +lat_0={middle.y} +lon_0={middle.x} +datum=WGS84", always_xy=True
    ).transform
    flat = shapely.transform(np.array([a, *others]), lambda xy: np.column_stack(move(*xy.T)))
    return shapely.distance(flat[0], flat[1:]).min() / 1000


def one_fold(labels, suggested={}, **options):
    """`make_split` of a single fold: its side, the blocks and the record."""
    sides, block, record = make_split(
        labels, Split(cross_validate=False, **options), suggested, sorted(set(labels["label"]))
    )
    assert len(sides) == 1
    return sides[0], block, record


# --- blocks ---------------------------------------------------------------------------------------------------------------------


@FEW
@given(
    hnp.arrays(float, st.integers(1, 40), elements=LONGITUDES),
    st.data(),
    st.floats(0.05, 500),
    st.integers(0, 99),
)
def test_blocks_anywhere(lon, data, size, seed):
    """A block depends on a place, the size and the seed alone, and nothing in it is farther apart than its diagonal."""
    lat = data.draw(hnp.arrays(float, len(lon), elements=LATITUDES))
    row, column = blocks(lon, lat, size, seed)
    assert (row >= 0).all() and (column >= 0).all()
    order = np.random.default_rng(0).permutation(len(lon))
    again = blocks(lon[order], lat[order], size, seed)
    assert np.array_equal(again[0], row[order]) and np.array_equal(again[1], column[order])
    alone = blocks(lon[:1], lat[:1], size, seed)
    assert (alone[0][0], alone[1][0]) == (row[0], column[0])


@FEW
@given(LONGITUDES, st.floats(-80, 80), st.floats(0.2, 50), st.integers(0, 10**6))
def test_blocks_are_small(lon, lat, size, seed):
    """Places in one block lie within about a diagonal of it."""
    xy = cloud(seed, 60, lon, lat, size / 80)
    row, column = blocks(*xy.T, size)
    for key in set(zip(row, column)):
        here = xy[(row == key[0]) & (column == key[1])]
        assert geodesic_km(here, here).max() <= 1.6 * size


# --- folds ----------------------------------------------------------------------------------------------------------------------


@FEW
@given(st.integers(2, 12), st.integers(0, 50), LONGITUDES, st.floats(-75, 75))
def test_systematic_folds_are_balanced(folds, seed, lon, lat):
    """Where places are spread evenly, every fold gets its share."""
    xy = cloud(1, 4000, lon, lat, 2)
    fold = systematic_folds(*blocks(*xy.T, 10), folds, seed)
    share = np.bincount(fold, minlength=folds) / len(fold)
    assert len(share) == folds and share.min() > 0.6 / folds and share.max() < 1.5 / folds


@pytest.mark.parametrize("folds", [2, 3, 5, 10])
def test_neighbouring_blocks_differ(folds):
    """Blocks side by side lie in different folds, for every seed."""
    row, column = (v.ravel() for v in np.mgrid[:20, :20])
    for seed in range(6):
        fold = systematic_folds(row, column, folds, seed).reshape(20, 20)
        assert (fold[:, 1:] != fold[:, :-1]).all() and (fold[1:] != fold[:-1]).all()


@pytest.mark.parametrize("folds", [2, 3, 4, 5, 6])
def test_seeds_give_other_folds(folds):
    """Another seed is another way to part the labels, and not the same parts under other numbers."""
    labels = frame_of(cloud(0, 300, 26, 45, 1))

    def parts(seed):
        sides = make_split(
            labels, Split(block_km=10, buffer_km=0, folds=folds, seed=seed), classes=("a", "b")
        )[0]
        return frozenset(frozenset(np.flatnonzero(side == "val")) for side in sides)

    assert len({parts(seed) for seed in range(8)}) == 8


@FEW
@given(
    st.lists(st.text(max_size=8), min_size=1, max_size=60), st.integers(2, 9), st.integers(0, 99)
)
def test_hashed_folds(names, folds, seed):
    """Equal names share a fold, whatever else is there and in whatever order."""
    fold = hashed_folds(names, folds, seed)
    assert fold.min() >= 0 and fold.max() < folds
    for name, number in zip(names, fold):
        assert hashed_folds([name], folds, seed)[0] == number
    assert np.array_equal(hashed_folds(names[::-1], folds, seed), fold[::-1])


def test_hashed_folds_are_balanced():
    """Chance is fair."""
    share = np.bincount(hashed_folds([f"n{i}" for i in range(5000)], 5)) / 5000
    assert share.min() > 0.17 and share.max() < 0.23


# --- distance -------------------------------------------------------------------------------------------------------------------


@FEW
@given(LONGITUDES, LATITUDES, st.floats(0.0001, 1), st.integers(0, 10**6))
def test_distances_of_points(lon, lat, spread, seed):
    """Distance agrees with the geodesic to the sphere's 0.6 %, at the poles and across the antimeridian too."""
    xy = cloud(seed, 30, lon, lat, spread)
    ours = distances(shapely.points(xy[:15]), shapely.points(xy[15:]))
    true = GEOD.inv(*xy[:15].T, *xy[15:].T)[2] / 1000
    assert np.allclose(ours, true, rtol=0.006, atol=2e-6)


@FEW
@given(LONGITUDES, LATITUDES, st.floats(0.05, 30), st.integers(0, 10**6))
def test_near_of_points(lon, lat, buffer, seed):
    """`within_buffer` is the brute force search, all over the Earth."""
    xy = cloud(seed, 80, lon, lat, buffer / 30)
    true = geodesic_km(xy[:40], xy[40:]).min(1)
    found = within_buffer(shapely.points(xy[:40]), shapely.points(xy[40:]), buffer)
    assert found[true < 0.993 * buffer].all() and not found[true > 1.007 * buffer].any()


@FEW
@given(
    LONGITUDES, st.floats(-75, 75), st.floats(0, 20), st.floats(0.001, 0.3), st.integers(0, 10**6)
)
def test_near_of_polygons(lon, lat, buffer, size, seed):
    """`within_buffer` is the brute force search for shapes of any size and form; slivers reach far beyond their middle."""
    rng = np.random.default_rng(seed)
    shapes = blobs(rng, cloud(seed, 24, np.clip(lon, -170, 170), lat, 0.7), size)
    train, val = shapes[:10], shapes[10:]
    true = np.array([plane_km(a, val) for a in train])
    found = within_buffer(train, val, buffer)
    slack = 0.012 * buffer + 0.01 * size * 111
    assert found[true <= 0].all()
    assert found[true < buffer - slack].all() and not found[true > buffer + slack].any()


def test_near_of_a_sliver():
    """The tip of a long field lies far from its middle."""
    sliver = shapely.Polygon([(26, 45), (26, 45.1), (26.5, 45.05)])
    tip = shapely.Point(26.5005, 45.05)
    assert within_buffer(np.array([sliver]), np.array([tip]), 0.1).tolist() == [True]
    assert within_buffer(np.array([tip]), np.array([sliver]), 0.1).tolist() == [True]


def test_near_across_the_antimeridian():
    """A field that the date line cuts in two still has neighbours on both sides, and none at Greenwich."""
    cut = shapely.MultiPolygon(
        [shapely.box(179.99, -17, 180, -16.99), shapely.box(-180, -17, -179.99, -16.99)]
    )
    others = shapely.points(
        [[179.985, -16.995], [-179.985, -16.995], [0, -16.995], [179.5, -16.995]]
    )
    assert within_buffer(others, np.array([cut]), 1.0).tolist() == [True, True, False, False]
    assert within_buffer(np.array([cut]), others[2:3], 100.0).tolist() == [False]


def test_shapes_that_share_an_edge_touch():
    """Neighbours touch, also where one has a corner more, and wherever they lie."""
    for x, y in ((26, 45), (-70.3, -33.123), (17.7, 69.9)):
        a = shapely.box(x, y, x + 0.003, y + 0.001)
        b = shapely.Polygon(
            [(x, y), (x + 0.0017, y), (x + 0.003, y), (x + 0.003, y - 0.001), (x, y - 0.001)]
        )
        assert distances(np.array([a]), np.array([b]))[0] == 0
        assert within_buffer(np.array([a]), np.array([b]), 0).all()


def test_near_of_none():
    """No train or no validation: nothing is near."""
    some, none = shapely.points([[26.0, 45.0]]), np.array([], object)
    assert within_buffer(none, some, 1).tolist() == [] and within_buffer(
        some, none, 1
    ).tolist() == [False]


# --- assign and choose ----------------------------------------------------------------------------------------------------------


@FEW
@given(
    LONGITUDES,
    LATITUDES,
    st.floats(0.5, 30),
    st.floats(0, 8),
    st.integers(2, 6),
    st.integers(0, 10**6),
)
def test_the_split_keeps_its_word(lon, lat, block, buffer, folds, seed):
    """No group on two sides, no train label within the buffer, no validation label lost, the same every time."""
    xy = cloud(seed, 120, lon, lat, block / 20)
    rng = np.random.default_rng(seed)
    group = rng.choice(["", "", "", *"abcdefghijkl"], len(xy))
    fold = systematic_folds(*blocks(*xy.T, block), folds)
    side = assign(fold, 0, shapely.points(xy), buffer, group)
    assert set(side) <= {"train", "val", "dropped"} and np.array_equal(side == "val", fold == 0)
    assert not (set(group[side == "train"]) & set(group[side == "val"])) - {""}
    if (side == "train").any() and (side == "val").any():
        assert geodesic_km(xy[side == "train"], xy[side == "val"]).min() >= buffer * 0.993
    order = rng.permutation(len(xy))
    assert np.array_equal(
        assign(fold[order], 0, shapely.points(xy)[order], buffer, group[order]), side[order]
    )


@FEW
@given(
    st.integers(40, 150),
    st.integers(1, 80),
    st.sampled_from(["blocks", "random", "column"]),
    st.integers(0, 4),
    st.integers(0, 10**6),
)
def test_more_labels_move_nobody_across(count, more, method, number, seed):
    """A label that was for training never becomes validation when others are added, nor the other way round."""
    xy = cloud(seed, count + more, 26, 45, 1)
    labels = frame_of(xy, seed=seed, owner=[f"o{i % 40}" for i in range(count + more)])
    before, after = (
        one_fold(part, method=method, column="owner", fold=number)[0]
        for part in (labels[:count], labels)
    )
    assert {(a, b) for a, b in zip(before, after) if a != b} <= {("train", "dropped")}


@FEW
@given(st.integers(0, 10**6), st.integers(2, 6))
def test_every_label_is_validated_once(seed, folds):
    """Folds in turn: each label is answered once, by a model that has never been near it."""
    xy = cloud(seed, 150, 26, 45, 1)
    labels = frame_of(
        xy, seed=seed, group=np.random.default_rng(seed).choice([*[""] * 9, *"abcdef"], 150)
    )
    sides, block, record = make_split(labels, Split(folds=folds), {}, ["a", "b"])
    assert (
        ((sides == "val").sum(0) == 1).all()
        and record["cross_validated"]
        and len(record["fold_names"]) == len(sides)
    )
    for side in sides:
        assert not (set(labels["group"][side == "train"]) & set(labels["group"][side == "val"])) - {
            ""
        }
        assert geodesic_km(xy[side == "train"], xy[side == "val"]).min() >= 0.993
    assert (with_final(sides)[-1] == "train").all() and np.array_equal(
        with_final(sides)[:-1], sides
    )


def test_make_split_in_any_order():
    """The order of the rows makes no difference."""
    labels = frame_of(cloud(3, 200, 26, 45, 1), group=[f"g{i % 90}" for i in range(200)])
    sides, block, record = make_split(labels, Split(), {}, ["a", "b"])
    mixed = labels.sample(frac=1, random_state=0)
    sides2, block2, record2 = make_split(mixed.reset_index(drop=True), Split(), {}, ["a", "b"])
    assert (
        np.array_equal(sides2, sides[:, mixed.index])
        and np.array_equal(block2, block[mixed.index])
        and record["fingerprint"] == record2["fingerprint"]
    )


@FEW
@given(st.integers(0, 10**6))
def test_choose_fold_covers_the_classes(seed):
    """Where some fold has every class on both sides, it is chosen; else the one that lacks fewest."""
    rng = np.random.default_rng(seed)
    fold, y = rng.integers(0, 4, 40), rng.choice([*"aaabbbcd"], 40)
    make = lambda number: np.where(fold == number, "val", "train").astype(object)
    lacking = {n: sum(map(len, uncovered(make(n), y).values())) for n in sorted(set(fold))}
    chosen, side = choose_fold(fold, y, make)
    assert lacking[chosen] == min(lacking.values()) and np.array_equal(side, make(chosen))
    assert chosen == min(n for n in lacking if lacking[n] == lacking[chosen])


def test_choose_fold_never_takes_an_empty_side():
    """A fold whose buffer leaves no training labels is the last choice."""
    fold = np.array([0] * 5 + [1] * 5)
    make = lambda number: np.where(
        fold == number, "val", "dropped" if number == 0 else "train"
    ).astype(object)
    assert choose_fold(fold, None, make)[0] == 1


def test_split_by_column():
    """Each value lies wholly on one side; a fold that there is not is refused with the names."""
    labels = frame_of(cloud(0, 90, 26, 45, 2), region=["north", "south", "west"] * 30)
    side, _, record = one_fold(labels, method="column", buffer_km=0)
    assert record["fold"] in ("north", "south", "west") and set(
        labels["region"][side == "val"]
    ) == {record["fold"]}
    refused(
        lambda: one_fold(labels, method="column", buffer_km=0, fold=4),
        "split.fold = 4",
        "3 values",
        "north, south, west",
    )
    refused(
        lambda: one_fold(labels, method="column", column="regoin"),
        "split.column = regoin",
        "region",
    )
    refused(
        lambda: one_fold(labels.assign(region="x"), method="column"),
        "split.column = region",
        "'x'",
        "split.method = blocks",
    )


def test_a_column_of_many_values():
    """More than twenty values are laid out over the folds, none is torn apart."""
    labels = frame_of(cloud(0, 300, 26, 45, 3), farm=[f"f{i % 60}" for i in range(300)])
    side, _, record = one_fold(labels, method="column", column="farm", buffer_km=0)
    assert record["folds"] == 5 and 0.08 < (side == "val").mean() < 0.35
    assert not set(labels["farm"][side == "train"]) & set(labels["farm"][side == "val"])


def test_a_buffer_that_eats_everything():
    """A buffer as wide as the area names the two settings that mend it."""
    labels = frame_of(cloud(0, 50, 26, 45, 0.05))
    refused(
        lambda: one_fold(labels, buffer_km=100, block_km=1),
        "no label is for",
        "buffer of 100 km",
        "split.block_km",
        "split.buffer_km",
    )


def test_settings_come_before_suggestions():
    """auto takes what the source suggests; a number in the settings wins."""
    labels = frame_of(cloud(0, 200, 26, 45, 1))
    assert one_fold(labels, {"split.block_km": 5.0, "split.buffer_km": 0.0})[2]["block_km"] == 5
    record = one_fold(labels, {"split.block_km": 5.0}, block_km=7, buffer_km=0.5)[2]
    assert (record["block_km"], record["buffer_km"]) == (7, 0.5)


# --- the audit ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    """A processed project: the arguments of `audit`, in which nothing leaks."""
    from world import build

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


# --- through the whole stage ----------------------------------------------------------------------------------------------------


def test_random_split_stops(project):
    """A random split is refused, and stamped where it is allowed."""
    world = project()
    world.refuses_process(
        "the split leaks",
        "split.method = random",
        "split.allow_leakage = yes",
        overrides=["split.method=random"],
    )
    out = world.run("split.method=random", "split.allow_leakage=yes")
    split = json.loads(out["facts"]["split"])
    assert split["leaky"] and any("LEAKY" in w for w in split["warnings"])
    assert json.loads(world.run()["facts"]["split"])["leaky"] is False


def test_identical_tifs_stop(project):
    """The same field under two ids, far apart on the map."""
    world = project(make=lambda i: pixels(0 if i in (0, 1, 2, 3, 4) else i))
    world.refuses_process("the same values on both sides", "split.allow_leakage = yes")
    out = world.run("split.allow_leakage=yes")
    split = json.loads(out["facts"]["split"])
    assert split["leaky"] and any(w.startswith("LEAKY: the same values") for w in split["warnings"])
    settings = world.settings(["split.allow_leakage=yes"])
    assert (
        json.loads((settings.root / settings.processed_dir / "audit.json").read_text())["split"]
        == split
    )


def test_groups_through_the_stage(project):
    """labels.group keeps a farm on one side."""
    out = project(60, owner=[f"o{i % 20}" for i in range(60)]).run("labels.group=owner")
    assert set(out["group"]) == {f"o{i}" for i in range(20)}
    for side in out["sides"]:
        assert not set(out["group"][side == "train"]) & set(out["group"][side == "val"])


def test_pixels_of_a_label_stay_together(project):
    """All samples of a label lie on its side."""
    out = project(36, "polygon").run(
        "process.sampling=pixels", "split.block_km=0.02", "split.buffer_km=0"
    )
    assert (
        max(pd.Series(side).groupby(out["label_id"]).nunique().max() for side in out["sides"]) == 1
        and len(out["X"]) > 36
    )


def test_large_fields_cost_their_neighbours():
    """A validation field that reaches over many blocks sends away what it touches; a training field that does goes itself."""
    frame = make_labels(36, "polygon")
    wide = frame.geometry.copy()
    wide[14] = shapely.box(25.9, 45.19, 26.8, 45.21)
    for number in range(5):
        side = one_fold(frame.set_geometry(wide), buffer_km=0, fold=number)[0]
        others = {*side[12:14], *side[15:18]}
        assert (
            others <= {"val", "dropped"}
            if side[14] == "val"
            else side[14] == ("dropped" if "val" in others else "train")
        )
