"""
The HTTP server, by aiohttp: listening, one handler for every request, and the ways a connection can break.

The only module that imports aiohttp; `server.py` imports it when a sandbox starts. Faults act on the transport itself,
so that a client sees a real broken connection and not a description of one.
"""

import asyncio
import json
import socket
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from time import monotonic
from typing import Final

from aiohttp import web

from msgflash_apply.sandbox.control import CONTROL_PREFIX, control
from msgflash_apply.sandbox.exchange import Request, Response
from msgflash_apply.sandbox.faults import Fault, Kind
from msgflash_apply.sandbox.service import Service

_GRACE_SECONDS: Final = 0.05
"""For answers that are being written when connections are cut; 0 would mean without limit to aiohttp."""

_NO_FAULT = Fault("*", "*", Kind.DELAY, seconds=0)
_LINGER_ZERO = struct.pack("ii", 1, 0)
_HTML_PAGE = "<!doctype html><title>Sorry</title><h1>Something is in between</h1>"


class Listener:
    """
    Listens on the service's host; everything but `url` belongs to the event loop it was made in.

    The port stays the same once it is known, so that closing and opening again meets the same clients.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._stopping = asyncio.Event()
        self._jitter = Random(0)  # noqa: S311 - repeatable on purpose
        self._web = web.Server(self._handle, access_log=None)
        self._host = "127.0.0.1" if service.options.host == "localhost" else service.options.host
        self._port = service.options.port
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The base URL, without a slash at the end."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._port}"

    async def open(self) -> None:
        """Listen; OSError if the port is taken."""
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

    async def _handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        """Answer one request, or break its connection as a fault says."""
        arrived_at = monotonic()
        headers = {name.lower(): value for name, value in incoming.headers.items()}
        query = dict(reversed(list(incoming.query.items())))
        request = Request(incoming.method, incoming.path, headers, query)
        if request.path.startswith(CONTROL_PREFIX):
            return _json_response(control(self._service, replace(request, body=await incoming.read())))
        fault = self._service.take_fault(request) or _NO_FAULT
        if fault.kind is Kind.REFUSE:
            self._service.record(request, arrived_at, 0)
            return _reset(incoming)
        try:
            request = replace(request, body=await incoming.read())
        except ConnectionResetError:
            # The client died in the middle of its request, so there is nothing to do and no one to answer.
            self._service.record(request, arrived_at, 0)
            return web.Response()
        if fault.kind.does_the_work:
            await asyncio.sleep(fault.seconds)
            response = self._service.answer(replace(request, body=fault.on_the_way(request.body)))
        else:
            response = Response(fault.status, fault.error_document())
        outgoing = _altered(fault, response)
        self._service.record(request, arrived_at, 0 if outgoing is None else outgoing.status)
        options = self._service.options
        if outgoing is not None and options.date_ahead_seconds:
            shown = datetime.now(UTC) + timedelta(seconds=options.date_ahead_seconds)
            outgoing.headers["Date"] = format_datetime(shown, usegmt=True)
        await asyncio.sleep(options.latency_seconds + self._jitter.random() * options.jitter_seconds)
        return await self._break(incoming, fault, response) if outgoing is None else outgoing

    async def _break(self, incoming: web.BaseRequest, fault: Fault, response: Response) -> web.Response:
        """End the connection without a whole answer; what is returned is never sent."""
        match fault.kind:
            case Kind.STALL | Kind.STALL_AFTER:
                await self._stopping.wait()
            case Kind.RESET_BEFORE | Kind.RESET_AFTER:
                return _reset(incoming)
            case Kind.HALF if incoming.transport is not None:
                # Promise the whole body and send half of it.
                body = json.dumps(response.document).encode()
                head = f"HTTP/1.1 {response.status} OK\r\nContent-Type: application/json\r\n"
                head += f"Content-Length: {len(body)}\r\n\r\n"
                incoming.transport.write(head.encode() + body[: len(body) // 2])
            case _:
                pass
        if incoming.transport is not None:
            incoming.transport.close()  # in good order (FIN); aiohttp finds it closed and sends nothing
        return web.Response()


def _altered(fault: Fault, response: Response) -> web.Response | None:
    """Build the answer of the faults that send a whole one; None for those that break off."""
    match fault.kind:
        case Kind.DELAY:
            return _json_response(response)
        case Kind.ALTER | Kind.MISREPORT | Kind.NORMALISE:
            data = fault.on_the_way_back(response.document.get("data"))
            document = {"data": data} if "data" in response.document else response.document
            return _json_response(replace(response, document=document))
        case Kind.STATUS | Kind.STATUS_AFTER:
            headers = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return _json_response(Response(fault.status, fault.error_document(), headers))
        case Kind.HTML | Kind.HTML_AFTER:
            return web.Response(status=fault.status or 200, text=_HTML_PAGE, content_type="text/html")
        case Kind.NO_ID:
            data = response.document.get("data")
            if isinstance(data, dict):
                response = replace(response, document={"data": {k: v for k, v in data.items() if k != "id"}})
            return _json_response(response)
        case Kind.EMPTY:
            return web.Response(status=response.status)
        case _:
            return None


def _json_response(response: Response) -> web.Response:
    document = json.dumps(response.document)
    return web.Response(
        status=response.status, headers=response.headers, text=document, content_type="application/json"
    )


def _reset(incoming: web.BaseRequest) -> web.Response:
    """Cut the connection with a TCP reset."""
    if incoming.transport is not None:
        raw = incoming.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_ZERO)
        incoming.transport.abort()
    return web.Response()
