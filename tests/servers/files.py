"""A local server of one file: with ranges or without, and with faults that real ones have."""

import http.server
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Served:
    """What the server holds, and how it behaves."""

    body: bytes
    ranges: bool = True  # answers parts with 206
    cut_after: int = 0  # bytes after which an answer ends, although more was promised
    cuts: int = 10**9  # so many answers are cut, the others are whole
    status: list[int] = field(default_factory=list)  # codes of the first answers
    etag: str = '"first"'
    asked: list[tuple[str, str]] = field(default_factory=list)  # path and Range of each request
    url: str = ""


@contextmanager
def served(body: bytes, **options):
    """Serve a file at every path until the block ends."""
    state = Served(body, **options)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range", "")
            state.asked.append((self.path, wanted))
            if state.status:
                self.send_response(state.status.pop(0))
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            same = self.headers.get("If-Range", state.etag) == state.etag
            found = re.fullmatch(r"bytes=(\d+)-", wanted) if state.ranges and same else None
            start = int(found[1]) if found else 0
            if found and start >= len(state.body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(state.body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            rest = state.body[start:]
            self.send_response(206 if found else 200)
            self.send_header("Content-Length", str(len(rest)))
            self.send_header("ETag", state.etag)
            self.end_headers()
            if state.cut_after and state.cuts > 0:
                state.cuts -= 1
                rest = rest[: state.cut_after]
            self.wfile.write(rest)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
