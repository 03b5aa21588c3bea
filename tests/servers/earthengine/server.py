"""HTTP: what is asked, what is answered."""

import http.server
import io
import json
import threading
import time
import urllib.parse
from collections import deque

import numpy as np
from rasterio.io import MemoryFile

from . import graph
from .accounts import Tokens
from .faults import answer_wrongly
from .images import Image, Pixels
from .limits import Limits, Refusal
from .tasks import Tasks
from .tasks import pixels_of as task_pixels
from .world import make_world


def pixels_of(image, names, limits, pixels):
    """The bands of a computed image as one array; refuses what Earth Engine refuses."""
    if not isinstance(image, Image):
        raise Refusal("Expression does not evaluate to an image.")
    names = image.names(names) if names else list(image.bands)
    if not names:
        raise Refusal("Image.computePixels: Image has no bands.")
    limits.check_pixels(pixels, len(names))
    results = [image.bands[name].result for name in names]
    kinds = sorted({str(values.dtype) for values, _ in results})
    if len(kinds) > 1:
        raise Refusal(
            f"Exported bands must have compatible data types; found inconsistent types: {kinds}."
        )
    if not all(valid.all() for _, valid in results):
        raise Refusal("local server: masked pixels would be written as zeros; unmask them first")
    return np.stack([values for values, _ in results]), names


TILED = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "lzw"}
LAYOUTS = {
    "plain": {"compress": "deflate", "zlevel": 1},
    "service": TILED | {"interleave": "pixel"},  # that of CropHarvest's export, a real one
    "unnamed": TILED | {"interleave": "pixel"},  # and without the bands' names
    "bands": TILED | {"interleave": "band"},
    "big": {"bigtiff": "yes", "compress": "deflate", "predictor": 3},
    "double": TILED | {"interleave": "pixel", "dtype": "float64"},
}  # forms in which an answer may come; which of them the service chooses, it does not say


def to_tif(data, names, pixels, layout="plain"):
    """A GeoTIFF in one of the layouts."""
    options = {"dtype": data.dtype} | LAYOUTS[layout]
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=pixels.width,
            height=pixels.height,
            count=len(names),
            crs=pixels.crs,
            transform=pixels.transform,
            **options,
        ) as file:
            file.write(data.astype(options["dtype"]))
            if layout != "unnamed":
                file.descriptions = names
        return bytes(memory.getbuffer())


