"""Areas from a sample of a map: promises and the simulations that test them."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from affine import Affine
from table import Row, promise

from seedbed.evaluation.area import allocate, estimate_area
from seedbed.imagery.raster import window_hectares

TOPIC = "areas"
GRIDS = {  # 800 x 400 pixels from 47 degrees north on
    "EPSG:4326": Affine(0.01, 0, 5, 0, -0.01, 55),
    "EPSG:3857": Affine(2000, 0, 556_000, 0, -2000, 7_560_000),
    "EPSG:32632": Affine(1100, 0, 280_000, 0, -1100, 6_090_000),
}
SIZES = (150, 500, 1000)
# share of each class that is mapped wrongly, where another class is mapped by chance
MAPS = {"poor": (0.3, 0.1, 0.05), "good": (0.05, 0.01, 0.002)}


@dataclass(frozen=True)
class World:
    """A map whose truth is known, pixel by pixel."""

    truth: np.ndarray  # class of each pixel: 0 is rare and lives in the north
    mapped: np.ndarray  # class on the map
    areas: np.ndarray  # hectares
    strata: dict[str, np.ndarray]  # pixels of each class of the map
    hectares: dict[str, float]  # of each class of the map

    def true_shares(self) -> list[float]:
        """Overall accuracy, then area, user's and producer's accuracy of each class."""
        right = np.where(self.truth == self.mapped, self.areas, 0)
        out = [right.sum() / self.areas.sum()]
        for k in range(3):
            both = right[self.truth == k].sum()
            found = self.areas[self.truth == k].sum()
            mapped = self.areas[self.mapped == k].sum()
            out += [found / self.areas.sum(), both / mapped, both / found]
        return out

    def estimate(self, n: int, rng: np.random.Generator) -> list[dict]:
        """The same shares from a sample of n places."""
        sizes = {name: len(pixels) for name, pixels in self.strata.items()}
        wanted = allocate(sizes, n).items()
        drawn = np.concatenate([rng.choice(self.strata[k], m, replace=False) for k, m in wanted])
        on_map = self.mapped[drawn]
        found = estimate_area(
            self.truth[drawn], on_map, on_map, sizes, self.hectares, self.areas[drawn], draws=500
        )
        out = [found["overall_accuracy"]]
        for row in found["classes"]:
            area = row["hectares"]["ci"]
            share = [end / found["hectares"] for end in area]
            out += [row["hectares"] | {"ci": share}, row["users_accuracy"]]
            out.append(row["producers_accuracy"])
        return out


@lru_cache
def world(crs: str, quality: str) -> World:
    """A map of 320,000 pixels in a projection."""
    rng = np.random.default_rng(0)
    areas = window_hectares(GRIDS[crs], crs, (0, 0, 800, 400))
    is_rare = (np.arange(800) < 200)[:, None] & (rng.random(areas.shape) < 0.08)
    truth = np.where(is_rare, 0, 1 + (rng.random(areas.shape) < 0.7))
    wrong = rng.random(areas.shape) < np.array(MAPS[quality])[truth]
    mapped = np.where(wrong, (truth + rng.integers(1, 3, areas.shape)) % 3, truth).ravel()
    strata = {str(k): np.flatnonzero(mapped == k) for k in range(3)}
    hectares = {name: areas.ravel()[pixels].sum() for name, pixels in strata.items()}
    return World(truth.ravel(), mapped, areas.ravel(), strata, hectares)


@lru_cache
def coverage(crs: str, n: int, repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """How often the interval of each share held the truth, and how often it was exact."""
    held, exact = [], []
    for quality in MAPS:
        one = world(crs, quality)
        true, rng = np.array(one.true_shares()), np.random.default_rng(n)
        hits, marked = np.zeros(len(true)), np.zeros(len(true))
        for _ in range(repeats):
            for k, found in enumerate(one.estimate(n, rng)):
                if found is None:  # of a class that was not seen there is no accuracy to bound
                    hits[k] += 1
                    marked[k] += 1
                    continue
                low, high = found["ci"]
                hits[k] += low <= true[k] <= high
                marked[k] += found["exact"]
        held.append(hits / repeats)
        exact.append(marked / repeats)
    return np.concatenate(held), np.concatenate(exact)


def simulation(crs: str, n: int) -> str:
    """What was simulated."""
    return (
        f"{n} places on a good and on a poor map in {crs}, three classes, one of them rare and in"
        " the north; 10 shares each: areas and accuracies"
    )


def lowest(crs: str, n: int, repeats: int) -> Row:
    """The share that is covered least."""
    found = float(coverage(crs, n, repeats)[0].min())
    slack = 3 * (0.93 * 0.07 / repeats) ** 0.5 if repeats < 4000 else 0
    return Row(
        "The intervals of areas and accuracies hold the truth; the least covered one.",
        simulation(crs, n),
        "at least 0.93",
        found,
        found >= 0.93 - slack,
        repeats,
    )


def highest(crs: str, n: int, repeats: int) -> Row:
    """The share that is covered most, among those whose intervals are not called exact."""
    held, exact = coverage(crs, n, repeats)
    found = float(held[exact < 0.5].max())
    slack = 3 * (0.97 * 0.03 / repeats) ** 0.5 if repeats < 4000 else 0
    return Row(
        "No interval is wider than needed unless it is marked as exact; the most covered one.",
        simulation(crs, n),
        "at most 0.97",
        found,
        found <= 0.97 + slack,
        repeats,
    )


def add_rows(crs: str, n: int):
    """Both promises of one projection and size."""
    for row in (lowest, highest):

        def test(repeats: int, row=row) -> Row:
            return row(crs, n, repeats)

        test.__name__ = f"area_{row.__name__}_{crs.partition(':')[2]}_{n}"
        promise(TOPIC, 4000)(test)


for _crs in GRIDS:
    for _n in SIZES:
        add_rows(_crs, _n)
