"""What can go wrong between a client and a service."""

import random
import socket
import time
from dataclasses import dataclass, field

from .limits import Refusal

EVERY_KIND = (429, "busy", 500, 503, "html", "drop", "truncate", "garbage", "wrong_place")


@dataclass
class Fault:
    """One wrong answer. `kind` is a status of HTTP or:

    busy          429 with Retry-After
    html          502 with a page in place of JSON
    drop          the connection is closed without a word
    hang          no answer for `seconds`, then a closed connection
    drip          the answer's first bytes, slowly
    truncate      200 and half of the answer
    garbage       200 and something that is no tif
    wrong_place   200 and the chip of a neighbouring place
    """

    kind: int | str
    message: str = ""
    seconds: float = 0
    headers: dict = field(default_factory=dict)


def chance(rate, kinds=EVERY_KIND, seed=0, retry_after="0"):
    """A function that makes a fault of so many requests, the same ones each time."""
    rng = random.Random(seed)

    def fault(number, body):
        if rng.random() < rate:
            kind = rng.choice(kinds)
            return Fault(kind, headers={"Retry-After": retry_after} if kind == "busy" else {})

    return fault


def answer_wrongly(handler, fault, honest):
    """Answer with a fault; `honest()` makes the right answer, for those faults that begin with it."""
    time.sleep(fault.seconds if fault.kind != "drip" else 0)
    if fault.kind in ("drop", "hang"):
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True
    elif fault.kind == "html":
        handler.send(b"<html><title>502 Bad Gateway</title></html>", 502, "text/html")
    elif fault.kind == "garbage":
        handler.send(b"II*\0 these are not the pixels that you are looking for", 200, "image/tiff")
    elif fault.kind in ("truncate", "drip"):
        _break_off(handler, honest(), fault)
    elif fault.kind == "wrong_place":
        handler.send(honest(moved=True), 200, "image/tiff")
    else:
        status = 429 if fault.kind == "busy" else fault.kind
        handler.send(
            Refusal(fault.message or f"injected {status}", status).body(),
            status,
            headers=fault.headers,
        )


def _break_off(handler, content, fault):
    """Promise all, send half, close; or send a byte now and then."""
    handler.send_response(200)
    handler.send_header("Content-Type", "image/tiff")
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    if fault.kind == "drip":
        for i in range(20):
            handler.wfile.write(content[i : i + 1])
            handler.wfile.flush()
            time.sleep(fault.seconds / 20)
    else:
        handler.wfile.write(content[: len(content) // 2])
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True
