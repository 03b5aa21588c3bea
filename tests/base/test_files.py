"""Files are whole or not there, and a fingerprint follows content alone."""

import errno
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st

from seedbed.base.files import (
    atomic,
    atomic_folder,
    fingerprint,
    fingerprint_of,
    fingerprint_of_parts,
    link,
    plain,
    project_root,
    read_json,
    relative,
    write_json,
)
from tests.support.world import refused

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


def left_over(folder):
    """Everything in a folder but the files that a test asked for."""
    return sorted(p.name for p in folder.iterdir())


def test_atomic_replaces(tmp_path):
    """A new file, with parents; then its replacement."""
    path = tmp_path / "a" / "b" / "file.txt"
    for text in ("one", "two"):
        with atomic(path) as temporary:
            assert temporary.suffix == ".txt" and temporary.parent == path.parent
            temporary.write_text(text)
        assert path.read_text() == text
    assert left_over(path.parent) == ["file.txt"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_atomic_under_exceptions(tmp_path, error):
    """Whatever goes wrong: the old file stays, nothing else does."""
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(error):
        with atomic(path) as temporary:
            temporary.write_text("half")
            raise error
    assert path.read_text() == "old" and left_over(tmp_path) == ["file.txt"]


def test_a_full_disk_is_named(tmp_path):
    with pytest.raises(OSError) as caught, atomic(tmp_path / "a.json"):
        raise OSError(errno.ENOSPC, "No space left on device")  # as writing to an open file does
    assert str(tmp_path / "a.json") in str(caught.value)


def test_atomic_without_a_file(tmp_path):
    """A block that removes its file fails, and leaves the old one."""
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(FileNotFoundError):
        with atomic(path) as temporary:
            temporary.unlink()
    assert path.read_text() == "old" and left_over(tmp_path) == ["file.txt"]


def test_atomic_respects_the_umask(tmp_path):
    """Others may read what the umask lets them."""
    old = os.umask(0o027)
    try:
        write_json(tmp_path / "file.json", {})
    finally:
        os.umask(old)
    assert (tmp_path / "file.json").stat().st_mode & 0o777 == 0o640


def test_atomic_folder(tmp_path):
    """A folder is swapped as a whole or not at all."""
    path = tmp_path / "run"
    for name in ("one", "two"):
        with atomic_folder(path) as temporary:
            (temporary / name).write_text(name)
        assert left_over(path) == [name]
    with pytest.raises(ValueError):
        with atomic_folder(path) as temporary:
            (temporary / "half").write_text("half")
            raise ValueError
    assert left_over(path) == ["two"] and left_over(tmp_path) == ["run"]


KILLED = """
import sys, time
from pathlib import Path
from seedbed.base.files import atomic, atomic_folder
kind, path = sys.argv[1], Path(sys.argv[2])
def stop(): print("now", flush=True); time.sleep(60)
class Slow(dict):
    def items(self): yield "name", "half"; stop()
if kind == "atomic":
    with atomic(path) as temporary: temporary.write_text("half"); stop()
if kind == "folder":
    with atomic_folder(path) as temporary: (temporary / "manifest.json").write_text("half"); stop()
if kind == "dataset":
    import numpy as np
    from seedbed.process import write_dataset
    write_dataset(path, {"X": np.ones((100, 100))}, Slow())
"""


@pytest.mark.parametrize(
    "kind,name",
    [
        ("atomic", "manifest.json"),
        ("folder", "run"),
        pytest.param("dataset", "dataset.h5", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("before", [False, True], ids=["new", "replaces"])
def test_kill_in_the_middle(tmp_path, kind, name, before):
    """kill -9 while a file is being written: nothing that has the file's name is new, and the old one stays."""
    path = tmp_path / name
    if before and kind == "folder":
        path.mkdir()
        (path / "old").touch()
    elif before:
        path.write_text("old")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, kind, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "now\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert path.exists() == before
    if before:
        assert left_over(path) == ["old"] if kind == "folder" else path.read_text() == "old"
    assert all(n == name or n.startswith(".tmp-") for n in left_over(tmp_path))


# --- JSON and fingerprints ---


def test_plain():
    """numpy, paths and NaN become what JSON can say."""
    value = {
        1: np.float32(np.nan),
        "a": np.arange(2),
        "b": (np.int64(3), np.bool_(True), float("inf")),
        "c": os.path,
        "d": np.array(2.5),
    }
    assert plain(value) | {"c": 0} == {
        "1": None,
        "a": [0, 1],
        "b": [3, True, None],
        "c": 0,
        "d": 2.5,
    }


@budget(max_examples=60, deadline=None, derandomize=True)
@given(VALUES)
@pytest.mark.slow
def test_plain_is_always_json(value):
    """Any value can be written, read and written again without a change."""
    text = json.dumps(plain(value), allow_nan=False)
    assert plain(json.loads(text)) == json.loads(text)
    assert fingerprint_of(value) == fingerprint_of(json.loads(text))


def test_json_without_nan(tmp_path):
    """NaN is null in a file, other scripts keep their letters."""
    write_json(tmp_path / "a.json", {"score": float("nan"), "class": "小麦"})
    assert "NaN" not in (tmp_path / "a.json").read_text(encoding="utf-8") and "小麦" in (
        tmp_path / "a.json"
    ).read_text(encoding="utf-8")
    assert read_json(tmp_path / "a.json") == {"score": None, "class": "小麦"}


def test_json_that_is_not_there_or_broken(tmp_path):
    """One line says which file."""
    refused(lambda: read_json(tmp_path / "no.json"), "no.json", "no such file", "run the stage")
    (tmp_path / "bad.json").write_text('{"a": ')
    refused(lambda: read_json(tmp_path / "bad.json"), "bad.json", "not valid JSON", "make it again")
    (tmp_path / "latin.json").write_bytes('{"a": "é"}'.encode("latin-1"))
    refused(
        lambda: read_json(tmp_path / "latin.json"), "latin.json", "not valid JSON", "make it again"
    )


def test_fingerprint_of_a_file(tmp_path):
    """Content counts, name and time do not."""
    a, b = tmp_path / "a", tmp_path / "b"
    a.write_text("x")
    b.write_text("x")
    os.utime(b, (0, 0))
    assert fingerprint(a) == fingerprint(b) and len(fingerprint(a)) == 64
    b.write_text("y")
    assert fingerprint(a) != fingerprint(b)


def test_fingerprint_of_a_folder(tmp_path):
    """Names inside count, the folder's own does not; links count as what they point at."""
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "x").write_text("1")
    first = fingerprint(tmp_path / "one")
    assert first == fingerprint(tmp_path / "two")
    (tmp_path / "two" / "sub" / "x").rename(tmp_path / "two" / "y")
    assert first != fingerprint(tmp_path / "two")
    link(tmp_path / "two" / "y", tmp_path / "two" / "sub" / "x")
    (tmp_path / "two" / "y").rename(tmp_path / "moved")
    (tmp_path / "two" / "sub" / "x").unlink()
    link(tmp_path / "moved", tmp_path / "two" / "sub" / "x")
    assert first == fingerprint(tmp_path / "two")


def test_fingerprint_of_values():
    """The order of keys makes no difference, values and types do."""
    assert fingerprint_of({"a": 1, "b": [2]}) == fingerprint_of({"b": (2,), "a": 1})
    assert (
        len(
            {
                fingerprint_of(v)
                for v in ({"a": 1}, {"a": "1"}, {"a": 1.5}, {"a": None}, {"a": True}, [1])
            }
        )
        == 6
    )
    assert fingerprint_of({"a": 1}, 8) == fingerprint_of({"a": 1})[:8]
    parts = [["a:train", "b:\u00fc"], [], [1, None]]
    assert fingerprint_of_parts(iter(parts)) == fingerprint_of(parts)
    assert fingerprint_of_parts([]) == fingerprint_of([])


def test_link_again(tmp_path):
    """A link that is there already is made anew."""
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
        link(tmp_path / name, tmp_path / "deep" / "link")
        assert (tmp_path / "deep" / "link").read_text() == name
    assert (tmp_path / "a").read_text() == "a"


# --- paths ---


def test_project_root(tmp_path, monkeypatch):
    """The nearest folder with a settings.ini, upwards; SEEDBED_ROOT wins over the working folder."""
    (tmp_path / "settings.ini").touch()
    deep = tmp_path / "nbs" / "lib"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert project_root() == tmp_path.resolve() == project_root(deep)
    monkeypatch.chdir("/")
    refused(project_root, "no settings.ini", "go to the project's folder")
    monkeypatch.setenv("SEEDBED_ROOT", str(tmp_path))
    assert project_root() == tmp_path.resolve()


def test_relative(tmp_path):
    """Inside of the project relative, outside absolute."""
    assert relative(tmp_path / "a" / "b", tmp_path) == "a/b"
    assert relative(tmp_path.parent / "x", tmp_path) == (tmp_path.parent / "x").resolve().as_posix()


def test_links_within_a_project_move_with_it(tmp_path):
    (tmp_path / "p/data/deep").mkdir(parents=True)
    for path in (tmp_path / "p/settings.ini", tmp_path / "p/mine", tmp_path / "outside"):
        path.write_text(path.name)
    link(tmp_path / "p/mine", tmp_path / "p/data/deep/inner")
    link(tmp_path / "outside", tmp_path / "p/data/deep/outer")
    (tmp_path / "p").rename(tmp_path / "moved")
    (tmp_path / "further").mkdir()
    (tmp_path / "moved").rename(tmp_path / "further/moved")
    assert [
        (tmp_path / "further/moved/data/deep" / name).read_text() for name in ("inner", "outer")
    ] == ["mine", "outside"]
