"""Write the commit that each action's tag means today into the workflows, and keep the tag as a comment.

A tag can be moved to other code, a commit cannot. Run it again to take over newer versions.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

GITHUB = "https://github.com"
WORKFLOWS = Path(__file__).resolve().parents[1] / ".github/workflows"
USES = re.compile(r"(?m)(uses: )([\w.-]+/[\w.-]+)@(\S+)([^\S\n]*#.*)?$")


def commit_of(action: str, tag: str) -> str:
    """The commit of a tag, as the action's repository has it; ends in a line where nobody says."""
    address = f"{GITHUB}/{action}"
    words = ["git", "ls-remote", address, f"refs/tags/{tag}", f"refs/tags/{tag}^{{}}"]
    surroundings = os.environ | {"GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60, env=surroundings)
    except (OSError, subprocess.TimeoutExpired) as error:
        sys.exit(f"{address}: no answer ({type(error).__name__}); nothing was written")
    if done.returncode:
        said = " ".join(done.stderr.split())[-150:]
        sys.exit(f"{address}: cannot be reached ({said}); nothing was written, try again online")
    lines = done.stdout.splitlines()
    if not lines:
        sys.exit(
            f"{address}: has no tag {tag}; correct it in .github/workflows; nothing was written"
        )
    return lines[-1].split()[0]  # of an annotated tag, the commit comes last


def pinned(text: str) -> str:
    """A workflow with commits in place of tags."""

    def replace(found: re.Match) -> str:
        start, action, version, comment = found.groups()
        named = re.search(r"#\s*(v[\w.]+)", comment or "")
        tag = named[1] if named else version
        return f"{start}{action}@{commit_of(action, tag)}  # {tag}"

    return USES.sub(replace, text)


def main():
    texts = {path: pinned(path.read_text()) for path in sorted(WORKFLOWS.glob("*.yml"))}
    for path, text in texts.items():
        path.write_text(text)
        print(f"{path.name}: {len(USES.findall(text))} actions at a commit")


if __name__ == "__main__":
    main()
