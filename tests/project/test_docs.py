"""The docs site: what it shows, and what it refuses to publish."""

import json
import shutil

import pytest

from tests.support.pages import RESULTS, notebook
from tests.support.paths import ROOT


@pytest.fixture
def builder(monkeypatch):
    """The module that builds the site."""
    pytest.importorskip("smalldocs", reason="the extra docs is not installed")
    monkeypatch.syspath_prepend(str(ROOT / "tools/docs"))
    import site_builder

    return site_builder


@pytest.fixture
def site(tmp_path, builder):
    """A function that builds a small site and returns a function that reads its pages."""
    (tmp_path / "nbs/images").mkdir(parents=True)
    for name in (
        "settings.ini",
        "pyproject.toml",
        "nbs/_quarto.yml",
        "nbs/styles.css",
        "nbs/images/favicon.svg",
    ):
        shutil.copy(ROOT / name, tmp_path / name)
    text = (tmp_path / "nbs/_quarto.yml").read_text()
    (tmp_path / "nbs/_quarto.yml").write_text(
        text[: text.index("    left:")] + text[text.index("  sidebar:") :]
    )
    (tmp_path / "nbs/sidebar.yml").write_text(
        'website:\n  sidebar:\n    contents:\n      - index.ipynb\n      - section: Stages\n        contents: "0*.ipynb"\n'
    )
    (tmp_path / "reports/first/figures").mkdir(parents=True)
    (tmp_path / "reports/first/results.json").write_text(json.dumps(RESULTS))

    def make(*cells, **pages):
        (tmp_path / "nbs/index.ipynb").write_text(notebook("# Home", *cells))
        for name, page in pages.items():
            (tmp_path / f"nbs/{name}.ipynb").write_text(page)
        builder.build(tmp_path, execute=False)
        return lambda name: (tmp_path / "_docs" / name).read_text()

    return make


def test_a_site_with_everything(site):
    read = site(
        "[stage](00_first.ipynb), {{ first.f1_score }} and `{{ first.f1_score }}`, [report](../reports/first/index.qmd); $x^2$; see"
        " `look_up`",
        "|#| hide\nsecret = 1",
        "|#| export\ndef shown(): pass",
        **{"00_first": notebook("# First: a stage\n\n> What it does")},
    )
    home = read("index.html")
    assert (
        "0.870 and" in home
        and "{{ first.f1_score }}" in home
        and "<math" in home
        and "secret" not in home
        and "shown" in home
        and "#| export" not in home
    )
    assert (
        'href="reference/sharing/quotes.html#look_up"' in home
        and "First" in home
        and "jsdelivr" not in home
    )
    report = read("reports/first/index.html")
    assert (
        "usable" in report
        and "0.810 to 0.900" in report
        and "0.810–0.900" in report
        and "a small sample" in report
    )
    assert "seedbed run" in read("reference/command_line.html").replace(
        "</span>", ""
    ) and "usable" in read("reference/settings.html")
    assert "Home" in read("search.json")


def test_what_is_broken_is_not_published(site, builder, tmp_path):
    broken = {
        "[gone](01_gone.ipynb)": "01_gone",
        "[place](#nowhere)": "no such place",
        "{{ second.f1_score }}": "no such run",
        "{{ first.f2_score }}": "did you mean 'f1_score'",
        "<img src='https://example.org/a.png'>": "from elsewhere",
        "![](images/gone.png)": "gone.png",
    }
    with pytest.raises(builder.DocsError) as caught:
        site(*broken)
    assert [why for why in broken.values() if why not in str(caught.value)] == [] and not (
        tmp_path / "_docs"
    ).exists()


def test_sidebar_and_bar_agree_with_the_tree(builder):
    """Every notebook stands in sidebar.yml once, and nothing stands there that is not in the tree."""
    import sidebar
    import yaml

    nbs = ROOT / "nbs"
    named = sidebar.pages_of(sidebar.own_contents(nbs))
    there = {
        p.relative_to(nbs).as_posix()
        for p in nbs.rglob("*.ipynb")
        if ".ipynb_checkpoints" not in p.parts
    }
    assert sorted(named) == sorted(there), (
        f"nbs/sidebar.yml: lacks {sorted(there - set(named))}, has too much:"
        f" {sorted(n for n in named if n not in there or named.count(n) > 1)}"
    )
    options = yaml.safe_load((nbs / "_quarto.yml").read_text())
    assert [
        item["href"]
        for item in options["website"]["navbar"]["left"]
        if not (nbs / item["href"]).is_file()
    ] == []
    assert [
        name
        for name in (options["format"]["html"]["css"], options["website"]["favicon"])
        if not (nbs / name).is_file()
    ] == []
