"""What an interval draws."""

import numpy as np
import pandas as pd
import pytest

from seedbed.evaluation.intervals import interval, score_with_interval
from seedbed.evaluation.metrics import METRICS
from seedbed.evaluation.units import Units, drawn_units, unit_values, untested_claim
from seedbed.splitting.blocks import blocks


@pytest.mark.parametrize(
    "split, names",
    [
        ({"method": "blocks"}, ["1", "2", "3"]),
        ({"method": "random"}, ["1", "2", "3"]),
        ({"method": "region"}, ["0", "0", "1"]),
        ({"method": "year"}, ["0", "0", "1"]),
        ({"method": "column", "column": "farm"}, ["x", "y", "y"]),
    ],
)
def test_units_are_what_the_split_holds_out(split, names):
    table = pd.DataFrame({"block": ["1", "2", "3"], "fold": [0, 0, 1]})
    if split["method"] == "column":
        table["unit"] = ["x", "y", "y"]  # a fold holds several of them
    assert unit_values(table, split).tolist() == names


def test_claims_that_a_split_does_not_test():
    assert untested_claim({"method": "blocks", "claim": "within_region"}) is None
    assert untested_claim({"method": "year", "claim": "new_year"}) is None
    assert "set split.method = year" in untested_claim({"method": "region", "claim": "new_year"})


def test_fewer_than_five_units_have_no_interval():
    draws = np.random.default_rng(0).normal(size=500)
    assert interval(draws, blocks=4) is None and interval(draws, blocks=5)
    y = np.arange(80) % 2
    found = score_with_interval(METRICS["accuracy"], y, np.eye(2)[y], np.arange(80) // 20)
    assert found["ci"] is None and found["n_blocks"] == 4 and found["value"] == 1


def test_dependent_blocks_are_drawn_in_larger_ones():
    rng = np.random.default_rng(0)
    lon, lat = rng.uniform(20, 22, 3000), rng.uniform(45, 46.5, 3000)
    row, column = blocks(lon, lat, 10)
    table = pd.DataFrame({"lon": lon, "lat": lat})
    table["block"] = [f"{r}_{c}" for r, c in zip(row, column)]
    units = drawn_units(table, {"method": "blocks", "block_km": 10})
    y = rng.integers(0, 2, 3000)
    by_place = rng.random(3000) < 0.75 + 0.2 * np.sin(4 * lon) * np.sin(4 * lat)
    right = rng.random(3000) < 0.75

    def scored(right, units):
        proba = np.eye(2)[np.where(right, y, 1 - y)]
        return score_with_interval(METRICS["accuracy"], y, proba, units, 500)

    alike, scattered = scored(by_place, units), scored(right, units)
    assert alike["dependence"]["rough"] and alike["dependence"]["drawn_km"] >= 20
    assert not scattered["dependence"]["rough"]
    assert np.ptp(alike["ci"]) > 1.2 * np.ptp(scored(by_place, Units(units.number))["ci"])
    assert scattered["ci"] == scored(right, Units(units.number))["ci"]
