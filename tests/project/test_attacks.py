"""The table of attacks, which `make attacks` writes."""

from tests.attacks import ATTACKS
from tests.attacks.__main__ import TABLE, rows_of


def test_attacks_have_names_of_their_own_and_none_in_the_table_succeeds():
    asked = [(attack.room, attack.tried) for attack in ATTACKS]
    rows = rows_of(TABLE.read_text(encoding="utf-8"))
    assert len(set(asked)) == len(asked)
    assert rows and set(rows) <= set(asked), "make attacks writes the table anew"
    assert [row for row in rows.values() if not row.endswith(" yes |")] == []
