"""
Group commit: the journal's writer during an apply.

A storage takes a millisecond or a second for an append, and as long for one entry as for many. So entries queue here,
and whatever has queued by the time the storage is free goes to it in one append, in a thread of its own: requests leave
and answers come meanwhile.

Writing the journal during an apply, and what happens when it cannot be written any more.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Final, Self, TypeAlias

from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Address, Record
from msgflash_apply.errors import BackendError
from msgflash_apply.plan.plan import Action, Change, Plan
from msgflash_apply.state.journal import Described, Entry, Forgotten, Moved, Observed, Restored
from msgflash_apply.state.ledger import Ledger
from msgflash_apply.state.snapshot import Snapshot

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


BACK_WITHOUT_RESUME = frozenset({Action.NO_OP, Action.MOVE, Action.PAUSE})

DESCRIBED = BACK_WITHOUT_RESUME | {Action.RESUME}
"""What keeps the campaign that was sent; a create or replace brings its own description."""


class Books:
    """
    The journal as an apply sees it: an entry is durable, or the run stops.

    The ledger keeps the outcomes that its storage refused (`Ledger.unsaved`); here they only end the run.

    Args:
        writer: of this run, its block entered.
        stop: set once the storage refuses.
    """

    def __init__(self, writer: Writer, stop: Stop) -> None:
        self._writer = writer
        self._stop = stop

    async def write(self, *entries: Entry) -> bool:
        """Append entries, all or none; False when the storage refused them, and then nothing new may start."""
        return await self.is_durable(self.queue(*entries))

    def queue(self, *entries: Entry) -> Written:
        """Line entries up behind those queued before, and go on; `is_durable` waits for them."""
        return self._writer.queue(*entries)

    async def is_durable(self, written: Written) -> bool:
        """Wait for what was queued; False and the end of the run as with `write`. May be asked again."""
        try:
            await settled(written)
        except BackendError as err:
            self._stop.set(f"{err.summary} {err.detail}".strip())
            return False
        return True

    def hurry(self) -> None:
        """Write without gathering from now on: the run was cancelled."""
        self._writer.hurry()


async def keep_books(plan: Plan, before: Snapshot, books: Books, now: Callable[[], datetime]) -> frozenset[Address]:
    """
    Write down what needs no request: moves, forgotten ones, statuses that were read, descriptions that changed.

    Comes first, so that everything after it finds each record at its own address. A blocked campaign moves as well:
    its address must be free for the one that takes its place.

    Args:
        plan: of this run.
        before: the state as it was when the run began.
        books: nothing is queued in them yet.
        now: the clock.

    Returns:
        The addresses of which all this is durable.
    """
    queued = {}
    for change in _in_order_of_moves(plan.changes):
        if entries := tuple(_entries(change, _record(before, change), now())):
            queued[change.address] = books.queue(*entries)
    refused = {address for address, written in queued.items() if not await books.is_durable(written)}
    return frozenset(change.address for change in plan.changes if change.address not in refused)


def retired_in(before: Snapshot, plan: Plan) -> frozenset[Address]:
    """Give the addresses of a plan at which a retired record stands, or stood before it moved there."""
    records = {change.address: _record(before, change) for change in plan.changes}
    return frozenset(address for address, record in records.items() if record is not None and record.retired)


def _record(before: Snapshot, change: Change) -> Record | None:
    return before.campaigns.get(change.previous_address or change.address)


def _in_order_of_moves(changes: Sequence[Change]) -> Iterator[Change]:
    """Whoever leaves an address comes before whoever takes it; such chains are never closed (see `claim`)."""
    leaving = {change.previous_address: change for change in changes if change.previous_address is not None}
    told: set[Address] = set()
    for change in changes:
        chain: list[Change] = []
        following: Change | None = change
        while following is not None and following.address not in told:
            told.add(following.address)
            chain.append(following)
            following = leaving.get(following.address)
        yield from reversed(chain)


def _entries(change: Change, record: Record | None, now: datetime) -> Iterator[Entry]:
    if change.previous_address is not None:
        yield Moved(change.previous_address, change.address)
    if record is not None and change.action is not Action.BLOCKED:
        yield from _renewed(change, record, now)
    if change.action is Action.FORGET:
        yield Forgotten(change.address, now)


def _renewed(change: Change, record: Record, now: datetime) -> Iterator[Entry]:
    status = change.status or record.status
    if status != record.status:
        yield Observed(change.address, status, now)
    if record.retired and change.source is not None and change.action in BACK_WITHOUT_RESUME:
        yield Restored(change.address, now, status)
    described = describe(change, record) if change.action in DESCRIBED else None
    if described is not None:
        yield described


def describe(change: Change, record: Record) -> Described | None:
    """
    Renew what the record keeps of the file (path, names, labels, zone, `on_remove`); None when all is the same.

    Another line alone is no reason for an entry.
    """
    if change.source is None:
        return None
    facts = replace(
        record.facts,
        names=dict(change.names),
        file=change.source.file,
        timezone=change.timezone,
        on_remove=change.on_remove,
        labels=dict(change.labels),
        line=change.source.line,
    )
    is_same = replace(facts, line=record.facts.line) == record.facts
    return None if is_same else Described(change.address, facts)
