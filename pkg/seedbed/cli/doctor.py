"""`seedbed doctor`: what this machine has, what is missing, and what to do about it."""

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
    """What a check has found."""

    name: str
    state: str  # good | note: seedbed works without it | bad
    text: str
    fix: str = ""  # what to do, where there is something


def check_python(root: Path) -> Finding:
    """Whether Python is new enough."""
    version = platform.python_version()
    if sys.version_info >= (3, 11):
        return Finding("Python", "good", f"{version} in {sys.prefix}")
    return Finding(
        "Python", "bad", version, "3.11 or newer is needed: make clean; make run PYTHON=python3.11"
    )


def check_bytecode(root: Path) -> Finding:
    """Whether Python keeps what it has compiled."""
    if not sys.dont_write_bytecode:
        return Finding("bytecode", "good", "compiled modules are kept")
    return Finding(
        "bytecode",
        "note",
        "PYTHONDONTWRITEBYTECODE is set: every command compiles its libraries anew",
        "unset PYTHONDONTWRITEBYTECODE: commands then start several times sooner",
    )


def check_packages(root: Path) -> Finding:
    """Whether the installed packages are those that the tests have passed with."""
    tested = tested_versions(root / "constraints.txt")
    installed = {
        package_key(d.metadata["Name"]): d.version for d in importlib.metadata.distributions()
    }
    different = []
    for name, version in tested.items():
        own = installed.get(package_key(name))
        if own and own.partition("+")[0] != version.partition("+")[0]:
            different.append(f"{name} {own} (tested: {version})")
    if not different:
        return Finding("packages", "good", f"{len(tested)} tested versions, none differs")
    return Finding(
        "packages",
        "note",
        f"{len(different)} differ from constraints.txt, first {different[0]}",
        "for the tested ones: pip install -e . -c constraints.txt",
    )


def tested_versions(constraints: Path) -> dict[str, str]:
    """The versions that a constraints.txt pins, by package."""
    lines = constraints.read_text(encoding="utf-8").splitlines()
    return dict(line.split("==") for line in lines if "==" in line and not line.startswith("#"))


def package_key(name: str) -> str:
    """A package's name, however it is written."""
    return name.lower().replace("_", "-")


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
            "correct the line; its comment says what is allowed there",
        )
    source, metric = settings.source.name, settings.success.metric
    return Finding("settings.ini", "good", f"source {source}, metric {metric}")


def check_sync(root: Path) -> Finding:
    """Whether notebooks and package hold the same code; if not, which side has changed."""
    from seedbed.base.notebooks import check_in_sync, exported_to
    from seedbed.base.overlay import is_installed, own_package

    package, own = exported_to(root), own_package(root)
    if not package.is_relative_to(root) or (own and not is_installed(own)):
        return Finding(
            "package",
            "note",
            f"{package} is not installed from this project",
            "make run installs this project's own; or: pip install -e .",
        )
    try:
        check_in_sync(root / "nbs", package, root)
    except InputError as error:
        return Finding("package", "bad", str(error))
    return Finding("package", "good", "has the same code as the notebooks")


def check_git(root: Path) -> Finding:
    """Whether results can be tied to a commit."""
    from seedbed.base.provenance import git, git_problem

    if shutil.which("git") is None:
        return Finding(
            "git",
            "note",
            "is not installed",
            "install it: without git, results cannot be tied to a commit",
        )
    if problem := git_problem(root):
        return Finding("git", "note", *problem.split("; ", 1))
    if git(root, "rev-parse", "HEAD") is None:
        return Finding(
            "git", "note", "no commit here", "git init; git add -A; git commit -m 'First commit'"
        )
    changed = (git(root, "status", "--porcelain") or "").splitlines()
    if changed:
        text = f"{len(changed)} files not committed; a run keeps their difference to the commit"
        return Finding("git", "good", text)
    return Finding("git", "good", "everything is committed")


