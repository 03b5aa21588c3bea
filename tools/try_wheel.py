"""Try a project of one's own from the wheel alone: made, run, changed, updated by a newer wheel, replayed.

    python tools/try_wheel.py                      an empty environment, into which everything is installed
    python tools/try_wheel.py --packages .venv     with the packages of an environment that is there: quicker

Two wheels are built, of this version and of a changed one. Seconds from the wheel to the first table are printed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
QUICK = ("-p", "models.names=majority, mine", "-p", "split.folds=3", "-p", "run.resamples=100")
NEXT = "9.9.9"


def run(*words, cwd: Path, code: int = 0) -> str:
    """What a command prints; stops where it ends otherwise than it should."""
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("SEEDBED_", "PYTHONPATH"))}
    done = subprocess.run(
        list(map(str, words)), cwd=cwd, env=outside, capture_output=True, text=True
    )
    if done.returncode != code:
        raise SystemExit(
            f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout + done.stderr


def sources(folder: Path) -> Path:
    """A copy of the working tree, as git would commit it."""
    listed = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    for name in listed:
        if (ROOT / name).is_file() and not name.startswith(("tests/", "reports/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def build(folder: Path, dist: Path) -> Path:
    """The wheel of a copy."""
    options = ("--quiet", "--no-deps", "--disable-pip-version-check", "--wheel-dir")
    before = set(dist.glob("*.whl"))
    isolated = () if shutil.which("pip") is None else ("--no-build-isolation",)
    run(sys.executable, "-m", "pip", "wheel", ".", *isolated, *options, dist, cwd=folder)
    shutil.rmtree(folder / "build", ignore_errors=True)
    return (set(dist.glob("*.whl")) - before).pop()


def change(folder: Path):
    """Make a copy a later version: another number of labels in a batch, and another heading."""
    for path, old, new in (
        (folder / "pkg/seedbed/__init__.py", r'__version__ = ".*"', f'__version__ = "{NEXT}"'),
        (folder / "pkg/seedbed/process.py", "BATCH = 200", "BATCH = 199"),
        (folder / "nbs/02_process.ipynb", "BATCH = 200", "BATCH = 199"),
        (folder / "nbs/02_process.ipynb", "## Look at it", "## Look at it twice"),
    ):
        text, count = re.subn(old, new, path.read_text(encoding="utf-8"))
        if not count:
            raise SystemExit(f"{path}: has no {old}")
        path.write_text(text, encoding="utf-8")


class Environment:
    """A virtual environment into which wheels are installed."""

    def __init__(self, folder: Path, packages: Path | None):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        self.bin, self.borrows = folder / "bin", packages is not None
        self.site = next(folder.glob("lib/python*/site-packages"))
        if packages:
            place = next(packages.resolve().glob("lib/python*/site-packages"))
            (self.site / "borrowed.pth").write_text(f"{place}\n")

    def install(self, wheel: Path):
        """Install a wheel; with borrowed packages, it alone."""
        alone = ("--no-deps", "--no-index") if self.borrows else ("-c", ROOT / "constraints.txt")
        pip = (self.bin / "python", "-m", "pip", "install", "--quiet", "--force-reinstall")
        run(*pip, "--disable-pip-version-check", *alone, wheel, cwd=wheel.parent)

    def seedbed(self, *words, cwd: Path, code: int = 0) -> str:
        """What the command prints."""
        return run(self.bin / "seedbed", *words, cwd=cwd, code=code)


def commit(project: Path, message: str):
    """Commit all of a project."""
    author = ("-c", "user.name=A. Farmer", "-c", "user.email=farmer@localhost")
    run("git", "add", "-A", cwd=project)
    run("git", *author, "commit", "-qm", message, "--allow-empty", cwd=project)


def main() -> int:
    """Try all of it, step by step."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--packages", type=Path, help="an environment whose packages are borrowed")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        here = Path(directory)
        (here / "dist").mkdir()
        copy = sources(here / "source")
        first = build(copy, here / "dist")
        change(copy)
        second = build(copy, here / "dist")
        shutil.rmtree(copy)
        began = time.monotonic()
        environment = Environment(here / "venv", asked.packages)
        environment.install(first)
        try_project(environment, here, first, second, began)
    return 0


def try_project(environment: Environment, here: Path, first: Path, second: Path, began: float):
    """Make a project, run it, take a stage over, update it, replay its first run."""
    project = here / "maize-kenya"
    environment.seedbed("new", project, "--package", "maize_kenya", "--no-ask", cwd=here)
    if first.name not in (project / "constraints.txt").read_text():
        raise SystemExit("constraints.txt does not name the wheel")
    (environment.site / "project.pth").write_text(f"{project / 'pkg'}\n")
    said = environment.seedbed("run", *QUICK, cwd=project)
    print(f"from the wheel to the first table: {time.monotonic() - began:.0f} s")
    print("\n".join(line for line in said.splitlines() if line.startswith(("mine", "verdict"))))
    replayed = next((project / "runs").iterdir()).name
    environment.seedbed("own", "optimism", cwd=project)
    commit(project, "optimism is ours")
    if environment.borrows:  # pytest is among the packages
        said = run(environment.bin / "python", "-m", "pytest", "-q", cwd=project)
        print(f"its own tests: {said.strip().splitlines()[-1]}")
    environment.install(second)
    said = environment.seedbed("update", cwd=project)
    print(said.strip())
    if "twice" not in (project / "nbs/02_process.ipynb").read_text():
        raise SystemExit("the update has not brought the new heading")
    if second.name not in (project / "constraints.txt").read_text():
        raise SystemExit("the update has not brought the new wheel")
    commit(project, "Updated")
    print(environment.seedbed("status", *QUICK, cwd=project).strip())
    print(environment.seedbed("replay", replayed, "--seedbed", first, cwd=project).strip())


if __name__ == "__main__":
    sys.exit(main())
