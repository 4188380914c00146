"""
Group commit: the journal's writer during an apply.

A storage takes a millisecond or a second for an append, and as long for one entry as for many. So entries queue here,
and whatever has queued by the time the storage is free goes to it in one append, in a thread of its own: requests leave
and answers come meanwhile.
"""

import asyncio
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeAlias

from msgflash_apply.state.journal import Entry
from msgflash_apply.state.ledger import Ledger

MOST_TOGETHER: Final = 1000
"""Writes in one append: a plan that moves all its campaigns must not become one endless request."""

Written: TypeAlias = "asyncio.Future[None]"
"""Done once the entries are durable; or fails as `Ledger.append` failed."""


class Writer:
    """
    The one owner of a ledger while the block of this object lasts.

    Inside the block nobody else touches the ledger unless nothing is queued. Leaving the block waits until everything
    that was queued is settled, however often the run is cancelled meanwhile: an append that still goes on must not meet
    an unlocked state. How long that takes is bounded by the storage's own timeouts.

    Args:
        ledger: open. What its storage refuses it keeps (`Ledger.unsaved`).
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._queue: list[tuple[tuple[Entry, ...], Written]] = []
        self._writing: asyncio.Task[None] | None = None
        self._hurried = asyncio.Event()
        self._next_at = 0.0

    def queue(self, *entries: Entry) -> Written:
        """
        Line up entries, to be made durable together and in this order, behind all that was queued before.

        Returns:
            What to wait for, with `settled`. Cancelling a waiter takes nothing back.
        """
        written = asyncio.get_running_loop().create_future()
        self._queue.append((entries, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return written

    def hurry(self) -> None:
        """Gather no more from now on: whoever waits wants to end."""
        self._hurried.set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.hurry()
        cancelled: asyncio.CancelledError | None = None
        while self._writing is not None and not self._writing.done():
            try:
                await asyncio.wait({self._writing})
            except asyncio.CancelledError as err:
                cancelled = err
        if cancelled is not None:
            raise cancelled

    async def _write_all(self) -> None:
        while self._queue:
            await self._gather()
            group, self._queue = self._queue[:MOST_TOGETHER], self._queue[MOST_TOGETHER:]
            loop = asyncio.get_running_loop()
            self._next_at = loop.time() + self._ledger.appends.every_seconds
            entries = [entry for queued, _ in group for entry in queued]
            appending = loop.run_in_executor(None, partial(self._ledger.append, *entries))
            await asyncio.wait({appending})
            error = appending.exception()
            for _, written in group:
                _settle(written, error)

    async def _gather(self) -> None:
        """Let everything that is ready now queue first; then let entries gather as long as the storage wants."""
        await asyncio.sleep(0)
        wait_seconds = self._next_at - asyncio.get_running_loop().time()
        if wait_seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurried.wait(), wait_seconds)


async def settled(written: Written) -> None:
    """Wait until queued entries are durable; raises what `Ledger.append` raised. May be asked again after a cancel."""
    await asyncio.wait({written})
    written.result()


def _settle(written: Written, error: BaseException | None) -> None:
    if error is None:
        written.set_result(None)
    else:
        written.set_exception(error)
        written.exception()  # Looked at: a waiter that was cancelled meanwhile never asks, and nobody is to be told.
