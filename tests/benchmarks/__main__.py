"""`python tests/benchmarks [names] [--json PATH]`: measure, print the table, write it as JSON."""

import argparse
import importlib
import json
import os
import sys
import time
import warnings
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "agg")
warnings.simplefilter("ignore")
sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

NAMES = (
    "reading",
    "batches",
    "training",
    "mapping",
    "rigour",
    "headless",
    "growth",
    "exporting",
    "archives",
    "encoders",
)
LONG = ("large_map",)  # only where it is named: half an hour


def main():
    """Run the benchmarks that are named, or all."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="Speeds, as ratios measured in one run."
    )
    parser.add_argument(
        "names",
        nargs="*",
        choices=[*NAMES, *LONG, []],
        help=f"any of {', '.join(NAMES)}, all if none is given; or {', '.join(LONG)}",
    )
    parser.add_argument("--json", default="benchmarks.json", help="where the results go")
    asked = parser.parse_args()
    from harness import machine

    from seedbed.base.provenance import now

    where, at, results = machine(), now(), {}
    said = f"{at[:10]}: {where['cpu']}, {where['cores']} cores, {where['memory_gb']} GB, load {where['load'][0]}; gpu: {where['gpu'] or 'none'}"
    print(said, "\n", flush=True)
    for name in asked.names or NAMES:
        start = time.perf_counter()
        rows = importlib.import_module(name).run()
        results[name] = [row.record() for row in rows]
        print(f"{name} ({time.perf_counter() - start:.0f} s)")
        for row in rows:
            mark = {True: "met", False: "MISSED", None: ""}[row.met]
            print(
                f"  {row.what:<72} {row.measured:>9.3g}  {row.wanted:<8} {mark:<7} {row.note}",
                flush=True,
            )
        Path(asked.json).write_text(
            json.dumps({"at": at, "machine": where, "results": results}, indent=2) + "\n"
        )  # so far
    print(
        f"\nwritten: {asked.json}; `python tools/speed_page.py {asked.json}` puts it into the guide about speed"
    )


if __name__ == "__main__":
    from seedbed.base.signals import ended_in_a_line

    with ended_in_a_line():
        main()
