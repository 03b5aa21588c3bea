"""`make attacks`: every attack, and the table of how they ended. Words given as arguments choose some, whose rows are
written anew.
"""

import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.attacks import ATTACKS, Attack, Outcome, settled
from tests.attacks.place import NotHere, Place

TABLE = Path(__file__).parent / "table.md"
HEAD = """\
# Attacks

What was tried on a run folder, a disk, a process or a secret, what version 0.1 did, and what the command
does now. `make attacks` writes this page; an attack that succeeds fails it.
"""


def attempt(attack: Attack, place: Place) -> Outcome:
    """Try an attack."""
    began = time.perf_counter()
    fault, code, line = "", None, ""
    try:
        done = attack.attempt(place)
        code, line = done.code, settled(done.line, place)
    except NotHere as error:
        line = f"not tried here: {error}"
    except AssertionError as error:
        fault = settled(" ".join(str(error).split()) or "an assertion", place)
    except subprocess.TimeoutExpired as error:
        fault = f"has not ended after {error.timeout:.0f} s"
    except Exception as error:  # the others are still tried
        traceback.print_exc()
        fault = f"the attempt itself failed: {type(error).__name__}: {error}"
    outcome = Outcome(attack, fault, code, line, time.perf_counter() - began)
    mark = "no " if fault else "yes"
    print(f"{mark} {attack.room}: {attack.tried} ({outcome.seconds:.0f} s)", flush=True)
    print(f"      {fault or f'rc {code}: {line}'}", flush=True)
    with place.lock:
        write(outcome)
    return outcome


def rows_of(page: str) -> dict[tuple[str, str], str]:
    """The rows of a table, by room and by what was tried."""
    rows, room = {}, ""
    for line in page.splitlines():
        if line.startswith("## "):
            room = line[3:]
        elif line.startswith("| ") and not line.startswith("| tried"):
            rows[room, line.split(" | ")[0][2:]] = line
    return rows


def write(outcome: Outcome):
    """Put the row of an attack into the table; those of the others stay."""
    rows = rows_of(TABLE.read_text(encoding="utf-8")) if TABLE.is_file() else {}
    row = outcome.row()
    rows[outcome.attack.room, row.split(" | ")[0][2:]] = row
    lines, shown = [HEAD], []
    for room in dict.fromkeys(attack.room for attack in ATTACKS):
        asked = [attack.tried.replace("|", "/") for attack in ATTACKS if attack.room == room]
        known = [rows[room, tried] for tried in asked if (room, tried) in rows]
        lines += [
            f"## {room}\n",
            "| tried | before | now | held |",
            "|---|---|---|---|",
            *known,
            "",
        ]
        shown += known
    failed = sum(row.endswith(" **no** |") for row in shown)
    lines.append(f"{len(shown)} of {len(ATTACKS)} attacks were tried, {failed} of them succeeded.")
    TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> int:
    """Try, write, and fail where an attack succeeds."""
    words = sys.argv[1:]
    chosen = [
        attack
        for attack in ATTACKS
        if not words or any(word in f"{attack.room} {attack.attempt.__name__}" for word in words)
    ]
    folder = Path(tempfile.mkdtemp(prefix="attacks-"))
    try:
        place = Place(folder)
        with ThreadPoolExecutor(3) as executor:
            outcomes = list(executor.map(lambda attack: attempt(attack, place), chosen))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    failed = sum(bool(outcome.fault) for outcome in outcomes)
    print(f"{len(outcomes)} attacks, {failed} of them succeeded")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
