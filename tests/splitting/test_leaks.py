"""Planted leaks that no name gives away, and honest data beside them."""

import geopandas as gpd
import numpy as np
import pytest

from seedbed.base.errors import InputError
from seedbed.base.settings import Split, load_settings
from seedbed.export import export
from seedbed.process import process
from seedbed.splitting.folds import make_split
from seedbed.splitting.leaks import (
    chance_of_a_copy,
    coordinate_values,
    errors_of_value,
    leak_report,
    near_copies,
    neighbour_ratios,
    telling_values,
    unnamed_groups,
    value_skill,
)
from tests.support.paths import ROOT

N, STEPS, BANDS = 600, 12, 2
SIDES = np.array([np.where(np.arange(N) % 5 == k, "val", "train") for k in range(5)])
IDS = np.array([f"f{i}" for i in range(N)])


@pytest.fixture
def honest():
    """Series of three classes that are hard to tell apart, over a hundred kilometres."""
    rng = np.random.default_rng(0)
    place = np.column_stack([20 + rng.uniform(0, 1.5, N), 45 + rng.uniform(0, 1, N)])
    waves, phases = rng.normal(size=(2, 40)) * 10, rng.uniform(0, 6.28, 40)
    smooth = np.cos(place @ waves + phases) @ rng.normal(size=(40, STEPS * BANDS))
    y = rng.integers(0, 3, N)
    X = 0.2 * smooth.reshape(N, STEPS, BANDS) + rng.normal(size=(N, STEPS, BANDS)) * 0.5
    X[:, 4:7, 0] += 0.35 * (y - 1)[:, None]
    return X, y, place


def warned(X, y, place, static=None):
    """The checks that warn, and what they say."""
    static = np.zeros((N, 0)) if static is None else static
    names = ["ndvi", "vv", *[f"static {k}" for k in range(static.shape[1])]]
    rows = leak_report(X, static, y, SIDES, place, IDS, names, 3)
    return {row["check"]: row["found"] for row in rows if row["status"] != "ok"}


def test_honest_data_are_not_warned_of(honest):
    X, y, place = honest
    assert warned(X, y, place) == {}
    assert warned(X[:, :4], y, place) == {}


@pytest.mark.parametrize("kind", ["noise of 5 %", "brighter", "few values", "shifted and scaled"])
def test_copies_are_named(honest, kind):
    """The second half are the first, seen in another way."""
    X, y, place = honest
    if kind == "few values":
        X = X[:, :4]
    first = X[:301]
    X[299:] = {
        "noise of 5 %": first + np.random.default_rng(1).normal(size=first.shape) * 0.05 * 0.54,
        "brighter": first * 1.05 + 0.02,
        "few values": first + 1e-4,
        "shifted and scaled": 2 * first + 1,
    }[kind]
    found = warned(X, y, place)
    assert list(found) == ["copies with noise or another scale on both sides"]
    pairs = found["copies with noise or another scale on both sides"]
    a, b = pairs.split("e.g. f")[1].split(",")[0].split(" and f")
    assert abs(int(a) - int(b)) == 299


def test_a_few_copies_and_pairs_of_one_place_are_none(honest):
    """Copies of one place in another year are meant; four copies do not move a score."""
    X, _, place = honest
    X[596:] = X[:4]
    assert near_copies(X, SIDES, IDS, place)["status"] == "ok"
    X[299:], place[299:] = X[:301] + 1e-3, place[:301]
    assert near_copies(X, SIDES, IDS, place)["status"] == "ok"


@pytest.mark.parametrize("dimension", [2, 3, 6])
def test_the_chance_of_a_copy_is_that_of_honest_points(dimension):
    values = np.random.default_rng(0).normal(size=(3000, dimension))
    sides = np.array([np.where(np.arange(3000) % 2, "val", "train")])
    _, _, ratios = neighbour_ratios(values, sides, most=1500)
    found, expected = (ratios[:, 0] < 0.2).mean(), chance_of_a_copy(ratios[:, 1])
    assert found == pytest.approx(expected, rel=0.5, abs=0.002)


def test_a_value_made_from_the_labels_is_named(honest):
    X, y, place = honest
    X[:, 0, 1] += 3 * (y - 1)
    found = warned(X, y, place)
    assert list(found) == ["a single value that answers alone"]
    assert found["a single value that answers alone"].startswith("vv at step 0 alone removes")


