"""Weights that somebody has altered: one line, and never a crash; nothing is executed unasked."""

import io
import json
import os
import zipfile

import joblib
import numpy as np
import pytest
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeRegressor

from seedbed.base.errors import InputError
from seedbed.base.settings import Models
from seedbed.models.registry import load_model
from seedbed.models.weights import dump_weights, executed_by, load_weights

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4)).astype("float32")
Y = RNG.integers(0, 3, 120)


class Evil:
    """A pickle that leaves a file behind when it is read."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def rewritten(file, change):
    """A file of weights in which `change` has altered the schema and the arrays by name."""
    with zipfile.ZipFile(file) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    schema = json.loads(content.pop("schema.json"))
    arrays = {name: np.load(io.BytesIO(raw)) for name, raw in content.items()}
    change(schema, arrays)
    with zipfile.ZipFile(file, "w") as parts:
        parts.writestr("schema.json", json.dumps(schema))
        for name, array in arrays.items():
            raw = io.BytesIO()
            np.save(raw, array)
            parts.writestr(name, raw.getvalue())
    return file


def nodes_of(arrays):
    """The first array of nodes."""
    return next(array for array in arrays.values() if array.dtype.names)


def set_node(field, value):
    """A change that gives the root of the first tree another value."""

    def change(schema, arrays):
        nodes_of(arrays)[field][0] = value

    return change


def set_everywhere(name, value):
    """A change that gives an attribute another value wherever it stands."""

    def change(schema, arrays):
        waiting = [schema]
        while waiting:
            node = waiting.pop()
            if isinstance(node, dict):
                if name in node and isinstance(node[name], dict):
                    node[name] = {
                        "__class__": "int",
                        "__module__": "builtins",
                        "__loader__": "JsonNode",
                        "content": json.dumps(value),
                        "is_json": True,
                    }
                waiting.extend(node.values())
            elif isinstance(node, list):
                waiting.extend(node)

    return change


FOREST = RandomForestClassifier(3, random_state=0).fit(X, Y)
TREE = DecisionTreeRegressor(random_state=0).fit(X, Y)
BOOSTED = HistGradientBoostingClassifier(max_iter=3).fit(X, Y)


@pytest.mark.parametrize(
    "fitted, change",
    [
        (FOREST, set_node("left_child", 10**6)),
        (FOREST, set_node("right_child", -5)),
        (FOREST, set_node("left_child", 0)),  # a circle
        (FOREST, set_node("feature", 10**6)),
        (FOREST, set_node("feature", -3)),
        (FOREST, set_everywhere("n_features_in_", 10**6)),
        (TREE, set_node("left_child", 10**6)),
        (TREE, set_node("feature", 4)),
        (BOOSTED, set_node("left", 10**6)),
        (BOOSTED, set_node("right", 0)),
        (BOOSTED, set_node("feature_idx", 99)),
        (BOOSTED, set_node("is_categorical", 1)),
    ],
)
def test_a_tree_that_leads_out_of_itself_is_refused(tmp_path, fitted, change):
    dump_weights(fitted, tmp_path / "w")
    assert executed_by(tmp_path / "w") == []
    with pytest.raises(InputError, match="the weights are damaged .*; train again"):
        load_weights(rewritten(tmp_path / "w", change))


@pytest.mark.parametrize("where", [("left_child", 10**6), ("feature", 99)])
def test_trust_in_a_type_is_no_trust_in_damaged_trees(tmp_path, where):
    fitted = GradientBoostingClassifier(n_estimators=2, random_state=0).fit(X, Y)
    dump_weights(fitted, tmp_path / "w")
    assert executed_by(tmp_path / "w")
    honest = load_weights(tmp_path / "w", trust=True)
    np.testing.assert_array_equal(honest.predict_proba(X), fitted.predict_proba(X))
    with pytest.raises(InputError, match="the weights are damaged"):
        load_weights(rewritten(tmp_path / "w", set_node(*where)), trust=True)


def test_a_network_of_which_the_weights_are_a_pickle_is_a_line(tmp_path):
    import torch

    from seedbed.models.tempcnn import TempCNN

    for content in (Evil(tmp_path / "marker"), {"shape": {}}):
        torch.save(content, tmp_path / "w")
        with pytest.raises(InputError, match="holds more than a network's numbers"):
            TempCNN(Models(), 0).restore(tmp_path / "w")
    assert not (tmp_path / "marker").exists()


def test_neighbours_are_fitted_again_and_a_class_that_there_is_not_is_refused(tmp_path):
    fitted = KNeighborsClassifier(3).fit(X, Y)
    dump_weights(fitted, tmp_path / "w")
    np.testing.assert_array_equal(
        load_weights(tmp_path / "w").predict_proba(X), fitted.predict_proba(X)
    )

    def another_class(schema, arrays):
        integers = [a for a in arrays.values() if a.dtype == Y.dtype and len(a) == len(Y)]
        integers[0][0] = 10**6

    with pytest.raises(InputError, match="damaged"):
        load_weights(rewritten(tmp_path / "w", another_class))


@pytest.mark.parametrize("cut", [1, 10, 100, 1000])
def test_a_file_that_ends_early_is_refused(tmp_path, cut):
    dump_weights(FOREST, tmp_path / "w")
    (tmp_path / "w").write_bytes((tmp_path / "w").read_bytes()[:-cut])
    with pytest.raises(InputError):
        load_weights(tmp_path / "w")


def test_a_pickle_is_not_read_unasked(tmp_path):
    joblib.dump(Evil(tmp_path / "marker"), tmp_path / "w")
    with pytest.raises(InputError, match="would execute: a pickle, which can .*: --trust"):
        load_weights(tmp_path / "w")
    assert not (tmp_path / "marker").exists()
    load_weights(tmp_path / "w", trust=True)
    assert (tmp_path / "marker").exists()


def test_compiled_code_that_is_not_checked_needs_trust(tmp_path):
    fitted = GradientBoostingClassifier(n_estimators=2).fit(X, Y)
    dump_weights(fitted, tmp_path / "w")
    with pytest.raises(InputError, match="GradientBoostingClassifier.*--trust"):
        load_weights(tmp_path / "w")
    assert (load_weights(tmp_path / "w", trust=True).predict(X) == fitted.predict(X)).all()


def test_a_function_named_in_a_file_is_not_called(tmp_path):
    dump_weights(LogisticRegression().fit(X, Y), tmp_path / "w")

    def call(schema, arrays):
        schema["__module__"], schema["__class__"] = "os", "system"

    with pytest.raises(InputError, match="the type os.system"):
        load_weights(rewritten(tmp_path / "w", call))


# --- whole models ---


def described(folder, weights, **record):
    """A folder with weights and a model.json that names a class."""
    import hashlib

    folder.mkdir(exist_ok=True)
    (folder / "model.bin").write_bytes(weights)
    known = {
        "class": "seedbed.models.classical:Logistic",
        "seed": 0,
        "options": Models().model_dump(),
        "meta": {},
        "weights_sha256": hashlib.sha256(weights).hexdigest(),
    }
    (folder / "model.json").write_text(json.dumps(known | record))
    return folder


@pytest.mark.parametrize(
    "name", ["cProfile:run", "os:system", "antigravity:x", "seedbed.models.base:joblib", "a/../b:C"]
)
def test_a_class_from_elsewhere_is_not_imported(tmp_path, name, monkeypatch):
    import sys

    monkeypatch.delitem(sys.modules, "antigravity", raising=False)
    with pytest.raises(
        InputError, match="would execute: the module of|is no model|cannot import|no attribute"
    ):
        load_model(described(tmp_path / "m", b"anything", **{"class": name}))
    assert "antigravity" not in sys.modules


def test_a_seal_of_somebody_else_opens_nothing(tmp_path):
    joblib.dump(Evil(tmp_path / "marker"), tmp_path / "w")
    folder = described(tmp_path / "m", (tmp_path / "w").read_bytes(), seal="0" * 64)
    with pytest.raises(InputError, match="--trust"):
        load_model(folder)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("record", ["[]", '{"class": 3}', "{}", "null"])
def test_a_record_of_another_form_is_a_line(tmp_path, record):
    (tmp_path / "model.json").write_text(record)
    with pytest.raises(InputError, match="model.json"):
        load_model(tmp_path)
