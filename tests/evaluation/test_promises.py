"""The promises of the table hold: each with few repeats here, with many by `make promises`."""

import json
import sys

import pytest

from tests.support.paths import ROOT

sys.path.insert(0, str(ROOT / "tools/promises"))

import area_rows  # noqa: E402, F401
import decision_rows  # noqa: E402, F401
import map_rows  # noqa: E402, F401
import statistics_rows  # noqa: E402, F401
from table import PROMISES, TABLE  # noqa: E402

sys.path.remove(str(ROOT / "tools/promises"))

QUICK = {  # repeats that take about a second
    "this_landscape": 60,
    "dependent_blocks_this_landscape": 60,
    "dependent_blocks_are_named": 40,
    "four_regions": 50,
    "five_regions": 150,
    "ten_regions": 150,
    "seeds": 60,
    "best_of_2": 80,
    "best_of_6": 30,
    "score_of_the_best": 30,
    "score_of_the_best_map": 20,
    "score_of_the_best_surface": 20,
    "best_of_6_maps": 20,
    "tied_2": 100,
    "tied_6": 50,
    "detectable": 60,
    "worst_region_gate": 20,
    "rare_class_is_named": 10,
    "constant_auc": 50,
    "sets_new_region_20": 60,
    "looks_keep_their_level": 60,
    "exact_in_small_classes": 400,
    "zones_are_certified_together": 60,
    "two_equal_maps": 200,
    "area_lowest_4326_150": 60,
    "area_highest_4326_150": 60,
    "area_lowest_3857_500": 40,
}
BY_NAME = {one.name: one for one in PROMISES}


@pytest.mark.parametrize("name", QUICK)
def test_promise_holds(name):
    row = BY_NAME[name].test(QUICK[name])
    assert row.holds, row


def test_table_names_every_promise_and_all_of_them_hold():
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    assert set(BY_NAME) <= set(table)
    assert [name for name, row in table.items() if not row["holds"]] == []
