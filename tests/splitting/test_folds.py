"""Who trains and who validates, by every method."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from seedbed.base.settings import Split
from seedbed.splitting.folds import make_split, with_final
from tests.support.places import FEW, cloud, frame_of, geodesic_km, one_fold
from tests.support.world import make_labels, place, refused

# --- folds ---


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


# --- assign and choose ---


@FEW
@given(
    st.integers(40, 150),
    st.integers(1, 80),
    st.sampled_from(["blocks", "random", "column"]),
    st.integers(0, 4),
    st.integers(0, 10**6),
)
@pytest.mark.slow
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
@pytest.mark.slow
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


# --- through the whole stage ---


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


# --- splits ---


def fields(count=90, **columns):
    """Labels in three regions and three years, 10 km apart; every place stands there in every year."""
    xy = np.array([place(i // 3) for i in range(count)])
    table = {
        "id": [f"f{i:03d}" for i in range(count)],
        "label": [("a", "b")[i // 3 % 2] for i in range(count)],
        "start": [f"{2016 + i % 3}-03-01" for i in range(count)],
        "region": [("east", "north", "west")[i // 3 % 3] for i in range(count)],
    }
    return gpd.GeoDataFrame(table | columns, geometry=shapely.points(xy), crs=4326)


def test_split_by_region():
    """Each region is validated by models that have not seen it."""
    labels = fields()
    sides, _, record = make_split(labels, Split(method="region", buffer_km=0), {}, ["a", "b"])
    assert record["fold_names"] == ["east", "north", "west"]
    for side, name in zip(sides, record["fold_names"]):
        assert set(labels["region"][side == "val"]) == {name} and name not in set(
            labels["region"][side == "train"]
        )
    refused(
        lambda: make_split(labels.drop(columns="region"), Split(method="region")),
        "split.method = region",
        "labels.region",
    )


def test_split_by_year():
    """A place may stand on both sides, its imagery may not: series that overlap in time are set aside."""
    labels = fields()
    sides, _, record = make_split(labels, Split(method="year"), {}, ["a", "b"], window_days=300)
    assert record["fold_names"] == ["2016", "2017", "2018"] and record["buffer_km"] == 0
    assert [(side == "dropped").sum() for side in sides] == [0, 0, 0] and (
        sides[0] == "train"
    ).sum() == 60
    later = fields(start=[f"{(2016, 2017, 2020)[i % 3]}-03-01" for i in range(90)])
    sides, _, _ = make_split(later, Split(method="year"), {}, ["a", "b"], window_days=400)
    assert [(side == "dropped").sum() for side in sides] == [30, 30, 0]


def test_split_by_year_needs_dates():
    """A label without a date has no year."""
    refused(
        lambda: make_split(fields(start=""), Split(method="year")),
        "split.method = year",
        "90 of 90",
        "labels.start",
    )


@pytest.mark.parametrize("method", ["blocks", "region", "year"])
def test_more_labels_move_nobody(method):
    """Adding labels moves no sample across, by any method."""
    labels = fields(90)
    before, after = (
        make_split(part.reset_index(drop=True), Split(method=method, buffer_km=0), {}, ["a", "b"])[
            0
        ]
        for part in (labels[:60], labels)
    )
    for a, b in zip(before, after[:, :60]):
        assert {(x, y) for x, y in zip(a, b) if x != y} <= {("train", "dropped")}


def test_a_class_in_one_block_is_named():
    """It is left out of the score, with its number of labels and the reason."""
    labels = fields(label=["c" if i < 3 else "ab"[i % 2] for i in range(90)])
    _, _, record = make_split(labels, Split(block_km=5), {}, ["a", "b", "c"])
    assert record["left_out"] == {"c": {"labels": 3, "of": 3, "why": "lies in one block"}}
    assert any("class 'c' lies in one block" in w for w in record["warnings"])


def test_few_blocks_are_said():
    """Below thirty independent blocks a result says so."""
    many, few = (
        make_split(fields(count), Split(buffer_km=0), {}, ["a", "b"])[2] for count in (150, 60)
    )
    assert few["blocks"]["val"] < 30 and any("fewer than 30" in w for w in few["warnings"])
    assert many["blocks"]["val"] >= 30 and not any("fewer than 30" in w for w in many["warnings"])


# --- what a split says of itself ---


@pytest.mark.parametrize(
    ("first", "second"),
    [("2019-03-01", "2020-03-01"), ("2018-04-15", "2019-04-15"), ("2020-02-29", "2021-02-28")],
)
def test_twelve_months_end_where_the_next_begin(first, second):
    """A year of 365 days is as long as a series of twelve months: nothing overlaps."""
    labels = fields().assign(start=[(first, second)[i % 2] for i in range(90)])
    subsets, _, record = make_split(
        labels, Split(method="year"), {}, ["a", "b"], window_days=365.25
    )
    assert not (subsets == "dropped").any() and record["dropped_by"] == {"group": 0, "time": 0}


def test_series_that_overlap_are_named():
    """What is dropped for its time is not said to be lost to the buffer or to the blocks."""
    starts = ["2019-03-01", "2020-02-01"]
    labels = fields().assign(start=[starts[i % 2] for i in range(90)])
    refused(
        lambda: make_split(labels, Split(method="year"), {}, ["a", "b"], window_days=365.25),
        "no label is for train",
        "overlap in time",
        "12 months",
        "of 90 labels",
    )
    apart = labels.copy()
    apart.loc[:29, "geometry"] = shapely.points(np.arange(30) * 0.13 + 10, np.full(30, 45.0))
    record = make_split(apart, Split(method="year"), {}, ["a", "b"], window_days=365.25)[2]
    assert record["dropped_by"]["time"] == 30
    said = [w for w in record["warnings"] if "overlap in time" in w]
    assert len(said) == 1 and not any("the buffer of" in w for w in record["warnings"])


def test_a_season_around_new_year_is_one():
    """Starts on 31 December and 1 January are two years by name only."""
    labels = fields().assign(start=[("2019-12-31", "2020-01-01")[i % 2] for i in range(90)])
    record = make_split(labels, Split(method="year"), {}, ["a", "b"], window_days=0)[2]
    said = [w for w in record["warnings"] if "one season may lie in two years" in w]
    assert len(said) == 1 and "2019-12-31 and 2020-01-01 (1 days)" in said[0]
    spread = fields().assign(start=[f"{2019 + i % 2}-{3 + i % 5:02d}-10" for i in range(90)])
    record = make_split(spread, Split(method="year"), {}, ["a", "b"], window_days=0)[2]
    assert not any("season" in w for w in record["warnings"])


def test_groups_over_blocks_are_blamed_and_not_the_buffer():
    labels = fields(150).assign(group=[f"g{i % 25}" for i in range(150)])
    labels["geometry"] = shapely.points([place(i) for i in range(150)])
    record = make_split(labels, Split(buffer_km=0), {}, ["a", "b"])[2]
    assert record["dropped_by"]["group"] > 0.3 * record["labels"]["train"]
    assert record["dropped_by"]["buffer"] == 0
    assert any("groups that lie in several folds cost" in w for w in record["warnings"])
    assert not any("the buffer of" in w for w in record["warnings"])
    one = labels.assign(group="everybody")
    refused(
        lambda: make_split(one, Split(buffer_km=0), {}, ["a", "b"]),
        "no label is for train",
        "of 150 labels share a group",
        "split.method = column",
    )


def test_a_chain_of_groups_is_named():
    """Neighbour with neighbour: every block hangs on the next."""
    labels = fields(150).assign(group=[f"g{(i + 1) // 2}" for i in range(150)])
    labels["geometry"] = shapely.points([place(i) for i in range(150)])
    chained = labels.assign(group=[f"g{i // 2 % 36}" for i in range(150)])
    record = make_split(chained, Split(buffer_km=0), {}, ["a", "b"])[2]
    assert record["blocks"]["all"] < 0.7 * record["blocks"]["untied"]
    assert any("join" in w and "independent clusters" in w for w in record["warnings"])
    free = make_split(labels.drop(columns="group"), Split(buffer_km=0), {}, ["a", "b"])[2]
    assert free["blocks"]["all"] == free["blocks"]["untied"]
    assert not any("independent clusters" in w for w in free["warnings"])
