"""`seedbed doctor`: what this machine has, what it lacks, and what to do about it."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from seedbed.base.errors import InputError

from .options import Debug

MARKS = {"good": "ok", "note": "--", "bad": "!!"}


@dataclass(frozen=True)
class Finding:
    """What a check has found; `mend` says what to do, where there is something."""

    name: str
    state: str  # good | note: works without | bad
    said: str
    mend: str = ""


def check_python(root: Path) -> Finding:
    """Whether Python is new enough."""
    version = platform.python_version()
    if sys.version_info >= (3, 11):
        return Finding("Python", "good", f"{version} in {sys.prefix}")
    return Finding(
        "Python", "bad", version, "3.11 or newer is needed: make clean; make run PYTHON=python3.11"
    )


def check_packages(root: Path) -> Finding:
    """Whether the installed packages are those that the tests have passed with."""
    wanted = dict(
        line.split("==")
        for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    )
    installed = {
        d.metadata["Name"].lower().replace("_", "-"): d.version
        for d in importlib.metadata.distributions()
    }
    other = [
        f"{name} {installed[key]} (tested: {version})"
        for name, version in wanted.items()
        if (key := name.lower().replace("_", "-")) in installed
        and installed[key].partition("+")[0] != version.partition("+")[0]
    ]
    if not other:
        return Finding("packages", "good", f"{len(wanted)} tested versions, none differs")
    return Finding(
        "packages",
        "note",
        f"{len(other)} differ from constraints.txt, first {other[0]}",
        "for the tested ones: pip install -e . -c constraints.txt",
    )


def check_settings(root: Path) -> Finding:
    """Whether settings.ini can be read."""
    from seedbed.base.settings import load_settings

    try:
        settings = load_settings(root / "settings.ini")
    except InputError as error:
        return Finding(
            "settings.ini",
            "bad",
            str(error),
            "correct the line; its comment says what may stand there",
        )
    return Finding(
        "settings.ini", "good", f"source {settings.source.name}, metric {settings.success.metric}"
    )


def check_sync(root: Path) -> Finding:
    """Whether the package says what the notebooks say."""
    from seedbed.base.notebooks import check_in_sync

    package = Path(__file__).resolve().parents[1]
    if not package.is_relative_to(root):
        return Finding(
            "package",
            "note",
            f"is installed in {package}, not in this project",
            "make run installs this project's own; or: pip install -e .",
        )
    try:
        check_in_sync(root / "nbs", package, root)
    except InputError as error:
        return Finding("package", "bad", str(error), "make export")
    return Finding("package", "good", "says what the notebooks say")


def check_git(root: Path) -> Finding:
    """Whether results can be tied to a commit."""
    from .template import git

    if shutil.which("git") is None:
        return Finding(
            "git",
            "note",
            "is not installed",
            "install it: results cannot be tied to a commit without",
        )
    if git(root, "rev-parse", "HEAD", check=False).returncode:
        return Finding(
            "git", "note", "no commit here", "git init; git add -A; git commit -m 'First commit'"
        )
    changed = git(root, "status", "--porcelain").stdout.splitlines()
    return Finding(
        "git",
        "good",
        f"{len(changed)} files not committed; a run keeps their diff"
        if changed
        else "everything is committed",
    )


def check_hooks(root: Path) -> Finding:
    """Whether notebooks are cleaned when they are committed."""
    from .template import git

    folder = git(root, "rev-parse", "--git-path", "hooks", check=False).stdout.strip()
    if folder and (root / folder / "pre-commit").is_file():
        return Finding("hooks", "good", "notebooks are cleaned and exported with each commit")
    return Finding(
        "hooks",
        "note",
        "not installed",
        "make hooks: then a notebook saved in any editor lands clean",
    )


def check_disk(root: Path) -> Finding:
    """Whether there is room for exports and runs."""
    free = shutil.disk_usage(root).free / 1e9
    said = f"{free:.0f} GB free"
    return (
        Finding("disk", "good", said)
        if free >= 5
        else Finding(
            "disk", "bad", said, "make room, or let [paths] of settings.ini point to another disk"
        )
    )


def check_machine(root: Path) -> Finding:
    """Cores and memory."""
    from joblib import cpu_count

    memory = (
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        if hasattr(os, "sysconf")
        else None
    )
    said = f"{cpu_count()} cores" + (f", {memory:.0f} GB of memory" if memory else "")
    if memory and memory < 4:
        return Finding("machine", "note", said, "if a run is killed: -p run.workers=1")
    return Finding("machine", "good", said)


def check_gpu(root: Path) -> Finding:
    """Whether networks train on a GPU."""
    import torch

    if torch.cuda.is_available():
        return Finding("GPU", "good", torch.cuda.get_device_name())
    if torch.backends.mps.is_available():
        return Finding("GPU", "good", "Apple's (mps)")
    return Finding(
        "GPU",
        "note",
        f"none that torch {torch.__version__} can use; the CPU is enough for series of pixels",
    )


def check_earth_engine(root: Path) -> Finding:
    """Whether there are credentials for Earth Engine; nobody is asked over the network."""
    key = os.environ.get("EARTHENGINE_SERVICE_ACCOUNT", "").strip()
    if key and not key.startswith("{") and not Path(key).is_file():
        return Finding(
            "Earth Engine",
            "bad",
            f"EARTHENGINE_SERVICE_ACCOUNT names {key}, which is not there",
            "correct the variable or unset it",
        )
    if key:
        return Finding("Earth Engine", "good", "a service account's key")
    known = Path.home() / ".config/earthengine/credentials"
    if known.is_file():
        return Finding("Earth Engine", "good", f"signed in: {known}")
    return Finding(
        "Earth Engine",
        "note",
        "not signed in",
        "only for source.name = earthengine: earthengine authenticate",
    )


def check_extras(root: Path) -> Finding:
    """Which of the optional packages are there."""
    names = {
        "tensorflow": "dataset.to_tf()",
        "xarray": "dataset.to_xarray()",
        "smalldocs": "make docs",
        "distributed": "run.scheduler",
        "mlflow": "share --mlflow",
        "rocrate": "share --rocrate",
    }
    there = [name for name in names if importlib.util.find_spec(name)]
    lacking = [f"{name} ({use})" for name, use in names.items() if name not in there]
    return Finding(
        "extras",
        "good" if not lacking else "note",
        f"installed: {', '.join(there) or 'none'}",
        f"where wanted: {', '.join(lacking)}" if lacking else "",
    )


CHECKS = (
    check_python,
    check_packages,
    check_settings,
    check_sync,
    check_git,
    check_hooks,
    check_disk,
    check_machine,
    check_gpu,
    check_earth_engine,
    check_extras,
)


def doctor(debug: Debug = False):
    """Check versions, settings, credentials, GPU and disk, and say what to do."""
    from seedbed.base.files import project_root

    root, bad = project_root(), 0
    for check in CHECKS:
        try:
            found = check(root)
        except Exception as error:
            said = " ".join(str(error).split())
            found = Finding(
                check.__name__.removeprefix("check_"), "bad", f"{type(error).__name__}: {said}"
            )
        bad += found.state == "bad"
        print(
            f"{MARKS[found.state]} {found.name:<13} {found.said}"
            + (f"\n{'':<17}{found.mend}" if found.mend else "")
        )
    if bad:
        raise typer.Exit(1)