def check_hooks(root: Path) -> Finding:
    """Whether notebooks are cleaned when they are committed."""
    from seedbed.base.provenance import git

    folder = (git(root, "rev-parse", "--git-path", "hooks") or "").strip()
    if folder and (root / folder / "pre-commit").is_file():
        return Finding("hooks", "good", "notebooks are cleaned and exported with each commit")
    return Finding(
        "hooks",
        "note",
        "not installed",
        "make hooks: notebooks are then cleaned and exported with each commit",
    )


def check_disk(root: Path) -> Finding:
    """Whether there is space for exports and runs."""
    free = shutil.disk_usage(root).free / 1e9
    text = f"{free:.0f} GB free"
    if free >= 5:
        return Finding("disk", "good", text)
    return Finding(
        "disk", "bad", text, "free some space, or name folders on another disk in [paths]"
    )


def check_machine(root: Path) -> Finding:
    """Cores and memory."""
    from seedbed.base.resources import available_cores

    text = f"{available_cores()} cores"
    memory = None
    if hasattr(os, "sysconf"):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
        text += f", {memory:.0f} GB of memory"
    if memory and memory < 4:
        return Finding("machine", "note", text, "if a run is killed: -p run.workers=1")
    return Finding("machine", "good", text)


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
    """Whether there are credentials for Earth Engine; nothing is sent over the network."""
    from seedbed.sources.earthengine.credentials import service_key

    try:
        key = service_key()
    except InputError as error:  # its message never shows the value
        return Finding("Earth Engine", "bad", str(error))
    if key:
        return Finding("Earth Engine", "good", "a service account's key")
    if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", "").strip():
        text = "GOOGLE_APPLICATION_CREDENTIALS is set, which seedbed does not use"
        fix = "set EARTHENGINE_SERVICE_ACCOUNT to the same file, or: earthengine authenticate"
        return Finding("Earth Engine", "note", text, fix)
    known = Path.home() / ".config/earthengine/credentials"
    if known.is_file():
        return Finding("Earth Engine", "good", f"signed in: {known}")
    return Finding(
        "Earth Engine",
        "note",
        "not signed in",
        "needed for source.name = earthengine only: earthengine authenticate",
    )


def check_extras(root: Path) -> Finding:
    """Which of the optional packages are installed."""
    uses = {
        "tensorflow": "dataset.to_tf()",
        "xarray": "dataset.to_xarray()",
        "smalldocs": "make docs",
        "distributed": "run.scheduler",
        "rustac": "source.name = stac",
        "mlflow": "share --mlflow",
        "rocrate": "share --rocrate",
    }
    installed = [name for name in uses if importlib.util.find_spec(name)]
    missing = [f"{name} ({use})" for name, use in uses.items() if name not in installed]
    text = f"installed: {', '.join(installed) or 'none'}"
    if not missing:
        return Finding("extras", "good", text)
    return Finding("extras", "note", text, f"install if needed: {', '.join(missing)}")


CHECKS = (
    check_python,
    check_bytecode,
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
    """Check versions, settings, notebooks, credentials, GPU and disk, and say what to do.

    The exit code is 1 where something must be fixed, marked by !!.
    """
    from seedbed.base.files import project_root
    from seedbed.base.secrets import redact

    root = project_root()
    bad = False
    for check in CHECKS:
        found = examine(check, root)
        bad = bad or found.state == "bad"
        print(redact(f"{MARKS[found.state]} {found.name:<13} {found.text}"))
        if found.fix:
            print(redact(f"{'':<17}{found.fix}"))
    if bad:
        raise typer.Exit(1)


def examine(check, root: Path) -> Finding:
    """Make a check; one that fails itself is a bad finding, and the others still follow."""
    try:
        return check(root)
    except Exception as error:
        if os.environ.get("SEEDBED_DEBUG"):
            raise
        name = check.__name__.removeprefix("check_")
        return Finding(name, "bad", f"{type(error).__name__}; seedbed doctor --debug shows more")
