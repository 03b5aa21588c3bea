"""`make matrix`: every case, and the table of how they ended. Names of sources given as arguments choose some."""

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


def main() -> int:
    """Run, write, and fail where a case fails."""
    wanted = sys.argv[1:]
    cases = [case for case in all_cases() if not wanted or case.source in wanted]
    with ThreadPoolExecutor(2) as executor:
        outcomes = list(executor.map(execute, cases))
    failed = [outcome for outcome in outcomes if outcome.fault()]
    if not wanted:
        head = [
            "| source | task | models | outcome | metric | best | s |",
            "|---|---|---|---|---|---|---|",
        ]
        lines = [*head, *map(row, outcomes), "", f"{len(outcomes)} runs, {len(failed)} failed."]
        TABLE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(outcomes)} runs, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
