"""
A client that is made with its first request.

The libraries behind a client take longer to load than most plans take to be made, and many plans send no request.
"""

from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeAlias

if TYPE_CHECKING:  # this is the module that loads it late
    from collections.abc import Callable

    from msgflash_apply.api.client import Client

Connection: TypeAlias = "Client | ClientWhenNeeded"
"""A way to MsgFlash, open or not yet; `client_behind` opens it."""


class RequestNeeded(Exception):
    """A request is due on a connection that was not entered."""


class ClientWhenNeeded:
    """
    Stands for a client; `async with` lets it make one, and closes it at the end.

    Args:
        make: makes the client, not entered yet.
    """

    def __init__(self, make: "Callable[[], Client]") -> None:
        self._make = make
        self._client: Client | None = None
        self._is_entered = False

    async def __aenter__(self) -> Self:
        self._is_entered = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.__aexit__(kind, error, trace)

    @property
    def requests_sent(self) -> int:
        """How many requests were sent so far."""
        return 0 if self._client is None else self._client.requests_sent

    async def opened(self) -> "Client":
        """Give the client, the same each time; RequestNeeded where there may be none yet."""
        if not self._is_entered:
            raise RequestNeeded
        if self._client is None:
            self._client = await self._make().__aenter__()
        return self._client


async def client_behind(connection: Connection) -> "Client":
    """Open a connection, if it is not."""
    return await connection.opened() if isinstance(connection, ClientWhenNeeded) else connection
