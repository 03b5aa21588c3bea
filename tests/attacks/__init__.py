"""Attacks on runs, files, the disk and the processes: each is tried with the real command on real folders.

`make attacks` tries all of them and writes `table.md`. An attack is a function that fails by an assertion where the
attack succeeds, and gives what the command has said.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.attacks.place import Done, Place


@dataclass(frozen=True)
class Attack:
    """Something that must not succeed."""

    room: str  # the heading in the table
    tried: str
    before: str  # what version 0.1 did
    attempt: Callable[[Place], Done]


ATTACKS: list[Attack] = []


def attack(room: str, tried: str, before: str):
    """Enter a function into the table."""

    def enter(function):
        ATTACKS.append(Attack(room, tried, before, function))
        return function

    return enter


@dataclass
class Outcome:
    """How an attack has ended."""

    attack: Attack
    fault: str  # empty where it was repelled
    code: int | None
    line: str  # what the command has said
    seconds: float

    def row(self) -> str:
        """A line of the table."""
        now = self.fault or f"rc {self.code}: {self.line}" if self.line else f"rc {self.code}"
        held = "**no**" if self.fault else "yes"
        cells = (self.attack.tried, self.attack.before, now, held)
        return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def settled(text: str, place: Place, most: int = 230) -> str:
    """A line without what differs from one attempt to the next: folders, runs, times and processes."""
    text = text.replace(str(place.folder), "~").replace(str(place.template), "TEMPLATE")
    text = re.sub(r"(?<![\w-])\d+-(?=[a-z])", "", text)
    text = re.sub(r"\d{4}-\d\d-\d\d_\d{6}-[\w.-]+", "RUN", text)
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
    text = re.sub(r"\b[0-9a-f]{7,64}\b", "HASH", text)
    return text if len(text) <= most else text[: most - 1] + "…"


from tests.attacks import (  # noqa: E402, F401
    disks,
    foreign,
    kills,
    network,
    paths,
    record,
    secrets,
    servers,
    signals,
    verify,
)
