"""Servers that are no Earth Engine."""

import socket
import threading
import time
from contextlib import contextmanager

from tests.attacks import attack
from tests.attacks.place import Done
from tests.support.small_data import COLUMNS_OF_FIELDS, labels_alone

ROOM = "Servers that do not answer"
MOST = 62  # seconds from the first connection to the end of the command; the promise is a minute


def silent(connection):
    time.sleep(600)


def portal(connection):
    connection.recv(65536)
    body = b"<html><body>Captive portal: please sign in</body></html>"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body)
    connection.sendall(head + body)
    connection.close()


def slow(connection):
    connection.recv(65536)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    connection.sendall(head)
    while True:
        connection.sendall(b" ")
        time.sleep(1)


def no_tls(connection):
    connection.recv(65536)
    connection.sendall(b"this is no TLS")
    connection.close()


@contextmanager
def serving(talk):
    """The port of a server that talks like this to everybody, and when it was asked."""
    asked = []
    listener = socket.create_server(("127.0.0.1", 0))

    def meet(connection):
        try:
            talk(connection)
        except OSError:
            pass

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            asked.append(time.monotonic())
            threading.Thread(target=meet, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1], asked
    finally:
        listener.close()


def exported(place, address: str, asked: list[float]) -> Done:
    """`seedbed export` from such a server."""
    settings = [*COLUMNS_OF_FIELDS, "labels.target=crop", *labels_alone(place.new("labels"))]
    words = [word for line in settings for word in ("-p", line)]
    root = place.new("export")
    (root / "nbs").mkdir(parents=True)
    (root / "settings.ini").write_text("")
    done = place.seedbed(root, "export", *words, SEEDBED_EARTHENGINE_URL=address).refused()
    seconds = time.monotonic() - asked[0] if asked else 0
    assert seconds < MOST, f"after {seconds:.0f} s"
    return done


def server(talk, tried, before, scheme="http"):
    """Enter an attack by a server."""

    @attack(ROOM, f"`export`: {tried}", before)
    def attempt(place):
        with serving(talk) as (port, asked):
            return exported(place, f"{scheme}://127.0.0.1:{port}", asked)

    attempt.__name__ = talk.__name__


server(portal, "a captive portal answers in HTML", "`InvalidJsonError`")
server(silent, "a server that accepts and says nothing", "hung")
server(slow, "a server that sends a byte a second", "hung")
server(no_tls, "a server that speaks no TLS", "a raw exception", "https")


@attack(ROOM, "`export`: a name that nobody knows", "a raw exception")
def no_name(place):
    return exported(place, "http://earthengine.invalid", [])


@attack(ROOM, "`export`: nobody listens", "a raw exception")
def nobody(place):
    with serving(silent) as (port, asked):
        pass
    return exported(place, f"http://127.0.0.1:{port}", asked)
