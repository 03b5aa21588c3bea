"""Whether pretraining pays on real labels, by command, against figures that were measured apart.

`make pretraining` runs all cases and writes `table.md`. Weights and labels are other people's and are not part of the
project: below `SEEDBED_SHARED_DATA` lie `pretrained` (presto.pt, galileo_nano_encoder.pt),
`worldcereal_eastafrica2017_month/physical.npz`, `cawa_central_asia/data.npz` and `mt_modis_9class/data.npz`. What is
absent is left out.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from tests.support.paths import SHARED

WEIGHTS = SHARED / "pretrained"
EAST_AFRICA = SHARED / "worldcereal_eastafrica2017_month/physical.npz"
CENTRAL_ASIA = SHARED / "cawa_central_asia/data.npz"
MATO_GROSSO = SHARED / "mt_modis_9class/data.npz"
REAL = (
    f"presto = {WEIGHTS / 'presto.pt'}, galileo = {WEIGHTS / 'galileo_nano_encoder.pt'}"
    if WEIGHTS.is_dir()
    else ""
)

# macro-F1 of frozen probes, measured with the authors' own code: 30, 60, 120 and all labels
MEASURED = {
    ("romania", "raw", "forest"): (0.805, 0.823, 0.848, 0.888),
    ("romania", "raw", "linear"): (0.779, 0.808, 0.844, 0.888),
    ("romania", "presto", "linear"): (0.744, 0.773, 0.794, 0.854),
    ("romania", "galileo", "linear"): (0.742, 0.779, 0.801, 0.867),
    ("east africa", "raw", "forest"): (0.273, 0.336, 0.408, 0.461),
    ("east africa", "raw", "linear"): (0.373, 0.389, 0.407, 0.434),
    ("east africa", "presto", "linear"): (0.337, 0.392, 0.448, 0.513),
    ("east africa", "galileo", "linear"): (0.339, 0.381, 0.391, 0.413),
}


def east_africa(folder: Path) -> Path:
    """The table as a user would have it: a column for each band and month."""
    with np.load(EAST_AFRICA) as z:
        timed = {
            "s1": ("VV", "VH"),
            "s2": tuple(z["s2_bands"]),
            "era5": ("temperature_2m", "total_precipitation"),
        }
        columns = {
            f"{name}_t{step:02d}": z[part][:, step, b]
            for part, names in timed.items()
            for b, name in enumerate(names)
            for step in range(12)
        }
        table = pd.DataFrame(
            {
                "id": [f"ea-{k:03d}" for k in range(len(z["y"]))],
                "label": [f"c{name}" for name in z["y"]],
                "lon": z["lon"],
                "lat": z["lat"],
                "start": "2016-12-01",
                "elevation": z["srtm"][:, 0],
                "slope": z["srtm"][:, 1],
                **columns,
            }
        )
    path = folder / "east_africa.csv"
    table.to_csv(path, index=False)
    return path


def central_asia(folder: Path, n: int = 600) -> Path:
    """Seasons of crops in five regions, of several years each: the NDVI of MODIS every 16 days."""
    with np.load(CENTRAL_ASIA, allow_pickle=False) as z:
        known = np.flatnonzero(np.isin(z["season"], ("summer", "double", "winter", "permanent")))
        rows = _drawn(known, z["region"][known], n)
        table = pd.DataFrame(
            {
                "id": [f"ca-{k}" for k in rows],
                "label": z["season"][rows],
                "region": z["region"][rows],
                "lon": z["lon"][rows],
                "lat": z["lat"][rows],
                "start": [f"{year}-01-01" for year in z["year"][rows]],
                **_ndvi_columns(z, rows),
            }
        )
    path = folder / "central_asia.csv"
    table.to_csv(path, index=False)
    return path


def mato_grosso(folder: Path, n: int = 600) -> Path:
    """Land use in sixteen agricultural years: the NDVI of MODIS every 16 days; two rare classes are left out."""
    with np.load(MATO_GROSSO, allow_pickle=False) as z:
        start = pd.read_csv(MATO_GROSSO.parent / "samples.csv")["start_date"].to_numpy()
        known = np.flatnonzero(~np.isin(z["y"], ("Soy_Sunflower", "Fallow_Cotton")))
        rows = _drawn(known, np.array([text[:4] for text in start[known]]), n)
        table = pd.DataFrame(
            {
                "id": [f"mt-{k}" for k in rows],
                "label": z["y"][rows],
                "lon": z["lon"][rows],
                "lat": z["lat"][rows],
                "start": start[rows],
                **_ndvi_columns(z, rows),
            }
        )
    path = folder / "mato_grosso.csv"
    table.to_csv(path, index=False)
    return path


def _drawn(rows: np.ndarray, unit: np.ndarray, n: int) -> np.ndarray:
    """Some rows, from every unit as many, as far as it has them."""
    order = np.random.default_rng(0).permutation(len(rows))
    turn = pd.Series(unit[order]).groupby(unit[order]).cumcount().to_numpy()
    return np.sort(rows[order[np.argsort(turn, kind="stable")[:n]]])


def _ndvi_columns(z, rows: np.ndarray) -> dict:
    band = list(z["bands"]).index("NDVI")
    return {f"NDVI_t{step:02d}": z["X"][rows, step, band] for step in range(z["X"].shape[1])}


def six_years(folder: Path, n: int = 360, seed: int = 0) -> Path:
    """Simulated fields of three crops in six years: months of ten reflectances."""
    rng = np.random.default_rng(seed)
    crop, year = rng.integers(0, 3, n), rng.integers(2017, 2023, n)
    month = np.arange(12)
    peak = np.array([4.5, 6.0, 7.5])[crop] + 0.3 * (year - 2019) + rng.normal(0, 0.7, n)
    green = np.exp(-((month - peak[:, None]) ** 2) / 5) * rng.uniform(0.6, 1, n)[:, None]
    soil = {"B2": 0.07, "B3": 0.09, "B4": 0.12, "B5": 0.14, "B6": 0.16, "B7": 0.18}
    soil |= {"B8": 0.2, "B8A": 0.21, "B11": 0.28, "B12": 0.24}
    leaf = {"B2": 0.03, "B3": 0.06, "B4": 0.03, "B5": 0.1, "B6": 0.3, "B7": 0.4}
    leaf |= {"B8": 0.45, "B8A": 0.46, "B11": 0.18, "B12": 0.09}
    columns = {}
    for band in soil:
        values = soil[band] + green * (leaf[band] - soil[band]) + rng.normal(0, 0.02, (n, 12))
        columns |= {f"{band}_t{t:02d}": np.clip(values[:, t], 0.005, 1) for t in month}
    table = pd.DataFrame(
        {
            "id": [f"s-{k:03d}" for k in range(n)],
            "label": np.array(["early", "middle", "late"])[crop],
            "lon": 20 + rng.uniform(0, 1, n),
            "lat": 45 + rng.uniform(0, 1, n),
            "start": [f"{y}-01-01" for y in year],
            **columns,
        }
    )
    path = folder / "six_years.csv"
    table.to_csv(path, index=False)
    return path
