"""Networks of other people: one that is trained here, and one that comes trained."""

import importlib.util
import json
import re
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import rasterio

from seedbed.base.errors import InputError
from seedbed.base.files import project_root, read_json
from seedbed.evaluation.applicability import fit_applicability
from seedbed.imagery.layout import layout_from_dict
from seedbed.imagery.scene import Scene
from seedbed.map import make_map
from seedbed.models.base import BaseModel
from seedbed.models.dense import check_field, receptive_field
from seedbed.models.records import predicted_labels
from seedbed.models.registry import find_model
from seedbed.process import ready_dataset
from seedbed.training.dataset import SampleDataset
from tests.support.dense import dense_settings, truth, write_raster, write_scene

ROOT = project_root()
SAMPLE = ROOT / "data/sample/brandenburg"
pytestmark = pytest.mark.slow


@pytest.fixture
def of_the_guide(monkeypatch):
    """The module that the guide on masks shows."""
    pytest.importorskip("monai")
    text = json.loads((ROOT / "nbs/guides/masks.ipynb").read_text(encoding="utf-8"))
    source = "".join("".join(cell["source"]) for cell in text["cells"])
    (code,) = re.findall(r"```python\n(from monai.*?)```", source, re.S)
    module = types.ModuleType("vision")
    exec(code, module.__dict__)
    monkeypatch.setitem(sys.modules, "vision", module)
    return module


def test_the_network_of_the_guide_learns_and_sees_what_it_says(of_the_guide, tmp_path):
    write_scene(tmp_path)
    write_raster(tmp_path / "mask.tif", truth().astype("uint8"))
    labels = {"masks": "mask.tif", "field": 19}
    split = {"method": "random", "folds": 2, "allow_leakage": True}
    settings = dense_settings(tmp_path, labels=labels, split=split, models={"epochs": 6})
    path = ready_dataset(settings)
    model = find_model("vision:MonaiUNet")(0, settings.models)
    model.train(SampleDataset(path))
    sums = predicted_labels(model, SampleDataset(path, "val"))[2]
    assert np.trace(sums[:, :, :3].sum(0)) / sums[:, :, :3].sum() > 0.5
    assert receptive_field(model.model, 2, 1)[0] == 19


def test_statistics_over_the_window_are_refused(of_the_guide):
    default = of_the_guide.UNet(2, 3, 2, (8, 16), (2,))  # instance normalisation
    field = receptive_field(of_the_guide.Outside(default), 3, 1)[0]
    meta = {"split": {"leaky": False, "method": "blocks", "buffer_km": 0.32}, "pixel_km": 0.01}
    with pytest.raises(InputError, match="sees 96 pixels across"):
        check_field("default", field, meta)


def session_of(network):
    """A file, or bytes, ready to run on one core."""
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return runtime.InferenceSession(network, options, providers=["CPUExecutionProvider"])


def means_held(path: Path, image: np.ndarray) -> bytes:
    """The network as it is, but the means over the window by which it weighs channels are always
    those of one image [1, 4, 256, 256].
    """
    onnx = pytest.importorskip("onnx")
    model, probe = onnx.load(path), onnx.load(path)
    names = [n.output[0] for n in model.graph.node if n.op_type == "GlobalAveragePool"]
    probe.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    session = session_of(probe.SerializeToString())
    values = session.run(names, {session.get_inputs()[0].name: image})
    kept = [node for node in model.graph.node if node.output[0] not in names]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    model.graph.initializer.extend(map(onnx.numpy_helper.from_array, values, names))
    return model.SerializeToString()


class CloudMask(BaseModel):
    """A network of ukis-csmask (Apache-2.0): ONNX, images of 256 pixels."""

    name = "csmask"
    dense, stride, window = True, 32, 256

    def __init__(self, folder: Path, layout: dict):
        super().__init__()
        self.session = session_of(folder / "model_4b_l1c.onnx")
        given = read_json(folder / "model_4b_l1c.json")["data"]["dataset_statistics"]
        self.mean, self.std = (np.array(part, "float32")[:, None, None] for part in given["img"])
        names = layout["variables"]
        self.bands = [names.index(name) for name in ("B2", "B3", "B4", "B8")]
        count = len(names)
        scaling = {"medians": np.zeros((1, count)), "mean": np.zeros(count), "std": np.ones(count)}
        scaling |= {f"static_{name}": np.zeros(0) for name in ("medians", "mean", "std")}
        about = {"task": "classification", "classes": ["clear", "cloud", "shadow"], "unit": ""}
        self.meta = about | {
            "target": "cloud",
            "steps": 1,
            "variables": names,
            "bands": names,
            "static_names": [],
            "sampling": "dense",
            "chip_size": 256,
            "max_missing": 0.5,
            "indices": [],
            "layout": layout,
            "scaling": {name: values.tolist() for name, values in scaling.items()},
        }

    def margin(self):
        return 32

    def predict(self, data):
        X = data.arrays()[0][:, 0, self.bands]
        height, width = X.shape[2:]
        rest = ((0, 0), (0, 0), (0, 256 - height), (0, 256 - width))
        X = (np.pad(X, rest, mode="edge") - self.mean) / self.std
        name = self.session.get_inputs()[0].name
        scores = np.concatenate([self.session.run(None, {name: one[None]})[0] for one in X])
        powers = np.exp(scores - scores.max(1, keepdims=True))
        return (powers / powers.sum(1, keepdims=True))[..., :height, :width]


