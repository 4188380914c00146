"""A way to a server of objects that looks at each request: it remembers it, and refuses what is not allowed."""

import http.client
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

REFUSAL = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
BETWEEN_HOPS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(frozen=True)
class Asked:
    """
    One request.

    Attributes:
        method: of HTTP.
        path: decoded, without the query.
        query: its parameters, of which the first values count.
        body: all of it.
    """

    method: str
    path: str
    query: dict[str, str]
    body: bytes


class Relay(ThreadingHTTPServer):
    """
    Stands before a server, for the time of a `with` block.

    Args:
        server_port: where that listens on loopback.
        allows: says whether a request goes on to it; else it is refused as S3 refuses.

    Attributes:
        seen: every request, refused ones included.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, server_port: int, allows: Callable[[Asked], bool] = lambda _asked: True) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream_port = server_port
        self.allows = allows
        self.seen: list[Asked] = []

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Relay
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Look, and pass on or refuse."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        asked = Asked(self.command, unquote(parts.path), query, body)
        self.server.seen.append(asked)
        if self.server.allows(asked):
            self._pass_on(body)
        else:
            self._answer(403, [("Content-Type", "application/xml")], REFUSAL)

    do_PUT = do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815 - the standard library's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's signature
        """Keep quiet."""

    def _pass_on(self, body: bytes) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream_port, timeout=30)
        try:
            upstream.request(self.command, self.path, body, dict(self.headers.items()))
            answer = upstream.getresponse()
            self._answer(answer.status, answer.getheaders(), answer.read())
        finally:
            upstream.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in BETWEEN_HOPS:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
