"""`seedbed new` and `seedbed update`: a project of one's own, and later what has become better in the template."""

# The branch `template` of a new project holds what the template gave, and nothing else. An update puts a newer rendering there and
# merges it, so that git itself tells the project's own changes from the template's. The template needs no marks in its files: it stays a
# project that runs.

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Optional

import typer

from seedbed.base.errors import InputError

from .options import Debug, Overrides
from .template import PACKAGE, RECORD, check_package, git, render

BRANCH, UPDATE = "template", "The template at"
QUESTIONS = (
    ("success.metric", "Which number decides"),
    ("success.usable", "From where on is the result of use"),
    ("success.ceiling", "From where on is more not worth the effort"),
    ("success.source", "Who says so"),
    ("source.name", "Where do labels and imagery come from"),
)


def new(
    folder: Annotated[
        Path, typer.Argument(help="Where the project shall be; a folder that does not exist yet.")
    ],
    package: Annotated[
        Optional[str],
        typer.Option(help="Name of its Python package and command; by default the folder's."),
    ] = None,
    title: Annotated[
        Optional[str], typer.Option(help="One line that says what the project is.")
    ] = None,
    author: Annotated[
        Optional[str], typer.Option(help="Who makes it; by default git's user.name.")
    ] = None,
    sample: Annotated[
        str,
        typer.Option(
            metavar="keep|drop", help="The samples of real data, on which tests and guides run."
        ),
    ] = "keep",
    overrides: Overrides = None,
    ask: Annotated[
        bool,
        typer.Option(
            "--ask/--no-ask", help="Ask for the settings that matter first; only in a terminal."
        ),
    ] = True,
    debug: Debug = False,
):
    """Make a project of your own from this template: package renamed everywhere, a fresh history of one commit."""
    from seedbed.base.files import project_root

    template, target = clone_of_template(project_root()), folder.expanduser().resolve()
    answers: dict = {"package": check_package(package or target.name.lower().replace("-", "_"))}
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(f"{folder}: exists already and is not empty; choose another folder")
    if target.is_relative_to(template):
        raise InputError(
            f"{folder}: lies inside the template; choose a folder beside it, e.g. ../{target.name}"
        )
    if sample not in ("keep", "drop"):
        raise InputError(f"--sample {sample}: use keep or drop")
    answers |= {
        "title": title or target.name,
        "author": author
        or git(template, "config", "user.name", check=False).stdout.strip()
        or "The authors",
        "sample": sample,
    }
    values = chosen_settings(template, overrides or [], ask and sys.stdin.isatty())
    answers["settings"] = {".".join(name): value for name, value in values.items()}
    if sample == "drop" and not values.get(("source", "name")):
        raise InputError(
            "--sample drop: nothing is left to run on; name your data, e.g. -p source.name=folder:../my-fields"
        )
    commit = git(template, "rev-parse", "HEAD").stdout.strip()
    with tempfile.TemporaryDirectory(dir=target.parent if target.parent.is_dir() else None) as room:
        made = Path(room) / target.name
        made.mkdir()
        render(template, commit, made, answers)
        first_commit(
            made, f"{answers['title']}: a project from the template {PACKAGE} at {commit[:12]}"
        )
        if target.exists():
            target.rmdir()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made, target)
    if git(template, "status", "--porcelain", "--untracked-files=no").stdout.strip():
        print("note: uncommitted changes of the template were not taken over", file=sys.stderr)
    print(
        f"{folder}: package {answers['package']}, one commit. Next:\n  cd {folder}\n  make run\n"
        f"  git remote add origin ...; git push -u origin main {BRANCH}"
    )


def clone_of_template(root: Path) -> Path:
    """The project's folder, where it is a git clone with a commit."""
    if git(root, "rev-parse", "--verify", "HEAD", check=False).returncode:
        raise InputError(
            f"{root}: is not a git clone with a commit; clone the template and run the command there"
        )
    return root


def chosen_settings(template: Path, overrides: list[str], ask: bool) -> dict[tuple[str, str], str]:
    """Settings that were given, asked for where a person is there to answer; checked as a whole."""
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


def first_commit(folder: Path, message: str):
    """A fresh history: one commit, to which the branch `template` points too."""
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
    return () if known else ("-c", f"user.name={PACKAGE}", "-c", f"user.email={PACKAGE}@localhost")


def update(
    template: Annotated[Path, typer.Argument(help="A clone of the template.")],
    commit: Annotated[str, typer.Option(help="Which of its commits.")] = "HEAD",
    debug: Debug = False,
):
    """Take over what has become better in the template since this project was made: merged by git, your own changes kept."""
    from seedbed.base.files import project_root, read_json

    root, template = project_root(), clone_of_template(template.expanduser().resolve())
    if not (root / RECORD).is_file():
        raise InputError(
            f"{root / RECORD}: is not there; only a project made by `{PACKAGE} new` can be updated"
        )
    if git(root, "status", "--porcelain", "--untracked-files=no").stdout.strip():
        raise InputError(f"{root}: has uncommitted changes; commit or stash them first")
    record = read_json(root / RECORD)
    wanted = git(template, "rev-parse", commit).stdout.strip()
    if wanted == record["commit"]:
        return print(f"nothing new: this project has {wanted[:12]} already")
    if not commit_rendering(
        root,
        template,
        wanted,
        {k: record[k] for k in ("package", "title", "author", "sample", "settings")},
    ):
        return print("nothing new for this project")
    merged = git(root, *identity(root), "merge", "--no-edit", BRANCH, check=False)
    if merged.returncode == 0:
        return print(f"merged the template at {wanted[:12]}; now: make test")
    conflicts = git(root, "diff", "--name-only", "--diff-filter=U").stdout.split()
    print(
        f"both sides changed {', '.join(conflicts)}: mend them (notebooks first, then `make export`), git add, git commit;"
        " or: git merge --abort",
        file=sys.stderr,
    )
    raise typer.Exit(1)


def commit_rendering(
    root: Path, template: Path, commit: str, answers: dict
) -> bool:  # whether anything changed
    """Put the template's newer files onto the branch `template`."""
    with tempfile.TemporaryDirectory() as room:
        tree, fresh = Path(room) / "tree", Path(room) / "fresh"
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
    """Make the branch `template` anew where a clone has none: it ends with what the template gave last."""
    for ref in (BRANCH, f"origin/{BRANCH}"):
        if git(root, "rev-parse", "--verify", "-q", ref, check=False).returncode == 0:
            break
    else:
        last = git(root, "rev-list", "-1", "--grep", f"^{UPDATE}", "HEAD").stdout.strip()
        ref = last or git(root, "rev-list", "--max-parents=0", "HEAD").stdout.split()[-1]
    if ref != BRANCH:
        git(root, "branch", "--no-track", BRANCH, ref)
