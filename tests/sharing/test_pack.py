"""A packed model answers as the run's own does."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from affine import Affine

from seedbed.base.settings import load_settings
from seedbed.evaluation.conformal import Certainty
from seedbed.imagery.layout import Layout
from seedbed.models.base import flat_features
from seedbed.models.pretrained.presto import PrestoTuned
from seedbed.models.registry import find_model
from seedbed.process import ready_dataset
from seedbed.training.dataset import FINAL, SampleDataset
from tests.support.dense import dense_settings, write_polygons, write_scene
from tests.support.world import refused

pack = pytest.importorskip("seedbed.sharing.pack")
for _name in ("onnx", "onnxruntime", "onnxscript", "skl2onnx"):
    pytest.importorskip(_name, reason="the extra pack is not installed")


def trained(name, settings):
    data = SampleDataset(ready_dataset(settings), "train", FINAL)
    return find_model(name)(0, settings.models).train(data)


def of_series(tmp_path):
    return load_settings(None, ["models.epochs=1"])


def of_places(tmp_path):
    """An encoder that is not pretrained."""
    return load_settings(None, ["models.epochs=1", "models.weights=presto = random"])


def of_chips(tmp_path):
    """Three labels: what counts is that a chip is cut as it is for a map."""
    more = ["process.sampling=chip", "process.chip_size=5", "process.indices=ndvi"]
    return load_settings(None, ["models.epochs=1", f"paths.processed={tmp_path}", *more])


def of_images(tmp_path):
    write_scene(tmp_path, 3)
    write_polygons(tmp_path)
    return dense_settings(tmp_path, models={"epochs": 1})


@pytest.mark.slow
@pytest.mark.parametrize(
    "name, data",
    [
        ("logistic_regression", of_chips),
        ("unet", of_images),
        ("presto_tuned", of_places),  # a probe would stand on noise, without pretrained weights
    ],
)
def test_the_script_makes_the_map_that_the_run_makes(name, data, tmp_path, monkeypatch):
    model = trained(name, data(tmp_path))
    count = len(model.meta["classes"])
    if not model.dense:
        model.certainty = Certainty(0.9, [0.3] * count, 1.3, "block", 20, True)
    pack.write_onnx(model, tmp_path / "model.onnx")
    (tmp_path / "model.json").write_text(json.dumps(pack.about_model(model, "r")))
    for script in pack.scripts_of(model):
        (tmp_path / f"{script}.py").write_text(pack.asset(f"{script}.txt", "pack"))
    monkeypatch.chdir(tmp_path.parent)
    found = pack.check_pack(Path(tmp_path.name), model)  # as `--out FOLDER` names it
    assert max(found.values()) < pack.TOLERANCE and len(found) == 1


def test_bands_may_have_the_names_that_the_run_has_read(tmp_path):
    """A scene of one step needs no number; other spellings are those of the run's own scene."""
    one, two = Layout(("A00", "A01"), 1, ("height",)), Layout(("B4", "B8"), 2)
    assert pack.same_bands(one) == {"A00": "A00_t00", "A01": "A01_t00"}
    assert pack.same_bands(two) == {}
    names = [f"2018-0{month}-01_{band}" for band in ("B8", "B4") for month in (4, 5)]
    scene = tmp_path / "scene.tif"
    grid = {"driver": "GTiff", "width": 5, "height": 4, "count": 4, "dtype": "float32"}
    with rasterio.open(scene, "w", **grid, transform=Affine(10, 0, 5e5, 0, -10, 5e6)) as file:
        file.write(np.arange(80, dtype="float32").reshape(4, 4, 5))
        file.descriptions = names
    same = pack.same_bands(two, scene)
    assert same["2018-05-01_B8"] == "B8_t01" and len(same) == 4
    about = {"same": same, "bands": list(two.descriptions), "by_position": False, "nodata": None}
    script, known = pack.asset("predict.txt", "pack"), {"np": np}
    part = script[script.index("def read") : script.index("def grid")]
    exec(part, known | {"about": about | {"scale": 1, "offset": 0}}, known)
    with rasterio.open(scene) as file:
        values = known["read"](file, ((0, 4), (0, 5)))
    assert values[:, 0, 0].tolist() == [40, 0, 60, 20]


