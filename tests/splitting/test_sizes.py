"""What a size of blocks would give, and which one fits."""

import time

import geopandas as gpd
import numpy as np
import pytest
import shapely

from seedbed.base.settings import Split
from seedbed.splitting.folds import make_split
from seedbed.splitting.sizes import suggest_block_km, try_block_km


def four_places(count=600, seed=0):
    """Labels in four places of 2 km; half are of a class that grows in one place alone."""
    rng = np.random.default_rng(seed)
    where = rng.integers(0, 4, count)
    corners = np.array([[26, 45], [26.03, 45], [26, 45.03], [26.03, 45.03]])
    xy = corners[where] + rng.uniform(-0.013, 0.013, (count, 2))
    label = np.where(rng.random(count) < 0.5, "common", np.array(list("abcd"))[where])
    return frame(xy, label)


def frame(xy, label):
    table = {"id": [f"p{i}" for i in range(len(label))], "label": label}
    return gpd.GeoDataFrame(table, geometry=shapely.points(xy), crs=4326)


CLASSES = ["a", "b", "c", "common", "d"]


def test_a_size_gives_what_the_split_gives():
    """Blocks, judged labels and classes are those of `make_split`."""
    labels = four_places()
    for km, buffer in ((2, 0.1), (3.3, 0.1), (1, 0.3)):
        split = Split(block_km=km, buffer_km=buffer)
        size = try_block_km(labels, split, km, buffer, CLASSES)
        record = make_split(labels, split, {}, CLASSES)[2]
        lost = sum(row["labels"] for row in record["left_out"].values())
        assert size.blocks == record["blocks"]["untied"]
        assert size.validated == len(labels) - lost
        assert set(size.untestable) == set(record["left_out"])


def test_large_blocks_that_judge_few_get_a_size_that_judges_all():
    labels = four_places()
    split = Split(block_km=3.3, buffer_km=0.1, seed=3)
    found = suggest_block_km(labels, split, {}, CLASSES)
    assert found.blocks >= 30 and found.validated == 600 and not found.untestable
    assert 0.3 < found.block_km < 2 and found.buffer_km == 0.1
    text = f"split.block_km = {found.block_km:g} would give {found.blocks} blocks"
    assert str(found) == f"{text} and judge 600 of 600 labels"
    wide = suggest_block_km(labels, Split(block_km=3.3, buffer_km=2), {}, CLASSES)
    assert wide.buffer_km <= wide.block_km / 2
    again = Split(block_km=found.block_km, buffer_km=found.buffer_km, seed=3)
    assert suggest_block_km(labels, again, {}, CLASSES) is None


def test_the_record_proposes_it():
    """Blocks that leave a class in one fold: the warning computes a better size."""
    rng = np.random.default_rng(1)
    west = rng.uniform(0, 0.08, (150, 2)) + [26, 45]
    east = rng.uniform(0, 0.08, (150, 2)) + [27, 45]
    labels = frame(np.r_[west, east], np.repeat(["a", "b"], 150))
    labels.loc[[0, 151], "label"] = ["b", "a"]
    record = make_split(labels, Split(block_km=40, buffer_km=1), {}, ["a", "b"])[2]
    lost = sum(row["labels"] for row in record["left_out"].values())
    assert lost == 0 or any("would give" in w for w in record["warnings"])
    labels["label"] = np.repeat(["a", "b"], 150)
    record = make_split(labels, Split(block_km=40, buffer_km=1), {}, ["a", "b"])[2]
    said = [w for w in record["warnings"] if "would give" in w]
    assert len(said) == 1 and "300 of 300 labels without a score" in said[0]


def test_a_quantity_and_labels_at_one_place():
    labels = four_places().assign(label=np.arange(600.0))
    found = suggest_block_km(labels, Split(block_km=10, buffer_km=0.1))
    assert found.blocks >= 30 and found.validated == 600 and found.untestable == ()
    assert suggest_block_km(labels.iloc[[0] * 20], Split()) is None


@pytest.mark.slow
def test_a_hundred_thousand_labels_take_seconds():
    rng = np.random.default_rng(0)
    labels = frame(rng.uniform(0, 1, (100_000, 2)) + [20, 45], rng.choice(list("abcde"), 100_000))
    began = time.process_time()
    found = suggest_block_km(labels, Split(block_km=100), {}, list("abcde"))
    assert found.validated > 99_000 and time.process_time() - began < 20
