"""Chips that are kept, and the ledger of them."""

import os

from seedbed.sources.fetching.store import Ledger, Store


def test_what_a_kill_has_left_is_swept(tmp_path):
    """A temporary file is none of ours while it is young: another export may be writing it."""
    (tmp_path / "ab").mkdir()
    old, young = tmp_path / "ab/.tmp-old.tif", tmp_path / "ab/.tmp-young.tif"
    old.touch(), young.touch()
    os.utime(old, (0, 0))
    Store(tmp_path)
    assert not old.exists() and young.exists()


def test_a_torn_ledger_loses_one_line(tmp_path):
    ledger = Ledger(tmp_path / "ledger.jsonl")
    for i in range(3):
        ledger.add({"key": f"k{i}", "status": "done"})
    ledger.path.write_bytes(ledger.path.read_bytes()[:-9])
    ledger.add({"key": "k3", "status": "done"})
    assert sorted(ledger.read()) == ["k0", "k1", "k3"]
    ledger.path.write_bytes(ledger.path.read_bytes() + b"\xff\xfe[]\n12\n")
    assert sorted(ledger.read()) == ["k0", "k1", "k3"]