def test_chips_are_summed_up_alike_to_the_last_digit():
    """A forest's branches lie between training chips, and what is rounded otherwise takes others."""
    X = np.random.default_rng(0).normal(3, 1, (500, 2, 3, 8, 8)).astype(np.float32)
    features = pack._Features.__new__(pack._Features)
    pack.nn.Module.__init__(features)
    features.encoded = lambda values, *_: (pack.torch.tensor(values), None, None)
    features.raw, features.columns = True, None
    own = flat_features(SimpleNamespace(arrays=lambda: (X, None)))
    assert own.dtype == np.float32 and (features(X)[0].numpy() == own).all()


def test_of_equal_probabilities_the_first_class_is_taken():
    """Trees that agree are added up in another order, and rounding must not decide."""
    meta = {"classes": ["a", "b", "c"], "sampling": "center", "chip_size": 0, "max_missing": 0.5}
    model = SimpleNamespace(meta=meta, certainty=None, threshold=None, dense=False)
    found = pack.torch.tensor([[0.06, 0.47, 0.47 + 6e-8], [0.2, 0.3, 0.5]])
    _, layers = pack.Finished(model)(found, pack.torch.zeros(1, 2))
    assert layers[0, 0].tolist() == [2, 3] and np.allclose(layers[1, 0], [0.47, 0.5])


def test_what_cannot_be_packed_says_so():
    settings = of_series(Path())
    refused(lambda: pack.check_packable(trained("coordinates", settings)), "not at imagery")
    model = trained("logistic_regression", settings)
    model.reads_files = True
    refused(lambda: pack.check_packable(model), "nobody knows how it prepares them")
    model.reads_files, model.dense = False, True
    model.meta["layout"]["static"] = ["height"]
    refused(lambda: pack.check_packable(model), "depends on how the scene is cut")


def test_the_script_is_thirty_lines_and_needs_three_packages():
    text = pack.asset("predict.txt", "pack")
    assert len(text.splitlines()) <= 30 and max(map(len, text.splitlines())) <= 100
    imported = {
        w for line in text.splitlines() if line.startswith("import") for w in line[7:].split(", ")
    }
    assert imported - {"json", "pathlib", "sys"} == {"numpy as np", *pack.REQUIREMENTS[1:]}


def test_an_altered_model_is_not_taken_for_the_same(tmp_path):
    own = np.array([[[1.0, 2.0]], [[0.9, 0.8]]])
    names = ["class", "probability"]
    assert pack._largest(own + [[[0]], [[1e-7]]], own, names, tmp_path) < 1e-6
    refused(lambda: pack._largest(own + [[[0]], [[1e-3]]], own, names, tmp_path), "answers other")
    refused(lambda: pack._largest(own + [[[1]], [[0]]], own, names, tmp_path), "of the pixels")
    encoded = lambda off: pack._largest(own + off, own, names, tmp_path, 0.0, pack.ROUNDING)
    assert pack.tolerance_of(PrestoTuned(0, load_settings().models)) == pack.ROUNDING
    assert encoded([[[0]], [[5e-4]]]) > pack.TOLERANCE  # layers that round, and then a probe
    refused(lambda: encoded([[[0]], [[2e-3]]]), "answers otherwise")
    refused(lambda: encoded([[[1]], [[0]]]), "of the pixels")
    holes = own.copy()
    holes[1, 0, 0] = np.nan
    refused(lambda: pack._largest(holes, own, names, tmp_path), "answers otherwise")


def test_the_verdict_is_that_of_the_packed_model():
    rows = [
        {"model": name, "verdict": status, "reasons": [f"a reason for {name}"]}
        for name, status in (("forest", "usable"), ("ridge", "not usable"))
    ]
    found = {"status": "usable", "headline": "forest is usable", "reasons": rows[0]["reasons"]}
    found["thresholds"] = {"source": "the ministry"}
    results = {"verdict": found, "models": rows, "best_model": "forest"}
    assert pack.verdict_of(results, "forest") == ("forest is usable", ["a reason for forest"])
    said, reasons = pack.verdict_of(results, "ridge")
    assert said == "ridge is not usable; the run's best model is forest"
    assert reasons == ["a reason for ridge"]


