"""models.class_weight: off by default, and a rare class is found with it."""

import numpy as np
import pytest

from seedbed.base.settings import Models
from seedbed.models.registry import find_model
from seedbed.training.arrays import open_samples

NAMES = ("logistic_regression", "random_forest", "hist_gradient_boosting", "mlp")


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    """Samples of two classes that overlap; four in a hundred are of the second."""
    folder, rng = tmp_path_factory.mktemp("rare"), np.random.default_rng(0)
    for n in range(250):
        y = int(n % 25 == 0)
        np.save(folder / f"X_{n}.npy", rng.normal(0.8 * y, 1, (2, 3)).astype(np.float32))
        np.save(folder / f"Y_{n}.npy", y)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_rare_class_gets_more_probability(rare, name):
    found = {}
    for weight in (None, "balanced"):
        model = find_model(name)(0, Models(class_weight=weight, epochs=8))
        model.train(rare)
        found[weight] = model.predict(open_samples(rare, "train"))[:, 1]
    assert found["balanced"].mean() > found[None].mean() + (
        0.02 if name in ("logistic_regression", "mlp") else 0
    )
    assert not np.array_equal(found["balanced"], found[None])


def test_the_default_weighs_nothing():
    assert Models().class_weight is None
    model = find_model("logistic_regression")()
    assert model.options.class_weight is None
