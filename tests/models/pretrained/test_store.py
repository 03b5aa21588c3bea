"""Weights by path, hub and address: fetched in parts, checked by their hash, never in a run."""

import hashlib

import pytest
from typer.testing import CliRunner

from seedbed.base.errors import InputError
from seedbed.cli import app
from seedbed.models.pretrained import store
from seedbed.models.pretrained.store import (
    KNOWN,
    entry_for,
    fetch,
    find_weights,
    get_weights,
    place_of,
)
from tests.servers.files import served

BODY = bytes(range(256)) * 800
DIGEST = hashlib.sha256(BODY).hexdigest()


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(store.time, "sleep", lambda seconds: None)


def test_an_address_is_fetched_once(tmp_path):
    with served(BODY) as server:
        text = f"{server.url}/a/presto.pt#sha256={DIGEST}"
        first = get_weights(text, tmp_path)
        assert get_weights(text, tmp_path) == first and len(server.asked) == 1
    found = find_weights("presto", [text], tmp_path, tmp_path)
    assert found.path.read_bytes() == BODY and found.sha256 == DIGEST
    assert found.licence == "unknown" and found.source == f"{server.url}/a/presto.pt"


def test_a_body_that_is_cut_is_continued_by_ranges(tmp_path):
    with served(BODY, cut_after=60_000) as server:
        record = get_weights(f"{server.url}/w.pt#sha256={DIGEST}", tmp_path)
    assert record["bytes"] == len(BODY)
    assert [wanted for _, wanted in server.asked] == [
        "",
        *(f"bytes={k}-" for k in range(60_000, len(BODY), 60_000)),
    ]


def test_what_has_come_is_kept_for_the_next_attempt(tmp_path):
    place = f"w.pt#sha256={DIGEST}"
    with served(BODY, cut_after=100_000, cuts=1) as server:
        server.status = []
        with pytest.raises(InputError, match="100,000 bytes have come and are kept, try again"):
            fail_after_first(server, f"{server.url}/{place}", tmp_path)
        assert len(list(tmp_path.glob(".part-*"))) == 2  # the bytes, and which version they are
        server.status = []
        get_weights(f"{server.url}/{place}", tmp_path)
        assert server.asked[-1][1] == "bytes=100000-"
    assert not list(tmp_path.glob(".part-*"))


def fail_after_first(server, text, folder):
    """Fetch while every answer but the first is an error of the server."""

    class Codes(list):
        def __bool__(self):
            return len(server.asked) > 1

        def pop(self, _):
            return 503

    server.status = Codes()
    get_weights(text, folder)


def test_a_server_without_ranges_begins_again(tmp_path):
    with served(BODY, ranges=False, cut_after=60_000, cuts=2) as server:
        assert get_weights(f"{server.url}/w.pt#sha256={DIGEST}", tmp_path)["sha256"] == DIGEST
    assert len(server.asked) == 3


def test_a_file_that_was_replaced_meanwhile_begins_again(tmp_path):
    other = BODY[::-1]
    text = f"w.pt#sha256={hashlib.sha256(other).hexdigest()}"
    with served(BODY, cut_after=60_000, cuts=1) as server:
        with pytest.raises(InputError):
            fail_after_first(server, f"{server.url}/{text}", tmp_path)
        server.status, server.body, server.etag = [], other, '"second"'
        assert get_weights(f"{server.url}/{text}", tmp_path)["bytes"] == len(other)


def test_another_hash_is_not_kept(tmp_path):
    with served(BODY + b"x") as server:
        with pytest.raises(InputError, match="expected .*; it is not kept"):
            get_weights(f"{server.url}/w.pt#sha256={DIGEST}", tmp_path)
    assert not [path for path in tmp_path.iterdir() if not path.name.endswith(".etag")]


def test_a_file_that_is_not_there_is_a_line(tmp_path):
    with served(BODY, status=[404]) as server:
        with pytest.raises(InputError, match="the server says 404; correct models.weights"):
            get_weights(f"{server.url}/w.pt#sha256={DIGEST}", tmp_path)
    with served(BODY, status=[403]) as server:
        with pytest.raises(InputError, match="the licence may have to be accepted there"):
            get_weights(f"{server.url}/w.pt#sha256={DIGEST}", tmp_path)


def test_a_server_that_is_busy_is_asked_again(tmp_path):
    with served(BODY, status=[503, 429]) as server:
        assert get_weights(f"{server.url}/w.pt#sha256={DIGEST}", tmp_path)["bytes"] == len(BODY)


