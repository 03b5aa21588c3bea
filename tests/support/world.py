"""Small synthetic projects: a folder with settings.ini, labels and tifs, where every value is known."""

from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import h5py
import numpy as np
import pytest
import rasterio
import shapely
import shapely.affinity
from affine import Affine

from seedbed.base.errors import InputError
from seedbed.base.settings import load_settings
from seedbed.export import export
from seedbed.imagery.raster import reproject
from seedbed.process import process
from seedbed.splitting import shift

UTM = "EPSG:32635"
IDS = [f"s{i:02d}" for i in range(30)]
NAMES = ("B4_t00", "B8_t00", "B4_t01", "B8_t01", "B4_t02", "B8_t02")


def place(i, columns=6, west=26.0, south=45.0):
    """Longitude and latitude of the i-th label, on a grid of about 10 km."""
    return west + 0.13 * (i % columns), south + 0.1 * (i // columns)


def make_labels(count=30, shape="point", crs=None, metres=25, **columns):
    """A GeoDataFrame of labels `s00` ..., of two classes in turn; `columns` replace or add columns, None removes one."""
    points = [shapely.Point(place(i)) for i in range(count)]
    if shape != "point":
        points = [
            reproject(box_around(reproject(p, "EPSG:4326", UTM), metres), UTM, "EPSG:4326")
            for p in points
        ]
    if shape == "multipolygon":
        points = [shapely.MultiPolygon([p, shapely.affinity.translate(p, 0.001)]) for p in points]
    table = {
        "id": [f"s{i:02d}" for i in range(count)],
        "label": ["wheat" if i % 2 else "forest" for i in range(count)],
    }
    table = {key: values for key, values in (table | columns).items() if values is not None}
    frame = gpd.GeoDataFrame(table, geometry=points, crs=4326)
    return frame if crs is None else frame.to_crs(crs)


def box_around(point, metres):
    """A square around a point of a metric CRS."""
    return shapely.box(point.x - metres, point.y - metres, point.x + metres, point.y + metres)


def pixels(seed, bands=len(NAMES), size=9, dtype="float32"):
    """Values of a tif that no other seed has."""
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.uniform(0.05, 0.6, (bands, size, size)).astype(dtype)
    return rng.integers(1, 200, (bands, size, size)).astype(dtype)


def write_tif(path, data, lon, lat, crs=UTM, pixel=10.0, names=NAMES, nodata=None, **profile):
    """A tif whose middle lies at a place; `names` describe the bands, None describes none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    middle = reproject(shapely.Point(lon, lat), "EPSG:4326", crs or UTM)
    bands, height, width = data.shape
    transform = Affine(
        pixel, 0, middle.x - pixel * width / 2, 0, -pixel, middle.y + pixel * height / 2
    )
    options = {
        "driver": "GTiff",
        "count": bands,
        "height": height,
        "width": width,
        "dtype": data.dtype,
        "crs": crs,
        "transform": transform,
        "nodata": nodata,
    }
    with rasterio.open(path, "w", **options | profile) as file:
        file.write(data)
        for band, name in enumerate(names or (), 1):
            file.set_band_description(band, name)
    return path


@dataclass
class World:
    """A project in a folder of its own."""

    root: Path
    ini: dict = field(default_factory=dict)  # `section.key`: value

    def __post_init__(self):
        self.data.mkdir(parents=True, exist_ok=True)
        sections = {"source.name": "folder:mine", "labels.max_left_out": 1} | self.ini
        lines = [
            f"[{s}]\n"
            + "".join(
                f"{k.partition('.')[2]} = {v}\n"
                for k, v in sections.items()
                if k.partition(".")[0] == s
            )
            for s in dict.fromkeys(k.partition(".")[0] for k in sections)
        ]
        (self.root / "settings.ini").write_text("\n".join(lines), encoding="utf-8")

    @property
    def data(self):
        """Where labels and tifs lie."""
        return self.root / "mine"

    def settings(self, overrides=()):
        """Settings, with `section.key=value` laid over."""
        return load_settings(self.root / "settings.ini", overrides)

    def write_labels(self, frame, name="labels.geojson", **options):
        """Write the labels file."""
        path = self.data / name
        frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_file(path, **options)
        return path

    def write_tifs(self, frame, pattern="tifs/{id}.tif", make=None, **options):
        """A tif for each label; `make(i)` returns its pixels."""
        centroids_xyz = frame.geometry.to_crs(4326).map(lambda g: g.representative_point())
        for i, (name, middle) in enumerate(zip(frame["id"], centroids_xyz)):
            write_tif(
                self.data / pattern.replace("{id}", str(name)),
                pixels(i) if make is None else make(i),
                middle.x,
                middle.y,
                **options,
            )
        return self

    def tif(self, name):
        """The path of a label's tif."""
        return self.data / "tifs" / f"{name}.tif"

    def export(self, *overrides):
        """Run the first stage; the manifest."""
        return export(self.settings(overrides))

    def run(self, *overrides):
        """Run both stages; the arrays of dataset.h5 with the audit under `report` and the attributes under `meta`.

        Adversarial validation is left out: its forest is most of the time of a small run, and has
        tests of its own.
        """
        settings = self.settings(overrides)
        manifest = export(settings)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shift, "adversarial_auc", lambda train, val: 0.5)
            report = process(settings)
        return open_dataset(settings) | {"report": report, "manifest": manifest}

    def refuses_export(self, *fragments, overrides=()):
        """The message with which the first stage refuses; nothing that looks whole is left."""
        message = refused(lambda: self.export(*overrides), *fragments)
        assert self.made(*overrides) == []
        return message

    def refuses_process(self, *fragments, overrides=()):
        """The message with which the second stage refuses; the export is there, no dataset is."""
        message = refused(lambda: self.run(*overrides), *fragments)
        assert self.made(*overrides) == ["manifest.json"]
        return message

    def made(self, *overrides):
        """What the stages have left that looks whole."""
        settings = self.settings(overrides)
        files = (
            settings.root / settings.export_dir / "manifest.json",
            settings.root / settings.processed_dir / "dataset.h5",
        )
        assert not list(self.root.rglob(".tmp-*"))
        return [path.name for path in files if path.exists()]


def open_dataset(settings):
    """The arrays of dataset.h5, text as str; `sides` has a row for each fold and the final one, `split` is its first row."""
    with h5py.File(settings.root / settings.processed_dir / "dataset.h5") as file:
        arrays = {
            k: (v.asstr() if h5py.check_string_dtype(v.dtype) else v)[:] for k, v in file.items()
        }
        sides = arrays.pop("split").astype(str)
        return arrays | {"sides": sides, "split": sides[0], "facts": dict(file.attrs)}


def build(root, count=30, shape="point", ini=None, make=None, crs=UTM, **columns):
    """A whole project with a tif for each label."""
    made = World(Path(root), ini or {})
    frame = make_labels(count, shape, **columns)
    made.write_labels(frame)
    return made.write_tifs(frame, make=make, crs=crs)


def refused(action, *fragments):
    """The message of the `InputError` that an action must raise; it contains all fragments."""
    with pytest.raises(InputError) as caught:
        action()
    message = str(caught.value)
    for fragment in fragments:
        assert str(fragment) in message, f"{fragment!r} is not in: {message}"
    return message


def along_time(series):
    """Straight lines over holes, by numpy: [T, ...]."""
    out = series.reshape(len(series), -1).copy()
    for column in out.T:
        known = np.flatnonzero(np.isfinite(column))
        if len(known):
            column[:] = np.interp(np.arange(len(column)), known, column[known])
    return out.reshape(series.shape)
