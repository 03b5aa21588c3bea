"""Files with ranges, tokens and faults, and rustac's search behind the same address."""

import atexit
import datetime
import functools
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from RangeHTTPServer import RangeRequestHandler

from seedbed.sources.stac.example import Pass, write_archive

SCENE = Path(__file__).resolve().parents[3] / "data/sample/brandenburg/scene.tif"
PASSES = [
    Pass("2021-05-03", cloud=1),
    Pass("2021-05-13"),
    Pass("2021-06-02", cloud=4),
    Pass("2021-06-12", "05.00"),
]


def free_port():
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Handler(RangeRequestHandler):
    """One request: counted, perhaps spoiled, then answered."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def do_GET(self):
        self._answer()

    def do_POST(self):
        self._answer()

    def _answer(self):
        archive = self.server.archive
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else b""
        number, fault = archive.count(self.path, self.headers.get("Range"))
        time.sleep(archive.latency)
        if fault is not None and self._spoil(*fault):
            return
        if self.path.startswith("/sas/token/"):
            return self._send(200, json.dumps(archive.new_token()).encode())
        if self.server.forwards:
            return self._forward(body)
        if archive.tokens is not None and not archive.accepts(self.path):
            return self._send(403, b"the token has expired")
        super().do_GET()

    def _spoil(self, kind, value=0):
        "Answer wrongly; False where the right answer follows, only later."
        if kind == "status":
            headers = {"Retry-After": str(value[1])} if isinstance(value, tuple) else {}
            self._send(value[0] if isinstance(value, tuple) else value, b"busy", **headers)
        elif kind == "page":
            self._send(200, b"<html>sign in</html>", **{"Content-Type": "text/html"})
        elif kind == "garbage":
            start, stop = (int(n) for n in self.headers["Range"].split("=")[1].split("-"))
            span = f"bytes {start}-{stop}/{stop + 1}"
            self._send(206, b"\7" * (stop - start + 1), **{"Content-Range": span})
        elif kind == "cut":
            start, stop = (int(n) for n in self.headers["Range"].split("=")[1].split("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop}/{stop + 1}")
            self.send_header("Content-Length", str(stop - start + 1))
            self.end_headers()
            self.wfile.write(b"\0" * ((stop - start) // 2))
            self.close_connection = True
        elif kind == "slow":
            time.sleep(value)
            return False
        return True

    def _send(self, status, body, **headers):
        self.send_response(status)
        for name, value in ({"Content-Type": "application/json"} | headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _forward(self, body):
        "To rustac, which answers with this server's own address."
        link = http.client.HTTPConnection("127.0.0.1", self.server.archive.search_port, timeout=30)
        kept = {
            name: self.headers[name] for name in ("Content-Type", "Accept") if self.headers[name]
        }
        link.request(self.command, self.path, body, kept)
        answer = link.getresponse()
        content = answer.read()
        self._send(answer.status, content, **{"Content-Type": answer.getheader("Content-Type")})


@functools.cache
def _made_once(passes):
    "The files of an archive, which many tests share."
    folder = Path(tempfile.mkdtemp(prefix="seedbed-archive-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_archive(SCENE, folder, list(passes), "http://root")
    return folder


def _archive(folder, passes, root):
    "An archive at an address; its images are links."
    shutil.copytree(_made_once(tuple(passes)), folder, copy_function=os.link)
    for path in folder.glob("*.json"):
        text = path.read_text(encoding="utf-8").replace("http://root", root)
        path.unlink()
        path.write_text(text, encoding="utf-8")
    return json.loads((folder / "items.json").read_text(encoding="utf-8"))["features"]


class LocalArchive:
    """An archive at 127.0.0.1; a context."""

    def __init__(self, folder, passes=PASSES, latency=0.0, fault=None, tokens=None, search=True):
        self.folder = Path(folder)
        self.latency = latency
        self.fault = fault or (lambda number, path: None)  # kind and value of a wrong answer
        self.tokens = tokens  # seconds for which a token is valid; None: no tokens
        self.issued = {}
        self.log = []
        self.lock = threading.Lock()
        port, front, self.search_port = free_port(), free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.catalog = f"http://127.0.0.1:{front}"  # of the search
        self.items = _archive(self.folder, passes, self.url)
        self.process = None
        if search:
            self._start_search()
        self.servers = [self._serve(port, False), self._serve(front, True)]

    def _serve(self, port, forwards):
        "Answer at a port: with files, or with what rustac says."
        handler = lambda *words: Handler(*words, directory=str(self.folder))  # noqa: E731
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        server.daemon_threads = True
        server.archive, server.forwards = self, forwards
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    def _start_search(self):
        files = [str(self.folder / name) for name in ("collection.json", "items.json")]
        own = ["-a", self.catalog, "-b", f"127.0.0.1:{self.search_port}"]
        program = Path(sys.executable).parent / "rustac"
        self.process = subprocess.Popen(
            [program, "serve", *files, *own], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.search_port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("rustac does not serve")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        for server in self.servers:
            server.shutdown()
            server.server_close()
        if self.process:
            self.process.kill()
            self.process.wait()

    def count(self, path, span):
        """Take note of a request, and say what is to go wrong with it."""
        with self.lock:
            self.log.append((path.partition("?")[0], span))
            return len(self.log), self.fault(len(self.log), path)

    def files(self):
        """The requests for parts of images."""
        return [entry for entry in self.log if entry[0].endswith(".tif")]

    def new_token(self):
        """A token, as the Planetary Computer hands it out."""
        until = time.time() + self.tokens
        with self.lock:
            token = f"sig={len(self.issued)}"
            self.issued[token] = until
        when = datetime.datetime.fromtimestamp(until + 300, datetime.UTC)
        return {"token": token, "msft:expiry": when.isoformat()}

    def accepts(self, path):
        """Whether a request has a token that is still valid."""
        sig = parse_qs(urlsplit(path).query).get("sig", [""])[0]
        return self.issued.get(f"sig={sig}", 0) > time.time()
