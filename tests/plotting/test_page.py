"""A page that no name can break."""

import json
import re

from seedbed.plotting.page import section, table, write_page


def test_names_cannot_break_the_page(tmp_path):
    """A class may be called anything."""
    evil = "</script><script>alert(1)</script> & <b>{{data}}"
    write_page(
        tmp_path / "page.html",
        evil,
        "",
        [section("one", evil, evil, table([evil], [[evil]]))],
        {"name": evil},
        ["#000000"],
    )
    text = (tmp_path / "page.html").read_text()
    assert text.count("<script") == 2 and "<b>{{" not in text and "alert(1)</script> &" not in text
    assert json.loads(re.search(r'id="report-data">(.*?)</script>', text, re.S)[1]) == {
        "name": evil
    }
