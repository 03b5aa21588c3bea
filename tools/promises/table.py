"""What a promise is, and the table that they are written to."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

TABLE = Path(__file__).resolve().parents[2] / "nbs/guides/promises.json"


@dataclass
class Row:
    """A promise, how it was tested, and what was found."""

    promise: str  # what is promised, in a sentence
    simulation: str  # the made-up world, where the truth is known
    nominal: str  # what was promised, as a number
    found: float  # what came out
    holds: bool  # whether that is what was promised, beyond the chance of the simulation
    repeats: int  # worlds that were made


@dataclass(frozen=True)
class Promise:
    """A function that tests one promise."""

    name: str  # of the function
    topic: str  # of the module: statistics, area, splits ...
    test: Callable[[int], Row]  # repeats -> row
    repeats: int  # of the table; a test makes fewer


PROMISES: list[Promise] = []


def promise(topic: str, repeats: int) -> Callable:
    """Add a function to the list of promises."""

    def add(test: Callable[[int], Row]) -> Callable[[int], Row]:
        PROMISES.append(Promise(test.__name__, topic, test, repeats))
        return test

    return add


def chance(share: float, repeats: int) -> float:
    """Three standard errors of a share: what the chance of a simulation may add to it."""
    return 3 * max(share * (1 - share), 0.01) ** 0.5 / repeats**0.5


def write_rows(rows: dict[str, tuple[str, Row]]):
    """Write rows into the table, by name; rows of other promises stay."""
    known = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else {}
    known |= {name: {"topic": topic} | asdict(row) for name, (topic, row) in rows.items()}
    order = {one.name: k for k, one in enumerate(PROMISES)}
    kept = {name: known[name] for name in sorted(known, key=lambda name: order.get(name, 999))}
    text = json.dumps(kept, indent=1, ensure_ascii=False)
    TABLE.write_text(text + "\n", encoding="utf-8")
