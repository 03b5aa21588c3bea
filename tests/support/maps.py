"""A map of classes, as seedbed writes it, and a run that can make maps."""

import rasterio
from affine import Affine

from seedbed.base.files import write_json
from seedbed.base.settings import to_ini
from seedbed.model import cross_validate
from seedbed.models.registry import find_model
from tests.support.world import UTM

WEST, NORTH, PIXEL = 400_000.0, 5_000_000.0, 10.0


# --- areas ---


def write_classes(path, values, names=("wheat", "forest"), crs=UTM):
    """A map of classes as seedbed writes it."""
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=values.shape[1],
        height=values.shape[0],
        count=1,
        dtype="uint8",
        nodata=0,
        crs=crs,
        transform=Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH),
        tiled=True,
        blockxsize=64,
        blockysize=64,
    ) as file:
        file.write(values.astype("uint8"), 1)
        file.update_tags(1, **{f"class_{k}": n for k, n in enumerate(names, 1)})
    return path


def run_of_one_model(root, settings, name):
    """The folder of a run that is done, with a logistic regression trained on the project's data."""
    dataset = root / settings.processed_dir / "dataset.h5"
    model = find_model("logistic_regression")(0, settings.models)
    run = root / f"runs/2026-01-01_000000-{name}-abc"
    cross_validate(model, dataset, settings=settings, run_dir=run.relative_to(root))
    (run / "settings.ini").write_text(to_ini(settings))
    write_json(run / "results.json", {"best_model": "logistic_regression"})
    write_json(run / "run.json", {"state": "done"})
    return run
