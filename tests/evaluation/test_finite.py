"""Exact intervals of finite populations, sequential looks, zones, and which of two maps."""

import numpy as np
import pytest
from scipy.stats import binom, hypergeom

from seedbed.evaluation.finite import (
    better_map,
    certified_zones,
    exact_count,
    exact_share,
    ground_share,
    labels_to_compare,
    sequential_count,
    unconditional_p,
    zone_labels,
)


@pytest.mark.parametrize("size, n, level", [(30, 12, 0.95), (60, 20, 0.9)])
def test_exact_intervals_hold_for_every_population(size, n, level):
    for bad in range(size + 1):
        k = np.arange(max(0, n - size + bad), min(n, bad) + 1)
        ends = [exact_count(int(one), n, size, level) for one in k]
        held = np.array([low <= bad <= high for low, high in ends])
        assert hypergeom.pmf(k, size, bad, n)[held].sum() >= level - 1e-9


def test_an_interval_of_a_hundred_million_pixels():
    assert exact_share(60, 400, 120_560_400) == pytest.approx((0.11646, 0.18882), abs=1e-5)
    assert exact_share(60, 400) == pytest.approx(exact_share(60, 400, 120_560_400), abs=1e-5)
    assert exact_share(0, 60, 20_000)[1] == pytest.approx(0.0595, abs=1e-4)


def test_looking_after_every_place_keeps_the_level():
    rng, size, bad = np.random.default_rng(0), 300, 45
    population = np.arange(size) < bad
    ends = {(k, n): sequential_count(k, n, size) for n in range(1, 121) for k in range(n + 1)}
    once = {(k, n): exact_count(k, n, size) for n in range(1, 121, 4) for k in range(n + 1)}
    missed = missed_once = 0
    for _ in range(400):
        errors = rng.permutation(population)[:120].cumsum()
        pairs = [(int(k), n) for n, k in enumerate(errors, 1)]
        missed += any(not ends[p][0] <= bad <= ends[p][1] for p in pairs)
        missed_once += any(not once[p][0] <= bad <= once[p][1] for p in pairs if p in once)
    assert missed / 400 <= 0.05 + 3 * (0.05 * 0.95 / 400) ** 0.5
    assert missed_once / 400 > 0.1  # what an ordinary interval promises is one look


def test_zones_hold_together():
    assert zone_labels(0.05) == 59 and zone_labels(0.05, 4) == 86
    rows = certified_zones(
        ["a"] * 59 + ["b"] * 20, np.zeros(79, bool), {"a": 10**6, "b": 10**6}, 0.05
    )
    assert [r["certified"] for r in rows] == [False, False]
    alone = certified_zones(["a"] * 59, np.zeros(59, bool), {"a": 10**6}, 0.05)
    assert alone[0]["certified"] and alone[0]["at_most"] == pytest.approx(0.0495, abs=1e-3)
    empty = certified_zones(["a"] * 59, np.zeros(59, bool), {"a": 10**6, "b": 10}, 0.05)
    assert empty[1] == {
        "zone": "b",
        "n": 0,
        "wrong": 0,
        "pixels": 10,
        "at_most": 1.0,
        "certified": False,
    }
    uneven = certified_zones(
        ["a"] * 59, np.zeros(59, bool), {"a": 10**6}, 0.05, areas={"a": (1, 3)}
    )
    assert not uneven[0]["certified"]
    assert ground_share(0.1, (1, 3), True) == pytest.approx(0.25)


def test_the_number_of_labels_finds_the_better_map():
    n = labels_to_compare(0.02, 0.13)
    assert 440 <= n <= 470  # 462 elsewhere
    wins = np.arange(n + 1)
    chance = binom.pmf(wins, n, 0.5 + 0.01 / 0.13)
    names = [better_map(w, n - w, 0, 0.13, two_classes=True)["better"] == "first" for w in wins]
    assert chance[names].sum() >= 0.9


def test_the_difference_of_two_maps_is_covered():
    rng, hits = np.random.default_rng(1), 0
    for _ in range(300):
        a, b, c = rng.multinomial(80, [0.5, 0.3, 0.2])
        low, high = better_map(int(a), int(b), int(c), 0.1)["ci"]
        hits += low <= 0.02 <= high
    assert hits / 300 >= 0.95


def test_two_maps_that_are_as_good_are_told_apart_no_more_often_than_said():
    """Exactly, whatever share of the places decides; and more often than by the sign test where they differ."""
    n = 36
    table = [[unconditional_p(min(k, m - k), m, n) for k in range(m + 1)] for m in range(n + 1)]

    def named(share, lead, by_sign=False):
        """The chance that a map is named, where the first leads by so much."""
        total, chance = 0.0, binom.pmf(np.arange(n + 1), n, share)
        for m in range(n + 1):
            k = np.arange(m + 1)
            p = 2 * binom.cdf(np.minimum(k, m - k), m, 0.5) if by_sign else np.array(table[m])
            total += chance[m] * binom.pmf(k, m, (1 + lead / share) / 2)[p <= 0.05].sum()
        return total

    assert max(named(share, 0) for share in np.linspace(0.007, 1, 301)) <= 0.05
    assert named(0.5, 0.25) > named(0.5, 0.25, by_sign=True) + 0.02
    assert better_map(60, 40, 100, 0.1)["better"] == "first"
    assert better_map(60, 40, 100, 0.1, two_classes=True)["better"] is None