def test_a_hub_is_asked_for_a_revision(tmp_path, monkeypatch):
    with served(BODY) as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        text = "hf:nasaharvest/galileo@0f0b5b9:models/nano/encoder.pt"
        record = get_weights(text, tmp_path)
        assert server.asked[0][0] == ("/nasaharvest/galileo/resolve/0f0b5b9/models/nano/encoder.pt")
    assert record["sha256"] == DIGEST and record["source"] == text
    found = find_weights("galileo", [f"galileo = {text}"], tmp_path, tmp_path)
    assert found.sha256 == DIGEST
    found.path.write_bytes(BODY[:-1])
    with pytest.raises(InputError, match="it was altered or cut"):
        find_weights("galileo", [text], tmp_path, tmp_path)


def test_without_a_network_it_is_a_line(tmp_path):
    place = place_of("http://127.0.0.1:9/w.pt#sha256=" + "0" * 64)
    with pytest.raises(
        InputError,
        match="0 bytes have come and are kept, try again.* get http.*#sha256=0.*ENCODER = PATH",
    ):
        fetch(place, tmp_path, attempts=2)


@pytest.mark.parametrize(
    "text, says",
    [
        ("hf:galileo", "write hf:owner/name@revision:file"),
        ("hf:a/b@main:../c.pt", "write hf:owner/name@revision:file"),
        ("https://example.org/w.pt", "an address needs its hash"),
        ("http://example.org/w.pt#sha256=" + "0" * 64, "use https"),
        ("w.pt#sha256=12", "has 64 hexadecimal digits"),
        ("ftp://example.org/w.pt", "write a path"),
    ],
)
def test_a_text_that_names_no_weights_is_a_line(text, says):
    with pytest.raises(InputError, match=says):
        place_of(text)


def test_a_path_is_used_where_it_lies(tmp_path):
    (tmp_path / "own.pt").write_bytes(BODY)
    found = find_weights("presto", ["presto = own.pt"], tmp_path / "none", tmp_path)
    assert found.sha256 == DIGEST and found.licence == "unknown"
    said = "its sha256 is .* check the sha256 you gave .* seedbed weights get presto$"
    with pytest.raises(InputError, match=said):
        find_weights("presto", ["own.pt#sha256=" + "0" * 64], tmp_path, tmp_path)
    with pytest.raises(InputError, match="no such file; get them with: seedbed weights get presto"):
        find_weights("presto", ["elsewhere.pt"], tmp_path, tmp_path)
    with pytest.raises(InputError, match="is a folder; name the file .* presto = PATH"):
        find_weights("presto", ["presto = ."], tmp_path, tmp_path)


def test_what_is_known_is_asked_for_by_its_name(tmp_path):
    known = KNOWN[0]
    place = store.Place(known.source, known.sha256, url="http://127.0.0.1:9/w.pt")
    with pytest.raises(InputError, match="seedbed weights get presto;.* presto = PATH"):
        fetch(place, tmp_path, attempts=1)


def test_a_licence_that_forbids_is_accepted_first(tmp_path):
    with pytest.raises(InputError, match="forbids military use .* --accept-licence"):
        get_weights("olmoearth", tmp_path)
    with pytest.raises(InputError, match="forbids military use"):
        get_weights("hf:allenai/OlmoEarth-v1-Nano@main:weights.pth", tmp_path)
    with pytest.raises(InputError, match="no weights to fetch"):
        get_weights("olmoearth", tmp_path, accept=True)


def test_what_is_known_is_whole():
    for known in KNOWN:
        assert known.inputs and known.licence and known.paper
        if known.source:
            assert known.sha256 or known.source.startswith("hf:")
            place_of(known.source + (f"#sha256={known.sha256}" if known.sha256 else ""))
    assert entry_for("presto", []) == "presto" and entry_for("galileo", []) == "galileo-nano"


def test_the_command_shows_what_is_known():
    said = CliRunner().invoke(app, ["models", "--pretrained"]).output
    assert "galileo-nano" in said and "MIT" in said and "forbids" in said


def test_the_command_fetches_into_the_project(tmp_path, monkeypatch):
    (tmp_path / "settings.ini").write_text("[models]\nnames = majority\n")
    monkeypatch.setenv("SEEDBED_SETTINGS", str(tmp_path / "settings.ini"))
    monkeypatch.setenv("SEEDBED_ROOT", str(tmp_path))
    with served(BODY) as server:
        text = f"{server.url}/w.pt#sha256={DIGEST}"
        assert "204,800 bytes" in CliRunner().invoke(app, ["weights", "get", text]).output
    assert "unknown" in CliRunner().invoke(app, ["weights", "list"]).output
    assert len(list((tmp_path / "data/weights").glob("*.pt"))) == 1
