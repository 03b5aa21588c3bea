"""Which notebooks a run executes."""

import pytest

from seedbed.base.errors import InputError
from seedbed.running.pipeline import run_pipeline
from seedbed.running.stages import plan_models
from tests.support.notebooks import make_project

OWN = "from seedbed.models.base import BaseModel\nclass Mine(BaseModel):\n    name = 'mine'\n    stochastic = True\nclass Other(BaseModel):\n    name = 'majority'\nclass Nameless(BaseModel): pass\n"


@pytest.mark.parametrize(
    "names, said",
    [
        ("majority, own:Other", "another model is called 'majority'"),
        ("own:Nameless", "give the class a name"),
        ("majorty", "majority"),
        ("own:Gone", "own:Gone"),
    ],
)
def test_models_that_cannot_be_told_apart_are_refused(tmp_path, names, said):
    root = make_project(tmp_path / "p")
    (root / "nbs" / "own.py").write_text(OWN)
    with pytest.raises(InputError, match=said):
        run_pipeline(root, [f"models.names={names}"])
    assert not (root / "runs").exists()


def test_only_chance_needs_seeds():
    models = [{"name": "a", "stochastic": False}, {"name": "b", "stochastic": True}]
    assert [(m["name"], s) for m, s in plan_models(models, (3, 4))] == [
        ("a", 3),
        ("b", 3),
        ("b", 4),
    ]


def test_baselines_begin_and_then_what_takes_longest():
    models = [
        {"name": "a", "stochastic": False, "turn": 2},
        {"name": "b", "stochastic": True, "turn": 1},
        {"name": "c", "stochastic": False, "turn": 0},
    ]
    planned = [(m["name"], s) for m, s in plan_models(models, (0, 1))]
    assert planned == [("c", 0), ("b", 0), ("b", 1), ("a", 0)]
