"""`seedbed new`, `own`, `update` and `demo`: a project of your own, and what it takes over."""

import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Optional

import typer

from .options import Debug, Overrides

QUESTIONS = (
    ("success.metric", "Which number decides"),
    ("success.usable", "From which value on is the result of use"),
    ("success.ceiling", "From which value on is more not worth the effort"),
    ("success.source", "Who says so"),
    ("source.name", "Where do labels and imagery come from"),
)

Folder = Annotated[
    Path,
    typer.Argument(
        metavar="FOLDER", help="Where the project shall be; a folder that does not exist yet."
    ),
]
Package = Annotated[
    Optional[str],
    typer.Option(
        metavar="NAME",
        help="Name of its Python package and its command; the folder's name if not given.",
    ),
]
Title = Annotated[
    Optional[str],
    typer.Option(metavar="TEXT", help="One line that says what the project is."),
]
Author = Annotated[
    Optional[str],
    typer.Option(metavar="TEXT", help="The author; git's user.name if not given."),
]
Licence = Annotated[
    str, typer.Option(metavar="Apache-2.0|MIT|none", help="Licence of the project's code.")
]
KeepSample = Annotated[
    bool,
    typer.Option("--keep-sample", help="Copy the samples into the project, to work without them."),
]
Ask = Annotated[
    bool,
    typer.Option(
        "--ask/--no-ask", help="Ask for the most important settings first; in a terminal only."
    ),
]
Name = Annotated[
    Optional[str],
    typer.Argument(
        metavar="NAME",
        help="A stage, model, source, chapter or room, e.g. 02_process, models.tempcnn, splitting;"
        " without it, what is the project's is listed.",
    ),
]
Back = Annotated[bool, typer.Option("--back", help="Use seedbed's own again.")]
List = Annotated[bool, typer.Option("--list", help="List what the project has taken over.")]


def new(
    folder: Folder,
    package: Package = None,
    title: Title = None,
    author: Author = None,
    licence: Licence = "Apache-2.0",
    keep_sample: KeepSample = False,
    overrides: Overrides = None,
    ask: Ask = True,
    debug: Debug = False,
):
    """Make a project of your own: settings, short stages, a model; seedbed stays a package.

    The project starts with a history of one commit, where git is installed.
    """
    from datetime import date

    from seedbed.base.provenance import git
    from seedbed.project.new import Answers, check_package, check_target, make_project

    target = folder.expanduser().resolve()
    check_target(target)
    name = check_package(package or target.name.lower().replace("-", "_"))
    values = chosen_settings(overrides or [], ask and sys.stdin.isatty())
    known = (git(Path.home(), "config", "user.name") or "").strip()
    answers = Answers(
        package=name,
        title=title or target.name,
        author=author or known or "The authors",
        licence=licence,
        year=date.today().year,
        settings=values,
        keep_sample=keep_sample,
    )
    make_project(target, answers)
    count = sum(path.is_file() for path in target.rglob("*"))
    committed = first_commit(target, f"{answers.title}: a project made with seedbed")
    state = "one commit" if committed else "no commit: git is not installed"
    print(f"{folder}: package {name}, {count} files, {state}. Next:\n  cd {folder}\n  make run")


def chosen_settings(overrides: list[str], ask: bool) -> dict[str, str]:
    """Settings that were given or answered, by section.key; checked as a whole."""
    from seedbed.base.files import shipped
    from seedbed.base.settings import load_settings, parse_override

    example = shipped("settings.ini")
    values = {f"{section}.{key}": value for section, key, value in map(parse_override, overrides)}
    current = load_settings(example, overrides)
    for name, question in QUESTIONS if ask else ():
        section, key = name.split(".")
        default = getattr(getattr(current, section), key)
        answer = typer.prompt(f"{question} ({name})", default=default) if name not in values else ""
        if answer and str(answer) != str(default):
            values[name] = str(answer)
    load_settings(example, [f"{name}={value}" for name, value in values.items()])
    return values


