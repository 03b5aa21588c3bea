"""Blocks, distances and folds, on any place of the Earth."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from seedbed.splitting.blocks import (
    assign,
    blocks,
    choose_fold,
    distances,
    hashed_folds,
    systematic_folds,
    tied_blocks,
    uncovered,
    within_buffer,
)
from tests.support.places import FEW, GEOD, LATITUDES, LONGITUDES, cloud, geodesic_km


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


# --- blocks ---


@FEW
@given(
    hnp.arrays(float, st.integers(1, 40), elements=LONGITUDES),
    st.data(),
    st.floats(0.05, 500),
    st.integers(0, 99),
)
@pytest.mark.slow
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


# --- folds ---


@FEW
@given(st.integers(2, 12), st.integers(0, 50), LONGITUDES, st.floats(-75, 75))
@pytest.mark.slow
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


@FEW
@given(
    st.lists(st.text(max_size=8), min_size=1, max_size=60), st.integers(2, 9), st.integers(0, 99)
)
@pytest.mark.slow
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


# --- distance ---


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


@pytest.mark.slow
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


# --- assign and choose ---


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


# --- splits ---


def test_tied_blocks():
    """Blocks that share a farm or a field count as one witness; the others keep their names."""
    shapes = shapely.box(np.arange(4), 45, np.arange(4) + 0.1, 45.1)
    block = np.array(["a", "b", "c", "d"])
    assert tied_blocks(block, shapes).tolist() == ["a", "b", "c", "d"]
    assert tied_blocks(block, shapes, ["", "farm", "", "farm"]).tolist() == ["a", "b", "c", "b"]
    shapes[3] = shapely.affinity.translate(shapes[2], 0.02)
    assert tied_blocks(block, shapes).tolist() == ["a", "b", "c", "c"]
