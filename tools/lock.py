"""Write constraints.lock: the packages of constraints.txt that the project needs, with the hashes of their files.

pip resolves them, and its report names each file and its SHA-256. The lock holds names, versions and
hashes, and no address: where files come from is the user's own setting of pip. Files of other systems
are not in it; run this on each system that is to be locked.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "constraints.lock"
HEAD = """\
# Written by `make lock` from pyproject.toml and constraints.txt, for {system}, Python {python}.
# Install with: pip install --require-hashes -r constraints.lock
"""


def resolved() -> list[dict]:
    """What pip would install, as its report has it."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        words = ["install", "--dry-run", "--ignore-installed", "--quiet", "--report", str(report)]
        wanted = [
            "-c",
            str(ROOT / "constraints.txt"),
            f"{ROOT}[dev,docs,pack,oracles]",
            "setuptools>=77",
        ]
        done = subprocess.run([sys.executable, "-m", "pip", *words, *wanted])
        if done.returncode:
            sys.exit("pip could not resolve the packages of constraints.txt; nothing was written")
        return json.loads(report.read_text())["install"]


def lines_of(packages: list[dict]) -> list[str]:
    """A line for each package but the project itself."""
    out = []
    for package in packages:
        name = package["metadata"]["name"].lower().replace("_", "-")
        archive = package["download_info"].get("archive_info")
        if not archive:  # the project
            continue
        digest = archive["hashes"]["sha256"]
        out.append(f"{name}=={package['metadata']['version']} --hash=sha256:{digest}")
    return sorted(out)


def main():
    lines = lines_of(resolved())
    python = ".".join(map(str, sys.version_info[:2]))
    text = HEAD.format(system=sys.platform, python=python) + "\n".join(lines) + "\n"
    if "://" in text:
        sys.exit("an address is in the lock; nothing was written")
    LOCK.write_text(text, encoding="utf-8")
    print(f"{LOCK.name}: {len(lines)} packages with their hashes")


if __name__ == "__main__":
    main()
