"""The docs site: what it shows, and what it refuses to publish."""

import sys
from types import SimpleNamespace

import pytest

from tests.support.pages import notebook
from tests.support.paths import ROOT
from tests.support.site import build_site, builder_of_sites, lay_out


@pytest.fixture
def builder():
    """The module that builds the site."""
    return builder_of_sites()


@pytest.fixture
def site(tmp_path, builder):
    """A function that builds a small site and returns a function that reads its pages."""
    lay_out(tmp_path)

    def make(*cells, **pages):
        folder = build_site(tmp_path, *cells, **pages)
        return lambda name: (folder / name).read_text()

    return make


@pytest.mark.slow
def test_a_site_with_everything(site, tmp_path):
    executed = notebook(
        "# Executed", "of the [first stage](00_first.ipynb), before [this](01_run.ipynb)"
    )
    (tmp_path / "reports/first/01_run.ipynb").write_text(executed)
    read = site(
        "[stage](00_first.ipynb), {{ first.f1_score }} and `{{ first.f1_score }}`, [report](../reports/first/index.qmd); $x^2$; see"
        " `look_up`",
        "|#| hide\nnobody_sees = 1",
        "|#| export\ndef shown(): pass",
        **{"00_first": notebook("# First: a stage\n\n> What it does")},
    )
    home = read("index.html")
    assert (
        "0.870 and" in home
        and "{{ first.f1_score }}" in home
        and "<math" in home
        and "nobody_sees" not in home
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
    links = read("reports/first/01_run.html")
    assert 'href="../../00_first.html"' in links and 'href="01_run.html"' in links
    assert "seedbed run" in read("reference/command_line.html").replace(
        "</span>", ""
    ) and "usable" in read("reference/settings.html")
    assert "Home" in read("search.json")


@pytest.mark.slow
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


def test_a_notebook_that_was_executed_is_kept_at_once(builder, tmp_path):
    """An interrupted or failing build goes on from there."""
    told = sys.modules[builder.executed.__module__].Told()
    for name, failure in {"good": None, "bad": "a failure"}.items():
        output = tmp_path / f"{name}-key.part.ipynb"
        output.touch()
        told.finished(
            SimpleNamespace(
                task=SimpleNamespace(name=name, output=output), failure=failure, seconds=1
            )
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad-key.part.ipynb", "good-key.ipynb"]


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
    options = yaml.safe_load((nbs / "site.yml").read_text())
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
