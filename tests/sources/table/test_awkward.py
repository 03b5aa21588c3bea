"""Awkward tables, drawn at random: the values that were written, or one clear error."""

import tempfile
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from seedbed.base.errors import InputError
from seedbed.imagery.labels import read_labels
from seedbed.imagery.series import read_series
from tests.support.world import World, place

COUNT = 24
CLASSES = [
    ("maize", "wheat"),
    ("mai\u0308s", "ma\u00efs d\u2019été"),
    ("maize, irrigated", 'the "other"'),
    ("2021-03-15", "2021-04-01"),
    ("grass", "grass;maize"),
    ("nan", "0"),
    (" spaced  out ", "-"),
    (1, 2),
    (True, False),
]
NAMES = [
    "{band}_t{t:02d}",
    "2021{month}01_{band}",
    "{band}_2021-{month}-01",
    "2021_{month}_{band}",
    "{band}-ts{t}-10m",
    "{t}_{band}",
]
EXTRA = {
    "plot_12": lambda n: np.arange(n),
    "note": lambda n: ["so, so", ""] * (n // 2),
    "empty": lambda n: [None] * n,
    "Unnamed: 0": lambda n: np.arange(n),
    "yield_2019": lambda n: np.linspace(0, 1, n),
    "surveyed": lambda n: pd.to_datetime("2021-05-05") + pd.to_timedelta(np.arange(n), unit="D"),
}
FAULTS = {
    None: lambda table: table,
    "a word": lambda table: _with_word(table),
    "an id twice": lambda table: table.assign(id=["a", *table["id"][1:-1], "a"]),
    "no label": lambda table: table.drop(columns="label"),
    "far away": lambda table: table.assign(lon=1e6),
}


def _with_word(table):
    name = table.columns[-1]
    return table.assign(**{name: ["cloud", *table[name][1:].astype(str)]})


@st.composite
def tables(draw):
    """What a table holds, and how it is written."""
    return {
        "classes": draw(st.sampled_from(CLASSES)),
        "name": draw(st.sampled_from(NAMES)),
        "bands": draw(st.sampled_from([("B4", "B8"), ("ndvi",), ("B02", "B8A", "VV")])),
        "steps": draw(st.integers(2, 5)),
        "ids": draw(st.sampled_from(["{:03d}", "{}", "field_{}", "f-{}.1"])),
        "places": draw(st.sampled_from([("lon", "lat"), ("Longitude", "LATITUDE"), ("x", "y")])),
        "extra": draw(st.sets(st.sampled_from(sorted(EXTRA)), max_size=3)),
        "missing": draw(st.booleans()),
        "fault": draw(st.sampled_from([None, None, None, *FAULTS])),
        "file": draw(st.sampled_from(["csv", ";csv", "tsv", "parquet", "feather", "long"])),
        "seed": draw(st.integers(0, 99)),
    }


def make(drawn):
    """The table, and its values [n, T, B] with bands in the order of their names."""
    rng = np.random.default_rng(drawn["seed"])
    X = rng.uniform(-1, 3000, (COUNT, drawn["steps"], len(drawn["bands"]))).round(3)
    if drawn["missing"]:
        X[rng.random(X.shape) < 0.1] = np.nan
    xy = np.array([place(i) for i in range(COUNT)])
    table = pd.DataFrame(
        {
            "id": [drawn["ids"].format(i) for i in range(COUNT)],
            "label": [drawn["classes"][i % 2] for i in range(COUNT)],
            drawn["places"][0]: xy[:, 0],
            drawn["places"][1]: xy[:, 1],
        }
    )
    for name in sorted(drawn["extra"]):
        table[name] = EXTRA[name](COUNT)
    for t in range(drawn["steps"]):
        for k, band in enumerate(drawn["bands"]):
            table[drawn["name"].format(band=band, t=t, month=f"{t + 4:02d}")] = X[:, t, k]
    return FAULTS[drawn["fault"]](table), X


def as_long(drawn, X):
    """The same values with a row for each label and date."""
    labels = make(drawn | {"steps": 0, "extra": set(), "fault": None})[0]
    parts = []
    for t in range(drawn["steps"]):
        values = dict(zip(drawn["bands"], X[:, t].T))
        parts.append(labels.assign(date=f"2021-{t + 4:02d}-01", **values))
    return pd.concat(parts).sample(frac=1, random_state=drawn["seed"])


def write(drawn, table, folder):
    """The file."""
    kind = drawn["file"]
    if kind in ("parquet", "feather"):
        getattr(table, f"to_{kind}")(folder / f"data.{kind}")
    else:
        options = {"sep": ";", "decimal": ","} if kind == ";csv" else {}
        options |= {"sep": "\t"} if kind == "tsv" else {}
        name = "data.tsv" if kind == "tsv" else "data.csv"
        table.to_csv(folder / name, index=False, **options)


def same_text(value):
    """A class as the project writes it."""
    return " ".join(unicodedata.normalize("NFC", str(value)).split())


@pytest.mark.slow
@settings(
    max_examples=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # a failure is shown as it was drawn, in bounded time
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(tables())
def test_values_or_one_error(drawn):
    """Any of these tables gives its own values, or an InputError and no whole export."""
    with tempfile.TemporaryDirectory() as root:
        world = World(Path(root), {"source.name": "table:mine"})
        table, X = make(drawn)
        if drawn["file"] == "long":
            table, drawn["fault"] = as_long(drawn, X), None
        write(drawn, table, world.data)
        try:
            out = world.run()
        except InputError as error:
            assert drawn["fault"] or drawn["classes"][0] == "nan" or "split" in str(error)
            return
        assert drawn["fault"] is None
        _check_values(world, drawn, X, out["manifest"])


def _check_values(world, drawn, X, manifest):
    "Series and classes are those that were written."
    folder = world.settings().root / world.settings().export_dir
    labels = read_labels(folder / "labels.geojson").set_index("id")["label"]
    ids = [drawn["ids"].format(i) for i in range(COUNT)]
    kept = [i for i, name in enumerate(ids) if name in labels.index]
    found, _, rows = read_series(folder, [ids[i] for i in kept])
    names = [name.removesuffix("-10m") for name in manifest["layout"]["variables"]]
    order = [names.index(band) for band in drawn["bands"]]
    assert len(rows) == len(kept) and len(names) == len(order)
    assert np.allclose(found[:, :, order], X[kept], rtol=1e-6, atol=1e-4, equal_nan=True)
    assert [labels[ids[i]] for i in kept] == [same_text(drawn["classes"][i % 2]) for i in kept]
