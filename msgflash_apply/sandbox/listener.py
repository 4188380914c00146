"""The life of the listening socket: open, closed for a while, closed for good. Loads aiohttp, as `connection.py`."""

import asyncio
from typing import Final

from aiohttp import web

from msgflash_apply.sandbox.connection import Connection
from msgflash_apply.sandbox.service import Service

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
