"""An export from a STAC archive: what is in a chip, what is not fetched twice, what is refused."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import rasterio
import shapely

from seedbed.check import check_data, check_lines
from seedbed.export import pilot
from seedbed.imagery.layout import check_units, layout_from_dict
from seedbed.models.pretrained.encoder import Input
from seedbed.models.pretrained.inputs import plan_inputs
from seedbed.sources.stac.catalogue import write_items
from seedbed.sources.stac.example import clouds
from seedbed.training.dataset import SampleDataset
from tests.servers.points import leave_after
from tests.servers.stac import verify
from tests.servers.stac.server import free_port
from tests.support.stac import exported, make_places
from tests.support.world import refused

pytestmark = pytest.mark.xdist_group("stac")  # files are made once

# --- what is in a chip ---


def window_of(folder, name, chip):
    """The numbers of a file in a chip's place."""
    with rasterio.open(folder / f"{name}.tif") as file:
        left, top = chip.transform.c, chip.transform.f
        size = chip.data.shape[1]
        window = file.window(left, top - 10 * size, left + 10 * size, top)
        return file.read(1, window=window, boundless=True, fill_value=0)


def test_a_chip_is_the_window_of_its_scenes(archive, make):
    """One clear date in each step: reflectance bit by bit, with the offset of each date."""
    server = archive()
    project = make(server.catalog, 4, **{"stac.query": "eo:cloud_cover < 1"})
    manifest, chips, _ = exported(project)
    assert manifest["labels"] == 4
    for chip in chips.values():
        for number, day in enumerate(("20210513", "20210612")):
            for band, name in enumerate(("B04", "B08")):
                stored = window_of(server.folder, f"S2A_{day}_{name}", chip).astype(float)
                values = stored * 1e-4 + (-0.1 if number else 0.0)
                expected = np.where(stored > 0, values, np.nan).astype(np.float32)
                np.testing.assert_array_equal(chip.data[2 * number + band], expected)


@pytest.mark.slow
def test_units_go_with_the_chips(archive, make):
    """Reflectance is a fraction of one, and who was trained on other numbers says so or converts."""
    split = {"split.folds": 2, "split.block_km": 0.5, "split.buffer_km": 0}
    project = make(
        archive().catalog, 16, **split | {"process.max_missing": 1, "stac.bands": "B04, B08"}
    )
    arrays = project.run()
    settings = project.settings()
    assert list(arrays["manifest"]["layout"]["units"]) == ["1", "1"]
    tif = next((settings.root / settings.export_dir / "tifs").glob("*.tif"))
    with rasterio.open(tif) as file:
        assert set(file.units) == {"1"}
    path = settings.root / settings.processed_dir / "dataset.h5"
    data = SampleDataset(path, None)
    optical = [Input(name, "reflectance", "1e-4", 0, 1e4, "S2") for name in ("B4", "B8")]
    plan = plan_inputs(optical, data)
    assert plan.converted == ["B4", "B8"] and not plan.worked_out
    thousands = dict.fromkeys(("B04", "B08"), "1e-4")
    given = layout_from_dict(data.meta["layout"]).unit_of
    refused(lambda: check_units(thousands, given, "dataset.h5"), "B04 is in 1,", "trained on 1e-4")


def test_clouds_do_not_count(archive, make):
    server = archive()
    project = make(server.catalog, 20, **{"stac.composite": "mean", "stac.bands": "red"})
    _, chips, _ = exported(project)
    with rasterio.open(server.folder / "S2A_20210503_B04.tif") as file:
        cloud = clouds(1, file.shape)
    seen = 0
    for chip in chips.values():
        row, column = _place(file, chip)
        hidden = cloud[::2, ::2].repeat(2, 0).repeat(2, 1)[row : row + 8, column : column + 8]
        one = window_of(server.folder, "S2A_20210503_B04", chip) * 1e-4
        two = window_of(server.folder, "S2A_20210513_B04", chip) * 1e-4
        if hidden.shape == (8, 8) and (one > 0).all():
            expected = np.where(hidden, two, (one + two) / 2)
            np.testing.assert_allclose(chip.data[0], expected, atol=1e-6)
            seen += hidden.any()
    assert seen


def _place(file, chip):
    """Row and column of a chip's first pixel in a file."""
    column, row = ~file.transform @ (chip.transform.c, chip.transform.f)
    return round(row), round(column)


@pytest.mark.slow
def test_every_kind_of_catalogue_gives_the_same_chips(archive, make):
    server = archive()
    write_items(server.items, server.folder / "table.parquet")
    kinds = {
        "search": server.catalog,
        "static": server.folder,
        "over_http": f"{server.url}/catalog.json",
        "table": server.folder / "table.parquet",
    }
    found = {name: exported(make(where, 5, name)) for name, where in kinds.items()}
    _, first, ledger = found.pop("search")
    for _, chips, lines in found.values():
        assert {n: line["key"] for n, line in lines.items()} == {
            n: line["key"] for n, line in ledger.items()
        }
        for name, chip in first.items():
            np.testing.assert_array_equal(chips[name].data, chip.data)


# --- what it will take ---


