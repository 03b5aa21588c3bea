"""A small documentation site, built from a few notebooks of text."""

import json
import shutil
import sys

import pytest

from tests.support.pages import RESULTS, notebook
from tests.support.paths import ROOT

SIDEBAR = """website:
  sidebar:
    contents:
      - index.ipynb
      - section: Stages
        contents: "0*.ipynb"
"""


def builder_of_sites():
    """The module of tools/docs that builds the site."""
    pytest.importorskip("smalldocs", reason="the extra docs is not installed")
    tools = str(ROOT / "tools/docs")
    if tools not in sys.path:
        sys.path.insert(0, tools)
    import site_builder

    return site_builder


def lay_out(root):
    """What a site needs beside its notebooks: settings, style, sidebar and a published run."""
    (root / "nbs/images").mkdir(parents=True)
    for name in (
        "settings.ini",
        "pyproject.toml",
        "nbs/site.yml",
        "nbs/styles.css",
        "nbs/images/favicon.svg",
    ):
        shutil.copy(ROOT / name, root / name)
    text = (root / "nbs/site.yml").read_text()
    start, end = text.index("    left:"), text.index("  sidebar:")
    (root / "nbs/site.yml").write_text(text[:start] + text[end:])
    (root / "nbs/sidebar.yml").write_text(SIDEBAR)
    (root / "reports/first/figures").mkdir(parents=True)
    (root / "reports/first/results.json").write_text(json.dumps(RESULTS))


def build_site(root, *cells, **pages):
    """Build a site of a home page with these cells, and of other pages by name; its folder."""
    (root / "nbs/index.ipynb").write_text(notebook("# Home", *cells))
    for name, page in pages.items():
        (root / f"nbs/{name}.ipynb").write_text(page)
    builder_of_sites().build(root, execute=False)
    return root / "_docs"
