"""Who may ask."""

import json

import pytest

from tests.servers.earthengine.accounts import make_key
from tests.support.earthengine import TINY, exported
from tests.support.world import refused


@pytest.mark.slow
def test_a_service_account_and_no_trace_of_its_key(service, make, monkeypatch, capsys, tmp_path):
    """The whole way: an assertion is signed, a token is given and sent; nothing secret is written or said."""
    server = service(asks_for_tokens=True)
    key = make_key(server.url)
    monkeypatch.setenv("EARTHENGINE_SERVICE_ACCOUNT", json.dumps(key))
    project = make(4, **TINY)
    assert exported(project)[0]["labels"] == 4 and server.tokens.given >= 1
    assert {entry["headers"]["x-goog-user-project"] for entry in server.asked} == {
        "fields-of-kenya"
    } and "/projects/fields-of-kenya/" in server.asked[0]["path"]
    said = capsys.readouterr()
    written = (
        b"".join(path.read_bytes() for path in project.root.rglob("*") if path.is_file())
        + said.out.encode()
        + said.err.encode()
    )
    for secret in [key["private_key"][60:100], key["client_email"], *server.tokens.valid]:
        assert secret.encode() not in written
    (tmp_path / "key.json").write_text(json.dumps(key))
    monkeypatch.setenv("EARTHENGINE_SERVICE_ACCOUNT", str(tmp_path / "key.json"))
    monkeypatch.setenv("EARTHENGINE_PROJECT", "another-project")
    assert (
        exported(project, "earthengine.steps=1")[0]["labels"] == 4
        and server.asked[-1]["headers"]["x-goog-user-project"] == "another-project"
    )


@pytest.mark.slow
def test_a_short_token_is_renewed(service, make, monkeypatch):
    server = service(asks_for_tokens=True)
    server.tokens.lifetime = 1
    monkeypatch.setenv("EARTHENGINE_SERVICE_ACCOUNT", json.dumps(make_key(server.url)))
    assert exported(make(4, **TINY))[0]["labels"] == 4 and server.tokens.given >= 4


@pytest.mark.parametrize(
    "value,fragments",
    [
        ("{not json", ["not valid JSON"]),
        ("/no/such/file", ["neither JSON nor a file"]),
        ('{"client_email": "a@b"}', ["no private_key"]),
        (
            '{"client_email": "a", "private_key": "SECRET-WORD", "token_uri": "u", "project_id": "p"}',
            ["private key cannot be read"],
        ),
    ],
)
def test_a_wrong_key_is_told_without_showing_it(monkeypatch, make, value, fragments):
    monkeypatch.setenv("EARTHENGINE_SERVICE_ACCOUNT", value)
    message = refused(lambda: exported(make(1, **TINY)), "EARTHENGINE_SERVICE_ACCOUNT", *fragments)
    assert "SECRET-WORD" not in message and "not json" not in message and "/no/such" not in message


def test_nobody_has_signed_in(monkeypatch, make, tmp_path):
    for name in (
        "EARTHENGINE_SERVICE_ACCOUNT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "SEEDBED_EARTHENGINE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    refused(lambda: exported(make(1, **TINY)), "nobody has signed in", "earthengine authenticate")
