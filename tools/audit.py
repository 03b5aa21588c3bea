"""Look up known weaknesses of the packages in constraints.lock with pip-audit, in whose environment this runs.

pip-audit counts a package that the index does not answer for as one without a weakness. Here such packages are
counted by themselves, and where none could be looked up, that is a failure.
"""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).resolve().parents[1] / "constraints.lock"
FIX = "run it where pypi.org can be reached"


def looked_up(lock: Path) -> list[dict]:
    """What pip-audit has found out about each package; ends in a line where it found out nothing."""
    asked = ["--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", *asked, "-r", str(lock)],
        capture_output=True,
        text=True,
    )
    try:
        return json.loads(done.stdout)["dependencies"]
    except ValueError:
        said = (done.stderr.strip().splitlines() or [f"rc {done.returncode}"])[-1]
        sys.exit(f"audit: nothing was looked up ({said[:200]}); {FIX}")


def verdict(packages: list[dict]) -> tuple[list[str], int]:
    """Lines about the packages, and the exit code: 1 where one has a weakness, or none was looked up."""
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    known = len(packages) - len(unknown)
    if not known:
        return [f"audit: none of {len(packages)} packages could be looked up; {FIX}"], 1
    weak = [
        f"{package['name']} {package['version']}: {found['id']}, mended in "
        + (", ".join(found["fix_versions"]) or "no version yet")
        for package in packages
        for found in package.get("vulns", [])
    ]
    lines = [*weak, f"{known} packages looked up, {len(weak)} known weaknesses"]
    if unknown:
        lines.append(f"{len(unknown)} could not be looked up: {', '.join(unknown)}")
    return lines, 1 if weak else 0


def main():
    lines, code = verdict(looked_up(LOCK))
    print("\n".join(lines), file=sys.stderr if code else sys.stdout)
    sys.exit(code)


if __name__ == "__main__":
    main()
