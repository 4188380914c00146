"""The proxy that spoils connections on cue does what it says: otherwise every test of a fault would prove nothing."""

import socket
from collections.abc import Iterator
from http.client import BadStatusLine, HTTPConnection, IncompleteRead
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from tests.support.fates import Cut, Fate, Late, Say, Silence, always, only, since, until
from tests.support.proxy import Proxy

BROKEN = (ConnectionError, BadStatusLine, IncompleteRead)


class Server(ThreadingHTTPServer):
    """A server that keeps what it is sent and answers each with its number."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.got: list[bytes] = []
        self.saw_an_end = Event()


class Handler(BaseHTTPRequestHandler):
    """Answers POST on a connection that stays open."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        """Keep the body, whole or not."""
        length = int(self.headers["content-length"])
        try:
            body = self.rfile.read(length)
        except OSError:
            body = b""
        if len(body) < length:
            self.server.saw_an_end.set()
            self.close_connection = True
            return
        self.server.got.append(body)
        answer = str(len(self.server.got)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's signature
        """Keep quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve on loopback."""
    with Server() as running:
        thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """Stand before the server."""
    with Proxy(server.server_port) as running:
        yield running


def say(proxy: Proxy, *bodies: bytes, timeout_seconds: float = 20) -> list[tuple[int, bytes]]:
    """Send requests over one connection; gives the answers as far as they came."""
    answers: list[tuple[int, bytes]] = []
    connection = HTTPConnection("127.0.0.1", proxy.port, timeout=timeout_seconds)
    try:
        for body in bodies:
            connection.request("POST", "/", body)
            response = connection.getresponse()
            answers.append((response.status, response.read()))
    finally:
        connection.close()
    return answers


def test_what_is_not_spoiled_passes_and_is_counted(proxy: Proxy, server: Server) -> None:
    """Requests over one connection and over several each count once, however large they are."""
    large = bytes(5_000_000)
    assert say(proxy, b"one", large) == [(200, b"1"), (200, b"2")]
    assert say(proxy, b"three") == [(200, b"3")]
    assert (proxy.exchanges, server.got) == (3, [b"one", large, b"three"])


@pytest.mark.parametrize(
    ("cut", "delivered"),
    [(Cut.BEFORE, False), (Cut.IN_REQUEST, False), (Cut.IN_ANSWER, True), (Cut.AFTER, True)],
)
def test_cut_falls_where_it_is_told(proxy: Proxy, server: Server, cut: Cut, *, delivered: bool) -> None:
    """The second exchange breaks off for its client; the server has got it only where the cut comes later."""
    proxy.fate = only(2, cut)
    with pytest.raises(BROKEN):
        say_and_read_whole(proxy, b"one", b"two", b"three")
    assert say(proxy, b"four") == [(200, b"3" if delivered else b"2")]
    assert server.got == [b"one", *([b"two"] if delivered else []), b"four"]


def say_and_read_whole(proxy: Proxy, *bodies: bytes) -> None:
    """Send requests over one connection; OSError where an answer is missing or not whole."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as connection:
        for body in bodies:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            answer = b""
            while not answer.endswith((b"\r\n\r\n1", b"\r\n\r\n2", b"\r\n\r\n3")):
                chunk = connection.recv(65536)
                if not chunk:
                    raise ConnectionError(answer)
                answer += chunk


def test_request_without_its_end_reaches_the_server(proxy: Proxy, server: Server) -> None:
    """A request that is cut in the middle arrives in part, and its end is seen."""
    proxy.fate = always(Cut.IN_REQUEST)
    with pytest.raises(BROKEN):
        say(proxy, b"one")
    assert server.saw_an_end.wait(20)
    assert server.got == []


@pytest.mark.parametrize(("is_delivered", "got"), [(False, [b"two"]), (True, [b"one", b"two"])])
def test_status_in_the_servers_place(proxy: Proxy, server: Server, *, is_delivered: bool, got: list[bytes]) -> None:
    """An error comes from the proxy, whether or not the server got the request."""
    proxy.fate = until(1, Say(503, is_delivered=is_delivered))
    assert say(proxy, b"one") == [(503, b"<html><h1>503</h1></html>")]
    assert say(proxy, b"two")[0][0] == 200
    assert server.got == got


def test_late_and_silent_answers(proxy: Proxy, server: Server) -> None:
    """A late answer comes whole, a swallowed one does not, nor does the server hear of it."""
    proxy.fate = since(2, Silence())
    with pytest.raises(TimeoutError):
        say(proxy, b"one", b"two", timeout_seconds=0.5)
    proxy.count(always(Late(0.3)))
    with pytest.raises(TimeoutError):
        say(proxy, b"three", timeout_seconds=0.1)
    assert say(proxy, b"four") == [(200, b"3")]
    assert server.got == [b"one", b"three", b"four"]


def test_refused_connections_come_back_on_the_same_port(proxy: Proxy) -> None:
    """While the proxy refuses, open connections end and new ones are refused; healed, it listens where it did."""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as idle:
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            idle.recv(1)
    with pytest.raises(ConnectionRefusedError):
        say(proxy, b"one")
    proxy.heal()
    assert say(proxy, b"two") == [(200, b"1")]


@pytest.mark.parametrize("fate", [None, Cut.AFTER])
def test_server_that_is_away(proxy: Proxy, server: Server, fate: Fate) -> None:
    """Where nothing listens behind the proxy, its clients are cut off."""
    server.socket.close()
    proxy.fate = always(fate)
    with pytest.raises(ConnectionError):
        say(proxy, b"one")
