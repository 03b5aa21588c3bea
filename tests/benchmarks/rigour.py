"""What rigour costs at 100,000 samples: split, audit, the distance between the sides, comparison."""

import time

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from harness import Row
from sklearn.ensemble import RandomForestClassifier

from seedbed.base.settings import Split
from seedbed.evaluation.comparison import (
    candidate,
    comparison_rows,
    region_scores,
    smallest_difference,
)
from seedbed.evaluation.metrics import METRICS
from seedbed.evaluation.scoring import score_record
from seedbed.evaluation.units import drawn_units
from seedbed.imagery.samples import make_samples
from seedbed.models.baselines import best_rule
from seedbed.process import all_statistics
from seedbed.splitting.audit import audit_folds
from seedbed.splitting.blocks import on_sphere
from seedbed.splitting.folds import make_split, with_final
from seedbed.splitting.leaks import leak_report, unnamed_groups
from seedbed.splitting.shift import shift_report

N, CLASSES = 100_000, ["a", "b", "c", "d", "e"]


def fields():
    """Clustered fields over five degrees, with series of 12 steps and 8 bands."""
    rng = np.random.default_rng(0)
    xy = rng.uniform([20, 42], [26, 47], (400, 2))[rng.integers(0, 400, N)] + rng.normal(
        0, 0.05, (N, 2)
    )
    labels = gpd.GeoDataFrame(
        {
            "id": [f"f{i:06d}" for i in range(N)],
            "label": rng.choice(CLASSES, N),
            "start": "2018-01-01",
        },
        geometry=shapely.box(*xy.T, *(xy + [0.001, 0.0008]).T),
        crs=4326,
    )
    return labels, xy, rng.normal(size=(N, 12, 8)).astype(np.float32)


def run():
    """Seconds of a CPU, and all of it beside one small forest."""
    labels, xy, X = fields()
    rows, seconds = [], {}

    def timed(name, work, note=""):
        start = time.process_time()
        out = work()
        seconds[name] = time.process_time() - start
        rows.append(Row(f"{name}, {N:,} samples: CPU seconds", seconds[name], "", note))
        return out

    sides, block, record = timed(
        "split into five folds with a buffer of 1 km",
        lambda: make_split(labels, Split(), {}, CLASSES),
    )
    sides = with_final(sides)
    samples = make_samples(
        X, np.zeros((N, 0), np.float32), np.arange(N), xy, {}, tuple("abcdefgh")
    )[0]
    meta, y = all_statistics(samples, sides), np.unique(labels["label"], return_inverse=True)[1]
    ids = labels["id"].to_numpy()
    arrays = {
        "X": X,
        "static": samples.static,
        "y": y,
        "id": ids,
        "label_id": ids,
        "group": np.full(N, ""),
        "start": labels["start"].to_numpy(),
        "split": sides,
        "digest": samples.digest,
        "moments": samples.moments,
    }
    found = timed(
        "audit of five folds",
        lambda: audit_folds(arrays, labels.geometry.values, record, CLASSES, meta),
        "every check that can stop a run",
    )
    assert not [row for row in found if row["status"] == "fail"]
    names, classes = list(samples.variables), len(CLASSES)
    timed(
        "leaks that are only likely",
        lambda: [
            *leak_report(samples.moments.level, samples.static, y, sides, xy, ids, names, classes),
            *unnamed_groups(labels, sides),
        ],
        "near copies, values that answer alone, coordinates, unnamed groups",
    )
    timed(
        "folds matched to the map",
        lambda: make_split(labels, Split(method="knndm"), {}, CLASSES),
        "kNNDM, in place of blocks; 100,000 polygons of which many touch",
    )
    seconds.pop("folds matched to the map")  # by choice
    timed(
        "distance between the sides",
        lambda: shift_report(samples.moments.level, sides[0], xy, block, samples.variables),
        "Kolmogorov-Smirnov, adversarial, applicability, kNNDM",
    )
    rng = np.random.default_rng(1)
    answer = lambda share: np.eye(5)[np.where(rng.random(N) < share, y, rng.integers(0, 5, N))]
    answers = {
        name: answer(share)
        for name, share in (("majority", 0.1), ("forest", 0.6), ("network", 0.62))
    }
    lon, lat = xy.T
    table = pd.DataFrame({"block": block, "lon": lon, "lat": lat, "scored": True})
    table["fold"] = (sides[:-1] == "val").argmax(0)
    table["region"] = np.where(lon < 23, "west", "east")
    units, f1 = drawn_units(table, record), METRICS["f1_score"]

    def compare():
        models = []
        for name, p in answers.items():
            sees = "nothing" if name == "majority" else "bands"
            regions = region_scores(f1, y, {0: p}, table, record)
            models.append(candidate(name, sees, f1, y, units, {0: p}, regions=regions))
        smallest_difference(f1, y, units, len(CLASSES))
        return comparison_rows(models, f1, 0.01)

    timed("comparison of three models, 2,000 draws", compare, "selection, ties and regions too")
    timed(
        "all scores of a model with their intervals",
        lambda: score_record(
            table, y, answers["forest"], CLASSES, "classification", "f1_score", split=record
        ),
        "by class and region too",
    )
    places = on_sphere(lon, lat)
    timed(
        "the baseline by coordinates, one fit",
        lambda: best_rule(places, y, block, "classification"),
        "the best of three rules, chosen inside the training blocks",
    )
    parts = list(seconds.values())
    rows.append(
        Row(
            f"all of it for three models in five folds, {N:,} samples: CPU seconds",
            sum(parts) + 2 * parts[-2] + 4 * parts[-1],
            "",
            "scores of each model, the baseline in each fold",
        )
    )
    start = time.process_time()
    RandomForestClassifier(10, n_jobs=1, random_state=0).fit(X.reshape(N, -1), y)
    rows.append(
        Row(
            "all of it, over one fit of a forest of ten trees",
            sum(seconds.values()) / (time.process_time() - start),
            "",
            "both of one CPU",
        )
    )
    return rows
