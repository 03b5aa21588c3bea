"""A packed model answers as the run's own does."""

import json

import numpy as np
import pytest

from seedbed.base.settings import load_settings
from seedbed.models.registry import find_model
from seedbed.process import ready_dataset
from seedbed.training.dataset import FINAL, SampleDataset
from tests.support.world import refused

pack = pytest.importorskip("seedbed.sharing.pack")
for _name in ("onnx", "onnxruntime", "onnxscript", "skl2onnx"):
    pytest.importorskip(_name, reason="the extra pack is not installed")


@pytest.fixture(scope="module")
def dataset():
    return ready_dataset(load_settings())


def trained(name, dataset):
    settings = load_settings(None, ["models.epochs=2"])
    return find_model(name)(0, settings.models).train(SampleDataset(dataset, "train", FINAL))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random_forest", "tempcnn"])
def test_same_answers_for_pixels_with_gaps(name, dataset, tmp_path):
    import onnxruntime

    model = trained(name, dataset)
    pack.write_onnx(model, tmp_path / "model.onnx")
    values = pack.pixels_with_gaps(model)
    values[:5] = np.nan  # nothing was seen there
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    answer, missing = session.run(None, {"values": values})
    own, share = pack.own_answers(model, values)
    assert np.allclose(missing, share) and np.isnan(own[:5]).all()
    known = np.isfinite(own).all(1)
    assert known.sum() > 300 and np.abs(answer - own)[known].max() < pack.TOLERANCE


def test_what_cannot_be_packed_says_so(dataset):
    refused(lambda: pack.check_packable(trained("coordinates", dataset)), "not at imagery")
    model = trained("majority", dataset)
    model.meta = model.meta | {"sampling": "chip"}
    refused(lambda: pack.check_packable(model), "only models of series of single pixels")


def test_the_script_is_short_and_needs_three_packages():
    text = pack.asset("predict.txt", "pack")
    assert len(text.splitlines()) <= 45 and max(map(len, text.splitlines())) <= 100
    imported = {
        w for line in text.splitlines() if line.startswith("import") for w in line[7:].split(", ")
    }
    assert imported - {"json", "pathlib", "sys"} == {"numpy as np", *pack.REQUIREMENTS[1:]}


def test_an_altered_model_is_not_taken_for_the_same(tmp_path):
    own = np.array([[0.2, 0.8]])
    refused(lambda: pack._largest(own + 1e-3, own, tmp_path), "answers otherwise")
    assert pack._largest(own + 1e-7, own, tmp_path) < 1e-6


def test_the_item_is_plain_json():
    layout = {"variables": ["B4"], "steps": 2, "static": [], "step_months": 1}
    meta = {"layout": layout, "task": "regression", "classes": [], "unit": "%", "target": "cover"}
    results = {"run_id": "r", "ended_at": "2021-01-01T00:00:00Z", "verdict": {"status": "usable"}}
    item = pack.stac_item(results, meta, "ridge", [0, 0, 1, 1], {"model.onnx": "ab" * 32})
    assert json.loads(json.dumps(item))["assets"]["model"]["file:checksum"].startswith("1220ab")
    assert item["properties"]["mlm:input"][0]["input"]["shape"] == [-1, 2]
