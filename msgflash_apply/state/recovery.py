"""
What a run did whose storage failed: written to a file elsewhere, and brought in once the storage is back.

A recovery file is a journal: the head of the run, then the outcomes that the storage refused. Where the run's own
journal is gone, it holds all of the run, intents too: the state may come back from a backup that is older than it.
"""

from collections.abc import Iterable
from contextlib import suppress
from shlex import quote

from msgflash_apply.campaign import PAUSABLE, Address, Record
from msgflash_apply.errors import StateConflict, StateDamaged, StateError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.codec import decode_journal, encode_entries
from msgflash_apply.state.journal import Announced, Created, Entry, Intended, NotCreated, Opened, Outcome
from msgflash_apply.state.ledger import Ledger, open_ledger
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.replay import Slot


def recovery_lines(head: Opened, entries: Iterable[Entry]) -> bytes:
    """
    Write a recovery file.

    Args:
        head: `Ledger.head` of the run.
        entries: `Ledger.endangered`, in order.
    """
    return encode_entries([head, *entries], first=0)


def recover(backend: Backend, data: bytes, claim: Claim, *, where: str) -> tuple[Outcome, ...]:
    """
    Bring a recovery file into the state. What the state knows already is left out, so doing it twice does no harm.

    Args:
        backend: where the state is.
        data: the recovery file.
        claim: who brings it in.
        where: its place, for messages.

    Returns:
        The outcomes that were new to the state.

    Raises:
        StateDamaged: the file is no whole recovery file.
        StateError: it belongs to another state.
        StateConflict: the state has no place for a campaign that was created; names it and what to do.
        StateLocked, StateMissing, BackendError: as for `open_ledger`.
    """
    match decode_journal(data, where=where):
        case (Opened() as head, *entries):
            pass
        case _:
            raise StateDamaged("The recovery file is damaged.", f"{where}: it holds no whole line.")
    with open_ledger(backend, claim) as ledger:
        if head.lineage != ledger.head.lineage:
            raise StateError(
                "The recovery file belongs to another state.",
                f"{where}: it is of lineage {head.lineage}, environment {head.environment!r}; "
                f"this state is of lineage {ledger.head.lineage}, environment {ledger.head.environment!r}.",
            )
        if ledger.snapshot.serial <= head.serial:
            return _bring_in(ledger, entries, is_latest=True)  # older than the run: it lacks the intents too
        return _bring_in(ledger, [entry for entry in entries if isinstance(entry, Outcome)], is_latest=False)


def _bring_in(ledger: Ledger, entries: Iterable[Entry], *, is_latest: bool) -> tuple[Outcome, ...]:
    """
    Append what the state does not know.

    Args:
        ledger: of the state.
        entries: of the run.
        is_latest: no other run has committed since. Otherwise it may have paused what this one had resumed, while this
            one slept: which came last is not known, whatever the times of the answers say. So neither is the status,
            and the next plan reads it.

    Returns:
        The outcomes among it.
    """
    brought_in: list[Outcome] = []
    unexpected: list[Created] = []
    created: set[Address] = set()
    for entry in entries:
        if not isinstance(entry, Outcome):
            _bring_in_step(ledger, entry)
            continue
        slot = ledger.slot(entry.address)
        step: Entry = entry
        match entry:
            case Created():
                is_new = not _knows(slot, entry.id)
                if is_new and not _awaits(slot, entry):
                    unexpected.append(entry)
                    continue
                if is_new:
                    created.add(entry.address)  # so no other run has done anything to it
            case NotCreated():
                is_new = _awaits(slot, entry)
            case _:
                is_new = slot.record is not None and slot.record.read_at < entry.at
                if slot.record is not None and not is_latest and entry.address not in created:
                    is_new = is_new and slot.record.status != entry.status and not slot.record.is_unsettled
                    step = Announced(entry.address, "resume" if entry.status in PAUSABLE else "pause", entry.at)
        if is_new:
            ledger.append(step)
            brought_in.append(entry)
    if unexpected:
        raise StateConflict(
            "A campaign was created, and the state does not expect it.",
            "\n".join(
                f"{outcome.address}: campaign {outcome.id} was created at {outcome.at:%Y-%m-%d %H:%M:%S %Z}, "
                "but its address is not in doubt any more."
                for outcome in unexpected
            ),
            "\n".join(
                (
                    "Everything else was brought in. Look at the campaign on MsgFlash, and adopt it:",
                    *(f"    msgflash-apply import '{outcome.address}' {quote(outcome.id)}" for outcome in unexpected),
                )
            ),
        )
    return tuple(brought_in)


def _bring_in_step(ledger: Ledger, entry: Entry) -> None:
    """Append an intent unless something newer is there; anything else if it fits, since a plan finds it again."""
    if not isinstance(entry, Intended):
        with suppress(StateDamaged):
            ledger.append(entry)
        return
    slot, announced_at = ledger.slot(entry.address), entry.intent.announced_at
    if slot.intent is None and all(record.created_at <= announced_at for record in _records(slot)):
        ledger.append(entry)


def _records(slot: Slot) -> tuple[Record, ...]:
    return (*slot.history, *([slot.record] if slot.record else []))


def _knows(slot: Slot, campaign_id: str) -> bool:
    return any(campaign_id in (record.id, *record.former_ids) for record in _records(slot))


def _awaits(slot: Slot, outcome: Created | NotCreated) -> bool:
    """Whether the create in doubt is the one that this outcome is about, and not a later one."""
    return slot.intent is not None and slot.intent.announced_at <= outcome.at
