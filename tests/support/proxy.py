"""
A way to a server that goes wrong on cue: a TCP proxy on loopback that counts exchanges and spoils what it is told to.

An exchange begins with the first bytes that a client sends on a new connection, or after the server has answered: an
HTTP request and its answer, or a turn of PostgreSQL's protocol. So a test runs once to learn how many there are, and
then once for each of them, with `proxy.fate = only(n, Cut.AFTER)`.
"""

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from contextlib import suppress
from threading import Thread
from types import TracebackType
from typing import Self

from tests.support.fates import Cut, Fate, Fates, Late, Say, Silence, always
from tests.support.stores.program import hold_ports, port_of

RESET = struct.pack("ii", 1, 0)


class Proxy:
    """
    A proxy in a thread of its own, for the time of a `with` block.

    Args:
        server_port: where the server listens on loopback; it may be away for a while.

    Attributes:
        port: where the proxy listens.
        fate: set it at any time; an exchange has the fate that it began with.
        exchanges: how many began since `count`.
        sent_bytes: what clients have sent since `count`, headers and handshakes included.
        received_bytes: what they got back since.
    """

    def __init__(self, server_port: int) -> None:
        self.fate: Fates = always(None)
        self.exchanges = 0
        self.sent_bytes = 0
        self.received_bytes = 0
        self._server_port = server_port
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="proxy")
        (self._held,) = hold_ports(1)
        self.port = port_of(self._held)
        self._listener: socket.socket | None = None
        self._opening: set[asyncio.Task[object]] = set()
        self._connections: set[_Connection] = set()

    def count(self, fate: Fates | None = None) -> None:
        """Count from 1 again, from now on with these fates."""
        self.fate = fate or always(None)
        self.exchanges = self.sent_bytes = self.received_bytes = 0

    def refuse(self) -> None:
        """Let nobody in, as if nothing listened here, and cut every connection."""
        self._do(self._close())

    def heal(self) -> None:
        """Let everybody in again, and spoil nothing any more."""
        self.count()
        self._do(self._listen())

    def next_fate(self) -> Fate:
        """Count an exchange that begins."""
        self.exchanges += 1
        return self.fate(self.exchanges)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._listen())
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self._held.close()

    def _do(self, step: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(step, self._loop).result()

    async def _listen(self) -> None:
        if self._listener is None:
            self._listener = socket.create_server(("127.0.0.1", self.port))
            self._listener.setblocking(False)
            self._loop.add_reader(self._listener, self._accept, self._listener)

    async def _close(self) -> None:
        """Close the door first, then everything that came through it; asyncio's own servers may forget a late one."""
        if self._listener is not None:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            self._listener = None
        await asyncio.gather(*self._opening)
        for connection in tuple(self._connections):
            connection.cut(reset=True)
        await asyncio.gather(*(connection.has_ended for connection in self._connections))

    def _accept(self, listener: socket.socket) -> None:
        with suppress(BlockingIOError):
            peer, _ = listener.accept()
            peer.setblocking(False)
            opening: asyncio.Task[object] = self._loop.create_task(self._open(peer))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    async def _open(self, peer: socket.socket) -> None:
        connection = _Connection(self, self._server_port)
        self._connections.add(connection)
        connection.has_ended.add_done_callback(lambda _future: self._connections.discard(connection))
        await self._loop.connect_accepted_socket(lambda: connection.client, peer)


class _Side(asyncio.Protocol):
    """One end of a connection: gives what arrives to `take`, and says when it is made and lost."""

    def __init__(self, take: Callable[[bytes], None], made: Callable[[], None], lost: Callable[[], None]) -> None:
        self.transport: asyncio.Transport | None = None
        self._take, self._made, self._lost = take, made, lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._made()

    def data_received(self, data: bytes) -> None:
        self._take(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._lost()

    def write(self, data: bytes) -> None:
        """Send what there is; nothing once it is closed."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def cut(self, *, reset: bool) -> None:
        """Close at once with a reset, or after what was sent already."""
        if self.transport is None:
            return
        if reset and not self.transport.is_closing():
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        if reset:
            self.transport.abort()
        else:
            self.transport.close()


class _Connection:
    """One client, and the connection to the server that is made for it."""

    def __init__(self, proxy: Proxy, server_port: int) -> None:
        loop = asyncio.get_running_loop()
        self.has_ended: asyncio.Future[None] = loop.create_future()
        self.client = _Side(self._take_request, self._connect, self._end)
        self._server = _Side(self._take_answer, lambda: None, self._end)
        self._proxy, self._server_port = proxy, server_port
        self._connecting: asyncio.Task[None] | None = None
        self._is_answered = True
        self._fate: Fate = None
        self._request = b""

    def cut(self, *, reset: bool) -> None:
        """End both sides."""
        self.client.cut(reset=reset)
        self._server.cut(reset=reset)

    def _connect(self) -> None:
        """Read nothing from the client before there is a server to give it to."""
        assert self.client.transport is not None
        self.client.transport.pause_reading()
        self._connecting = asyncio.ensure_future(self._reach_the_server(self.client.transport))

    async def _reach_the_server(self, client: asyncio.Transport) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self._server, "127.0.0.1", self._server_port)
        except OSError:
            self.client.cut(reset=True)
            return
        if client.is_closing():
            self._server.cut(reset=True)
        else:
            client.resume_reading()

    def _end(self) -> None:
        """When one side is lost, the other is of no use; when both are, the connection has ended."""
        self.cut(reset=False)
        transports = (self.client.transport, self._server.transport)
        if all(transport is None or transport.is_closing() for transport in transports) and not self.has_ended.done():
            self.has_ended.set_result(None)

    def _take_request(self, chunk: bytes) -> None:
        self._proxy.sent_bytes += len(chunk)
        if self._is_answered:
            self._is_answered, self._request = False, b""
            self._fate = self._proxy.next_fate()
        match self._fate:
            case Cut.BEFORE:
                self.cut(reset=True)
            case Cut.IN_REQUEST:
                self._server.write(chunk[:-1])
                self._server.cut(reset=False)
                self.client.cut(reset=True)
            case Say(status, is_delivered=False):
                self._request += chunk
                if _is_whole(self._request):
                    self._say(status)
            case Silence():
                pass
            case _:
                self._server.write(chunk)

    def _take_answer(self, chunk: bytes) -> None:
        self._proxy.received_bytes += len(chunk)
        is_first, self._is_answered = not self._is_answered, True
        match self._fate:
            case Cut.IN_ANSWER:
                self.client.write(chunk[:-1])
                self.cut(reset=False)
            case Cut.AFTER:
                self.cut(reset=False)
            case Say(status):
                self._say(status)
            case Silence():
                pass
            case Late(seconds) if is_first:
                self._hold_back(chunk, seconds)
            case _:
                self.client.write(chunk)

    def _hold_back(self, chunk: bytes, seconds: float) -> None:
        """Let what follows wait behind it, so that nothing overtakes it."""
        server = self._server.transport
        assert server is not None

        def go_on() -> None:
            self.client.write(chunk)
            server.resume_reading()

        server.pause_reading()
        asyncio.get_running_loop().call_later(seconds, go_on)

    def _say(self, status: int) -> None:
        page = f"<html><h1>{status}</h1></html>"
        head = f"HTTP/1.1 {status} No\r\nContent-Type: text/html\r\nContent-Length: {len(page)}\r\nConnection: close"
        self.client.write(f"{head}\r\n\r\n{page}".encode())
        self.cut(reset=False)


def _is_whole(request: bytes) -> bool:
    """Whether an HTTP request of a known length has arrived."""
    head, end, body = request.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b":", 1) for line in head.split(b"\r\n")[1:])
    return bool(end) and len(body) >= int(fields.get(b"content-length", b"0"))
