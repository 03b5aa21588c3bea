"""Test what is promised by simulation and write the table of nbs/guides/promises.json.

`python tools/promises` makes every row, `python tools/promises seeds best_of_6` some. A new
promise is a function in a module of this folder, with the decorator `promise`, that returns a
`Row`; import the module below.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import statistics_rows  # noqa: E402, F401
from table import PROMISES, write_rows  # noqa: E402


def main(names: list[str]):
    """Test the promises of some names, or all."""
    for one in PROMISES:
        if names and one.name not in names:
            continue
        began = time.perf_counter()
        row = one.test(one.repeats)
        write_rows({one.name: (one.topic, row)})
        state = "holds" if row.holds else "DOES NOT HOLD"
        seconds = time.perf_counter() - began
        print(f"{one.name}: {row.found:.3f} ({row.nominal}): {state}, {seconds:.0f} s", flush=True)


main(sys.argv[1:])
