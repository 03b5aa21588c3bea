"""What a wheel holds beside the modules: notebooks, samples and templates, which are no Python files."""

import json
import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).resolve().parent
SHIPPED = (
    "data/sample",
    "constraints.txt",
    "settings.ini",
    "LICENSE",
    "tools/docs",
    "nbs/site.yml",
    "nbs/styles.css",
    "nbs/images",
)


class BuildWithNotebooks(build_py):
    """Copies what `seedbed.base.files.shipped` finds into the package."""

    def run(self):
        super().run()
        package = Path(self.build_lib) / "seedbed"
        shipped = package / "shipped"
        shutil.rmtree(shipped, ignore_errors=True)
        for name in SHIPPED:
            source, target = ROOT / name, shipped / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(source, target)
        for path in sorted((ROOT / "nbs").rglob("*.ipynb")):
            if ".ipynb_checkpoints" not in path.parts:
                without_outputs(path, shipped / path.relative_to(ROOT))
        shutil.copytree(
            ROOT / "pkg/seedbed/assets/project", package / "assets/project", dirs_exist_ok=True
        )


def without_outputs(path: Path, target: Path):
    """Write a notebook as it was before it was executed."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    target.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    target.write_text(text + "\n", encoding="utf-8")


setup(cmdclass={"build_py": BuildWithNotebooks})
