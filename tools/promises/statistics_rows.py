"""Intervals, comparisons and baselines: promises and the simulations that test them."""

import numpy as np
import pandas as pd
from scipy.stats import norm
from table import Row, chance, promise

from seedbed.evaluation.comparison import (
    candidate,
    comparison_rows,
    ranked,
    reference_predictions,
    region_scores,
    score_interval,
    selected,
    smallest_difference,
    tied_with_best,
)
from seedbed.evaluation.intervals import score_with_interval
from seedbed.evaluation.metrics import METRICS, within_folds
from seedbed.evaluation.scoring import by_class, class_block_warnings
from seedbed.evaluation.units import Units, drawn_units
from seedbed.models.baselines import best_rule, place_rules, rule_prediction
from seedbed.splitting.blocks import blocks, on_sphere, systematic_folds
from seedbed.success import interval_status, verdict, write_contract

TOPIC = "intervals and comparisons"
ACCURACY = METRICS["accuracy"]


def covered(found: dict, truth: float) -> bool:
    """Whether the interval of a score holds the truth."""
    return found["ci"] is not None and found["ci"][0] <= truth <= found["ci"][1]


def held(promise: str, simulation: str, hits: list[bool], nominal: float = 0.95) -> Row:
    """A row of an interval that should hold the truth in a nominal share of the worlds."""
    found, repeats = float(np.mean(hits)), len(hits)
    holds = found >= nominal - 0.03 - chance(nominal, repeats)
    return Row(promise, simulation, f"{nominal:g}", found, holds, repeats)


def at_most(promise: str, simulation: str, hits: list[bool], nominal: float) -> Row:
    """A row of an error that may be made in a nominal share of the worlds."""
    found, repeats = float(np.mean(hits)), len(hits)
    holds = found <= nominal + chance(nominal, repeats)
    return Row(promise, simulation, f"at most {nominal:g}", found, holds, repeats)


