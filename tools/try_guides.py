"""Try every guide from its text alone: a fresh clone for each, its commands in their order.

    python tools/try_guides.py                     all guides, each in a clone with an environment of its own
    python tools/try_guides.py quickstart splits   some
    python tools/try_guides.py --packages .venv    with the packages of an environment that is there: quicker

In a guide, a block of `sh` is executed; a block with a file name is written there (settings.ini: its lines are merged); every other block
is only shown.
"""

import argparse
import configparser
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"^```\{?\.?(\w+)(?: filename=\"([^\"]+)\")?\}?\n(.*?)^```$", flags=re.S | re.M)


def blocks(guide: Path) -> list[tuple[str, str, str]]:
    """Language, file name and text of each block of a guide's prose, in order."""
    cells = json.loads(guide.read_text(encoding="utf-8"))["cells"]
    prose = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return [found.groups(default="") for found in BLOCK.finditer(prose)]


def merge_settings(path: Path, text: str):
    """Put lines of a guide into settings.ini, as a reader would."""
    new = configparser.ConfigParser(inline_comment_prefixes=("#",), interpolation=None)
    new.read_string(text)
    section, lines, waiting = "", [], {(s, k): v for s in new.sections() for k, v in new[s].items()}
    for line in path.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"\[(\w+)\]", line):
            section = found[1]
        key = line.partition("=")[0].strip()
        lines.append(
            f"{key} = {waiting.pop((section, key))}" if (section, key) in waiting else line
        )
    if waiting:
        raise SystemExit(f"{path}: no line for {', '.join(map('.'.join, waiting))}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def borrow_packages(clone: Path, packages: Path):
    """An environment for a clone that finds its packages in another one, and the clone's own package first."""
    venv = clone / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    site = next(venv.glob("lib/python*/site-packages"))
    (site / "borrowed.pth").write_text(
        f"{clone / 'pkg'}\n{next(packages.resolve().glob('lib/python*/site-packages'))}\n"
    )
    for script in packages.glob("bin/*"):
        text = script.read_bytes()
        if (
            text.startswith(b"#!")
            and b"python" in text.splitlines()[0]
            and not (venv / "bin" / script.name).exists()
        ):
            (venv / "bin" / script.name).write_bytes(
                b"#!" + str(venv / "bin/python").encode() + b"\n" + text.partition(b"\n")[2]
            )
            (venv / "bin" / script.name).chmod(0o755)
    for name in (".ready", ".ready-dev"):
        (venv / name).touch()
        os.utime(venv / name, (time.time() + 1e7,) * 2)


def try_guide(guide: Path, packages: Path | None) -> str:
    """What went wrong; empty where every command has ended well."""
    with tempfile.TemporaryDirectory(prefix="guide-") as room:
        clone = Path(room) / "seedbed"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        if packages:
            borrow_packages(clone, packages)
        hidden = ("PYTHONPATH", "PYTHONSAFEPATH", "VIRTUAL_ENV")
        environment = {
            k: v for k, v in os.environ.items() if k not in hidden and not k.startswith("SEEDBED_")
        }
        environment["PATH"] = f"{clone / '.venv/bin'}:{os.environ['PATH']}"
        for language, name, text in blocks(guide):
            if name == "settings.ini":
                merge_settings(clone / name, text)
            elif name:
                (clone / name).parent.mkdir(parents=True, exist_ok=True)
                (clone / name).write_text(text, encoding="utf-8")
            elif language == "sh":
                began = time.perf_counter()
                command = ["bash", "-euo", "pipefail", "-c", text]
                done = subprocess.run(
                    command,
                    cwd=clone,
                    env=environment,
                    capture_output=True,
                    text=True,
                    stdin=subprocess.DEVNULL,
                )
                first = text.strip().splitlines()[0]
                print(f"  {time.perf_counter() - began:6.1f} s  {first[:100]}", flush=True)
                if done.returncode:
                    return f"{guide.stem}: exit {done.returncode}\n{text}{done.stdout[-1500:]}{done.stderr[-1500:]}"
    return ""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("guides", nargs="*")
    parser.add_argument("--packages", type=Path, help="an environment whose packages are used")
    asked = parser.parse_args()
    known = {p.stem: p for p in sorted((ROOT / "nbs/guides").glob("*.ipynb"))}
    failed = []
    for name in asked.guides or known:
        print(name, flush=True)
        if problem := try_guide(known[name], asked.packages):
            failed.append(problem)
            print(problem)
    print(
        f"{len(asked.guides or known) - len(failed)} of {len(asked.guides or known)} guides work from their text alone"
    )
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
