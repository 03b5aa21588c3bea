"""Try a project of one's own from the wheel alone: made, run, changed, updated by a newer wheel, replayed.

    python tools/try_wheel.py                      an empty environment, into which everything is installed
    python tools/try_wheel.py --packages .venv     with the packages of an environment that is there: quicker

Two wheels are built, of this version and of a changed one. Seconds from the wheel to the first table are printed.
"""

import argparse
import json
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
NEXT = "0.2.1"
STAGE = "nbs/02_process.ipynb"
OURS = (  # a function of the stage, as the project changes it
    'manifest.get("attribution", "")',
    'manifest.get("attribution", "") + "; labels by the crop unit"',
)
THEIRS = (("BATCH = 200", "BATCH = 199"), ("## Look at it", "## Look at it twice"))
EXPORT = "from nbdev.doclinks import nbdev_export; nbdev_export()"


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
    init = folder / "pkg/seedbed/__init__.py"
    version = re.search(r'__version__ = ".*"', init.read_text(encoding="utf-8"))[0]
    change_text(init, version, f'__version__ = "{NEXT}"')
    change_text(folder / "pkg/seedbed/process.py", *THEIRS[0])
    for old, new in THEIRS:
        change_text(folder / STAGE, old, new)


def change_text(path: Path, old: str, new: str):
    """Write something else in a file, a notebook perhaps; stops where it is not there."""
    if path.suffix == ".ipynb":
        old, new = (json.dumps(text)[1:-1] for text in (old, new))
    text = path.read_text(encoding="utf-8")
    expect(old in text, f"{old} in {path}")
    path.write_text(text.replace(old, new), encoding="utf-8")


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
    """Make a project, run it, take a stage over and change it, update it, replay its first run."""
    project = here / "maize-kenya"
    environment.seedbed("new", project, "--package", "maize_kenya", "--no-ask", cwd=here)
    expect(first.name in (project / "constraints.txt").read_text(), "the wheel in constraints.txt")
    (environment.site / "project.pth").write_text(f"{project / 'pkg'}\n")
    said = environment.seedbed("run", *QUICK, cwd=project)
    print(f"from the wheel to the first table: {time.monotonic() - began:.0f} s")
    print("\n".join(line for line in said.splitlines() if line.startswith(("mine", "verdict"))))
    replayed = next((project / "runs").iterdir()).name
    own_a_stage(environment, project)
    test(environment, project)
    update(environment, project, second)
    said = environment.seedbed("replay", replayed, "--seedbed", first, cwd=project)
    expect("identical" in said, "a replay that is identical")
    print(f"the first run, replayed with {first.name}: {said.strip().splitlines()[-1]}")


def expect(found: bool, what: str):
    """Stop where something is not there."""
    if not found:
        raise SystemExit(f"not found: {what}")


def own_a_stage(environment: Environment, project: Path):
    """Take a stage over, change a function of it, and run."""
    environment.seedbed("own", "02_process", cwd=project)
    commit(project, "The stage is ours")
    change_text(project / STAGE, *OURS)
    run(environment.bin / "python", "-c", EXPORT, cwd=project)
    commit(project, "What we call the data")
    print(f"owned: {environment.seedbed('own', cwd=project).strip()}")
    reasons = environment.seedbed("status", *QUICK, cwd=project)
    print(reasons.strip())
    expect("attributes_of in" in reasons, "the function that has changed, as a reason")
    environment.seedbed("run", *QUICK, cwd=project)
    check_ours(environment, project)


def check_ours(environment: Environment, project: Path):
    """The latest run has used the project's own function, and executed none of the demo cells."""
    found = newest(project / "data/processed", "dataset.h5")
    look = f"import h5py; print(h5py.File({str(found)!r}).attrs['attribution'])"
    said = run(environment.bin / "python", "-c", look, cwd=project).strip()
    expect("labels by the crop unit" in said, f"our attribution, instead of {said}")
    copy = json.loads(newest(project / "runs", "02_process.ipynb").read_text(encoding="utf-8"))
    demos = [c for c in copy["cells"] if "demo" in c["metadata"].get("tags", [])]
    expect(demos and not any(c["outputs"] for c in demos), "demo cells that were not executed")


def newest(folder: Path, name: str) -> Path:
    """The file of a name that was written last."""
    return max(folder.rglob(name), key=lambda path: path.stat().st_mtime)


def test(environment: Environment, project: Path):
    """The project's own tests, by its Makefile; in an environment of its own where none is lent."""
    words = ["make", "test"]
    if environment.borrows:  # pytest is among the packages
        venv = environment.bin.parent
        words += ["-o", venv / ".ready", "-o", venv / ".ready-dev", f"VENV={venv}"]
    began = time.monotonic()
    said = run(*words, cwd=project)
    last = said.strip().splitlines()[-1]
    print(f"make test: {last}; {time.monotonic() - began:.0f} s in all")


def update(environment: Environment, project: Path, wheel: Path):
    """Install a newer wheel, merge what it has changed, run again."""
    environment.install(wheel)
    said = environment.seedbed("update", cwd=project)
    print(f"updated to {wheel.name}: {said.strip()}")
    text = (project / STAGE).read_text(encoding="utf-8")
    for what in (OURS[1], *(new for _, new in THEIRS)):
        expect(json.dumps(what)[1:-1] in text, f"{what} in the merged notebook")
    expect(wheel.name in (project / "constraints.txt").read_text(), "the new wheel in constraints")
    commit(project, "Updated")
    listed = environment.seedbed("own", cwd=project).strip()
    print(f"owned: {listed}")
    expect(f"since seedbed {NEXT}; 1 cells changed here, 0 changed" in listed, "one cell of ours")
    print(environment.seedbed("status", *QUICK, cwd=project).strip())
    environment.seedbed("run", *QUICK, cwd=project)
    check_ours(environment, project)


if __name__ == "__main__":
    sys.exit(main())
