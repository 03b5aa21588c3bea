"""Models are found by name, those of one's own too."""

import sys

import numpy as np
import pytest

from seedbed.base.errors import InputError
from seedbed.model import cross_validate
from seedbed.models.registry import find_model, load_model
from tests.support.models import SETTINGS

OWN = '''
import numpy as np
from seedbed.models.base import BaseModel

class Mine(BaseModel):
    """Always the same."""
    name = "mine"
    def train(self, data): return np.bincount(data.y, minlength=len(data.classes)) / len(data)
    def predict(self, data): return np.tile(self.model, (len(data), 1))
'''


def test_a_model_of_ones_own(made, tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_models", raising=False)
    val = made["classification"][1]
    model = find_model("own_models:Mine")(0)
    record = cross_validate(model, val.path, settings=SETTINGS["classification"], run_dir=tmp_path)
    assert record["model"] == "mine"
    again = load_model(tmp_path / "models" / "mine" / "seed_0")
    np.testing.assert_array_equal(again.predict(val), model.predict(val))
    with pytest.raises(InputError, match="own_models:Yours"):
        find_model("own_models:Yours")
    with pytest.raises(InputError, match="no_such_module"):
        find_model("no_such_module:Mine")
