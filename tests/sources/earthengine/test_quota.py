"""What an export costs."""

import pytest

from seedbed.export import pilot
from tests.support.earthengine import TINY, exported
from tests.support.world import refused

pytestmark = pytest.mark.slow


def test_a_pilot_counts_what_the_service_tells(service, make):
    server = service(eecu=2.5)
    project = make(50, **TINY)
    records, rest = pilot(project.settings(), 10)
    assert len(records) == 10 == len(server.asked) and rest.chips == 40 and rest.measured
    assert (
        rest.eecu_hours == pytest.approx(40 * 2.5 / 3600)
        and "told by the service" in rest.lines()[1]
    )
    assert (
        exported(project)[0]["labels"] == 50 and len(server.asked) == 50
    )  # the pilot's chips are not asked for again


def test_a_limit_stops_before_it_is_passed(service, make):
    server = service(eecu=36.0)
    project = make(50, **TINY | {"earthengine.max_eecu_hours": 0.2, "earthengine.workers": 3})
    pilot(project.settings(), 5)
    refused(lambda: exported(project), "earthengine.max_eecu_hours = 0.2", "would pass the limit")
    first = len(server.asked)
    refused(
        lambda: exported(project), "would pass the limit"
    )  # nor does another start begin at nothing: it asks for what the first had no time to ask
    assert first <= len(server.asked) <= 25


def test_past_the_quota_less_is_asked_at_once(service, make, capsys):
    server = service(restricted=True, latency=0.02)
    exported(make(40, **TINY | {"earthengine.workers": 16}))
    assert capsys.readouterr().out.count("past its quota") == 1
    late = [entry["time"] for entry in server.asked][24:]
    assert max(sum(t <= other < t + 0.02 for other in late) for t in late) <= 8
