"""What it costs in score that a forest of many labels does not grow in full; writes forest.md."""

import sys
import tempfile
import time
from pathlib import Path

from sklearn.ensemble import RandomForestClassifier

from seedbed.base.settings import load_settings
from seedbed.evaluation.comparison import candidate, comparison_rows
from seedbed.evaluation.metrics import METRICS
from seedbed.export import export
from seedbed.models.base import flat_features, predict_sklearn
from seedbed.models.classical import size_of_trees
from seedbed.process import process
from seedbed.training.dataset import SampleDataset
from tests.million import table

LABELS, TREES = 100_000, 100


def dataset(folder: Path, count: int) -> Path:
    """A dataset.h5 of so many labels."""
    table(folder / "data.npz", count)
    settings = load_settings(
        overrides=[
            f"source.name=table:{folder}/data.npz",
            "labels.target=label",
            "split.cross_validate=no",
            f"paths.exports={folder}/exports",
            f"paths.processed={folder}/processed",
        ]
    )
    export(settings), process(settings)
    return settings.root / settings.processed_dir / "dataset.h5"


def fitted(train, val, options: dict):
    """Probabilities, CPU seconds of training and nodes of a forest."""
    forest = RandomForestClassifier(TREES, random_state=0, n_jobs=1, **options)
    start = time.process_time()
    forest.fit(flat_features(train), train.y)
    seconds = time.process_time() - start
    proba = predict_sklearn(forest, flat_features(val), "classification", len(val.classes))
    return proba, seconds, sum(tree.tree_.node_count for tree in forest.estimators_)


def main(count: int = LABELS):
    """Both forests, and how far they are apart."""
    settings = load_settings()
    with tempfile.TemporaryDirectory() as folder:
        path = dataset(Path(folder), count)
        train, val = SampleDataset(path, "train"), SampleDataset(path, "val")
        rule = size_of_trees(len(train), settings.models.tree_samples)
        assert rule, f"{len(train)} samples are grown in full"
        metric, block = METRICS["f1_score"], val.column("block")
        arms = {"full-grown": {}, "by the rule": rule}
        found = {name: fitted(train, val, options) for name, options in arms.items()}
        two = [
            candidate(name, "bands", metric, val.y, block, {0: one[0]})
            for name, one in found.items()
        ]
        rows = {row["model"]: row for row in comparison_rows(two, metric)}
    lines = [
        f"{len(train):,} training labels of {count:,}, {TREES} trees, validated on {len(val):,}:"
        f" the region of practical equivalence is {settings.success.rope:g} of macro-F1.",
        "",
        "| forest | macro-F1 | CPU s | million nodes |",
        "|---|---|---|---|",
    ]
    for name, (proba, seconds, nodes) in found.items():
        score = metric(val.y, proba)
        lines.append(f"| {name} | {score:.4f} | {seconds:.0f} | {nodes / 1e6:.2f} |")
    print(rows)
    (Path(__file__).parent / "forest.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
