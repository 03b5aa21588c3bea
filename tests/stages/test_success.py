"""What success means."""

from seedbed.success import contract_line, verdict, write_contract
from tests.support.world import refused


def test_limits_and_quantities():
    """What cannot be deployed, or counts wrongly, is not usable; what may count wrongly is undecided."""
    contract = write_contract(
        "f1_score",
        0.7,
        0.95,
        source="a test",
        quantity="count:wheat",
        max_quantity_error=0.1,
        max_memory_mb=100,
        max_model_bytes=1000,
    )
    good = {"value": 0.8, "ci": (0.75, 0.85)}
    off = lambda error, ci: {
        "name": "count:wheat",
        "true": 100,
        "estimated": 100 + 100 * error,
        "relative_error": error,
        "ci": ci,
    }
    assert verdict(contract, good, quantity=off(0.02, (-0.05, 0.08)))["status"] == "usable"
    assert verdict(contract, good, quantity=off(0.02, (-0.2, 0.3)))["status"] == "undecided"
    wrong = verdict(contract, good, quantity=off(0.4, (0.2, 0.6)))
    assert (
        wrong["status"] == "not usable"
        and "count:wheat: 140 where 100 is true" in wrong["failed"][0]
    )
    unknown = verdict(contract, good, cost={"memory_mb": None, "model_bytes": 10})
    assert (
        unknown["status"] == "undecided"
        and "memory_mb is not known of this model, and at most 100 are allowed"
        in unknown["reasons"]
    )
    untold = verdict(contract, good, quantity=off(0, None) | {"relative_error": None})
    assert untold["status"] == "undecided" and any(
        "cannot be told" in reason for reason in untold["reasons"]
    )
    heavy = verdict(contract, good, cost={"memory_mb": 300.0, "model_bytes": 10})
    assert heavy["status"] == "not usable" and heavy["failed"] == [
        "memory_mb = 300: more than 100 allowed"
    ]
    refused(
        lambda: write_contract("f1_score", 0.7, 0.95, source="a test", max_quantity_error=0.1),
        "max_quantity_error",
        "quantity",
    )
    refused(lambda: write_contract("f1_score", 0.7, 0.95, source=" "), "who said so")


def test_the_worst_region_of_an_error_is_the_largest_value():
    refused(
        lambda: write_contract("rmse", 10, 5, worst_region_min=0.5, source="a test"),
        "worst_region_min = 0.5: for rmse smaller is better",
        "set it to 10 or more, or to none",
    )
    kept = write_contract("rmse", 10, 5, worst_region_min=12, source="a test")
    assert "usable up to 10, ceiling 5; no region above 12;" in contract_line(kept)
    usual = write_contract("f1_score", 0.7, 0.9, worst_region_min=0.8, source="a test")
    assert "usable from 0.7, ceiling 0.9; no region below 0.8;" in contract_line(usual)
