"""How many requests at once."""

import pytest

from seedbed.sources.fetching.outcomes import ExportStopped, RateLimited
from seedbed.sources.fetching.ratelimit import RateLimit, RetryPolicy, with_retries


def test_the_gate_halves_and_grows():
    gate = RateLimit(32, hold=0)
    for error in (RateLimited(""), RateLimited(""), RateLimited("")):
        with pytest.raises(RateLimited), gate:
            raise error
    assert gate.limit == 4
    for _ in range(600):
        with gate:
            pass
    assert gate.limit > 30


def test_nothing_but_refusals_ends():
    def refuse():
        raise RateLimited("HTTP 429: no")

    with pytest.raises(ExportStopped, match="nothing but refusals"):
        with_retries(refuse, RateLimit(1), RetryPolicy(pause=0.01, busy=0.05))
