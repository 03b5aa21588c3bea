"""`seedbed new` and `update`: a project of your own, and later what the template has improved."""

# The branch `template` of a new project holds what the template gave, and nothing else. An update
# puts the files of a newer template there and merges the branch, so that git itself tells the
# project's own changes from the template's. The template needs no marks in its files for this: it
# stays a project that runs.

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Optional

import typer

from seedbed.base.errors import InputError

from .options import Debug, Overrides
from .template import PACKAGE, RECORD, check_package, git, render

BRANCH = "template"
UPDATE = "The template at"  # begins the message of an update's commit
ANSWERS = ("package", "title", "author", "sample", "settings")  # of `seedbed new`, kept in RECORD
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
Sample = Annotated[
    str,
    typer.Option(
        metavar="keep|drop",
        help="Whether the project gets the samples of real data, which tests and guides use.",
    ),
]
Ask = Annotated[
    bool,
    typer.Option(
        "--ask/--no-ask", help="Ask for the most important settings first; in a terminal only."
    ),
]
Template = Annotated[
    Path, typer.Argument(metavar="TEMPLATE", help="The folder of a git clone of the template.")
]
Commit = Annotated[str, typer.Option(metavar="COMMIT", help="The commit of the template to use.")]


def new(
    folder: Folder,
    package: Package = None,
    title: Title = None,
    author: Author = None,
    sample: Sample = "keep",
    overrides: Overrides = None,
    ask: Ask = True,
    debug: Debug = False,
):
    """Make a project of your own from this template.

    The package is renamed everywhere, and the project starts with a fresh history of one commit.
    """
    from seedbed.base.files import project_root

    template = clone_of_template(project_root())
    target = folder.expanduser().resolve()
    package = check_package(package or target.name.lower().replace("-", "_"))
    check_target(target, folder, template)
    if sample not in ("keep", "drop"):
        raise InputError(f"--sample {sample}: use keep or drop")
    values = chosen_settings(template, overrides or [], ask and sys.stdin.isatty())
    if sample == "drop" and not values.get(("source", "name")):
        raise InputError(
            "--sample drop: nothing is left to run on; "
            "name your data, e.g. -p source.name=folder:../my-fields"
        )
    answers = {
        "package": package,
        "title": title or target.name,
        "author": author or git_name(template) or "The authors",
        "sample": sample,
        "settings": {".".join(name): value for name, value in values.items()},
    }
    make_project(template, target, answers)
    if git(template, "status", "--porcelain", "--untracked-files=no").stdout.strip():
        print("note: uncommitted changes of the template were not taken over", file=sys.stderr)
    print(
        f"{folder}: package {package}, one commit. Next:\n"
        f"  cd {folder}\n"
        "  make run\n"
        f"  git remote add origin ...; git push -u origin main {BRANCH}"
    )


def clone_of_template(root: Path) -> Path:
    """The project's folder, where it is a git clone with a commit; else InputError."""
    if git(root, "rev-parse", "--verify", "HEAD", check=False).returncode:
        raise InputError(
            f"{root}: is not a git clone with a commit; "
            "clone the template and run the command there"
        )
    return root


