"""Tables on a terminal and in a pipe."""

import io


def test_tables_that_are_piped_are_as_wide_as_columns_says_or_whole(monkeypatch):
    from seedbed.cli.tables import make_console

    monkeypatch.setattr("sys.stdout", io.StringIO())
    widths = {}
    for asked in ("60", "", "nonsense", "0"):
        monkeypatch.setenv("COLUMNS", asked)
        widths[asked] = make_console().width, make_console(wide=True).width
    assert widths == {"60": (60, 60), **dict.fromkeys(("", "nonsense", "0"), (100, 1000))}
