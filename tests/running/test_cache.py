"""What is kept, and its locks."""

import subprocess
import sys

import pytest

from seedbed.base.settings import load_settings
from seedbed.running.cache import Cache, held
from tests.support.notebooks import make_project


@pytest.mark.slow
def test_a_lock_ends_with_its_owner(tmp_path):
    cache = Cache(load_settings(make_project(tmp_path / "p") / "settings.ini"))
    code = f"from seedbed.running.cache import Cache\nfrom seedbed.base.settings import load_settings\nimport time\nlock = Cache(load_settings({str(tmp_path / 'p/settings.ini')!r})).lock('run', 'x')\nlock.acquire()\nprint('held', flush=True)\ntime.sleep(60)"
    owner = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    owner.stdout.readline()
    assert held(cache.lock("run", "x"))
    owner.kill()
    owner.wait()
    assert not held(cache.lock("run", "x"))