@pytest.fixture
def cloud_mask():
    """The network, its folder, and the layout of the images that it is given."""
    found = importlib.util.find_spec("ukis_csmask")
    if found is None:
        pytest.skip("ukis-csmask is not installed")
    folder = Path(found.submodule_search_locations[0])
    if not (folder / "model_4b_l1c.onnx").is_file():
        pytest.skip("ukis-csmask has no weights beside it")
    layout = read_json(SAMPLE / "manifest.json")["layout"]
    return CloudMask(folder, layout), folder, layout


def classes_of_the_library(image: np.ndarray, bands: list[int]) -> np.ndarray:  # [H, W]
    """What ukis-csmask itself says of an image [bands, H, W]."""
    from ukis_csmask.mask import CSmask

    order = [f"b{k}" for k in range(len(image))]
    for name, k in zip(("blue", "green", "red", "nir"), bands):
        order[k] = name
    return CSmask(np.moveaxis(image, 0, -1).copy(), order, "l1c").csm[:, :, 0]


def test_a_network_that_others_have_trained_goes_through_the_same_map(tmp_path, cloud_mask):
    model, _, layout = cloud_mask
    place = tmp_path / "run/models/csmask/seed_0"
    place.mkdir(parents=True)
    for name in ("model.bin", "model.json"):
        (place / name).write_text("{}")
    side = 256
    with rasterio.open(SAMPLE / "scene.tif") as file:
        profile, names = file.profile, file.descriptions
        data = file.read(window=((400, 400 + side), (300, 300 + side)))
    with rasterio.open(
        tmp_path / "s.tif", "w", **profile | {"width": side, "height": side}
    ) as file:
        file.write(data)
        file.descriptions = names
    image = Scene(tmp_path / "s.tif", layout_from_dict(layout)).read(0, 0, side, side)
    some = image[:, ::16, ::16].reshape(len(image), -1).T
    near = fit_applicability([(some[::2], some[1::2])], some)
    (tmp_path / "run/maps").mkdir()
    near.save(tmp_path / "run/maps/applicability-csmask-seed_0.npz")
    record = make_map(model, place, tmp_path / "s.tif", tmp_path / "none.h5", tmp_path / "map", 1)
    assert record["pixels"]["mapped"] == side * side
    with rasterio.open(tmp_path / "map/map.tif") as file:
        mapped = file.read(1) - 1
    # not all: it looks over its whole window, and the library cuts other windows
    assert (mapped == classes_of_the_library(image, model.bands)).mean() > 0.9


def test_in_the_same_windows_it_says_what_its_own_library_says(cloud_mask):
    model, _, layout = cloud_mask
    from ukis_csmask.utils import tile_array, untile_array

    image = Scene(SAMPLE / "scene.tif", layout_from_dict(layout)).read(400, 300, 256, 256)
    tiles = np.moveaxis(tile_array(np.moveaxis(image, 0, -1), overlap=0.2), -1, 1)
    chips = types.SimpleNamespace(arrays=lambda: (tiles[:, None], None))
    said = np.moveaxis(model.predict(chips), 1, -1)
    joined = untile_array(said, (256, 256, 3), overlap=0.2, smooth_blending=True)
    library = classes_of_the_library(image, model.bands)
    assert set(np.unique(library)) == {0, 2}
    assert (joined.argmax(2) == library).all()


def test_windows_differ_by_the_means_that_are_taken_over_them(cloud_mask):
    model, folder, layout = cloud_mask
    scene, shift = Scene(SAMPLE / "scene.tif", layout_from_dict(layout)), 64

    def changed() -> float:
        """The share of the pixels of two windows that is of another class in the other one."""
        first, second = (
            model.predict(
                types.SimpleNamespace(
                    arrays=lambda: (scene.read(400 + d, 300 + d, 256, 256)[None, None], None)
                )
            )[0].argmax(0)
            for d in (0, shift)
        )
        return (first[shift:, shift:] != second[:-shift, :-shift]).mean()

    free = changed()
    image = scene.read(400, 300, 256, 256)[None, model.bands]
    network = means_held(folder / "model_4b_l1c.onnx", (image - model.mean) / model.std)
    model.session = session_of(network)
    assert free > 0.8 and changed() < 0.1


def test_a_model_of_ones_own_is_found_by_the_name_in_a_result(monkeypatch):
    from seedbed.models.classical import Forest
    from seedbed.models.registry import model_called

    module = types.ModuleType("thicket")
    module.Thicket = type("Thicket", (Forest,), {"name": "thicket"})
    monkeypatch.setitem(sys.modules, "thicket", module)
    assert model_called("thicket", ["majority", "thicket:Thicket"]) is module.Thicket
    assert model_called("majority", ["majority", "thicket:Thicket"]).name == "majority"
