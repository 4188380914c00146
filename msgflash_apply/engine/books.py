"""Writing the journal during an apply, and what happens when it can not be written any more."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from msgflash_apply.campaign import Address, Record
from msgflash_apply.engine.plan import Action, Change, Plan
from msgflash_apply.engine.stop import Stop
from msgflash_apply.engine.writer import Writer, Written, settled
from msgflash_apply.errors import BackendError
from msgflash_apply.state.journal import Described, Entry, Forgotten, Moved, Observed, Restored
from msgflash_apply.state.snapshot import Snapshot

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
