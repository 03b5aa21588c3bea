"""A map of classes, as seedbed writes it."""

import rasterio
from affine import Affine

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