def first_commit(folder: Path, message: str) -> bool:
    """Begin a history of one commit; False where git is not there."""
    from seedbed.base.provenance import git

    if git(folder, "init", "-q", "-b", "main") is None or git(folder, "add", "-A") is None:
        return False
    known = (git(folder, "config", "user.email") or "").strip()
    author = () if known else ("-c", "user.name=seedbed", "-c", "user.email=seedbed@localhost")
    return git(folder, *author, "commit", "-q", "--no-verify", "-m", message) is not None


def own(name: Name = None, back: Back = False, listed: List = False, debug: Debug = False):
    """Take a whole notebook over into this project, to change it; or list, or give back."""
    from seedbed.base.files import project_root
    from seedbed.project.own import give_back, list_owned, take

    root = project_root()
    if name is None or listed:
        rows = list_owned(root)
        for row in rows:
            print(line_on(row))
        if not rows:
            print(
                "nothing was taken over: what the project adds is its own, the rest is the installed seedbed"
            )
    elif back:
        print(f"seedbed's own again: {', '.join(give_back(root, name))}")
    else:
        taken = take(root, name)
        print(
            f"the project's own: {', '.join(taken) or 'it was already'}; commit it, then change it"
        )


def line_on(row) -> str:
    """What is to be said of a notebook that was taken over."""
    theirs = "seedbed has it no more" if row.theirs is None else f"{row.theirs} changed in seedbed"
    conflicts = f", {row.conflicts} conflicts open" if row.conflicts else ""
    cells = f"{row.ours} cells changed here, {theirs}{conflicts}"
    return f"{row.notebook} ({row.module}): since seedbed {row.since}; {cells}"


def update(debug: Debug = False):
    """After an upgrade of seedbed: merge what has changed in notebooks and files, cell by cell.

    Your own changes stay. Where both have changed the same cell, the other one is put beside it.
    """
    from seedbed.base.files import project_root
    from seedbed.project.earlier import RECORD, adopt_project
    from seedbed.project.update import list_open, update_project

    root = project_root()
    if (root / RECORD).is_file():
        say_adopted(adopt_project(root), list_open(root))
        return
    done = update_project(root)
    for note in done.notes:
        print(f"note: {note}")
    if done.changed:
        print(f"{len(done.changed)} files changed: {', '.join(done.changed)}; see git diff")
    if not (done.changed or done.conflicts):
        print("nothing new for this project")
    for line in done.conflicts:
        print(f"conflict: {line}", file=sys.stderr)
    if done.conflicts:
        raise typer.Exit(1)


def say_adopted(done, conflicts: list[str]):
    """What has become of a project of version 0.1."""
    print(f"{done.removed} files come from the installed seedbed now; git has them")
    for title, names in (
        ("changed here, so now the project's own", done.owned),
        ("kept", done.kept),
        ("put aside in .seedbed/before, look through them", done.aside),
    ):
        if names:
            print(f"{title}: {', '.join(names)}")
    print("Next: make run, then commit")
    for line in conflicts:
        print(f"conflict: {line}", file=sys.stderr)
    if conflicts:
        raise typer.Exit(1)


def demo(overrides: Overrides = None, debug: Debug = False):
    """Run the sample in a temporary folder, with nothing set up."""
    from seedbed.base.files import shipped

    from .run import run

    folder = Path(tempfile.mkdtemp(prefix="seedbed-demo-"))
    shutil.copyfile(shipped("settings.ini"), folder / "settings.ini")
    (folder / "nbs").mkdir()
    for path in shipped("nbs").glob("0*.ipynb"):
        shutil.copy2(path, folder / "nbs")
    os.chdir(folder)
    os.environ["SEEDBED_ROOT"] = str(folder)
    try:
        run(overrides=overrides)
    finally:
        print(f"The demo lies in {folder}; remove it when you have seen it", file=sys.stderr)
