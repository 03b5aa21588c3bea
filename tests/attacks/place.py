"""Where attacks are tried: a checkout with a real run, tiny projects, and the command."""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.support.paths import ROOT
from tests.support.small_data import COLUMNS_OF_FIELDS, FORMS

COMMAND = "from seedbed.cli import main; main()"
IGNORED = "runs/\ndata/\nmlruns/\n__pycache__/\nnbs/pid*\n"
OWN = ("pkg", "nbs", "settings.ini", "pyproject.toml", ".gitignore", "tools")  # of the template
SETTINGS = [
    *COLUMNS_OF_FIELDS,
    "labels.target=crop",
    "source.licence=see http://example.org/{{script}} <b>",
    "models.names=majority, random_forest, tempcnn",
    "models.epochs=2",
    "run.seeds=0",
    "run.workers=2",
    "run.resamples=200",
    "run.optimism=no",
    "success.usable=0.5",
    "success.ceiling=0.99",
]


@dataclass
class Done:
    """How a command has ended."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def said(self) -> str:
        """All that it has printed."""
        return self.out + self.err

    @property
    def line(self) -> str:
        """The last line, of standard error where there is one."""
        lines = [line for line in (self.err or self.out).splitlines() if line.strip()]
        return lines[-1].strip() if lines else ""

    def refused(self, *words: str, code: int = 1) -> "Done":
        """The same, if the command has ended with this code and one line that holds the words."""
        assert self.code == code, f"rc {self.code}: {self.line}"
        assert "Traceback" not in self.said, f"a traceback: {self.line}"
        assert self.err.strip().count("\n") == 0, f"more than a line: {self.err[-300:]}"
        for word in words:
            assert word in self.err, f"'{word}' is not said: {self.line}"
        return self


class NotHere(Exception):
    """This machine does not let an attack be made."""


def git(root: Path, *words: str):
    """A git command that must succeed."""
    author = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", "-C", str(root), *author, *words], check=True, capture_output=True)


class Place:
    """A folder for attacks; `me` and `them` are users with keys of their own."""

    def __init__(self, folder: Path, template: Path = ROOT):
        self.folder, self.template = folder, template
        self.numbers = itertools.count(1)
        self.lock = threading.RLock()

    def new(self, name: str) -> Path:
        """The path of a folder that nobody else uses."""
        return self.folder / f"{next(self.numbers)}-{name}"

    # --- the command ---

    def environment(self, root: Path, who: str = "me", **extra: str) -> dict[str, str]:
        """Of a user in a project, whose own package counts."""
        package = root / "pkg" if (root / "pkg").is_dir() else self.template / "pkg"
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("SEEDBED_", "GIT_"))}
        home = self.folder / f"home-{who}"
        home.mkdir(exist_ok=True)
        own = {
            "HOME": str(home),
            "SEEDBED_STATE": str(self.folder / f"state-{who}"),
            "PYTHONPATH": str(package),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "100",
            "MPLBACKEND": "agg",
        }
        return kept | own | extra

    def seedbed(
        self, root: Path, *words: str, who: str = "me", wrap=(), limit=1200, **extra: str
    ) -> Done:
        """Run the command in a project and wait; `wrap` are words before it."""
        done = subprocess.run(
            [*wrap, sys.executable, "-c", COMMAND, *words],
            cwd=root,
            env=self.environment(root, who, **extra),
            capture_output=True,
            timeout=limit,
        )
        out, err = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
        return Done(done.returncode, out, err)

    def start(self, root: Path, *words: str, command=None, **extra: str) -> subprocess.Popen:
        """Start the command as the leader of a group of its own."""
        return subprocess.Popen(
            [*(command or (sys.executable, "-c", COMMAND)), *words],
            cwd=root,
            env=self.environment(root, **extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )

    # --- projects ---

    def tiny(self, name: str, **code: str) -> Path:
        """A project whose stages compute next to nothing, with one commit."""
        from seedbed.running.stages import tiny_project

        root = tiny_project(self.new(name), **code)
        (root / ".gitignore").write_text(IGNORED)
        return committed(root)

    @cached_property
    def _checkout(self) -> tuple[Path, Done]:
        root = self.new("checkout")
        root.mkdir()
        for name in OWN:
            source = self.template / name
            ignore = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
            if source.is_dir():
                shutil.copytree(source, root / name, ignore=ignore)
            else:
                shutil.copy(source, root / name)
        self.settle(root)
        committed(root)
        return root, self.seedbed(root, "run", limit=900)

    def settle(self, root: Path):
        """Bring the small landscape into a checkout, and write its settings."""
        from seedbed.base.settings import load_settings, to_ini

        own = FORMS["folder, points"](root / "data/fields")
        own[0] = "source.name=folder:data/fields"
        FORMS["scene, tif"](root / "data/scene")
        text = to_ini(load_settings(root / "settings.ini", [*SETTINGS, *own]))
        (root / "settings.ini").write_text(text)

    @property
    def checkout(self) -> Path:
        """A checkout of the template in which one run was made; it is read, never changed."""
        with self.lock:
            return self._checkout[0]

    @property
    def first_run(self) -> Done:
        """What the command has said when that run was made."""
        with self.lock:
            return self._checkout[1]

    @property
    def run(self) -> Path:
        """The folder of that run."""
        [folder] = (self.checkout / "runs").glob("*-*/run.json")
        return folder.parent

    def copy(self, name: str = "copy") -> tuple[Path, Path]:
        """A copy of the checkout with its run and its data, to be changed."""
        root = self.new(name)
        shutil.copytree(self.checkout, root, symlinks=True)
        return root, root / "runs" / self.run.name


def committed(root: Path) -> Path:
    """A folder that is now a repository with one commit."""
    git(root, "init", "-q", "-b", "main")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "one")
    return root


def processes_in(*folders: Path) -> list[str]:
    """Processes that work in a folder, by their command."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            where = Path(os.readlink(entry / "cwd"))
            said = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and any(where.is_relative_to(folder) for folder in folders):
            found.append(f"{entry.name} {said[:60]}")
    return found


def temporary_in(*folders: Path) -> list[str]:
    """Temporary files and folders that were left."""
    return [
        str(path)
        for folder in folders
        for pattern in (".tmp-*", "*.part", "*.part.*", "*.tmp", "*.old")
        for path in folder.rglob(pattern)
    ]