@pytest.mark.parametrize("layout", [{}, {"stac.resolution": 40, "stac.crs": "EPSG:3035"}])
def test_a_pilot_knows_what_chips_share(archive, make, layout):
    """Files are opened once and tiles are read once: few requests for many chips."""
    server = archive()
    project = make(server.catalog, 36, **layout)
    records, rest = pilot(project.settings(), 6)
    asked = len(server.files())
    _, _, ledger = exported(project)
    sent, fetched = len(server.files()) - asked, [x for x in ledger.values() if not x.get("kept")]
    alone = rest.chips * sum(record["requests"] for record in records) / len(records)
    assert rest.chips == len(fetched) == 30 and alone > 2 * sent
    assert sent / 1.5 < rest.requests < 1.5 * sent
    received = sum(line["received"] for line in fetched)
    assert received / 1.5 < rest.received < 1.5 * received


# --- what is kept ---


def test_nothing_is_fetched_or_searched_twice(archive, make):
    server = archive()
    project = make(server.catalog, 8)
    _, chips, ledger = exported(project)
    asked = server.files()
    assert len(asked) == len(set(asked))  # no range of any file twice
    assert sum(line["requests"] for line in ledger.values()) <= len(asked)
    server.__exit__()  # neither search nor files are needed any more
    for path in (project.root / "data/chips").rglob("*.tif"):
        assert path.stat().st_nlink == 2
    manifest, again, ledger = exported(project)
    assert manifest["labels"] == 8 and all(line["kept"] for line in ledger.values())
    for name, chip in chips.items():
        np.testing.assert_array_equal(again[name].data, chip.data)


def test_items_and_offsets_are_kept_beside_the_export(archive, make):
    server = archive()
    project = make(server.catalog, 3)
    exported(project)
    folder = project.root / project.settings().export_dir
    record = json.loads((folder / "items.json").read_text())
    whys = {one["id"]: (one["offset"], one["why"]) for one in record["offsets"].values()}
    assert whys["S2A_20210612"] == (-0.1, "baseline 05.00; pixels agree")
    assert len(record["searches"]) == 1 and (folder / "items.parquet").is_file()
    assert "sig=" not in (folder / "items.json").read_text()


# --- what is refused ---


@pytest.mark.parametrize(
    "ini,words",
    [
        ({"stac.collections": "sentinel2-l2a"}, ["no such collection", "'sentinel-2-l2a'"]),
        ({"stac.bands": "red, swir16"}, ["no such band", "there are", "nir"]),
        ({"stac.mask": "cloud < 40"}, ["stac.mask = cloud", "no such band"]),
        ({"stac.query": "eo:cloud_cover < -1"}, ["allow; there are 4 without them"]),
        ({"labels.start": "2018-01-01"}, ["has no scene near", "2021-05-03 to 2021-06-12"]),
        ({"labels.start": "2030-01-01"}, ["ends on 2030-03-01, after today"]),
        ({"stac.steps": "12"}, ["no clear scene in 10 of 12 steps"]),
    ],
)
def test_what_cannot_be_had_is_said_before_a_download(archive, make, ini, words):
    server = archive(search=False)
    write_items(server.items, server.folder / "table.parquet")
    labels = make_places(3)
    if "labels.start" in ini:
        labels = labels.assign(start=ini.pop("labels.start"))
    refused(lambda: exported(make(server.folder / "table.parquet", labels, **ini)), *words)
    assert not [entry for entry in server.files() if "B08" in entry[0]]


def test_a_place_outside_the_archive(archive, make):
    server = archive(search=False)
    labels = make_places(2)
    labels = labels.assign(geometry=labels.translate(20, -40))
    refused(lambda: exported(make(server.folder, labels)), "the collection covers 12.5, 52.5")


def test_a_catalogue_that_is_none(archive, make, monkeypatch):
    server = archive(search=False)
    refused(lambda: exported(make(f"{server.url}/items.json")), "is no STAC catalogue")
    refused(lambda: exported(make("earth-serch")), "did you mean 'earth-search'")
    gone = f"http://127.0.0.1:{free_port()}/stac"
    monkeypatch.setattr(sys, "argv", ["try-stac", gone])
    with pytest.raises(SystemExit, match=r"cannot be reached \(.*refused\); .*the address"):
        leave_after(verify.main)


def test_a_step_that_nobody_has_is_named(archive, make):
    """A month without a scene is said beside the chips, and so is a place outside of all scenes."""
    labels = make_places(4)
    labels.loc[3, "geometry"] = shapely.Point(30, 50)
    project = make(archive(search=False).folder, labels, **{"stac.steps": 3})
    manifest, *_ = exported(project)
    assert list(manifest["left_out"].values())[0].startswith("no scene in any of 3 steps")
    assert not manifest["unfinished"]
    assert manifest["warnings"] == ["step 3 has no value at all in 3 of 3 chips"]
    lines = "\n".join(check_lines(check_data(project.settings())))
    assert "a step is 1 month (stac.step)" in lines and "source.step_months" not in lines


def test_keys_that_are_missing(archive, make, monkeypatch):
    monkeypatch.setenv("SEEDBED_STAC_URL", archive().catalog)
    refused(lambda: exported(make("cdse")), "AWS_ACCESS_KEY_ID", "are not set")


def test_nothing_of_stac_is_imported_without_it():
    code = (
        "import sys, seedbed; from seedbed.base.settings import load_settings;"
        "from seedbed.sources.registry import find_source; find_source(load_settings());"
        "print([m for m in ('pystac', 'pystac_client', 'rustac', 'seedbed.sources.stac.source')"
        " if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
