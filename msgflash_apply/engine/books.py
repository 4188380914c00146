"""Writing the journal during an apply, and what happens when it can not be written any more."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from msgflash_apply.campaign import Address, Record
from msgflash_apply.engine.plan import Action, Change, Plan
from msgflash_apply.engine.stop import Stop
from msgflash_apply.errors import BackendError
from msgflash_apply.state.journal import Described, Entry, Forgotten, Moved, Observed, Restored
from msgflash_apply.state.ledger import Ledger


class Books:
    """
    The journal as an apply sees it: an entry is durable, or the run stops.

    The ledger keeps the outcomes that its storage refused (`Ledger.unsaved`); here they only end the run.
    """

    def __init__(self, ledger: Ledger, stop: Stop) -> None:
        self._ledger = ledger
        self._stop = stop

    def write(self, *entries: Entry) -> bool:
        """Append entries; False when the storage refused them, and then nothing new may start."""
        try:
            self._ledger.append(*entries)
        except BackendError as err:
            self._stop.set(f"{err.summary} {err.detail}".strip())
            return False
        return True

    def is_retired(self, address: Address) -> bool:
        """Whether the record at an address is a retired one."""
        record = self._ledger.slot(address).record
        return record is not None and record.retired


def keep_books(plan: Plan, ledger: Ledger, books: Books, now: Callable[[], datetime]) -> None:
    """
    Write down what needs no request: moves, forgotten ones, statuses that were read, descriptions that changed.

    Comes first, so that everything after it finds each record at its own address.
    """
    snapshot = ledger.snapshot
    for change in plan.changes:
        if change.action is Action.BLOCKED:
            continue
        record = snapshot.campaigns.get(change.previous_address or change.address)
        if change.previous_address is not None:
            books.write(Moved(change.previous_address, change.address))
        if record is not None:
            _renew(change, record, books, now())
        if change.action is Action.FORGET:
            books.write(Forgotten(change.address, now()))


def _renew(change: Change, record: Record, books: Books, now: datetime) -> None:
    status = change.status or record.status
    if status != record.status:
        books.write(Observed(change.address, status, now))
    if change.action is Action.NO_OP and change.source is not None:
        if record.retired:
            books.write(Restored(change.address, now, status))
        described = describe(change, record)
        if described is not None:
            books.write(described)


def describe(change: Change, record: Record) -> Described | None:
    """Renew what the record keeps of the file (path, names, labels, zone, `on_remove`); None when all is the same."""
    facts = replace(
        record.facts,
        names=dict(change.names),
        file=change.source.file if change.source else record.facts.file,
        timezone=change.timezone,
        on_remove=change.on_remove,
        labels=dict(change.labels),
    )
    return None if facts == record.facts else Described(change.address, facts)
