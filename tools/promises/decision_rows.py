"""Certainty, exact intervals, many looks, zones and areas with probabilities: what they promise."""

import importlib.util
from functools import lru_cache
from pathlib import Path

import numpy as np
from table import Row, chance, promise

from seedbed.evaluation.area import Sample
from seedbed.evaluation.assisted import Ground, assisted_share
from seedbed.evaluation.conformal import fit_certainty, hit_and_size
from seedbed.evaluation.finite import better_map, certified_zones, exact_count, sequential_count
from seedbed.evaluation.units import Units

TOPIC = "from a score to a decision"


def at_least(promise_made: str, world: str, share: float, found: float, repeats: int) -> Row:
    """A row of something that should hold in at least a share of the worlds."""
    holds = found >= share - chance(share, repeats)
    return Row(promise_made, world, f"at least {share:g}", found, holds, repeats)


def regions(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels of three classes whose boundary differs between regions, and what a model says."""
    shift = np.repeat(rng.normal(0, 0.7, count), 40)
    x = rng.normal(size=len(shift))
    y = np.digitize(x + shift + rng.normal(0, 0.5, len(x)), [-0.5, 0.5])
    powers = np.exp(-3 * np.abs(x[:, None] - np.array([-1, 0, 1])))
    return y, powers / powers.sum(1, keepdims=True), np.repeat(np.arange(count), 40)


def sets_in_new_regions(count: int, repeats: int) -> float:
    """The share of the labels of one more region that sets hold, calibrated on some."""
    rng, held = np.random.default_rng(count), []
    for _ in range(repeats):
        y, proba, region = regions(count + 1, rng)
        old = region < count
        found = fit_certainty(y[old], proba[old], Units(region[old], "region"), 0.9)
        held.append(hit_and_size(found, y[~old], proba[~old])[0].mean())
    return float(np.mean(held))


@promise(TOPIC, 2000)
def sets_new_region_20(repeats: int) -> Row:
    """Twenty regions: enough for a promise."""
    return at_least(
        "Sets of classes hold the labels of a new region as often as they say, from nine regions on.",
        "20 regions of 40 labels, three classes whose boundary differs between regions; nominal 90 %",
        0.9,
        sets_in_new_regions(20, repeats),
        repeats,
    )


@promise(TOPIC, 2000)
def sets_new_region_4(repeats: int) -> Row:
    """Four regions: nothing is promised."""
    found = sets_in_new_regions(4, repeats)
    return Row(
        "Not promised: sets of classes in a new region, calibrated on fewer than nine.",
        "4 regions of 40 labels, three classes whose boundary differs between regions; nominal 90 %",
        "none",
        found,
        True,
        repeats,
    )


@promise(TOPIC, 2000)
def looks_keep_their_level(repeats: int) -> Row:
    """A look after each of 200 places."""
    rng, size, bad = np.random.default_rng(2), 2000, 240
    population, known = np.arange(size) < bad, {}
    held = 0
    for _ in range(repeats):
        errors = rng.permutation(population)[:200].cumsum()
        for n, k in enumerate(errors.tolist(), 1):
            if (k, n) not in known:
                low, high = sequential_count(k, n, size)
                known[k, n] = low <= bad <= high
            if not known[k, n]:
                break
        else:
            held += 1
    return at_least(
        "Bounds that may be looked at after every place hold at all looks together.",
        "a map of 2,000 pixels, 12 % of them wrong, 200 places one after the other",
        0.95,
        held / repeats,
        repeats,
    )


@promise(TOPIC, 4000)
def exact_in_small_classes(repeats: int) -> Row:
    """A class that is small and good."""
    rng, size, bad = np.random.default_rng(3), 400, 9
    ends = {k: exact_count(k, 60, size) for k in range(bad + 1)}
    errors = rng.hypergeometric(bad, size - bad, 60, repeats)
    held = np.mean([ends[k][0] <= bad <= ends[k][1] for k in errors])
    return at_least(
        "Exact intervals of a class of the map hold the number of wrong pixels.",
        "60 places of a class of 400 pixels, 9 of them wrong",
        0.95,
        float(held),
        repeats,
    )


@promise(TOPIC, 4000)
def zones_are_certified_together(repeats: int) -> Row:
    """Six zones just beyond the limit."""
    rng, sizes = np.random.default_rng(4), {str(k): 5000 for k in range(6)}
    zone, false = np.repeat(list(sizes), 150), 0
    for _ in range(repeats):
        wrong = np.concatenate([np.arange(150) < rng.hypergeometric(255, 4745, 150) for _ in sizes])
        false += any(row["certified"] for row in certified_zones(zone, wrong, sizes, 0.05))
    return at_least(
        "No zone is certified that is worse than the limit: all zones together.",
        "six zones of 5,000 pixels, 5.1 % of them wrong, limit 5 %, 150 places each",
        0.95,
        1 - false / repeats,
        repeats,
    )


@promise(TOPIC, 4000)
def two_equal_maps(repeats: int) -> Row:
    """Neither map is better."""
    rng, named = np.random.default_rng(5), 0
    for a, b, c in rng.multinomial(200, [0.4, 0.4, 0.2], repeats):
        named += better_map(int(a), int(b), int(c), 0.1)["better"] is not None
    return at_least(
        "Of two equal maps none is called better.",
        "200 places where two maps differ, both right at 40 % of them",
        0.95,
        1 - named / repeats,
        repeats,
    )


@lru_cache
def tile() -> tuple:
    """Probabilities, the map and the truth of a Dynamic World tile (olmoearth-inferencex)."""
    spec = importlib.util.find_spec("oe_inferencex")
    if spec is None:
        raise SystemExit("pip install -e '.[oracles]': the tile comes with olmoearth-inferencex")
    file = Path(spec.origin).parent / "sample/dynamic_world_tile.npz"
    with np.load(file, allow_pickle=True) as found:
        proba, truth = found["probs"].astype(float).reshape(9, -1).T, found["expert"].ravel()
    proba, truth = proba[truth >= 0], truth[truth >= 0]
    proba = proba / proba.sum(1, keepdims=True)
    mapped = proba.argmax(1)
    pixels = np.bincount(mapped, minlength=9)
    sums = np.stack([np.bincount(mapped, proba[:, k], 9) for k in range(9)], 1)
    return proba, mapped, truth, Ground(pixels * 1.0, sums / np.maximum(pixels, 1)[:, None])


@lru_cache
def tile_samples(n: int, repeats: int, draws: int) -> dict[int, np.ndarray]:
    """Value, interval and the labels' own share of each class, [repeats, 4]."""
    proba, mapped, truth, ground = tile()
    rng, size = np.random.default_rng(n), len(truth)
    out = {int(k): [] for k in np.unique(truth)}
    for _ in range(repeats):
        rows = rng.choice(size, n, replace=False)
        sample = Sample(np.zeros(n, int), np.ones(n), np.array([float(size)]), np.array([size]))
        for k in out:
            here = truth[rows] == k
            one = assisted_share(here, mapped[rows], proba[rows, k], sample, ground, k, draws=draws)
            out[k].append((one["value"], *one["ci"], here.mean()))
    return {k: np.array(v) for k, v in out.items()}


@promise(TOPIC, 2000)
def assisted_area_100(repeats: int) -> Row:
    """A hundred places: the class that is covered least."""
    held = []
    for k, values in tile_samples(100, repeats, 400).items():
        share = (tile()[2] == k).mean()
        held.append(((values[:, 1] <= share) & (share <= values[:, 2])).mean())
    return at_least(
        "Areas with probabilities hold the truth, also of rare classes; the least covered one.",
        "100 places of a Dynamic World tile with expert labels, four classes of 5 to 47 %",
        0.94,
        float(min(held)),
        repeats,
    )


def labels_saved(k: int, name: str, wanted: float):
    """The promise that probabilities save labels for a class of the tile."""

    def test(repeats: int) -> Row:
        values = tile_samples(400, repeats, 1)[k]
        found = float(values[:, 3].var() / values[:, 0].var())
        return Row(
            f"Probabilities save labels: how many times as many it would take without a map, {name}.",
            "400 places of a Dynamic World tile with expert labels",
            f"at least {wanted:g}",
            found,
            found >= wanted,
            repeats,
        )

    test.__name__ = f"labels_saved_{name}"
    promise(TOPIC, 4000)(test)


for _k, _name, _wanted in ((4, "crops", 2.35), (7, "bare", 3.49), (6, "built", 2.2)):
    labels_saved(_k, _name, _wanted)
