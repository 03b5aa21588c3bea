"""Every model that ships: it learns, it is reproducible, it comes back from disk."""

import json

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits

from seedbed.models.base import save_model
from seedbed.models.registry import load_model
from tests.support.models import (
    ABSENT,
    ALL,
    CLASSES,
    NETWORKS,
    SETTINGS,
    STOCHASTIC,
    TASKS,
    check_answers,
    each_model,
    make_dataset,
)

# --- all models ---


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", each_model())
@pytest.mark.slow
def test_fit_and_predict(name, task, made, fitted):
    model, val = fitted(name, task), made[task][1]
    prediction = model.predict(val)
    check_answers(prediction, val)
    json.dumps(model.params(), allow_nan=False)
    assert model.parameters() is None or model.parameters() > 0
    if task == "classification":
        assert (prediction[:, ABSENT] == 0).all() and (val.y == ABSENT).any()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("name", each_model())
def test_round_trip(name, task, made, fitted, tmp_path):
    model, val = fitted(name, task), made[task][1]
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    np.testing.assert_array_equal(again.predict(val), model.predict(val))
    assert (
        type(again) is type(model)
        and again.params() == model.params()
        and again.parameters() == model.parameters()
    )
    save_model(again, tmp_path / "copy")
    records = [
        json.loads((folder / "model.json").read_text()) | {"weights_sha256": ""}
        for folder in (tmp_path, tmp_path / "copy")
    ]
    assert records[0] == records[1]


@pytest.mark.parametrize("name", each_model())
def test_seed(name, made, fitted):
    train, val = made["classification"]
    first = fitted(name, "classification").predict(val)
    other = fitted(name, "classification", 1).predict(val)
    np.random.seed(99), torch.manual_seed(99)
    again = ALL[name](0, SETTINGS["classification"].models).train(train).predict(val)
    np.testing.assert_array_equal(again, first)
    assert np.array_equal(first, other) != (name in STOCHASTIC)


@pytest.mark.parametrize("name", each_model(set(ALL) - set(NETWORKS)))
def test_threads_change_nothing(name, made, fitted):
    train, val = made["regression"]
    with threadpool_limits(2):
        assert np.array_equal(
            ALL[name](0).train(train).predict(val), fitted(name, "regression").predict(val)
        )


@pytest.mark.slow
@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize(
    "steps,window", [(1, ()), (1, (3, 4)), (2, (4, 4))], ids=["one-step", "one-step-chips", "chips"]
)
def test_one_step_and_chips(task, steps, window, tmp_path):
    train, val = make_dataset(tmp_path, task, steps, window, 48)
    options = SETTINGS[task].models.model_copy(update={"epochs": 1})
    for name, kind in ALL.items():
        check_answers(kind(0, options).train(train).predict(val), val)


@pytest.mark.parametrize("name", each_model(set(ALL) - {"majority", "coordinates"}))
@pytest.mark.slow
def test_beats_majority(name, made):
    """Every model learns what is plain to see: here both the first band and the date tell the class."""
    train, val = made["classification"]
    options = SETTINGS["classification"].models.model_copy(
        update={"epochs": 30, "learning_rate": 3e-3}
    )
    known = val.y != ABSENT
    right = (ALL[name](0, options).train(train).predict(val).argmax(1) == val.y)[known].mean()
    assert right > 0.8, f"{right:.2f} right"


# --- models of one's own, and broken ones ---


@pytest.mark.parametrize("name", each_model())
def test_a_training_side_of_one_class_is_answered_by_that_class(name, made):
    train, val = made["classification"]
    alone = train.part(train.y == 1)
    found = ALL[name](0, SETTINGS["classification"].models).train(alone).predict(val)
    assert (
        found.shape == (len(val), len(CLASSES))
        and (found.argmax(1) == 1).all()
        and np.allclose(found.sum(1), 1)
    )