@pytest.mark.parametrize("static", [False, True])
def test_dimensions_of_an_embedding_are_judged_together(static):
    """A dimension that answers alone is no leak where the others say the same."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, N)
    seen = np.column_stack([y - 1 + rng.normal(size=N) * 0.35, rng.normal(size=(N, 3)) * 0.2])
    mixture = np.tanh(seen @ rng.normal(size=(4, 16)))
    place = rng.uniform(20, 21, (N, 2))

    def answers(embedding, names):
        level, without_time = (
            (mixture[:, None, :1], embedding) if static else (embedding[:, None], seen[:, :0])
        )
        names = ["ndvi", *names] if static else names
        rows = leak_report(level, without_time, y, SIDES, place, IDS, names, 3)
        return next(row for row in rows if row["check"] == "a single value that answers alone")

    numbered = [f"A{k:02d}" for k in range(16)]
    if not static:
        assert answers(mixture, [f"{k} m" for k in range(16)])["status"] == "warn"
        honest = answers(mixture, numbered)
        assert honest["status"] == "ok"
        assert "16 values of an embedding are judged together" in honest["found"]
    made = rng.normal(size=(N, 16))
    made[:, 7] = y + rng.normal(size=N) * 0.1
    assert answers(made, numbered)["status"] == "warn"


def test_any_group_of_values_is_judged_together_and_each_by_itself():
    """Three values that say one thing are no leak as a group; one beside them is judged alone."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, N)
    three = y[:, None] + rng.normal(size=(N, 3)) * [0.4, 0.5, 0.5]
    values = np.column_stack([three, rng.normal(size=N), y + rng.normal(size=N) * 0.1])
    names, groups = list("abcde"), {"a sensor": [0, 1, 2], "another": [3]}
    asked = values[:, :4], y, SIDES, 3, names[:4], IDS
    assert telling_values(*asked)["status"] == "warn"
    row = telling_values(*asked, together=groups)
    assert row["status"] == "ok" and "the 3 values of a sensor are judged together" in row["found"]
    row = telling_values(values, y, SIDES, 3, names, IDS, together=groups)
    assert row["status"] == "warn" and row["found"].startswith("e alone removes")
    row = telling_values(values, y, SIDES, 3, names, IDS, together=groups | {"another": [3, 4]})
    assert row["status"] == "warn" and row["found"].startswith("e alone removes")


def test_a_column_that_was_sorted_by_the_labels_is_named(honest):
    X, y, place = honest
    code = y * 200 + np.random.default_rng(1).permutation(N) % 200.0
    found = warned(X, y, place, code[:, None])
    assert found["a single value that answers alone"].startswith("static 0 alone removes")


def test_coordinates_among_the_bands_are_named(honest):
    X, y, place = honest
    X[:, 0, 1], X[:, 1, 1] = 1000 * place[:, 0], place[:, 1] ** 2
    found = warned(X, y, place)
    assert list(found) == ["coordinates among the values"]
    assert "vv at step 0, vv at step 1 of all 600" in found["coordinates among the values"]
    missing = np.where(np.arange(N)[:, None] % 7 == 0, np.nan, place[:, :1])
    assert coordinate_values(missing, place, ["a"])["status"] == "ok"  # gaps hide it: no claim
    assert coordinate_values(X[:, 0], np.full((N, 2), np.nan), ["a", "b"])["status"] == "ok"


def test_a_quantity_has_a_skill_too():
    rng = np.random.default_rng(0)
    values, sides = rng.normal(size=(N, 2)), SIDES
    y = values[:, 0] * 3 + rng.normal(size=N)
    skill = value_skill(values, y, sides, 0)
    assert 0.8 < skill[0] < 0.95 and abs(skill[1]) < 0.1
    mean = errors_of_value(np.zeros(N), y, sides[0], 0, 1)
    assert np.allclose(mean, (y[::5] - y[sides[0] == "train"].mean()) ** 2)


def labels_with(**columns):
    rng = np.random.default_rng(2)
    place = gpd.points_from_xy(rng.uniform(20, 21, N), rng.uniform(45, 46, N))
    return gpd.GeoDataFrame({"id": IDS} | columns, geometry=place, crs=4326)


def test_a_farm_that_was_not_named_is_found():
    """Sixty farms of ten fields each, and one crop a farm."""
    farm = np.arange(N) // 10
    crop = np.array(["a", "b", "c"])[np.random.default_rng(0).integers(0, 3, 60)[farm]]
    names = np.array([f"farm{k}" for k in farm])
    for column in (names, farm):
        [row] = unnamed_groups(labels_with(label=crop, farm=column), SIDES)
        assert row["status"] == "warn" and row["count"] == N
        assert "set labels.group = farm" in row["found"] and "f0, f1, f2 of" in row["found"]
    used = labels_with(label=crop, farm=names, group=names)
    assert [row["status"] for row in unnamed_groups(used, SIDES)] == ["ok"]
    assert [
        r["status"] for r in unnamed_groups(used[["id", "label", "farm"]], SIDES, ["farm"])
    ] == ["ok"]


