"""What a run would do."""

import pytest

from tests.support.notebooks import executed


@pytest.mark.slow
def test_status_says_what_a_run_would_do(made):
    from seedbed.running.status import states

    root, first = made
    assert {s.state for s in states(root)} == {"fresh"} and {s.run for s in states(root)} == {
        first.name
    }
    now = {s.name: s for s in states(root, ["split.folds=7"])}
    assert now["01_export"].state == "fresh" and (
        now["02_process"].state,
        now["02_process"].why,
    ) == ("stale", ("split.folds 5 -> 7",))
    assert (now["03_dataset"].state, now["03_dataset"].why) == ("waits", ("for 02_process",))
    assert {
        s.state for s in states(root, ["models.names=coordinates"]) if s.name.startswith("04")
    } == {"missing"}
    assert executed(root)[0] == []
