"""
The socket side, by aiohttp: listening, one handler for everything, and the ways a connection can break.

The only module that imports aiohttp; `server.py` imports it when a server starts. Faults act on the transport itself,
so a client sees a real broken connection and not a description of one.
"""

import asyncio
import json
import socket
import struct
from dataclasses import replace
from random import Random
from time import monotonic
from typing import Final

from aiohttp import web

from msgflash_apply.sandbox.control import CONTROL_PREFIX, control
from msgflash_apply.sandbox.exchange import JsonObject, Request
from msgflash_apply.sandbox.faults import Fault, Kind
from msgflash_apply.sandbox.service import Reply, Service

_CUT_AT_ONCE = struct.pack("ii", 1, 0)


_PAGE = "<!doctype html><title>Sorry</title><h1>Something is in between</h1>"


class Connection:
    """Answers requests from a service; stalls end when `stopping` is set."""

    def __init__(self, service: Service, stopping: asyncio.Event) -> None:
        self._service = service
        self._stopping = stopping
        self._dice = Random(0)  # noqa: S311 - repeatable on purpose

    async def handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or break its connection as a fault says."""
        arrived_at, head = monotonic(), _read_head(incoming)
        if head.path.startswith(CONTROL_PREFIX):
            return _json_response(control(self._service, await _read_body(incoming, head)))
        fault = self._service.take_fault(head)
        if fault is not None and fault.kind is Kind.REFUSE:
            self._service.note(head, arrived_at, 0)
            return _reset(incoming)
        try:
            request = await _read_body(incoming, head)
        except ConnectionResetError:
            # The client died in the middle of its request: nobody is there to be answered, and nothing is to be done.
            self._service.note(head, arrived_at, 0)
            return web.Response()
        reply = await self._work(request, fault)
        response = _json_response(reply) if fault is None else _altered(fault, reply)
        self._service.note(request, arrived_at, 0 if response is None else response.status)
        options = self._service.options
        await asyncio.sleep(options.latency_seconds + self._dice.random() * options.jitter_seconds)
        if fault is None or response is not None:
            return response or web.Response()
        return await self._break(incoming, fault, reply)

    async def _work(self, request: Request, fault: Fault | None) -> Reply:
        """Carry the request out, late where that is the fault; a stand-in where it is not to be carried out."""
        if fault is None:
            return self._service.answer(request)
        if not fault.kind.does_the_work:
            return Reply(fault.status, fault.error_document())
        await asyncio.sleep(fault.seconds)
        return self._service.answer(request)

    async def _break(self, incoming: web.BaseRequest, fault: Fault, reply: Reply) -> web.StreamResponse:
        match fault.kind:
            case Kind.STALL | Kind.STALL_AFTER:
                await self._stopping.wait()
                return _close(incoming)
            case Kind.RESET_BEFORE | Kind.RESET_AFTER:
                return _reset(incoming)
            case Kind.HALF:
                return _send_half(incoming, reply)
            case _:
                return _close(incoming)


def _altered(fault: Fault, reply: Reply) -> web.Response | None:
    """Build the answer of the kinds that send a whole one; None for those that break off."""
    match fault.kind:
        case Kind.DELAY:
            return _json_response(reply)
        case Kind.STATUS | Kind.STATUS_AFTER:
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return _json_response(Reply(fault.status, fault.error_document(), headers))
        case Kind.HTML | Kind.HTML_AFTER:
            return web.Response(status=fault.status or 200, text=_PAGE, content_type="text/html")
        case Kind.NO_ID:
            return _json_response(Reply(reply.status, _without_id(reply.document), reply.headers))
        case Kind.EMPTY:
            return web.Response(status=reply.status)
        case _:
            return None


def _without_id(document: JsonObject) -> JsonObject:
    data = document.get("data")
    return {"data": {k: v for k, v in data.items() if k != "id"}} if isinstance(data, dict) else document


def _read_head(incoming: web.BaseRequest) -> Request:
    headers = {name.lower(): value for name, value in incoming.headers.items()}
    query = dict(reversed(list(incoming.query.items())))
    return Request(incoming.method, incoming.path, headers, query)


async def _read_body(incoming: web.BaseRequest, head: Request) -> Request:
    return replace(head, body=await incoming.read())


def _json_response(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status, headers=reply.headers, text=json.dumps(reply.document), content_type="application/json"
    )


def _send_half(incoming: web.BaseRequest, reply: Reply) -> web.Response:
    """Promise the whole body and send half of it."""
    body = json.dumps(reply.document).encode()
    head = f"HTTP/1.1 {reply.status} OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    if incoming.transport is not None:
        incoming.transport.write(head.encode() + body[: len(body) // 2])
    return _close(incoming)


def _close(incoming: web.BaseRequest) -> web.Response:
    """End the connection in good order (FIN); aiohttp finds it closed and sends nothing."""
    if incoming.transport is not None:
        incoming.transport.close()
    return web.Response()


def _reset(incoming: web.BaseRequest) -> web.Response:
    """Cut the connection with a TCP reset."""
    if incoming.transport is not None:
        raw = incoming.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _CUT_AT_ONCE)
        incoming.transport.abort()
    return web.Response()


_GRACE_SECONDS: Final = 0.05
"""For answers that are being written when connections are cut; 0 would mean without limit to aiohttp."""


class Listener:
    """
    Listens on the service's host; everything but `url` belongs to the event loop it was made in.

    `port` stays the same once it is known, so that closing and opening again meets the same clients.
    """

    def __init__(self, service: Service) -> None:
        self._stopping = asyncio.Event()
        self._web = web.Server(Connection(service, self._stopping).handle, access_log=None)
        self._host = "127.0.0.1" if service.options.host == "localhost" else service.options.host
        self._server: asyncio.Server | None = None
        self._port = service.options.port

    @property
    def url(self) -> str:
        """Where clients go, without a slash at the end."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def open(self) -> None:
        """Listen; OSError where the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._web, self._host, self._port, reuse_address=True)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and cut every connection: from here on the system refuses to connect."""
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._web.shutdown(timeout=_GRACE_SECONDS)

    async def until_stopped(self) -> None:
        """Wait for `stop`, then close; stalled requests end with it."""
        await self._stopping.wait()
        await self.close()

    def stop(self) -> None:
        """Let `until_stopped` go on."""
        self._stopping.set()
