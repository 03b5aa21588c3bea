"""Tables as people have them: each kind ends with the values that were written."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from seedbed.imagery.series import read_series
from tests.support.world import place

COUNT, STEPS, BANDS = 24, 3, ("B4", "B8")


def truth(seed=0):
    """Labels, and their series [n, T, B]."""
    rng = np.random.default_rng(seed)
    xy = np.array([place(i) for i in range(COUNT)])
    labels = pd.DataFrame(
        {
            "id": [f"{i:03d}" for i in range(COUNT)],
            "label": np.where(np.arange(COUNT) % 2, "maize", "wheat"),
            "lon": xy[:, 0],
            "lat": xy[:, 1],
        }
    )
    return labels, rng.uniform(0.05, 0.9, (COUNT, STEPS, 2)).round(4)


def wide(labels, X, name="{band}_t{step:02d}"):
    """A row for each label; dates are the first days of April to June 2021."""
    columns = {}
    for t in range(STEPS):
        for k, band in enumerate(BANDS):
            words = {"band": band, "step": t, "month": f"{t + 4:02d}"}
            columns[name.format(**words)] = X[:, t, k]
    return labels.assign(**columns)


def exported(world, *overrides):
    """The series of the export in the order of the ids, and its manifest."""
    settings = world.settings(overrides)
    manifest = world.export(*overrides)
    ids = [f"{i:03d}" for i in range(COUNT)]
    return read_series(settings.root / settings.export_dir, ids)[0], manifest


NAMES = [
    "{band}_t{step:02d}",
    "2021{month}01_{band}",
    "{band}_2021-{month}-01",
    "2021-{month}-01_{band}",
    "{band}_2021_{month}",
    "OPTICAL-{band}-ts{step}-10m",
    "2021{month}01T101021_2021{month}01T101512_T36MZE_{band}",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_columns(empty, name):
    """Every order of band and time, the columns shuffled."""
    world, (labels, X) = empty(source__name="table:mine/data.csv"), truth()
    table = wide(labels, X, name).sample(frac=1, axis=1, random_state=1)
    table.to_csv(world.data / "data.csv", index=False)
    found, manifest = exported(world)
    order = [manifest["layout"]["variables"].index(b) for b in _bands(manifest)]
    assert np.allclose(found[:, :, order], X) and manifest["layout"]["steps"] == STEPS
    assert manifest["layout"]["step_months"] == pytest.approx(1)


def _bands(manifest):
    "The two bands in their order, whatever a name has beside them."
    return sorted(manifest["layout"]["variables"])


@pytest.mark.parametrize("kind", ["; and ,", "tabs", "parquet", "feather", "geoparquet", "objects"])
def test_files(empty, kind):
    """Separators, decimal commas, Parquet, Feather, a projection, text as objects and bytes."""
    world, (labels, X) = empty(source__name="table:mine"), truth()
    table, folder = wide(labels, X), world.data
    if kind == "; and ,":
        table.to_csv(folder / "data.csv", sep=";", decimal=",", index=False)
    elif kind == "tabs":
        table.to_csv(folder / "data.tsv", sep="\t", index=False)
    elif kind == "parquet":
        table.to_parquet(folder / "data.parquet")
    elif kind == "feather":
        table.to_feather(folder / "data.feather")
    elif kind == "geoparquet":
        points = gpd.points_from_xy(table["lon"], table["lat"])
        frame = gpd.GeoDataFrame(table.drop(columns=["lon", "lat"]), geometry=points, crs=4326)
        frame.to_crs(32635).to_parquet(folder / "data.geoparquet")
    else:
        y, ids = labels["label"].to_numpy(object), labels["id"].to_numpy().astype("S")
        bands = np.array(BANDS, object)
        np.savez(folder / "a.npz", X=X, y=y, id=ids, bands=bands, lon=labels.lon, lat=labels.lat)
    out = world.run()
    order = np.argsort(out["id"])
    assert np.allclose(out["X"][order], X, atol=1e-6)
    assert np.allclose(out["lon"][order], labels["lon"], atol=1e-6)
    assert out["manifest"]["target"]["classes"] == ["maize", "wheat"]
    if kind == "; and ,":
        assert "columns are separated by ';'" in out["manifest"]["understood"]


def test_earth_engine(empty):
    """`system:index` is the id and `.geo` the place."""
    world, (labels, X) = empty(source__name="table:mine/data.csv"), truth()
    table = wide(labels, X, "2021{month}01_{band}").rename(columns={"id": "system:index"})
    table[".geo"] = [
        f'{{"type":"Point","coordinates":[{x},{y}]}}' for x, y in zip(table.lon, table.lat)
    ]
    table.drop(columns=["lon", "lat"]).to_csv(world.data / "data.csv", index=False)
    found, manifest = exported(world)
    assert np.allclose(found, X) and "places are '.geo'" in manifest["understood"]


@pytest.mark.parametrize("rule", ["median", "mean", "nearest"])
def test_long_and_irregular(empty, rule):
    """A row for each label and date: what lies in a month becomes one value, by the rule."""
    world, (labels, _) = empty(source__name="table:mine/data.csv"), truth()
    rng = np.random.default_rng(3)
    rows = []
    for label in labels.to_dict("records"):
        for day in sorted(rng.choice(90, 9, replace=False)):
            date = np.datetime64("2021-04-01") + int(day)
            rows.append(label | {"date": str(date), "B4": round(rng.uniform(), 4)})
    table = pd.DataFrame(rows)
    table.sample(frac=1, random_state=2).to_csv(world.data / "data.csv", index=False)
    found, manifest = exported(world, f"source.composite={rule}")
    month = table["date"].str[:7]
    groups = table.groupby(["id", month])["B4"]
    if rule == "nearest":
        middle = pd.to_datetime("2021-04-01") + pd.to_timedelta(
            (month.str[-2:].astype(int) - 4 + 0.5) * 365.25 / 12, unit="D"
        )
        apart = (pd.to_datetime(table["date"]) - middle).abs()
        nearest = apart.groupby([table["id"], month]).idxmin()
        wanted = pd.Series(table["B4"].loc[nearest].to_numpy(), nearest.index).unstack()
    else:
        wanted = groups.agg(rule).unstack()
    assert np.allclose(found[:, :, 0], wanted.to_numpy(), equal_nan=True)
    assert f"source.composite = {rule}" in " ".join(manifest["understood"])


def test_numbers_that_nothing_uses(empty):
    """They are named, with the setting that takes them."""
    world, (labels, X) = empty(source__name="table:mine/data.csv"), truth()
    wide(labels.assign(elevation=12.5, slope=2), X).to_csv(world.data / "data.csv", index=False)
    line = "numbers that are no bands: elevation, slope; source.static"
    assert line in " ".join(exported(world)[1]["understood"])
    understood = " ".join(exported(world, "source.static=elevation, slope")[1]["understood"])
    assert "no bands" not in understood


@pytest.mark.parametrize(
    "name, asked, bands",
    [
        ("A{k:02d}", "auto", [f"A{k:02d}" for k in range(20)]),
        ("A{k:02d}", "B4, A*", ["B4", *(f"A{k:02d}" for k in range(20))]),
        ("emb_{k}", "emb_*, B4", [*(f"emb_{k}" for k in range(20)), "B4"]),
    ],
)
def test_an_embedding_is_numbered_bands_of_one_date(empty, name, asked, bands):
    """A family without times is found; a pattern names one beside other columns."""
    world, (labels, X) = empty(source__name="table:mine/data.csv"), truth()
    columns = {name.format(k=k): X[:, 0, 0] + k for k in range(20)}
    labels.assign(B4=X[:, 0, 1], **columns).to_csv(world.data / "data.csv", index=False)
    found, manifest = exported(world, f"source.variables={asked}")
    assert list(manifest["layout"]["variables"]) == bands
    assert found.shape == (COUNT, 1, len(bands))
    assert np.allclose(found[:, 0, bands.index(name.format(k=3))], X[:, 0, 0] + 3, atol=1e-5)


@pytest.mark.parametrize("one_has_all", [False, True], ids=["a season each", "one has all years"])
def test_long_over_years(empty, one_has_all):
    """Labels of different years need the first day of each; a single long one does not hide that."""
    world, (labels, _) = empty(source__name="table:mine/data.csv"), truth()
    rows = []
    for i, label in enumerate(labels.to_dict("records")):
        years = range(2017, 2021) if one_has_all and i == 0 else [2017 + i % 4]
        ends = ["04-03", f"06-{10 + i % 9}", "06-28"][: 2 + i % 2]
        for day in [f"{year}-{end}" for year in years for end in ends]:
            own = {"date": day, "B4": int(day[-2:]) / 100, "sown": f"{day[:4]}-04-01"}
            rows.append(label | own)
    pd.DataFrame(rows).to_csv(world.data / "data.csv", index=False)
    if not one_has_all:
        assert exported(world, "labels.start=sown")[0].shape == (COUNT, 3, 1)
    message = world.refuses_export("mine/data.csv", "different seasons (2017 to 2020)")
    assert "labels.start" in message and "\n" not in message


def test_long_with_names_of_another_language(empty):
    """Dates are found by what they hold; numbers with decimal commas are numbers in Parquet too."""
    world, (labels, X) = empty(source__name="table:mine/data.parquet"), truth()
    rows = []
    for i, label in enumerate(labels.to_dict("records")):
        for t, (b4, b8) in enumerate(X[i]):
            own = {"观测日": f"2021-{t + 4:02d}-01", "B4": f"{b4:.4f}".replace(".", ","), "B8": b8}
            rows.append(label | own | {"visited": "2021-07-03"})
    table = pd.DataFrame(rows).rename(columns={"lon": "经度", "lat": "纬度"})
    table.to_parquet(world.data / "data.parquet")
    found, manifest = exported(world)
    assert np.allclose(found, X)
    understood = " ".join(manifest["understood"])
    assert "('观测日')" in understood and "places are '经度' and '纬度'" in understood
    assert "1 column with decimal commas" in understood


def test_two_columns_of_dates_are_not_guessed(empty):
    world, (labels, X) = empty(source__name="table:mine/data.csv"), truth()
    rows = [
        label | {"seen": f"2021-{t + 4:02d}-01", "made": f"2021-{t + 4:02d}-02", "B4": X[i, t, 0]}
        for i, label in enumerate(labels.to_dict("records"))
        for t in range(STEPS)
    ]
    pd.DataFrame(rows).to_csv(world.data / "data.csv", index=False)
    world.refuses_export("mine/data.csv", "call the columns id and date")


def test_dates_newest_first(empty):
    """Steps stand in the order of time, and a step is never shorter than nothing."""
    world, (labels, X) = empty(source__name="table:mine/data.npz"), truth()
    dates = np.array(["2021-06-01", "2021-05-01", "2021-04-01"])
    arrays = {"y": labels.label.to_numpy(str), "id": labels.id.to_numpy(str)}
    np.savez(world.data / "data.npz", X=X, dates=dates, lon=labels.lon, lat=labels.lat, **arrays)
    out = world.run()
    assert np.allclose(out["X"][np.argsort(out["id"])], X[:, ::-1], atol=1e-6)
    assert out["manifest"]["layout"]["step_months"] == pytest.approx(1)
    assert set(out["start"]) == {"2021-04-01"}


def test_no_coordinates(empty):
    """Groups can be split; blocks and a new region are refused in a line."""
    world, (labels, X) = empty(source__name="table:mine/data.csv"), truth()
    farms = labels.assign(group=[f"farm {i // 2}" for i in range(COUNT)])
    wide(farms.drop(columns=["lon", "lat"]), X).to_csv(world.data / "data.csv", index=False)
    world.refuses_process("none of the 24 labels has coordinates; set split.method = column")
    split = ("split.method=column", "split.column=group")
    world.refuses_process(
        "success.claim = new_region", overrides=(*split, "success.claim=new_region")
    )
    out = world.run(*split)
    assert np.allclose(out["X"][np.argsort(out["id"])], X, atol=1e-6)
    assert np.isnan(out["lon"]).all() and out["report"]["split"]["has_places"] is False
    for side in out["sides"][:-1]:
        groups = [set(out["group"][side == name]) for name in ("train", "val")]
        assert not groups[0] & groups[1]


def test_labels_in_a_file_of_their_own(empty):
    """A vector file has the labels, the table their series; ids tell which is which."""
    world, (labels, X) = empty(source__name="table:mine/data.csv"), truth()
    points = gpd.points_from_xy(labels["lon"], labels["lat"])
    frame = gpd.GeoDataFrame(labels[["id", "label"]], geometry=points, crs=4326)
    frame.to_file(world.data / "fields.gpkg")
    table = wide(labels[["id"]], X).iloc[1:]
    table.sample(frac=1, random_state=0).to_csv(world.data / "data.csv", index=False)
    found, manifest = exported(world, "source.labels_file=fields.gpkg")
    assert np.allclose(found, X[1:])
    assert manifest["left_out"] == {"000": "has no series in data.csv"}
    table.assign(id="x" + table["id"]).to_csv(world.data / "data.csv", index=False)
    world.refuses_export(
        "holds none of the 24 ids", "labels.id", overrides=["source.labels_file=fields.gpkg"]
    )


def test_a_number_that_is_no_band(empty):
    """plot_12 beside ndvi_t00 is set aside, and said."""
    world, (labels, X) = empty(source__name="table:mine/data.csv"), truth()
    wide(labels.assign(plot_12=3), X).to_csv(world.data / "data.csv", index=False)
    found, manifest = exported(world)
    assert np.allclose(found, X)
    assert manifest["set_aside"] == {"plot_12": "is no band: no other band has this step"}


FAULTS = {
    "twin columns": (lambda t: t.rename(columns={"B8_t00": "B4_t00"}), "named 'B4_t00'"),
    "one band twice": (lambda t: t.assign(B4_0=1.0), "both B4 at step 0"),
    "a word": (
        lambda t: t.assign(B4_t01=["cloud", *t["B4_t01"][1:]]),
        "column 'B4_t01': 'cloud' is not a number, in 1 of 24 rows",
    ),
    "a column less": (lambda t: t.drop(columns="B8_t02"), "leave out B8_t02"),
    "no latitude": (lambda t: t.drop(columns="lat"), "no column 'lat'"),
    "ids twice": (lambda t: t.assign(id="a"), "24 of 24 rows share their id"),
    "metres": (lambda t: t.assign(lon=t.lon * 1e4), "metres rather than degrees"),
    "no series": (lambda t: t[["id", "label", "lon", "lat"]], "no column is named like a band"),
    "no rows": (lambda t: t.iloc[:0], "holds no rows"),
    "one column": (lambda t: t[["id"]], "the first line names no columns"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(empty, fault):
    """What is wrong with a table is said in one line that names the file."""
    world, (labels, X) = empty(source__name="table:mine/data.csv"), truth()
    change, words = FAULTS[fault]
    change(wide(labels, X)).to_csv(world.data / "data.csv", index=False)
    message = world.refuses_export("mine/data.csv", words)
    assert "\n" not in message


def test_objects_that_would_execute(empty):
    """An array of objects other than text is refused, and nothing of it runs."""

    class Hostile:
        def __reduce__(self):
            return (pytest.fail, ("executed",))

    world, (labels, X) = empty(source__name="table:mine/data.npz"), truth()
    y = np.array([Hostile()] * COUNT, object)
    np.savez(world.data / "data.npz", X=X, y=y, lon=labels.lon, lat=labels.lat)
    world.refuses_export("data.npz: array 'y' holds objects of", "astype(str)")