def right_or_wrong(right: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two classes at random, and a model that is right about some samples."""
    y = rng.integers(0, 2, right.size)
    return y, np.eye(2)[np.where(right.ravel(), y, 1 - y)]


# Landscapes: a random field with an exponential covariance, on a grid of 128 x 128 pixels

SIDE = 128
_NEAR = np.minimum(np.arange(SIDE), SIDE - np.arange(SIDE))
_DISTANCE = np.hypot(_NEAR[:, None], _NEAR[None])


def landscape(reach: float, rng: np.random.Generator) -> np.ndarray:
    """A field whose values resemble each other up to a distance, in pixels."""
    spectrum = np.sqrt(np.fft.fft2(np.exp(-_DISTANCE / reach)).real.clip(0))
    noise = rng.normal(size=(SIDE, SIDE)) + 1j * rng.normal(size=(SIDE, SIDE))
    return (np.fft.fft2(spectrum * noise) / SIDE).real


def landscape_score(reach: float, block: int, rng: np.random.Generator) -> tuple[dict, float]:
    """The accuracy of a model with its interval, and its true accuracy in this landscape."""
    field = landscape(reach, rng)[:64, :64]
    places = rng.integers(0, 64, (15 * (64 // block) ** 2, 2))
    error = 0.8 * field[places[:, 0], places[:, 1]] + 0.6 * rng.normal(size=len(places))
    y, proba = right_or_wrong(error < norm.ppf(0.75), rng)
    km = 10 / block  # a block is 10 km wide
    lat = 0.05 + places[:, 0] * km / 111.19
    lon = 0.05 + places[:, 1] * km / 111.19
    row, column = blocks(lon, lat, 10)
    names = [f"{r}_{c}" for r, c in zip(row, column)]
    table = pd.DataFrame({"block": names, "lon": lon, "lat": lat})
    units = drawn_units(table, {"method": "blocks", "block_km": 10})
    here = float(norm.cdf((norm.ppf(0.75) - 0.8 * field) / 0.6).mean())
    return score_with_interval(ACCURACY, y, proba, units, 400), here


@promise(TOPIC, 400)
def this_landscape(repeats: int) -> Row:
    """Blocks are large against the range of the errors, and the claim is this landscape."""
    rng = np.random.default_rng(1)
    hits = []
    for _ in range(repeats):
        found, here = landscape_score(2, 8, rng)
        hits.append(covered(found, here))
    return held(
        "An interval by blocks holds the score of other labels of this landscape.",
        "960 labels at random in 64 blocks; errors alike over a quarter of a block",
        hits,
    )


@promise(TOPIC, 400)
def dependent_blocks_this_landscape(repeats: int) -> Row:
    """Errors reach over several blocks, and the claim is this landscape."""
    rng = np.random.default_rng(2)
    hits = []
    for _ in range(repeats):
        found, here = landscape_score(20, 8, rng)
        hits.append(covered(found, here))
    return held(
        "It also holds it where neighbouring blocks depend on each other.",
        "960 labels at random in 64 blocks; errors alike over 2.5 blocks",
        hits,
    )


@promise(TOPIC, 400)
def dependent_blocks_are_named(repeats: int) -> Row:
    """Errors reach over one block: the record says that the interval is rough."""
    rng = np.random.default_rng(3)
    named = []
    for _ in range(repeats):
        found, _ = landscape_score(8, 8, rng)
        named.append(found["dependence"]["rough"])
    found = float(np.mean(named))
    return Row(
        "Where neighbouring blocks depend on each other, the interval is widened and called rough.",
        "960 labels in 64 blocks; errors alike over one block",
        "at least 0.9",
        found,
        found >= 0.9 - chance(0.9, repeats),
        repeats,
    )


@promise(TOPIC, 400)
def another_landscape(repeats: int) -> Row:
    """What is not promised: the score in another landscape of the same kind."""
    rng = np.random.default_rng(4)
    hits = [covered(landscape_score(8, 8, rng)[0], 0.75) for _ in range(repeats)]
    found = float(np.mean(hits))
    return Row(
        "Not promised: the score in another landscape of the same kind. It takes several"
        " landscapes, as regions.",
        "64 blocks; errors alike over one block; truth: the mean over all landscapes",
        "none",
        found,
        True,
        repeats,
    )


# Claims


def regions_score(count: int, rng: np.random.Generator) -> dict:
    """The accuracy in several regions, whose own accuracies differ by 0.1."""
    own = np.clip(rng.normal(0.75, 0.1, count), 0.05, 0.98)
    by_block = np.clip(np.repeat(own, 12) + rng.normal(0, 0.08, 12 * count), 0.02, 0.99)
    right = rng.random((12 * count, 15)) < by_block[:, None]
    y, proba = right_or_wrong(right, rng)
    units = Units(np.repeat(np.arange(count), 180), "region")
    return score_with_interval(ACCURACY, y, proba, units, 500)


@promise(TOPIC, 600)
def four_regions(repeats: int) -> Row:
    """Below five units the verdict is open."""
    rng = np.random.default_rng(5)
    contract = write_contract("accuracy", 0.6, 0.95, source="a simulation")
    said = [interval_status(contract, regions_score(4, rng))[0] for _ in range(repeats)]
    return at_most(
        "A claim for a new region that rests on fewer than five regions is never decided.",
        "4 regions of 12 blocks, each with an accuracy of its own (0.75, sd 0.1)",
        [status != "undecided" for status in said],
        0.0,
    )


def _many_regions(count: int, repeats: int) -> Row:
    rng = np.random.default_rng(count)
    hits = [covered(regions_score(count, rng), 0.75) for _ in range(repeats)]
    return held(
        f"The interval of a claim for a new region holds its expected score ({count} regions).",
        f"{count} regions of 12 blocks, each with an accuracy of its own (0.75, sd 0.1)",
        hits,
    )


@promise(TOPIC, 600)
def five_regions(repeats: int) -> Row:
    """The fewest regions that give an interval."""
    return _many_regions(5, repeats)


@promise(TOPIC, 600)
def ten_regions(repeats: int) -> Row:
    """Ten regions."""
    return _many_regions(10, repeats)


@promise(TOPIC, 400)
def seeds(repeats: int) -> Row:
    """Three seeds of a model whose score varies between seeds."""
    rng = np.random.default_rng(6)
    hits = []
    block = np.repeat(np.arange(60), 20)
    for _ in range(repeats):
        share = np.clip(rng.normal(0.75, 0.05, 3), 0, 1)
        y = rng.integers(0, 2, 1200)
        predictions = {
            seed: np.eye(2)[np.where(rng.random(1200) < p, y, 1 - y)]
            for seed, p in enumerate(share)
        }
        found = candidate("network", "bands", ACCURACY, y, block, predictions, 400)
        hits.append(covered({"ci": score_interval(found)[0]}, 0.75))
    return held(
        "The interval of a model that draws random numbers holds its expected score over seeds.",
        "3 seeds, standard deviation 0.05 between seeds, 60 blocks",
        hits,
    )


# Many models


def equal_models(count: int, blocks: int, rng: np.random.Generator, draws: int = 500) -> list:
    """Candidates whose true accuracy is 0.75; errors correlate between models and in blocks."""
    each = 10
    shared = 0.5 * rng.normal(size=(blocks, 1)) + 0.375**0.5 * rng.normal(size=(blocks, each))
    y, block = rng.integers(0, 2, blocks * each), np.repeat(np.arange(blocks), each)
    out = []
    for k in range(count):
        noise = shared + 0.375**0.5 * rng.normal(size=(blocks, each))
        right = (noise < norm.ppf(0.75)).ravel()
        proba = {0: np.eye(2)[np.where(right, y, 1 - y)]}
        out.append(candidate(f"model {k}", "bands", ACCURACY, y, block, proba, draws))
    return out


def _best_of(count: int, repeats: int) -> Row:
    rng = np.random.default_rng(count)
    contract = write_contract("accuracy", 0.75, 0.99, source="a simulation")
    usable = []
    for _ in range(repeats):
        models = equal_models(count, 30, rng)
        best = ranked(models, ACCURACY)[0]
        score = {"value": best.value, "ci": score_interval(best)[0]}
        score["selected"] = selected(models, ACCURACY)
        usable.append(verdict(contract, score)["status"] in ("usable", "at ceiling"))
    return at_most(
        f"The best of {count} equal models whose true score is the threshold is not called usable.",
        f"{count} models, true accuracy 0.75 = usable, 300 labels in 30 blocks",
        usable,
        0.025,
    )


@promise(TOPIC, 2000)
def best_of_2(repeats: int) -> Row:
    """Two models."""
    return _best_of(2, repeats)


@promise(TOPIC, 1500)
def best_of_6(repeats: int) -> Row:
    """Six models."""
    return _best_of(6, repeats)


@promise(TOPIC, 1000)
def best_of_20(repeats: int) -> Row:
    """Twenty models."""
    return _best_of(20, repeats)


@promise(TOPIC, 300)
def score_of_the_best(repeats: int) -> Row:
    """The score that a fresh split would show, against the truth."""
    rng = np.random.default_rng(7)
    off = []
    for _ in range(repeats):
        off.append(selected(equal_models(6, 30, rng), ACCURACY)["value"] - 0.75)
    found = float(np.mean(off))
    return Row(
        "What is said of the best of six equal models is, on average, what a fresh split shows.",
        "6 models, true accuracy 0.75; the mean error of the corrected score",
        "0",
        found,
        abs(found) < 0.004 + 3 * float(np.std(off)) / repeats**0.5,
        repeats,
    )


def _not_tied(count: int, repeats: int) -> Row:
    rng = np.random.default_rng(100 + count)
    apart = []
    for _ in range(repeats):
        order = ranked(equal_models(count, 30, rng), ACCURACY)
        apart.append(not all(tied_with_best(order, ACCURACY)[1:]))
    return at_most(
        f"None of {count} equal models loses its '='.",
        f"{count} models, true accuracy 0.75, 300 labels in 30 blocks",
        apart,
        0.05,
    )


@promise(TOPIC, 1000)
def tied_2(repeats: int) -> Row:
    """Two models."""
    return _not_tied(2, repeats)


@promise(TOPIC, 1000)
def tied_6(repeats: int) -> Row:
    """Six models."""
    return _not_tied(6, repeats)


@promise(TOPIC, 200)
def tied_20(repeats: int) -> Row:
    """Twenty models."""
    return _not_tied(20, repeats)


@promise(TOPIC, 600)
def detectable(repeats: int) -> Row:
    """The power of a comparison at the smallest detectable difference."""
    rng = np.random.default_rng(8)
    y, units = rng.integers(0, 2, 800), Units(np.repeat(np.arange(40), 20))
    smallest = smallest_difference(ACCURACY, y, units, 2)
    assert smallest is not None
    replaced = smallest / 0.3  # of the worse one's predictions, by a coin: right in 0.5, not 0.8
    hits = []
    for _ in range(repeats):
        better = reference_predictions(y, units, 2, rng)
        worse = reference_predictions(y, units, 2, rng)
        coin = rng.random(len(y)) < replaced
        worse[coin] = np.eye(2)[rng.integers(0, 2, int(coin.sum()))]
        gaps = candidate("a", "bands", ACCURACY, y, units, {0: better}, 400)
        others = candidate("b", "bands", ACCURACY, y, units, {0: worse}, 400)
        hits.append(not tied_with_best([gaps, others], ACCURACY)[1] and gaps.value > others.value)
    found = float(np.mean(hits))
    return Row(
        "A difference as large as the smallest detectable one is found in four of five splits.",
        "two models of the reference, 800 labels in 40 blocks; the second one worse by that much",
        "0.8",
        found,
        abs(found - 0.8) < 0.05 + chance(0.8, repeats),
        repeats,
    )


# Regions and classes


@promise(TOPIC, 200)
def worst_region_gate(repeats: int) -> Row:
    """Regions that are all fine, some of them small."""
    rng = np.random.default_rng(9)
    limit = 0.75
    contract = write_contract("f1_score", 0.6, 0.99, worst_region_min=limit, source="a simulation")
    failed = []
    for _ in range(repeats):
        size = [12, 12, 20, 40, 60, 80]
        region = np.repeat([f"r{k}" for k in range(6)], [n * 5 for n in size])
        block = np.concatenate(
            [
                f"r{k}_" + np.arange(n).repeat(5).astype(str).astype(object)
                for k, n in enumerate(size)
            ]
        )
        y = rng.integers(0, 4, len(region))
        y[region == "r0"] %= 2  # a region that has two of the four classes
        right = rng.random(len(y)) < 0.75
        proba = np.eye(4)[np.where(right, y, (y + rng.integers(1, 4, len(y))) % 4)]
        table = pd.DataFrame({"region": region, "block": block.astype(str)})
        f1 = METRICS["f1_score"]
        regions = region_scores(f1, y, {0: proba}, table, None, 300)
        one = candidate("model", "bands", f1, y, table["block"].to_numpy(), {0: proba}, 300)
        one.regions = regions
        row = comparison_rows([one], f1, 0.01, region_least=limit)[0]
        failed.append(bool(verdict(contract, row, row["regions"])["failed"]))
    return at_most(
        "The limit of the worst region stops a model only where a region is really below it.",
        "6 regions of 12 to 80 blocks, true macro-F1 0.75 or more, limit 0.75; one lacks two classes",
        failed,
        0.025,
    )


@promise(TOPIC, 200)
def rare_class_is_named(repeats: int) -> Row:
    """A class in two of forty blocks."""
    rng = np.random.default_rng(10)
    named = []
    for _ in range(repeats):
        y = rng.integers(0, 2, 1200)
        block = np.repeat(np.arange(40), 30)
        rare = np.isin(block, rng.choice(40, 2, replace=False)) & (rng.random(1200) < 0.3)
        y[rare] = 2
        rows = by_class(y, np.eye(3)[y], ["a", "b", "rare"], Units(block), 20)
        named.append(any("rare" in line for line in class_block_warnings(rows)))
    found = float(np.mean(named))
    return Row(
        "A class that fewer than five blocks test is named in a warning.",
        "a class in 2 of 40 blocks",
        "1",
        found,
        found == 1,
        repeats,
    )


# Baselines


def noisy_map(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Places, a noisy number that varies over tens of kilometres, blocks and folds."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(0, 150, (800, 2))
    lon, lat = 20 + xy[:, 0] / 78, 45 + xy[:, 1] / 111
    waves = rng.normal(size=(30, 2)) / 40
    smooth = np.cos(xy @ waves.T + rng.uniform(0, 6.28, 30)).sum(1)
    y = smooth / smooth.std() + rng.normal(size=800)
    row, column = blocks(lon, lat, 10.0)
    names = np.array([f"{r}_{c}" for r, c in zip(row, column)])
    return on_sphere(lon, lat), y, names, systematic_folds(row, column, 5)


def rule_values(task: str, seed: int) -> dict[str, float]:
    """R² or AUC of each rule, and of the one that is chosen inside the training blocks."""
    X, y, block, fold = noisy_map(seed)
    if task == "classification":
        y = (y > np.median(y)).astype(int)
    classes = 2 if task == "classification" else 0
    name = "roc_auc" if classes else "r2"
    metric = within_folds(METRICS[name], fold)
    out: dict[str, np.ndarray] = {}
    for number in range(5):
        train, val = fold != number, fold == number
        rules = dict(place_rules(task, int(train.sum())))
        fitted = {key: _fit(rule, X[train], y[train], task) for key, rule in rules.items()}
        chosen = best_rule(X[train], y[train], block[train], task, metric=name)
        for key, rule in (fitted | {"chosen": chosen}).items():
            found = rule_prediction(rule, X[val], task, classes)
            out.setdefault(key, np.zeros((len(y), *found.shape[1:])))[val] = found
    return {key: metric(y, p) for key, p in out.items()}


def _fit(rule, X, y, task: str):
    from seedbed.models.baselines import fit_rule

    return fit_rule(rule, X, y, task)


def _strong(task: str, repeats: int, what: str) -> Row:
    found = [rule_values(task, seed) for seed in range(repeats)]
    best = np.array([max(v for k, v in row.items() if k != "chosen") for row in found])
    lost = float(np.mean(best - [row["chosen"] for row in found]))
    return Row(
        f"The baseline by coordinates is as good as the best of its three rules ({what}).",
        "800 places, a noisy target that varies over tens of kilometres; the score that is lost",
        "at most 0.02",
        lost,
        lost <= 0.02,
        repeats,
    )


@promise(TOPIC, 4)
def strong_coordinates_r2(repeats: int) -> Row:
    """A number."""
    return _strong("regression", repeats, "R²")


@promise(TOPIC, 4)
def strong_coordinates_auc(repeats: int) -> Row:
    """Two classes."""
    return _strong("classification", repeats, "area under the ROC curve")


@promise(TOPIC, 200)
def constant_auc(repeats: int) -> Row:
    """The majority of each fold's training samples."""
    rng = np.random.default_rng(11)
    values = []
    for _ in range(repeats):
        fold = rng.integers(0, 5, 300)
        y = (rng.random(300) < rng.uniform(0.1, 0.6, 5)[fold]).astype(int)
        share = np.array([y[fold != f].mean() for f in range(5)])[fold]
        proba = np.column_stack([1 - share, share])
        values.append(within_folds(METRICS["roc_auc"], fold)(y, proba))
    found = float(np.mean(values))
    return Row(
        "A model that says the same of every label has an area under the ROC curve of one half.",
        "the majority, 300 labels in 5 folds of different class shares",
        "0.5",
        found,
        abs(found - 0.5) < 1e-9,
        repeats,
    )