class LocalEarthEngine:
    """A service on a port of this machine; use it as a context.

    `fault(number, body)` returns a Fault or None for each request for pixels; `latency` is slept before each answer;
    `asks_for_tokens` refuses who has not signed in; `restricted` tells clients that the project is past its quota;
    `remember` answers a question that was asked before without computing, and keeps no log, for measurements.
    """

    def __init__(
        self,
        world=None,
        limits=None,
        latency=0.0,
        fault=lambda number, body: None,
        asks_for_tokens=False,
        restricted=False,
        eecu=1.0,
        layout="plain",
        bucket=None,
        port=0,
        remember=False,
        **tasks,
    ):
        self.world = world or make_world()
        self.limits = limits or Limits()
        self.latency = latency
        self.fault = fault
        self.asks_for_tokens, self.restricted, self.eecu = asks_for_tokens, restricted, eecu
        self.layout, self.port = layout, port
        self.remembered = {} if remember else None
        self.tokens, self.tasks = Tokens(), Tasks(self.render_task, bucket, **tasks)
        self.computing = (
            threading.Lock()
        )  # one at a time: threads that wait for each other's turn compute slower
        self.log = []
        self.lock = threading.Lock()
        self.active = 0
        self.peak = 0
        self.recent = deque()

    def __enter__(self):
        self.http = _Server(
            ("127.0.0.1", self.port), type("Handler", (Handler,), {"service": self})
        )
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(
            target=self.http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()
        return self

    def __exit__(self, *error):
        self.http.shutdown()
        self.http.server_close()

    @property
    def asked(self):
        """The requests for pixels, in the order in which they came."""
        return [entry for entry in self.log if entry["path"].endswith("image:computePixels")]

    def render(self, body, moved=False):
        """The answer to a request for pixels."""
        pixels = Pixels.parse(body["grid"])
        pixels = pixels.moved() if moved else pixels
        with self.computing:
            graph.check(body["expression"])
            data, names = pixels_of(
                graph.Evaluator(body["expression"], self.world, pixels, self.eecu).result,
                body.get("bandIds"),
                self.limits,
                pixels,
            )
        return (
            to_tif(data, names, pixels, self.layout)
            if body.get("fileFormat") == "GEO_TIFF"
            else _to_npy(data, names)
        )

    def answer_to(self, body):
        """The same, from memory where that is wanted."""
        if self.remembered is None:
            return self.render(body)
        key = json.dumps([body["grid"], body.get("bandIds")])
        if key not in self.remembered:
            self.remembered[key] = self.render(body)
        return self.remembered[key]

    def render_task(self, body):
        """The file of a batch export; it has limits of its own."""
        graph.check(body["expression"])
        pixels = task_pixels(body["expression"])
        data, names = pixels_of(
            graph.Evaluator(body["expression"], self.world, pixels).result,
            None,
            Limits(answer=10**12),
            pixels,
        )
        return to_tif(data, names, pixels)

    def enter(self):
        """Count a request; refuse too many at once or in a second."""
        with self.lock:
            now = time.monotonic()
            while self.recent and now - self.recent[0] > 1:
                self.recent.popleft()
            self.active, self.peak = self.active + 1, max(self.peak, self.active + 1)
            self.recent.append(now)
            if self.active > self.limits.concurrent:
                return Refusal("Quota exceeded: Too many concurrent requests.", 429)
            return (
                Refusal("Quota exceeded: Too many requests in a second.", 429)
                if len(self.recent) > self.limits.per_second
                else None
            )

    def leave(self):
        """A request has been answered."""
        with self.lock:
            self.active -= 1


def _to_npy(data, names):
    out = np.empty(data.shape[1:], dtype=[(name, data.dtype) for name in names])
    for name, band in zip(names, data):
        out[name] = band
    file = io.BytesIO()
    np.save(file, out)
    return file.getvalue()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads, request_queue_size = True, 128

    def handle_error(self, *address):
        """A client went away; that is its affair."""


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

    def log_message(self, *words):
        """Silent."""

    def send(self, body, status=200, kind="application/json", headers=()):
        """Answer, whole."""
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            **dict(headers),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def note(self, body):
        """Keep what was asked."""
        entry = {
            "time": time.monotonic(),
            "method": self.command,
            "path": self.path.split("?")[0],
            "headers": dict(self.headers),
            "body": body,
        }
        with self.service.lock:
            if self.service.remembered is None:
                self.service.log.append(entry)
            entry["number"] = len(self.service.log)
        return entry

    def do_GET(self):  # noqa: N802
        """The discovery document, the algorithms, the tasks."""
        path = self.note(None)["path"]
        operations = self.service.tasks.operations
        if path == "/$discovery/rest":
            self.send(graph.DISCOVERY)
        elif self.service.asks_for_tokens and not self.service.tokens.accept(
            self.headers.get("Authorization")
        ):
            self.send(Refusal("Request had invalid authentication credentials.", 401).body(), 401)
        elif path.endswith("/algorithms"):
            self.send(graph.ALGORITHMS)
        elif path.endswith("/operations"):
            self.send(json.dumps({"operations": list(operations.values())}).encode())
        elif (
            path.partition("/projects/")[2]
            and f"projects/{path.partition('/projects/')[2]}" in operations
        ):
            self.send(
                json.dumps(operations[f"projects/{path.partition('/projects/')[2]}"]).encode()
            )
        else:
            self.send(Refusal(f"Not found: {path}", 404).body(), 404)

    def do_POST(self):  # noqa: N802
        """Tokens, pixels, values, exports."""
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/token":
            return self.send(self.service.tokens.give(urllib.parse.parse_qs(raw.decode())))
        over = self.service.enter()
        try:
            self.answer(raw, over)
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            self.service.leave()

    def answer(self, raw, over):
        """Whatever is right for this request, or a refusal."""
        body = json.loads(raw)
        entry = self.note(body)
        try:
            if self.service.asks_for_tokens and not self.service.tokens.accept(
                self.headers.get("Authorization")
            ):
                raise Refusal("Request had invalid authentication credentials.", 401)
            if over:
                raise over
            self.service.limits.check_body(len(raw))
            entry["status"] = self.route(entry, body)
        except Refusal as refusal:
            entry["status"] = refusal.code
            self.send(refusal.body(), refusal.code)
        except (BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # a fault of this server: say it where the test looks
            entry["status"] = 400
            self.send(Refusal(f"local server: {type(error).__name__}: {error}").body(), 400)

    def route(self, entry, body):
        """Answer by the method that is asked for; the status."""
        path, service = entry["path"], self.service
        if path.endswith("image:computePixels"):
            return self.answer_pixels(entry, body)
        if path.endswith("image:export"):
            project = path.partition("/projects/")[2].removesuffix("/image:export")
            self.send(json.dumps(service.tasks.submit(f"projects/{project}", body)).encode())
        elif path.endswith("value:compute"):
            graph.check(body["expression"])
            self.send(
                json.dumps(
                    {
                        "result": graph.Evaluator(
                            body["expression"], service.world, eecu=service.eecu
                        ).result
                    }
                ).encode()
            )
        else:
            raise Refusal(f"Not found: {path}", 404)
        return 200

    def answer_pixels(self, entry, body):
        """Pixels, after a while, or something else."""
        service = self.service
        time.sleep(service.latency)
        if fault := service.fault(entry["number"], body):
            answer_wrongly(self, fault, lambda moved=False: service.render(body, moved))
            return fault.kind
        headers = (
            {"x-earth-engine-quota-status": "parallelism_restricted=true"}
            if service.restricted
            else {}
        )
        if self.headers.get("x-earth-engine-computation-profiling"):
            headers["x-earth-engine-computation-profile"] = f"profile-{entry['number']}"
        self.send(service.answer_to(body), 200, "image/tiff", headers)
        return 200
