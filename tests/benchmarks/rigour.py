"""What rigour costs at 100,000 samples: split, audit, the distance between the sides, comparison."""

import time

import geopandas as gpd
import numpy as np
import shapely
from harness import Row
from sklearn.ensemble import RandomForestClassifier

from seedbed.base.settings import Split
from seedbed.evaluation.comparison import candidate, comparison_rows
from seedbed.evaluation.metrics import METRICS
from seedbed.imagery.samples import make_samples
from seedbed.process import all_statistics
from seedbed.splitting.audit import audit_folds
from seedbed.splitting.folds import make_split, with_final
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
    compare = lambda: comparison_rows(
        [
            candidate(
                n, "nothing" if n == "majority" else "bands", METRICS["f1_score"], y, block, {0: p}
            )
            for n, p in answers.items()
        ],
        METRICS["f1_score"],
        0.01,
    )
    timed("comparison of three models, 2,000 draws", compare)
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
