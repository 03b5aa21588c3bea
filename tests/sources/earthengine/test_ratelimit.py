"""How many requests at once."""

import pytest

from tests.servers.earthengine.limits import Limits
from tests.support.earthengine import TINY, exported

pytestmark = pytest.mark.slow


def test_too_many_at_once_is_nobodys_fault(service, make):
    server = service(limits=Limits(concurrent=2), latency=0.01)
    manifest, _, ledger = exported(make(40, **TINY | {"earthengine.workers": 16}))
    assert manifest["labels"] == 40 and any(entry["status"] == 429 for entry in server.asked)
    assert sum(line["attempts"] for line in ledger.values()) == len(server.asked)
