"""What is said of the best, of ties, of regions, and of models."""

import numpy as np
import pytest

from seedbed.evaluation.comparison import (
    Candidate,
    candidate,
    comparison_rows,
    score_interval,
    selected,
    smallest_difference,
)
from seedbed.evaluation.metrics import METRICS
from seedbed.evaluation.units import Units
from seedbed.success import regions_short, verdict, write_contract

ACCURACY = METRICS["accuracy"]


def models(blocks, *shares, each=20, seeds=1):
    """Candidates that are right in a share of the labels."""
    rng = np.random.default_rng(0)
    y, block = rng.integers(0, 2, blocks * each), np.repeat(np.arange(blocks), each)
    out = []
    for k, share in enumerate(shares):
        proba = {
            seed: np.eye(2)[np.where(rng.random(len(y)) < share, y, 1 - y)] for seed in range(seeds)
        }
        out.append(candidate(f"m{k}", "bands", ACCURACY, y, block, proba, 500))
    return out


def test_few_units_decide_nothing_and_all_are_tied():
    rows = comparison_rows(models(4, 0.95, 0.6), ACCURACY)
    assert [row["ci"] for row in rows] == [None, None]
    assert [row["tied"] for row in rows] == [False, True]
    contract = write_contract("accuracy", 0.7, 0.99, source="a test")
    found = verdict(contract, rows[0] | {"unit": "region"})
    assert found["status"] == "undecided"
    assert "4 regions cannot decide" in found["reasons"][0]


def test_a_clear_winner_keeps_its_own_interval():
    rows = comparison_rows(models(30, 0.9, 0.6), ACCURACY)
    assert rows[0]["selected"]["share"] == 1
    assert rows[0]["selected"]["ci"] == rows[0]["ci"]
    assert not rows[1]["tied"] and rows[1]["selected"] is None


def test_models_that_may_be_the_best_share_its_correction():
    rows = comparison_rows(models(30, 0.8, 0.8, 0.8), ACCURACY)
    assert [row["tied"] for row in rows] == [False, True, True]
    corrected = [row["selected"]["value"] for row in rows]
    assert corrected[0] < rows[0]["value"]
    gaps = [row["value"] - fresh for row, fresh in zip(rows, corrected)]
    assert np.ptp(gaps) < 1e-12


def test_seeds_widen_the_interval():
    one, two = models(30, 0.8), models(30, 0.8)
    two[0].values = [0.7, 0.8, 0.9]
    low, high = comparison_rows(two, ACCURACY)[0]["ci"]
    assert high - low > 0.4 > np.ptp(comparison_rows(one, ACCURACY)[0]["ci"])


def test_a_candidate_without_units_is_compared_as_before():
    rng = np.random.default_rng(1)
    made = [
        Candidate(f"m{k}", "bands", [0], [v], v + rng.normal(0, 0.01, 500), 20)
        for k, v in enumerate((0.9, 0.6))
    ]
    assert made[0].units is None
    with pytest.raises(ValueError, match="without its predictions"):
        selected(made, ACCURACY)


def test_smallest_difference_is_of_the_split():
    rng = np.random.default_rng(2)
    y = rng.integers(0, 3, 600)
    many, few = Units(np.repeat(np.arange(60), 10)), Units(np.repeat(np.arange(6), 100))
    found = [smallest_difference(METRICS["f1_score"], y, units, 3) for units in (many, few)]
    assert 0 < found[0] < found[1]
    assert found[0] == smallest_difference(METRICS["f1_score"], y, many, 3)
    assert smallest_difference(METRICS["f1_score"], y, Units(np.arange(600) % 4), 3) is None
    values = smallest_difference(METRICS["rmse"], rng.normal(size=600), many, 0)
    assert values > 0


def test_regions_are_tested_together():
    contract = write_contract("accuracy", 0.7, 0.99, worst_region_min=0.6, source="a test")
    rows = [
        {"region": f"r{k}", "n": 50, "value": 0.5, "ci": (0.4, 0.59), "p_short": p}
        for k, p in enumerate((0.02, 0.5, 0.9))
    ]
    assert regions_short(contract, rows) == []  # 0.02 > 0.025 / 3
    assert [r["region"] for r in regions_short(contract, [rows[0] | {"p_short": 0.001}])] == ["r0"]
    found = verdict(contract, {"value": 0.8, "ci": (0.75, 0.85)}, rows)
    assert found["status"] == "usable" and "may be short" in found["reasons"][-1]


def test_no_interval_runs_past_what_a_score_reaches():
    rows = comparison_rows(models(6, 0.98, 0.97, 0.96, each=10, seeds=3), ACCURACY)
    raw = [score_interval(c)[0] for c in models(6, 0.98, 0.97, 0.96, each=10, seeds=3)]
    assert max(high for _, high in raw) > 1
    intervals = [row["ci"] for row in rows]
    intervals += [row["selected"]["ci"] for row in rows if row["selected"]]
    assert len(intervals) > 3
    assert all(0 <= low <= high <= 1 for low, high in intervals)
    assert METRICS["r2"].within((-0.4, 1.1)) == (-0.4, 1)
    assert METRICS["rmse"].within((-0.4, 1.1)) == (0, 1.1)
    assert METRICS["bias"].within((-0.4, 1.1)) == (-0.4, 1.1)
