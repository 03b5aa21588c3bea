"""How many requests at once."""

import pytest

from seedbed.sources.earthengine.ratelimit import RateLimit, RetryPolicy, with_retries
from seedbed.sources.earthengine.responses import ExportStopped, RateLimited
from tests.servers.earthengine.limits import Limits
from tests.support.earthengine import TINY, exported

pytestmark = pytest.mark.slow


def test_too_many_at_once_is_nobodys_fault(service, make):
    server = service(limits=Limits(concurrent=2), latency=0.01)
    manifest, _, ledger = exported(make(40, **TINY | {"earthengine.workers": 16}))
    assert manifest["labels"] == 40 and any(entry["status"] == 429 for entry in server.asked)
    assert sum(line["attempts"] for line in ledger.values()) == len(server.asked)


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
