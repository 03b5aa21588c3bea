"""Models that are fitted once for all tests of a file."""

import pytest

from seedbed.training.loops import seed_everything
from tests.support.models import fitted, made  # noqa: F401


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Results are compared to the last digit."""
    seed_everything(0)
