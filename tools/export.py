"""Write the package from the notebooks and clean them, and never over a module that was edited by hand.

`python tools/export.py` stops where a module has changed since the last commit and its notebook has not, or both
have: it says which, and names the command for that direction. `make export` and the commit hook call it.
"""

import re
import subprocess
import sys
from pathlib import Path

from nbdev.config import get_config

from seedbed.base.files import relative
from seedbed.base.notebooks import changed_side
from seedbed.base.provenance import git

ROOT = Path(__file__).resolve().parents[1]


def edited_modules(package: Path) -> list[str]:
    """A line for each module that an export would overwrite although it was edited by hand."""
    lines = []
    for module in changed_modules(package):
        notebook = notebook_of(module)
        if notebook is None or not notebook.is_file():
            continue
        if changed_side(notebook, module, package) in ("module", "both"):
            where = relative(module, ROOT)
            lines.append(
                f"{where}: edited by hand since the last commit; bring the change into"
                f" {relative(notebook, ROOT)} first: nbdev-update --fname {where}"
            )
    return lines


def changed_modules(package: Path) -> list[Path]:
    """Modules that are not as in the last commit; none outside of git."""
    names = git(ROOT, "diff", "--name-only", "HEAD", "--", str(package)) or ""
    return [ROOT / name for name in names.splitlines() if (ROOT / name).suffix == ".py"]


def notebook_of(module: Path) -> Path | None:
    """The notebook that a generated module names in its head; None for one written by hand."""
    if not module.is_file():
        return None
    found = re.search(r"File to edit: (\S+\.ipynb)", module.read_text(encoding="utf-8"))
    return (module.parent / found[1]).resolve() if found else None


def main() -> int:
    """Check, export, clean."""
    config = get_config(ROOT)
    lines = edited_modules(Path(config.lib_path))
    if lines:
        print("\n".join(lines), file=sys.stderr)
        return 1
    commands = Path(sys.executable).parent
    for command in ("nbdev-export", "nbdev-clean"):
        subprocess.run([commands / command], check=True, cwd=ROOT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
