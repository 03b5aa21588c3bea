"""Models that are fitted once for all tests of a file."""

import pytest

from seedbed.training.loops import seed_everything
from tests.support.models import ALL, SETTINGS  # noqa: F401


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Results are compared to the last digit."""
    seed_everything(0)


@pytest.fixture(scope="module")
def fitted(made):
    """Fitted models, each fitted once."""
    kept = {}

    def fit(name, task, seed=0):
        if (name, task, seed) not in kept:
            kept[name, task, seed] = ALL[name](seed, SETTINGS[task].models).train(made[task][0])
        return kept[name, task, seed]

    return fit
