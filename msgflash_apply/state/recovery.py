"""
Outcomes that the storage refused: written to a file elsewhere, and brought in once the storage is back.

A recovery file is a journal: the head of the run, then outcomes.
"""

import time
from collections.abc import Callable, Iterable
from datetime import datetime

from msgflash_apply.errors import StateConflict, StateDamaged, StateError
from msgflash_apply.state.backends.base import Backend, Holder
from msgflash_apply.state.journal import (
    Created,
    Entry,
    NotCreated,
    Opened,
    Outcome,
    decode_journal,
    encode_entries,
)
from msgflash_apply.state.ledger import Ledger, open_ledger
from msgflash_apply.state.replay import Slot


def recovery_lines(head: Opened, entries: Iterable[Entry]) -> bytes:
    """
    Write a recovery file.

    Args:
        head: `Ledger.head` of the run.
        entries: what the storage refused. Only outcomes are kept: an intent that was not durable was not sent.
    """
    return encode_entries([head, *(entry for entry in entries if isinstance(entry, Outcome))], first=0)


def recover(
    backend: Backend,
    data: bytes,
    *,
    where: str,
    environment: str,
    holder: Holder,
    lock_timeout_seconds: float,
    now: Callable[[], datetime],
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Outcome, ...]:
    """
    Bring a recovery file into the state. What the state knows already is left out, so doing it twice does no harm.

    Args:
        backend: where the state is.
        data: the recovery file.
        where: its place, for messages.
        environment: whose state it must be.
        holder: see `open_ledger`, as for the other arguments.
        lock_timeout_seconds: see there.
        now: see there.
        sleep: see there.

    Returns:
        The outcomes that were new to the state.

    Raises:
        StateDamaged: the file is no whole recovery file.
        StateError: it belongs to another state.
        StateConflict: the state has no place for a campaign that was created; names it and what to do.
        StateLocked, StateMissing, BackendError: as for `open_ledger`.
    """
    head, outcomes = _read(data, where)
    with open_ledger(
        backend,
        environment=environment,
        holder=holder,
        lock_timeout_seconds=lock_timeout_seconds,
        now=now,
        sleep=sleep,
    ) as ledger:
        _check_lineage(head, ledger.head, where)
        return tuple(outcome for outcome in outcomes if _bring_in(ledger, outcome))


def _read(data: bytes, where: str) -> tuple[Opened, list[Outcome]]:
    match decode_journal(data, where=where):
        case (Opened() as head, *entries):
            return head, [entry for entry in entries if isinstance(entry, Outcome)]
        case _:
            raise StateDamaged("The recovery file is damaged.", f"{where}: it holds no whole line.")


def _check_lineage(head: Opened, own: Opened, where: str) -> None:
    if head.lineage != own.lineage:
        raise StateError(
            "The recovery file belongs to another state.",
            f"{where}: it is of lineage {head.lineage}, environment {head.environment!r}; "
            f"this state is of lineage {own.lineage}, environment {own.environment!r}.",
        )


def _bring_in(ledger: Ledger, outcome: Outcome) -> bool:
    """Append an outcome unless the state knows it; says whether it was appended."""
    slot = ledger.slot(outcome.address)
    if isinstance(outcome, Created):
        is_new = not _knows(slot, outcome.id)
        if is_new and not _awaits(slot, outcome):
            raise _no_place(outcome)
    elif isinstance(outcome, NotCreated):
        is_new = _awaits(slot, outcome)
    else:
        is_new = slot.record is not None and slot.record.read_at < outcome.at
    if is_new:
        ledger.append(outcome)
    return is_new


def _knows(slot: Slot, campaign_id: str) -> bool:
    records = (*slot.history, *([slot.record] if slot.record else []))
    return any(campaign_id in (record.id, *record.former_ids) for record in records)


def _awaits(slot: Slot, outcome: Created | NotCreated) -> bool:
    """Whether the create in doubt is the one that this outcome is about, and not a later one."""
    return slot.intent is not None and slot.intent.announced_at <= outcome.at


def _no_place(outcome: Created) -> StateConflict:
    return StateConflict(
        "A campaign was created, and the state does not await it.",
        f"{outcome.address}: campaign {outcome.id} was created at {outcome.at:%Y-%m-%d %H:%M:%S %Z}, "
        "but its address is not in doubt any more.",
        f"Look at the campaign on MsgFlash, and adopt it:\n    msgflash-apply import '{outcome.address}' {outcome.id}",
    )
