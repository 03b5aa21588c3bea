"""What a response means."""

import pytest

from seedbed.sources.fetching.outcomes import retry_after
from tests.servers.earthengine.faults import Fault
from tests.support.earthengine import TINY, exported


@pytest.mark.slow
def test_a_wish_to_wait_is_granted(service, make):
    server = service(
        fault=lambda number, body: (
            Fault("busy", headers={"Retry-After": "1"}) if len(server.asked) == 1 else None
        )
    )
    exported(make(3, **TINY | {"earthengine.workers": 1}))
    asked = [entry["time"] for entry in server.asked]
    assert len(asked) >= 4 and asked[-1] - asked[0] >= 1
    assert retry_after("7") == 7 and retry_after(None) == 0 == retry_after("soon")
