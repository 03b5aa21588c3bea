"""How many labels a chosen half saves, with Central Asia as a pool.

`python tools/next FOLDER`, where FOLDER holds `cawa_central_asia`. Half of the blocks are the pool, the others
validate. From 100 labels at random, labels are added up to half of the pool, chosen by
`seedbed.acquisition` or at random, and a forest is held against one that was trained on the whole pool. Five
repetitions; writes tables.md beside this file. It takes about five minutes of a core.
"""

import sys
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score

from seedbed.acquisition import choose, rarity
from seedbed.base.settings import load_settings
from seedbed.evaluation.applicability import nearest_distance

ROPE, START, STEPS = 0.01, 100, 10


def trained(X: np.ndarray, y: np.ndarray) -> RandomForestClassifier:
    """A forest of a hundred trees."""
    return RandomForestClassifier(100, random_state=0, n_jobs=1).fit(X, y)


def chosen(
    X: np.ndarray, features: np.ndarray, y: np.ndarray, known: np.ndarray, n: int, mix: dict
):
    """Rows of the pool to label next."""
    free = np.setdiff1d(np.arange(len(y)), known)
    model = trained(X[known], y[known])
    proba = np.sort(model.predict_proba(X[free]), 1)
    reasons = {
        "uncertainty": proba[:, -2] - proba[:, -1],
        "distance": nearest_distance(features[free], features[known]),
        "rare": rarity(model.predict(X[free]), y[known]),
    }
    return free[choose(reasons, features[free], n, mix, features[known])]


def main(folder: Path):
    """Five repetitions, beside drawing at random."""
    data = np.load(folder / "cawa_central_asia/data.npz", allow_pickle=True)
    X = data["X"].reshape(len(data["y"]), -1).astype(np.float32)
    X, y = np.where(np.isfinite(X), X, -1), np.unique(data["y"], return_inverse=True)[1]
    features = PCA(8, random_state=0).fit_transform(X).astype(np.float32)
    cells = np.floor(data["lon"] / 0.1) * 100_000 + np.floor(data["lat"] / 0.1)
    block, rows = np.unique(cells, return_inverse=True)[1], []
    mix = load_settings().next.model_dump()
    for seed in range(5):
        rng = np.random.default_rng(seed)
        pool = np.flatnonzero(rng.permutation(block.max() + 1)[block] % 2 == 0)
        rest = np.setdiff1d(np.arange(len(y)), pool)
        P, F, yp = X[pool], features[pool], y[pool]

        def score(known: np.ndarray) -> float:
            said = trained(P[known], yp[known]).predict(X[rest])
            return f1_score(y[rest], said, average="macro", labels=np.unique(y[rest]))

        half, first = len(pool) // 2, rng.permutation(len(pool))
        known, each = first[:START], (half - START) // STEPS
        curve = []
        for step in range(STEPS):
            n = half - len(known) if step == STEPS - 1 else each
            known = np.append(known, chosen(P, F, yp, known, n, mix))
            curve.append(score(known))
        at_random = [score(first[:k]) for k in (START + each, START + 4 * each, half)]
        rows.append((score(np.arange(len(pool))), curve[0], curve[3], curve[-1], *at_random))
        print(np.round(rows[-1], 3), flush=True)
    write(np.array(rows), mix)


def write(rows: np.ndarray, mix: dict):
    """The table, and whether the half was enough."""
    names = ["whole pool", "a tenth", "four tenths", "half"]
    lines = [
        f"# A chosen half\n\nWritten by `python tools/next FOLDER`. Mix: {mix}. Macro-F1 on blocks"
    ]
    lines[0] += " outside of the pool; shares are of the half that was added.\n"
    lines.append(
        "| repetition | " + " | ".join(names) + " | random: a tenth | four tenths | half |"
    )
    lines.append("| --- " * 8 + "|")
    for k, row in enumerate([*rows, rows.mean(0)], 1):
        name = "mean" if k > len(rows) else str(k)
        lines.append(f"| {name} | " + " | ".join(f"{v:.3f}" for v in row) + " |")
    short = rows[:, 0].mean() - rows[:, 3].mean()
    state = "within" if short <= ROPE else "NOT within"
    by_chance = rows[:, 0].mean() - rows[:, 6].mean()
    lines.append(
        f"\nThe chosen half is {short:+.3f} short of the whole pool, {state} {ROPE}; a random half"
        f" {by_chance:+.3f}."
    )
    text = "\n".join(lines) + "\n"
    Path(__file__).with_name("tables.md").write_text(text, encoding="utf-8")
    print(text)


main(Path(sys.argv[1]))
