"""From a run to labels that were chosen, and from its probabilities to an area, by the commands."""

import json
import shutil

import geopandas as gpd
import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio

from seedbed.base.files import read_json
from seedbed.base.settings import load_settings
from seedbed.export import export
from seedbed.process import process
from seedbed.training.dataset import SampleDataset
from tests.support import small_data
from tests.support.paths import ROOT

pytestmark = pytest.mark.slow
SETTINGS = [
    "labels.target=crop",
    "split.folds=2",
    *small_data.COLUMNS_OF_FIELDS,
    "models.names=majority, logistic_regression",
    "run.optimism=no",
    "run.resamples=100",
    "run.kernel=fork",
    "success.usable=0.2",
    "map.probabilities=yes",
    "map.largest=2",
]


@pytest.fixture
def made(tmp_path):
    """The landscape as a scene, of whose fields a third has no label; and settings for it."""
    labels = small_data.fields()
    small_data.one_tif(tmp_path, small_data.scene(labels))
    known = np.arange(len(labels)) % 3 > 0
    small_data.in_degrees(labels[known], "square").to_file(tmp_path / "fields.gpkg")
    small_data.write_chips(tmp_path / "open", labels[~known])
    places = [
        f"paths.{name}={tmp_path}/{name}" for name in ("exports", "processed", "runs", "cache")
    ]
    return [*SETTINGS, *places, f"source.name=scene:{tmp_path}/image.tif"]


