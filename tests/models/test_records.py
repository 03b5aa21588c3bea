"""Predictions that cannot be scored are refused."""

import numpy as np
import pytest

from seedbed.base.errors import InputError
from seedbed.model import cross_validate
from seedbed.models.base import BaseModel
from tests.support.models import ALL, SETTINGS, TASKS


class Broken(BaseModel):
    """Answers whatever it is told to."""

    name = "broken"

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def train(self, data):
        return None

    def predict(self, data):
        return self.answer(data)


@pytest.mark.parametrize(
    "task,answer,message",
    [
        ("classification", lambda d: np.full((len(d), len(d.classes)), np.nan), "not finite"),
        ("regression", lambda d: np.full(len(d), np.nan), "not finite"),
        ("regression", lambda d: np.full(len(d), np.inf), "not finite"),
        ("classification", lambda d: np.zeros((len(d), 2)), "shape"),
        ("regression", lambda d: np.zeros((len(d), 1)), "shape"),
        ("classification", lambda d: np.ones((len(d), len(d.classes))), "add up to 1"),
    ],
)
def test_broken_answers_are_refused(task, answer, message, made, tmp_path):
    with pytest.raises(InputError, match=f"model broken: .*{message}"):
        cross_validate(
            Broken(answer), made[task][0].path, settings=SETTINGS[task], run_dir=tmp_path
        )
    assert not list(tmp_path.rglob("results.json"))


@pytest.mark.parametrize("task", TASKS)
def test_a_network_that_has_exploded_is_refused(task, made, tmp_path):
    options = SETTINGS[task].models.model_copy(update={"learning_rate": 1e30})
    with pytest.raises(InputError, match="not finite; train with a smaller learning rate"):
        cross_validate(
            ALL["mlp"](0, options), made[task][0].path, settings=SETTINGS[task], run_dir=tmp_path
        )
