"""Connections that MsgFlash closes while they are idle, over a real socket."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import httpx
import pytest

from msgflash_apply.api.access import Access
from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.apply.result import Outcome
from msgflash_apply.campaign import Desired
from msgflash_apply.sandbox.server import Sandbox
from tests.support.builders import a_desired, a_payload
from tests.support.runs import LATER, STILL, World


class Closing(ThreadingTCPServer):
    """
    A way to a sandbox that closes idle connections.

    Args:
        sandbox: behind it.
        idle_seconds: after so many a connection is closed: at once, or when the next request arrives.
        is_late: the latter.

    Attributes:
        lost: how many requests have left for a connection that was being closed.
    """

    daemon_threads = True

    def __init__(self, sandbox: Sandbox, idle_seconds: float, *, is_late: bool) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = ("127.0.0.1", int(sandbox.url.rpartition(":")[2]))
        self.idle_seconds = idle_seconds
        self.is_late = is_late
        self.lost = 0

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseRequestHandler):
    server: Closing
    request: socket.socket

    def handle(self) -> None:
        """Pass everything on, until the connection was idle for too long."""
        idle_since: float | None = None
        with socket.create_connection(self.server.upstream) as upstream, selectors.DefaultSelector() as ready:
            ready.register(self.request, selectors.EVENT_READ, (self.request, upstream))
            ready.register(upstream, selectors.EVENT_READ, (upstream, self.request))
            while True:
                wait_seconds = None if idle_since is None or self.server.is_late else self.server.idle_seconds
                events = ready.select(wait_seconds)
                for key, _ in events:
                    source: socket.socket = key.data[0]
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is upstream:
                        idle_since = time.monotonic()
                    elif idle_since is not None:
                        if time.monotonic() - idle_since > self.server.idle_seconds:
                            self.server.lost += 1
                            return
                        idle_since = None
                    key.data[1].sendall(data)
                if not events:
                    return


@contextmanager
def closing(sandbox: Sandbox, idle_seconds: float, *, is_late: bool) -> Iterator[Closing]:
    """Serve for the time of a block."""
    with Closing(sandbox, idle_seconds, is_late=is_late) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@dataclass
class ThroughIt(World):
    """A world whose requests go through such a server, some a second."""

    way: Closing | None = None
    rate: float = 0.0

    def client(self, transport: httpx.AsyncBaseTransport | None = None, *, timeout_seconds: float = 5.0) -> Client:
        """Connect to it."""
        made = super().client(transport, timeout_seconds=timeout_seconds)
        if self.way is not None:
            limiter = Limiter(self.rate, jitter=lambda: 0.0)
            made = Client(Access(self.way.url, self.sandbox.api_key), limiter, jitter=lambda: -1.0)
        return made


def campaign(number: int) -> Desired:
    """Build one that is to be paused, so that each takes two requests."""
    return a_desired(f"c{number}", payload=a_payload(name=f"c{number}", starts_at=LATER), paused=True)


@pytest.mark.parametrize(
    ("idle_seconds", "is_late", "rate"), [(0.35, True, 2.0), (0.02, False, 8.0)], ids=["as it leaves", "before"]
)
def test_no_create_leaves_on_a_connection_that_is_being_closed(
    tmp_path: Path, idle_seconds: float, rate: float, *, is_late: bool
) -> None:
    """Connections are not used again after they were idle for long, or were closed: nothing is in doubt."""
    with Sandbox(STILL) as sandbox, closing(sandbox, idle_seconds, is_late=is_late) as way:
        world = ThroughIt(sandbox, tmp_path, way=way, rate=rate)
        report = world.apply([campaign(number) for number in range(3)])

        assert {result.outcome for result in report.results} == {Outcome.DONE}
        assert world.snapshot().in_doubt == {}
        assert world.statuses() == {f"c{number}": "paused" for number in range(3)}
        assert way.lost == 0
