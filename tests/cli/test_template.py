"""The texts of a template that become those of a project."""

import json

from seedbed.cli.template import forget_pages, set_values


def test_links_to_pages_that_are_left_out_keep_their_words(tmp_path):
    (tmp_path / "nbs/guides").mkdir(parents=True)
    (tmp_path / "nbs/lib").mkdir()
    (tmp_path / "nbs/sidebar.yml").write_text(
        "- guides/gone.ipynb\n- lib/gone.ipynb\n- { text: x, href: guides/gone.ipynb }\n"
    )
    for name, text in (
        (
            "guides/here",
            "See [what is gone](gone.ipynb#a), then\n- [gone](gone.ipynb), too\n- [this](here.ipynb)",
        ),
        ("lib/one", "[gone](gone.ipynb) and [it](../guides/gone.ipynb)"),
    ):
        (tmp_path / f"nbs/{name}.ipynb").write_text(
            json.dumps({"cells": [{"cell_type": "markdown", "source": text}]})
        )
    forget_pages(tmp_path, ("README.md", "nbs/guides/gone.ipynb"))

    def read(name):
        return "".join(
            json.loads((tmp_path / f"nbs/{name}.ipynb").read_text())["cells"][0]["source"]
        )

    assert (tmp_path / "nbs/sidebar.yml").read_text() == "- lib/gone.ipynb\n"
    assert (
        read("guides/here") == "See what is gone, then\n- [this](here.ipynb)"
        and read("lib/one") == "[gone](gone.ipynb) and it"
    )


def test_settings_keep_their_comments():
    text = "[a]\nx = 1        # one\ny = 2\n[b]\nx = 3 # three\n"
    assert (
        set_values(text, {"a.x": "long value that is wide", "b.x": "4"})
        == "[a]\nx = long value that is wide # one\ny = 2\n[b]\nx = 4 # three\n"
    )