def test_from_a_run_to_chosen_labels_and_to_an_area(made, here, tmp_path):
    root, labels = tmp_path, small_data.fields()
    settings = [*made, f"source.labels_file={root}/fields.gpkg"]
    words = [word for setting in settings for word in ("-p", setting)]
    code, _, err = here("run", *words, cwd=ROOT)
    assert code == 0, err
    runs = ("-p", f"paths.runs={root}/runs")

    # the places that would help most: of the run's map, of a scene, of chips without labels
    code, out, err = here("next", *runs, "--n", "9", "--forecast", cwd=ROOT)
    assert code == 0 and "9 places" in out and "until then: " in out, err
    code, out, err = here("next", *runs, "--n", "4", "--scene", f"{root}/image.tif", cwd=ROOT)
    assert code == 0 and "next.geojson" in out and "pixels" not in out, err
    code, out, err = here("next", *runs, "--n", "5", "--chips", f"{root}/open/tifs", cwd=ROOT)
    assert code == 0 and "open/tifs/next.geojson" in out, err
    chosen = gpd.read_file(root / "open/tifs/next.geojson")
    assert set(chosen["id"]) <= set(labels["id"]) and (chosen["acquired"] == "next").all()
    code, _, err = here("next", *runs, "--chips", "a", "--scene", "b.tif", cwd=ROOT)
    assert code == 1 and "give one of them" in err

    # the map of another run is refused, and who has no map is told how to make one
    run = next((root / "runs").glob("*/results.json")).parent
    shutil.copytree(run / "maps/image", root / "foreign")
    with rasterio.open(root / "foreign/map.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as file:
        file.update_tags(run="of-slovenia")
    code, _, err = here("next", *runs, "--map", f"{root}/foreign", cwd=ROOT)
    assert code == 1 and "is a map of run of-slovenia" in err and run.name in err, err
    assert "--run of-slovenia" in err
    (run / "maps").rename(root / "aside")
    code, _, err = here("next", *runs, cwd=ROOT)
    assert code == 1 and f"seedbed map --run last --scene {root}/image.tif" in err, err
    (root / "aside").rename(run / "maps")
    words = ("next", *runs, "--n", "4", "--map", str(run / "maps/image"))
    code, _, err = here(*words, cwd=ROOT)
    assert code == 0, err

    # another scene is mapped as `seedbed map` does, by the run's section map
    shutil.copy(root / "image.tif", root / "elsewhere.tif")
    elsewhere = ("--scene", f"{root}/elsewhere.tif")
    code, out, err = here("next", *runs, "--n", "4", *elsewhere, cwd=ROOT)
    assert code == 0 and "maps/elsewhere/next.geojson" in out and "pixels/s" in out, err
    words = ("map", "--run", str(run), *elsewhere, "--out", f"{root}/again")
    code, _, err = here(*words, cwd=ROOT)
    assert code == 0, err
    mine, its = (
        read_json(place / "map.json") for place in (run / "maps/elsewhere", root / "again")
    )
    assert mine["files"] == its["files"] and "probabilities.tif" in mine["files"]
    assert mine["largest"] == its["largest"] == 2
    code, out, err = here("next", *runs, "--n", "4", cwd=ROOT)  # of the run's own, once more
    assert code == 0 and "maps/image/next.geojson" in out, err
    # and a scene of the same name is not taken for one that is mapped
    (root / "other").mkdir()
    shutil.copy(root / "image.tif", root / "other/elsewhere.tif")
    code, _, err = here("next", *runs, "--scene", f"{root}/other/elsewhere.tif", cwd=ROOT)
    assert code == 1 and "is the map of" in err and "--out FOLDER" in err

    # their labels come back, marked: they train, and never validate
    known = gpd.read_file(root / "fields.gpkg")
    truth = labels.set_index("id")["crop"]
    fresh = chosen[["id", "acquired", "geometry"]].assign(
        crop=truth[chosen["id"]].to_numpy(), sown="2021-04-01"
    )
    pd.concat([known, fresh]).to_file(root / "more.gpkg")
    more = load_settings(None, [*made, f"source.labels_file={root}/more.gpkg"])
    export(more, export_dir=root / "more"), process(more, root / "more", root / "again")
    data = SampleDataset(root / "again/dataset.h5", None)
    mine = np.isin(data.column("label_id"), fresh["id"])
    with h5py.File(root / "again/dataset.h5") as file:
        sides = file["split"].asstr()[:][:, mine]
    assert mine.sum() == 5 and not np.isin(sides, ("val", "test")).any()
    assert (sides == "train").any()

    # an area takes the probabilities of all classes by itself, and refuses what was chosen
    folder = next(run.glob("maps/*/map.tif")).parent
    with rasterio.open(folder / "probabilities.tif") as file:
        assert file.descriptions == tuple(sorted(small_data.CROPS)) and file.dtypes[0] == "uint8"
        assert rasterio.enums.ColorInterp.alpha not in file.colorinterp
        total = file.read(masked=True).sum(0) * file.scales[0]
    assert abs(total.compressed() - 1).max() < 0.5 / 250 * 3 + 1e-6
    code, out, err = here("design", "--map", str(folder / "map.tif"), "--n", "150", cwd=ROOT)
    assert code == 0, err
    design = json.loads((folder / "design.json").read_text())
    assert design["scores"]["file"].endswith("probabilities.tif")
    points = gpd.read_file(folder / "points.geojson")
    points["label"] = [design["points"][i]["map"] for i in points["id"]]
    points.to_file(root / "checked.geojson")
    words = ("area", "--design", str(folder / "design.json"), "--labels")
    code, out, err = here(*words, str(root / "checked.geojson"), cwd=ROOT)
    assert code == 0 and "probabilities" in out and "with " in out, err
    code, _, err = here(*words, f"{root}/nix.geojson", cwd=ROOT)
    assert code == 1 and "--labels" in err and "no such file" in err, err
    assert "source.labels_file" not in err
    points.assign(acquired="next").to_file(root / "chosen.geojson")
    code, _, err = here(*words, str(root / "chosen.geojson"), cwd=ROOT)
    assert code == 1 and "was chosen by what a model said" in err
    (folder / "probabilities.tif").unlink()
    code, _, err = here("design", "--map", str(folder / "map.tif"), "--add", "9", cwd=ROOT)
    assert code == 1 and "is gone, or has changed" in err