def check_target(target: Path, folder: Path, template: Path):
    """Refuse a folder that holds something, or that lies inside the template."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{folder}: exists already and is not empty; choose another folder")
    if target.is_relative_to(template):
        raise InputError(
            f"{folder}: lies inside the template; choose a folder beside it, e.g. ../{target.name}"
        )


def git_name(root: Path) -> str:
    """The name that git knows the user by; empty where it knows none."""
    return git(root, "config", "user.name", check=False).stdout.strip()


def chosen_settings(template: Path, overrides: list[str], ask: bool) -> dict[tuple[str, str], str]:
    """Settings that were given or answered, by section and key; checked as a whole."""
    from seedbed.base.settings import load_settings, parse_override

    values = {(section, key): value for section, key, value in map(parse_override, overrides)}
    current = load_settings(overrides=overrides)
    for name, question in QUESTIONS if ask else ():
        section, key = name.split(".")
        if (section, key) in values:
            continue
        default = getattr(getattr(current, section), key)
        answer = typer.prompt(f"{question} ({name})", default=default)
        if str(answer) != str(default):
            values[section, key] = str(answer)
    load_settings(
        overrides=[f"{section}.{key}={value}" for (section, key), value in values.items()]
    )
    return values


def make_project(template: Path, target: Path, answers: dict):
    """Write the project aside, with its first commit, then move it to its place."""
    commit = git(template, "rev-parse", "HEAD").stdout.strip()
    beside = target.parent if target.parent.is_dir() else None
    with tempfile.TemporaryDirectory(dir=beside) as directory:
        made = Path(directory) / target.name
        made.mkdir()
        render(template, commit, made, answers)
        first_commit(
            made, f"{answers['title']}: a project from the template {PACKAGE} at {commit[:12]}"
        )
        if target.exists():
            target.rmdir()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, target)


def first_commit(folder: Path, message: str):
    """Begin a history: one commit, to which the branch `template` points too."""
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    commit_all(folder, message)
    git(folder, "branch", BRANCH)


def commit_all(folder: Path, message: str):
    """Commit what is staged."""
    git(folder, *identity(folder), "commit", "-q", "--no-verify", "-m", message)


def identity(folder: Path) -> tuple[str, ...]:
    """Options that name the author of a commit where git knows none."""
    known = git(folder, "config", "user.email", check=False).stdout.strip()
    if known:
        return ()
    return "-c", f"user.name={PACKAGE}", "-c", f"user.email={PACKAGE}@localhost"


def update(template: Template, commit: Commit = "HEAD", debug: Debug = False):
    """Merge improvements that the template got after this project was made.

    git merges them, and your own changes are kept. Where both have changed the same lines, git asks
    you to choose.
    """
    from seedbed.base.files import project_root, read_json

    root = project_root()
    template = clone_of_template(template.expanduser().resolve())
    if not (root / RECORD).is_file():
        raise InputError(
            f"{root / RECORD}: does not exist; "
            f"only a project made by `{PACKAGE} new` can be updated"
        )
    if git(root, "status", "--porcelain", "--untracked-files=no").stdout.strip():
        raise InputError(f"{root}: has uncommitted changes; commit or stash them first")
    record = read_json(root / RECORD)
    wanted = git(template, "rev-parse", commit).stdout.strip()
    if wanted == record["commit"]:
        print(f"nothing new: this project has {wanted[:12]} already")
        return
    if not commit_rendering(root, template, wanted, {name: record[name] for name in ANSWERS}):
        print("nothing new for this project")
        return
    merged = git(root, *identity(root), "merge", "--no-edit", BRANCH, check=False)
    if merged.returncode == 0:
        print(f"merged the template at {wanted[:12]}; now: make test")
        return
    conflicts = git(root, "diff", "--name-only", "--diff-filter=U").stdout.split()
    print(
        f"both sides changed {', '.join(conflicts)}: fix them (notebooks first, then "
        "`make export`), git add, git commit; or: git merge --abort",
        file=sys.stderr,
    )
    raise typer.Exit(1)


def commit_rendering(
    root: Path,  # the project
    template: Path,  # a git clone of the template
    commit: str,  # of the template
    answers: dict,  # of `seedbed new`
) -> bool:  # whether anything changed
    """Put the files of a newer template onto the branch `template`."""
    with tempfile.TemporaryDirectory() as directory:
        tree = Path(directory) / "tree"
        fresh = Path(directory) / "fresh"
        fresh.mkdir()
        render(template, commit, fresh, answers)
        find_branch(root)
        git(root, "worktree", "add", "-q", str(tree), BRANCH)
        try:
            git(tree, "rm", "-rq", "--ignore-unmatch", ".")
            shutil.copytree(fresh, tree, dirs_exist_ok=True)
            git(tree, "add", "-A")
            if git(tree, "diff", "--cached", "--quiet", check=False).returncode == 0:
                return False
            commit_all(tree, f"{UPDATE} {commit[:12]}")
        finally:
            git(root, "worktree", "remove", "--force", str(tree))
    return True


def find_branch(root: Path):
    """Make the branch `template`, with what the template gave last, where a clone has none."""
    if ref_exists(root, BRANCH):
        return
    ref = f"origin/{BRANCH}"
    if not ref_exists(root, ref):
        last = git(root, "rev-list", "-1", "--grep", f"^{UPDATE}", "HEAD").stdout.strip()
        ref = last or git(root, "rev-list", "--max-parents=0", "HEAD").stdout.split()[-1]
    git(root, "branch", "--no-track", BRANCH, ref)


def ref_exists(root: Path, ref: str) -> bool:
    """Whether git knows a branch."""
    return git(root, "rev-parse", "--verify", "-q", ref, check=False).returncode == 0