def test_columns_that_are_no_groups_are_left_alone():
    """Dates, chance, a quantity behind the classes, the class in finer words, another number."""
    rng = np.random.default_rng(0)
    cover = rng.integers(0, 101, N)
    crop = np.array(["open", "mixed", "dense"])[np.digitize(cover, [30, 70])]
    days = np.array([f"2020-{m:02d}-{d:02d}" for m in range(1, 13) for d in range(1, 28)])
    labels = labels_with(
        label=crop,
        cover=cover,
        percent=cover / 3,
        kind=[f"{c} {k % 6}" for c, k in zip(crop, rng.integers(0, 9, N))],
        visit=rng.integers(0, 40, N),
        day=days[cover],
        tags=[["a", "b"]] * N,
    )
    assert [row["found"] for row in unnamed_groups(labels, SIDES)] == ["none"]


def paths(folder):
    """A table as the source, and where its stages write."""
    return [
        f"source.name=table:{folder}",
        f"paths.exports={folder}/exports",
        f"paths.processed={folder}/processed",
    ]


def region_warnings(method="region", **columns):
    labels = labels_with(label=np.where(np.arange(N) % 2, "a", "b"), **columns)
    split = Split(method=method, column="batch", buffer_km=0)
    record = make_split(labels, split, {}, ["a", "b"], "new_region")[2]
    return [w for w in record["warnings"] if "regions lie among each other" in w]


def test_regions_among_each_other_are_named():
    x = labels_with(label="a").geometry.x
    assert region_warnings(region=np.where(x < 20.4, "west", "east")) == []
    stripes = [f"r{int(300 * lon) % 3}" for lon in x]
    assert "e.g. f" in region_warnings(region=stripes)[0]
    batch = [f"b{k}" for k in np.random.default_rng(0).integers(0, 5, N)]
    assert len(region_warnings("column", batch=batch)) == 1


def test_a_planted_leak_reaches_the_record(tmp_path, honest):
    """A table with a farm for every field, a season across New Year, and copies."""
    X, y, place = honest
    farm = np.arange(N) // 10
    y = np.random.default_rng(0).integers(0, 3, 60)[farm]
    X[299:] = X[:301] * 1.05
    day = np.where(np.arange(N) % 2, "2019-12-31", "2020-01-01")
    np.savez(
        tmp_path / "data.npz",
        X=X.astype(np.float32),
        y=np.array(["a", "b", "c"])[y],
        id=IDS,
        lon=place[:, 0],
        lat=place[:, 1],
        start=day,
        farm=np.array([f"farm{k}" for k in farm]),
        bands=np.array(["ndvi", "vv"]),
    )
    settings = load_settings(
        ROOT / "settings.ini",
        overrides=[*paths(tmp_path), "split.method=year", "success.claim=new_year"],
    )
    export(settings)
    said = process(settings)["split"]["warnings"]
    for part in ("one season may lie in two years", "five times nearer", "labels.group = farm"):
        assert sum(part in line for line in said) == 1, said


def test_matched_folds_through_the_stage(tmp_path, honest):
    """A map of polygons that is wider than the labels, and a table that has no scene."""
    X, y, place = honest
    columns = {"lon": place[:, 0], "lat": place[:, 1], "bands": np.array(["ndvi", "vv"])}
    classes = np.array(["a", "b", "c"])[y]
    start = np.full(N, "2020-01-01")
    np.savez(tmp_path / "data.npz", X=X.astype("f4"), y=classes, id=IDS, start=start, **columns)
    area = gpd.GeoSeries.from_wkt(["POLYGON ((19 44, 22 44, 22 47, 19 47, 19 44))"], crs=4326)
    area.to_file(tmp_path / "area.gpkg")
    settings = load_settings(
        ROOT / "settings.ini", overrides=[*paths(tmp_path), "split.method=knndm"]
    )
    export(settings)
    split = process(settings.updated(split={"area": str(tmp_path / "area.gpkg")}))["split"]
    assert split["knndm"]["clusters"] and split["knndm"]["w_km"] < split["knndm"]["w_random_km"]
    assert [line[:24] for line in split["warnings"] if "harder" in line] == [
        "split.method = knndm: ha"
    ]
    with pytest.raises(InputError, match="no image of the whole area"):
        process(settings.updated(split={"area": "scene"}))
