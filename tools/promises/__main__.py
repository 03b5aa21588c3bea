"""Test what is promised by simulation and write the table of nbs/guides/promises.json.

`python tools/promises` makes every row, `python tools/promises seeds best_of_6` some, and
`--repeats 100` makes at most so many worlds for each. A new promise is a function in a module of this folder, with the decorator `promise`, that returns a
`Row`; import the module below.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import area_rows  # noqa: E402, F401
import decision_rows  # noqa: E402, F401
import map_rows  # noqa: E402, F401
import statistics_rows  # noqa: E402, F401
from table import PROMISES, write_rows  # noqa: E402


def main(names: list[str], most: int):
    """Test the promises of some names, or all, with at most so many repeats."""
    for one in PROMISES:
        if names and one.name not in names:
            continue
        began = time.perf_counter()
        row = one.test(min(one.repeats, most))
        write_rows({one.name: (one.topic, row)})
        state = "holds" if row.holds else "DOES NOT HOLD"
        seconds = time.perf_counter() - began
        print(f"{one.name}: {row.found:.3f} ({row.nominal}): {state}, {seconds:.0f} s", flush=True)


parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("names", nargs="*")
parser.add_argument("--repeats", type=int, default=1_000_000)
options = parser.parse_args()
main(options.names, options.repeats)
