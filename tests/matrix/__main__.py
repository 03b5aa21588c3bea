"""`make matrix`: every case, and the table of how they ended.

ARGS="stac" chooses sources by name, ARGS="'stac, regression, trees'" a single case; their lines are put into the table.
"""

import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.matrix import all_cases, run

TABLE = Path(__file__).parent / "table.md"


def execute(case):
    """One case, in a folder that goes away."""
    with tempfile.TemporaryDirectory(prefix="matrix-") as folder:
        outcome = run(case, Path(folder), explore=case.models == "classical")
    print(f"{case.name:<50} {outcome.fault() or 'ok':<40} {outcome.seconds:5.0f} s", flush=True)
    return outcome


def row(outcome) -> str:
    """A line of the table."""
    case, score = outcome.case, outcome.score
    shown = "" if score is None else f"{score:.3f}"
    metric = outcome.results["primary"]["metric"] if outcome.results else ""
    parts = (case.source, case.task, case.models, outcome.fault() or "ok", metric, shown)
    return f"| {' | '.join(parts)} | {outcome.seconds:.0f} |"


HEAD = [
    "| source | task | models | outcome | metric | best | s |",
    "|---|---|---|---|---|---|---|",
]


def write_table(rows: dict):
    """table.md: these lines by case, and those that it has of others."""
    lines = TABLE.read_text(encoding="utf-8").splitlines() if TABLE.is_file() else []
    starts = {f"| {case.source} | {case.task} | {case.models} |": case for case in all_cases()}
    known = {
        case: line for start, case in starts.items() for line in lines if line.startswith(start)
    }
    found = known | rows
    shown = [found[case] for case in all_cases() if case in found]
    failed = sum(line.split(" | ")[3] != "ok" for line in shown)
    last = f"{len(shown)} runs, {failed} failed."
    TABLE.write_text("\n".join([*HEAD, *shown, "", last]) + "\n", encoding="utf-8")


def main() -> int:
    """Run, write, and fail where a case fails."""
    wanted = sys.argv[1:]
    cases = [case for case in all_cases() if not wanted or {case.source, case.name} & {*wanted}]
    outcomes = []
    with ThreadPoolExecutor(2) as executor:
        for outcome in executor.map(execute, cases):
            outcomes.append(outcome)
            write_table({each.case: row(each) for each in outcomes})
    failed = [outcome for outcome in outcomes if outcome.fault()]
    print(f"{len(outcomes)} runs, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
