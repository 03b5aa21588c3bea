"""Fingerprints of the source's files."""

import os

from seedbed.running.fingerprints import Fingerprints


def test_a_changed_tif_and_a_touched_one(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"1")
    os.utime(tmp_path / "a.tif", (1e9, 1e9))
    prints = Fingerprints(tmp_path / ".memory.db")
    first = prints.folder(tmp_path)
    assert prints.read == 1 and prints.folder(tmp_path) == first and prints.read == 1
    os.utime(tmp_path / "a.tif", (1.1e9, 1.1e9))
    assert prints.folder(tmp_path) == first and prints.read == 2
    (tmp_path / "a.tif").write_bytes(b"2")
    os.utime(tmp_path / "a.tif", (1.1e9, 1.1e9))
    assert prints.folder(tmp_path) != first, "a byte altered under an old date"
    read = prints.read
    assert prints.folder(tmp_path) != first and prints.read == read
    prints.deep = True
    assert prints.folder(tmp_path) != first and prints.read == read + 1
