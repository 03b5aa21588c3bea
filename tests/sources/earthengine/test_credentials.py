"""Who may ask."""

import http.server
import json
import socket
import threading
from pathlib import Path

import ee
import pytest

from seedbed.sources.earthengine import credentials
from seedbed.sources.earthengine.client import Client
from seedbed.sources.earthengine.credentials import connect, find_credentials
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


@pytest.fixture
def nobody(monkeypatch, tmp_path):
    """A home in which nobody has signed in."""
    for name in (
        "EARTHENGINE_PROJECT",
        "EARTHENGINE_SERVICE_ACCOUNT",
        "GOOGLE_APPLICATION_CREDENTIALS",
        "SEEDBED_EARTHENGINE_URL",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "empty"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    yield tmp_path / "empty"
    ee.Reset()


def test_nobody_has_signed_in(nobody, make):
    refused(lambda: exported(make(1, **TINY)), "nobody has signed in", "earthengine authenticate")


@pytest.mark.slow
def test_signed_in_and_offline(nobody, service, monkeypatch):
    """Who has signed in and has no network is not told to sign in."""
    folder = Path.home() / ".config/earthengine"
    folder.mkdir(parents=True)
    saved = {"refresh_token": "SECRET-WORD", "project": "fields-of-kenya"}
    (folder / "credentials").write_text(json.dumps(saved))
    monkeypatch.setattr(ee.oauth, "TOKEN_URI", "http://127.0.0.1:9/token")
    found = find_credentials("https://earthengine.example")
    assert found.quota_project_id == "fields-of-kenya"
    monkeypatch.setattr(credentials, "find_credentials", lambda url: found)
    url = service(asks_for_tokens=True).url
    said = refused(lambda: connect(url=url), "cannot be reached", "is there a network")
    assert "nobody has signed in" not in said and "SECRET-WORD" not in said


def test_application_default_credentials_ask_for_scopes(nobody, service, monkeypatch):
    """A key that Google's own libraries find is given the scopes that Earth Engine wants."""
    server = service(asks_for_tokens=True)
    nobody.mkdir(parents=True)
    (nobody / "key.json").write_text(json.dumps(make_key(server.url)))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(nobody / "key.json"))
    monkeypatch.setenv("EARTHENGINE_PROJECT", "fields-of-kenya")
    found = find_credentials("https://earthengine.example")
    assert "https://www.googleapis.com/auth/earthengine" in found.scopes
    monkeypatch.setattr(credentials, "find_credentials", lambda url: found)
    assert connect(url=server.url)[2] == "fields-of-kenya" and server.tokens.given >= 1


def test_a_server_that_says_nothing(nobody, monkeypatch):
    """The deadline holds from the first byte on, before the library knows what the service can do."""
    monkeypatch.setattr(credentials, "CONNECT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        refused(lambda: connect(url=url), url, "no answer within 0.3 s")


def portal(status):
    """A network that answers everything with a page to sign in."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            is_page = status < 300 or status > 399 or self.path == "/page"
            self.send_response((200 if self.path == "/page" else status) if is_page else status)
            if not is_page:
                self.send_header("Location", "/page")
            body = b"<html>Welcome to the hotel</html>"
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *words):
            """Silent."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.mark.parametrize("status", [200, 302, 403, pytest.param(511, marks=pytest.mark.slow)])
def test_a_network_that_asks_to_sign_in(nobody, status):
    server = portal(status)
    url = f"http://127.0.0.1:{server.server_port}"
    said = refused(lambda: connect(url=url), "sign in")
    assert "register" not in said and "earthengine authenticate" not in said
    said = refused(lambda: Client(url, None, "local").pixels(b"{}"), "not Earth Engine's answer")
    server.shutdown()
