"""Maps: what is said of the best of several, where pixels are counted by chips and blocks drawn."""

import numpy as np
from scipy.stats import norm
from statistics_rows import at_most
from table import Row, promise

from seedbed.evaluation.comparison import candidate, ranked, score_interval, selected
from seedbed.evaluation.metrics import METRICS
from seedbed.success import verdict, write_contract

TOPIC = "intervals and comparisons"
BLOCKS, CHIPS, PIXELS, CLASSES, MODELS = 30, 5, 400, 4, 6
RIGHT = norm.ppf(0.7)  # of the pixels


def share_that_is_right(rng: np.random.Generator) -> np.ndarray:  # [models, chips]
    """Of the pixels of each chip: alike in a block, and alike for all models, in parts."""
    block = 0.4 * rng.normal(size=(1, BLOCKS)).repeat(CHIPS, 1)
    chip = 0.3 * rng.normal(size=(1, BLOCKS * CHIPS))
    own = 0.5 * rng.normal(size=(MODELS, BLOCKS * CHIPS))
    return norm.cdf(RIGHT + block + chip + own)


def maps(rng: np.random.Generator, draws: int = 400) -> list:
    """Models of the same true mean IoU, scored by counts of chips that each hold few classes."""
    pixels = PIXELS * rng.dirichlet(np.full(CLASSES, 0.5), BLOCKS * CHIPS)
    out = []
    for k, right in enumerate(share_that_is_right(rng)):
        sums = np.zeros((len(pixels), CLASSES, CLASSES + 4))
        sums[:, :, :CLASSES] = (pixels * ((1 - right) / (CLASSES - 1))[:, None])[:, :, None]
        sums[:, range(CLASSES), range(CLASSES)] = pixels * right[:, None]
        out.append(_candidate(k, "mean_iou", sums, draws))
    return out


def surfaces(rng: np.random.Generator, draws: int = 400) -> list:
    """Models of values of the same true R2, scored by the sums of chips."""
    value = rng.normal(size=(BLOCKS, 1)) + rng.normal(size=(BLOCKS, CHIPS))
    value = value.reshape(-1)  # mean of a chip; its pixels vary by 1 around it
    shared = 0.5 * rng.normal(size=BLOCKS).repeat(CHIPS) + 0.3 * rng.normal(size=len(value))
    out = []
    for k in range(MODELS):
        error = shared + 0.5 * rng.normal(size=len(value))  # of a chip; of its pixels 0.5 around it
        parts = np.ones_like(value), value, value**2 + 1, error, error**2 + 0.25, np.abs(error)
        out.append(_candidate(k, "r2", PIXELS * np.stack(parts, 1)[:, None], draws))
    return out


def _candidate(k: int, metric: str, sums: np.ndarray, draws: int):
    block = np.arange(BLOCKS).repeat(CHIPS)
    y = np.zeros(len(sums), int)
    return candidate(f"model {k}", "bands", METRICS[metric], y, block, {0: sums}, draws)


def _of_the_best(make, metric: str, what: str, repeats: int) -> Row:
    "The mean gap between what is said of the best and what any of them scores on a fresh split."
    rng = np.random.default_rng(12)
    said, shown, best = [], [], []
    for _ in range(repeats):
        models = make(rng)
        said.append(selected(models, METRICS[metric])["value"])
        shown.append(np.mean([one.value for one in models]))
        best.append(ranked(models, METRICS[metric])[0].value)
    off, uncorrected = np.array(said) - np.array(shown), float(np.mean(best) - np.mean(shown))
    found = float(off.mean())
    return Row(
        f"What is said of the best of six equal maps is what a fresh split shows ({what}).",
        f"6 models, 150 chips in 30 blocks; the mean error of the corrected score, where that of the"
        f" best score itself is {uncorrected:.3f}",
        "0",
        found,
        abs(found) < 0.004 + 3 * float(off.std()) / repeats**0.5,
        repeats,
    )


@promise(TOPIC, 300)
def score_of_the_best_map(repeats: int) -> Row:
    """Classes: mean IoU from the counts of chips."""
    return _of_the_best(maps, "mean_iou", "mean IoU", repeats)


@promise(TOPIC, 300)
def score_of_the_best_surface(repeats: int) -> Row:
    """Values: R2 from the sums of chips."""
    return _of_the_best(surfaces, "r2", "R²", repeats)


@promise(TOPIC, 600)
def best_of_6_maps(repeats: int) -> Row:
    """The best of six equal maps against a threshold that is their true score."""
    rng = np.random.default_rng(13)
    right = float(norm.cdf(RIGHT / (1 + 0.4**2 + 0.3**2 + 0.5**2) ** 0.5))
    threshold = right / (2 - right)  # of classes that are equally frequent and confused evenly
    contract = write_contract("mean_iou", threshold, 0.99, source="a simulation")
    usable = []
    for _ in range(repeats):
        models = maps(rng)
        best = ranked(models, METRICS["mean_iou"])[0]
        score = {"value": best.value, "ci": score_interval(best)[0]}
        score["selected"] = selected(models, METRICS["mean_iou"])
        usable.append(verdict(contract, score)["status"] in ("usable", "at ceiling"))
    return at_most(
        "The best of six equal maps whose true mean IoU is the threshold is not called usable.",
        "6 models, 150 chips in 30 blocks, each chip of few classes; true mean IoU = usable",
        usable,
        0.025,
    )