def test_the_card_says_how_a_map_is_made_and_where_ties_fall(monkeypatch):
    results = {
        "data": {
            "name": "d",
            "source": "s",
            "n": {"val": 9},
            "label_kind": "point",
            "licence": "l",
        },
        "split": {"method": "blocks", "blocks": {"val": 3}, "claim": "new_region"},
        "verdict": {"status": "usable", "thresholds": {"source": "me"}},
        "best_model": "presto",
        "run_id": "r",
        "git": {"commit": None},
        "warnings": [],
    }
    layout = {"variables": ["B4"], "steps": 2, "static": [], "step_months": 1}
    meta = {"layout": layout, "task": "regression", "classes": [], "unit": "%", "target": "cover"}
    weights = {"encoder": "presto", "source": "/a/presto.pt", "sha256": "0" * 64, "licence": "MIT"}
    own = {"model": "presto", "primary": {"n_blocks": 3}}
    options = SimpleNamespace(units=("B4: 1e-4",))
    about = meta | {"pretrained": {"weights": weights}}
    model = SimpleNamespace(meta=about, certainty=None, options=options)
    said = pack.card(results, own, model, {"the scene": 0.01, "gaps": 1e-7})
    assert "then `python predict.py SCENE.tif MAP.tif`. The scene" in said
    assert "that model.json lists (B4 in 1e-4); the map" in said
    assert "weights of presto (presto.pt, sha256 000000000000...; licence: MIT)" in said
    assert "the scene: 1.0e-02 at no more than 1 of 1,000" in said and "gaps: 1.0e-07\n" in said
    monkeypatch.setattr(pack, "encoder_of", lambda model: object)
    assert "MAP.tif 2021-04-01` with the day" in pack.card(results, own, model, {})


def item_of(task, classes, **more):
    layout = {"variables": ["B4"], "steps": 2, "static": [], "step_months": 1}
    meta = {
        "layout": layout,
        "task": task,
        "classes": classes,
        "unit": "%",
        "target": "cover",
    } | more
    results = {"run_id": "r", "ended_at": "2021-01-01T00:00:00Z", "verdict": {"status": "usable"}}
    results["best_model"] = "ridge"
    return pack.stac_item(results, meta, "ridge", [0, 0, 1, 1], {"model.onnx": "ab" * 32})


def test_the_item_is_plain_json():
    item = item_of("regression", [])
    assert json.loads(json.dumps(item))["assets"]["model"]["file:checksum"].startswith("1220ab")
    assert item["properties"]["mlm:input"][0]["input"]["shape"] == [2, -1, -1]


@pytest.mark.parametrize(
    "task, classes", [("regression", []), ("classification", ["Rye, winter", "sun flower"])]
)
def test_the_item_is_valid(task, classes):
    """By the schema of STAC 1.1, and by the extension's own model of itself."""
    pystac = pytest.importorskip("pystac")
    weights = {"encoder": "presto", "source": "hf:a/b", "sha256": "0" * 64, "licence": "MIT"}
    item = item_of(task, classes, pretrained={"weights": weights} if classes else {})
    assert [i["name"] for i in item["properties"]["mlm:input"]][1:] == ["place", "month"][
        : 2 * bool(classes)
    ]
    only = pystac.Item.from_dict(item | {"stac_extensions": []}, preserve_dict=True)
    pystac.validation.validate(only)
    stac_model = pytest.importorskip("stac_model.schema", reason="the extra mlm is not there")
    known = stac_model.MLModelProperties.model_validate(item["properties"])
    assert {str(getattr(t, "value", t)) for t in known.tasks} == {task}
    assert stac_model.SCHEMA_URI in item["stac_extensions"]
    wrong = item["properties"] | {"mlm:output": [{"name": "answer"}]}
    with pytest.raises(ValueError):
        stac_model.MLModelProperties.model_validate(wrong)
