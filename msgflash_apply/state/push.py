"""
Putting a document that lies elsewhere in the place of the state: a backup, a repaired copy, a state that moves house.

The one command that can lose an id, so everything that would be lost is named first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from msgflash_apply.campaign import Address, Intent, Record
from msgflash_apply.errors import StateConflict, StateDamaged
from msgflash_apply.state.backends.base import Backend, Stored
from msgflash_apply.state.claim import Claim
from msgflash_apply.state.codec import encode
from msgflash_apply.state.ledger import open_ledger
from msgflash_apply.state.reading import absent, prove
from msgflash_apply.state.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Pushed:
    """
    What a push changed.

    Attributes:
        before: the state as it was; None where there was none.
        after: the state as it is now, under its new serial.
    """

    before: Snapshot | None
    after: Snapshot


def push_document(
    backend: Backend,
    data: bytes,
    claim: Claim,
    *,
    where: str,
    force: bool,
) -> Pushed:
    """
    Replace the state by a document, keeping the one there as its backup.

    What dead runs left is folded in first, so that nothing of it is overlooked. Where no state ever was, the document
    is written as it is.

    Args:
        backend: where the state is.
        data: the document.
        claim: who pushes it.
        where: its place, for messages.
        force: take a document of another lineage, one that is not newer, one that lacks what the state knows, and the
            marked copy of a state that has moved.

    Raises:
        StateDamaged: the document can not be read or proven, or the state there can not; whatever `force` says.
        StateError: it belongs to another environment, or the state has moved away from here; whatever `force` says.
        StateConflict: another lineage, a serial that is not newer, campaigns that would be lost, or a marked copy;
            names them.
        StateLocked: a run is at work.
        BackendError: the storage failed.
    """
    given = _unmarked(_read(data, where, claim.environment), where, force=force)
    if backend.read() is None:
        return _begin_with(backend, given)
    with open_ledger(backend, claim) as ledger:
        before = ledger.snapshot
        if not force:
            _refuse(given, before, where)
        ledger.replace(given)
        return Pushed(before, ledger.snapshot)


def lost_ids(before: Snapshot, after: Snapshot) -> dict[str, Address]:
    """List the campaigns that one state knows and another does not: id -> where it stood, sorted by address."""
    known = dict(after.ids())
    return dict(sorted((item for item in before.ids() if item[0] not in known), key=lambda item: (item[1], item[0])))


def lost_doubts(before: Snapshot, after: Snapshot) -> tuple[Address, ...]:
    """
    List the addresses in doubt of which another state knows nothing: neither the doubt nor a campaign it made.

    A doubt that was resolved as "not created" leaves no trace, so it is listed too: nobody can tell it from a lost one.
    """
    return tuple(sorted(address for address, intent in before.in_doubt.items() if not _knows(after, intent)))


def summary(before: Snapshot, after: Snapshot) -> str:
    """Say in one line what changes from one state to another: `serial 9 -> 12, 40 -> 41 campaigns, ..`."""
    return (
        f"serial {before.serial} -> {after.serial}, {len(before.campaigns)} -> {len(after.campaigns)} campaigns, "
        f"{len(before.in_doubt)} -> {len(after.in_doubt)} in doubt, "
        f"{_length(before.history)} -> {_length(after.history)} in the history"
    )


def _read(data: bytes, where: str, environment: str) -> Snapshot:
    try:
        return prove(Stored(data, ""), where=where, environment=environment).snapshot
    except StateDamaged as err:
        # What to do about a damaged state is no advice for somebody who holds a damaged copy of it.
        fix = "Nothing was changed. Take a whole copy: what `msgflash-apply state pull` printed once, or a backup."
        raise StateDamaged("That is no whole state.", err.detail, fix) from err


def _unmarked(given: Snapshot, where: str, *, force: bool) -> Snapshot:
    """Take the mark off the copy of a state that has moved: the way back when the place that it moved to is lost."""
    if given.moved is not None and not force:
        raise StateConflict(
            "That document is a copy of a state that has moved; nothing was changed.",
            f"{where}: the state itself is at {given.moved!r}.",
            "Use the state there. Only if that one is lost for good, take this copy in its place: --force",
        )
    return replace(given, moved=None)


def _begin_with(backend: Backend, given: Snapshot) -> Pushed:
    if backend.remains():
        raise absent(backend)
    backend.write(encode(given), expected=None)
    return Pushed(None, given)


def _refuse(given: Snapshot, before: Snapshot, where: str) -> None:
    """Tell every objection at once: whoever then says --force has seen them all."""
    objections = []
    if given.lineage != before.lineage:
        objections.append(
            f"It is another state: its lineage is {given.lineage}, that of the one there {before.lineage}."
        )
    if given.serial <= before.serial:
        objections.append(f"It is not newer: its serial is {given.serial}, that of the one there {before.serial}.")
    objections += [f"It lacks {address}: campaign {id_}." for id_, address in lost_ids(before, given).items()]
    objections += [f"It lacks {address}: a create in doubt." for address in lost_doubts(before, given)]
    if objections:
        raise StateConflict(
            "That document does not follow the state there; nothing was changed.",
            "\n".join([f"{where}: {summary(before, given)}.", *objections]),
            "What it lacks is on record nowhere else. If it is to replace the state all the same: --force",
        )


def _knows(after: Snapshot, intent: Intent) -> bool:
    if any(_doubt(other) == _doubt(intent) for other in after.in_doubt.values()):
        return True
    sent, at = intent.facts.fingerprint, intent.announced_at
    return any(record.facts.fingerprint == sent and record.created_at >= at for _, record in after.records())


def _doubt(intent: Intent) -> tuple[str, int, str]:
    return intent.run, intent.attempt, intent.facts.fingerprint


def _length(history: Mapping[Address, tuple[Record, ...]]) -> int:
    return sum(map(len, history.values()))
