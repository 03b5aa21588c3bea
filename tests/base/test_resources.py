"""What the system says of the memory that this process holds."""

from pathlib import Path

import numpy as np
import pytest

from seedbed.base import resources
from seedbed.base.resources import memory_held, own_memory, peak_memory


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system is not Linux")
def test_memory_is_asked_for_in_one_place_and_a_peak_stays():
    before = own_memory()
    values = np.ones(12_500_000)
    held = memory_held()
    assert held.now - before > 90e6 and held.peak >= held.now
    del values
    assert own_memory() < held.now - 90e6 and memory_held().peak > 0.99 * held.peak
    assert peak_memory() == pytest.approx(held.peak / 1e6, abs=1)


def test_a_system_that_says_little_is_no_fault(monkeypatch, tmp_path):
    monkeypatch.setattr(resources, "Path", lambda _: tmp_path / "nowhere")
    monkeypatch.setattr(resources, "_peak_of_usage", lambda: 0)
    assert memory_held() == (0, 0) and own_memory() == 0 and peak_memory() is None
