"""What a stage depends on."""

import pytest

from seedbed.base.settings import load_settings
from seedbed.running.stages import STAGES
from tests.support.paths import ROOT


@pytest.mark.slow
def test_another_threshold_judges_again_and_trains_nothing():
    from seedbed.running.dependencies import Reader
    from seedbed.running.graph import setting_values, used_by

    nbs, settings = ROOT / "nbs", load_settings(ROOT / "settings.ini")
    reads = {
        s.name: set(setting_values(settings, used_by(Reader(nbs), nbs, s).settings))
        for s in STAGES
        if s.name in ("01_export", "04_model", "05_compare")
    }
    assert {name for name in reads["04_model"] if name.startswith(("success.", "run."))} == {
        "success.metric",
        "success.quantity",
        "run.threads",
        "run.resamples",
        "run.coverage",
        "run.level",
        "run.open_test",
    }
    assert "dataset.batch_size" in reads["04_model"]
    assert not {name for name in reads["01_export"] if name.startswith("success.")}
    assert {"success.usable", "success.ceiling", "success.worst_region_min"} <= reads["05_compare"]
