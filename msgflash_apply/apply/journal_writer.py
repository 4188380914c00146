"""
The only writer of the journal during an apply: an entry is durable, or the run stops.

A storage takes a millisecond or a second for an append, and as long for one entry as for many. So entries queue here,
and whatever has queued by the time the storage is free goes to it in one append, in a thread of its own: requests leave
and answers come meanwhile.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Self, TypeAlias

from msgflash_apply.apply.stop import Stop
from msgflash_apply.errors import BackendError, MsgflashApplyError
from msgflash_apply.state.journal import Entry
from msgflash_apply.state.ledger import Ledger

MOST_TOGETHER: Final = 1000
"""Writes in one append: a plan that moves all its campaigns must not become one endless request."""

LAST_SECONDS: Final = 1.0
"""For the storage, once the run is given up."""

Written: TypeAlias = "asyncio.Future[None]"
"""Done once the entries are durable; or fails as `Ledger.append` failed."""


class JournalWriter:
    """
    The one owner of a ledger while the block of this object lasts.

    Inside the block only this object uses the ledger, unless nothing is queued. Leaving the block waits until
    everything that was queued is settled, however often the run is cancelled meanwhile: an append that still goes on
    must not meet an unlocked state. How long that takes is bounded by the storage's own timeouts; where the run is
    given up, the storage has `LAST_SECONDS` for its answer. Without it the ledger is given up too.

    Args:
        ledger: open. What its storage refuses it keeps (`Ledger.unsaved`).
        stop: set once the storage refuses.
    """

    def __init__(self, ledger: Ledger, stop: Stop) -> None:
        self._ledger = ledger
        self._stop = stop
        self._queue: list[tuple[tuple[Entry, ...], Written]] = []
        self._writing: asyncio.Task[None] | None = None
        self._flushing = asyncio.Event()
        self._silence = asyncio.Event()
        self._thread: ThreadPoolExecutor | None = ThreadPoolExecutor(1, "msgflash-apply journal")
        self._watching = ExitStack()
        self._next_at = 0.0

    async def write(self, *entries: Entry) -> bool:
        """Append entries, all or none; False when the storage refused them, and then nothing new may start."""
        return await self.is_durable(self.queue(*entries))

    def queue(self, *entries: Entry) -> Written:
        """
        Queue entries, to be made durable together and in this order, after all that was queued before.

        Returns:
            What to wait for, with `is_durable`. Cancelling a waiter takes nothing back.
        """
        written = asyncio.get_running_loop().create_future()
        self._queue.append((entries, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        return written

    async def is_durable(self, written: Written) -> bool:
        """
        Wait for entries that were queued. May be called again after a cancel.

        Where the run is given up, the storage still has its time, so that what is known is reported.

        Returns:
            False when the storage refused them: the run is stopped then.

        Raises:
            StateDamaged: an entry does not fit the state; see `Ledger.append`.
        """
        try:
            await asyncio.wait({written})
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not self._stop.is_urgent or task is None:
                raise
            await asyncio.wait({written})
            task.cancel()  # what it waits for next is not the storage
        try:
            written.result()
        except BackendError as err:
            self._stop.set(f"{err.summary} {err.detail}".strip())
            return False
        return True

    def flush(self) -> None:
        """Stop batching: the run is ending."""
        self._flushing.set()

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._watching.enter_context(self._stop.at_once(partial(loop.call_later, LAST_SECONDS, self._silence.set)))
        return self

    async def __aexit__(
        self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None
    ) -> None:
        self.flush()
        cancelled: asyncio.CancelledError | None = None
        while self._writing is not None and not self._writing.done():
            try:
                await asyncio.wait({self._writing})
            except asyncio.CancelledError as err:
                cancelled = err
        self._watching.close()
        if self._thread is not None:
            self._thread.shutdown(wait=False)
        if cancelled is not None:
            raise cancelled

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            await asyncio.sleep(0)  # everything that is ready now queues first
            wait_seconds = self._next_at - loop.time()
            if wait_seconds > 0:  # as long as the storage wants entries to be batched
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._flushing.wait(), wait_seconds)
            batch, self._queue = self._queue[:MOST_TOGETHER], self._queue[MOST_TOGETHER:]
            self._next_at = loop.time() + self._ledger.appends.every_seconds
            entries = [entry for queued, _ in batch for entry in queued]
            error = await self._append(entries)
            for _, written in batch:
                if error is None:
                    written.set_result(None)
                else:
                    written.set_exception(error)
                    written.exception()  # Looked at: a waiter that was cancelled meanwhile never does.

    async def _append(self, entries: Sequence[Entry]) -> BaseException | None:
        """Append in the thread, and give how that failed; where there is no thread to be had, in this one."""
        append, silence = partial(self._ledger.append, *entries), self._silence
        if self._thread is not None and not silence.is_set():
            try:
                appending: asyncio.Future[None] = asyncio.get_running_loop().run_in_executor(self._thread, append)
            except RuntimeError:  # it begins with the first append, so before anything is sent
                self._thread = None
            else:
                silent = asyncio.create_task(silence.wait())
                both: set[asyncio.Future[Any]] = {appending, silent}
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                silent.cancel()
                return appending.exception() if appending.done() else self._ledger.give_up(entries)
        try:
            append()
        except MsgflashApplyError as err:
            return err
        return None
