"""
Changes of the state by hand: `state mv`, `state rm`, `state unlock` and `state push`.

Each checks before it writes, so that a mistake is explained, where a journal could only call it damage. `push_document`
is the only one that can lose an id, so it names everything that would be lost first.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches

from msgflash_apply.campaign import Address, Intent, Record
from msgflash_apply.errors import StateConflict, StateDamaged, StateError, StateLocked
from msgflash_apply.state.backends.base import Backend, Holder, Stored, is_alive, not_the_lock
from msgflash_apply.state.codec import encode
from msgflash_apply.state.journal import Moved, Removed
from msgflash_apply.state.ledger import Ledger, open_ledger
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.reading import absent, prove
from msgflash_apply.state.replay import Slot
from msgflash_apply.state.snapshot import Snapshot

SEE_LIST = "See: msgflash-apply state list"


def move(ledger: Ledger, previous: Address, address: Address) -> Slot:
    """
    Move record, doubt and history to another address; history that is there already stays in front.

    Returns:
        What was at `previous`.

    Raises:
        StateError: nothing is at `previous`, or something is at `address`.
    """
    source, target = ledger.slot(previous), ledger.slot(address)
    if not source.is_taken:
        raise unknown(ledger.snapshot, previous)
    if target.is_taken:
        found = f"campaign {target.record.id}" if target.record else "a create in doubt"
        raise StateError(f"{address} is taken.", f"There is {found}; {previous} stays where it is.", SEE_LIST)
    ledger.append(Moved(previous, address))
    return source


def removable(snapshot: Snapshot, address: Address) -> Record:
    """
    Look up the record that `remove` would take out.

    Raises:
        StateError: there is none, or a create of this address is in doubt.
    """
    if address in snapshot.in_doubt:
        raise StateError(
            f"{address} is in doubt.",
            "A create was sent, and its result is unknown. If the address is removed, the create is sent again.",
            f"Resolve it first:\n    msgflash-apply resolve '{address}' (--created ID | --not-created | --probe)",
        )
    if address not in snapshot.campaigns:
        raise unknown(snapshot, address)
    return snapshot.campaigns[address]


def remove(ledger: Ledger, address: Address, seen: Record, at: datetime) -> None:
    """
    Take a record out of the campaigns, into the history.

    Args:
        ledger: of this run.
        address: of the record.
        seen: the record that a person agreed to remove.
        at: now.

    Raises:
        StateError: as for `removable`.
        StateConflict: another campaign is there by now.
    """
    found = removable(ledger.snapshot, address)
    if found.id != seen.id:
        raise StateConflict(
            "The state changed after it was read.",
            f"{address}: it was campaign {seen.id}, and is {found.id} now. Nothing was removed.",
            "Look at it again, then decide.",
        )
    ledger.append(Removed(address, at))


def unknown(snapshot: Snapshot, address: Address) -> StateError:
    """Say that nothing is at an address, and what was probably meant."""
    if address in snapshot.history:
        hint = f"It is in the history:\n    msgflash-apply state history '{address}'"
    else:
        near = get_close_matches(address, sorted({*snapshot.campaigns, *snapshot.in_doubt}), n=3)
        hint = f"Near it: {', '.join(near)}." if near else SEE_LIST
    return StateError(f"The state has no campaign {address}.", "", hint)


def break_lock(backend: Backend, lock_id: str, *, by: Holder, force: bool) -> None:
    """
    Take a lock away from a run that is dead.

    A run that is at work on this host does not lose it by mistake: where its lock would have died with it, the lock is
    taken over rather than removed; elsewhere its process is looked for. End it with a signal, and it finishes what is
    in flight. Nothing is known of another host, so its lock is removed because a person says so.

    Args:
        backend: where the state is.
        lock_id: of the lock to break.
        by: who breaks it; `host` is compared with the holder's.
        force: remove it even from a living process. The serial and the journals still keep two runs apart.

    Raises:
        StateError: there is no lock of this id; says whose there is.
        StateLocked: a process of this host has it.
    """
    found = backend.holder()
    if found is None or found.lock_id != lock_id:
        raise not_the_lock(backend.url, lock_id, found)
    is_proof = backend.lock_dies_with_its_holder
    if force or found.host != by.host or not (is_proof or is_alive(found.pid)):
        backend.break_lock(lock_id)
        return
    try:
        backend.lock(by)
    except StateLocked as err:
        raise StateLocked(
            "That run seems to be at work.",
            f"{err.detail}\nThe lock cannot be taken over from it, as it could from a process that died.",
            f"Wait for it, or end it and let it finish what is in flight:\n    kill {found.pid}\n"
            f"Only if it is surely dead:\n    msgflash-apply state unlock {lock_id} --force",
        ) from err
    backend.unlock(by.lock_id)


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
        StateDamaged: the document cannot be read or proven, or the state there cannot; whatever `force` says.
        StateError: it belongs to another environment, or the state has moved away from here; whatever `force` says.
        StateConflict: another lineage, a serial that is not newer, campaigns that would be lost, or a marked copy;
            names them.
        StateLocked: a run is at work.
        BackendError: the storage failed.
    """
    try:
        given = prove(Stored(data, ""), where=where, environment=claim.environment).snapshot
    except StateDamaged as err:
        # The advice for a damaged state does not help with a damaged copy of it.
        fix = "Nothing was changed. Use a whole copy: what `msgflash-apply state pull` printed once, or a backup."
        raise StateDamaged("That is no whole state.", err.detail, fix) from err
    if given.moved is not None and not force:
        raise StateConflict(
            "That document is a copy of a state that has moved; nothing was changed.",
            f"{where}: the state itself is at {given.moved!r}.",
            "Use the state there. Only if that one is lost for good, take this copy in its place: --force",
        )
    given = replace(given, moved=None)  # With --force: the way back when the place that it moved to is lost.
    if backend.read() is None:
        if backend.remains():
            raise absent(backend)
        backend.write(encode(given), expected=None)
        return Pushed(None, given)
    with open_ledger(backend, claim) as ledger:
        before = ledger.snapshot
        if not force:
            _check_follows(given, before, where)
        ledger.replace(given)
        return Pushed(before, ledger.snapshot)


def lost_ids(before: Snapshot, after: Snapshot) -> dict[str, Address]:
    """List the campaigns that one state knows and another does not: id -> address, sorted by address."""
    known = dict(after.ids())
    return dict(sorted((item for item in before.ids() if item[0] not in known), key=lambda item: (item[1], item[0])))


def lost_doubts(before: Snapshot, after: Snapshot) -> tuple[Address, ...]:
    """
    List the addresses in doubt of which another state knows nothing: neither the doubt nor a campaign it made.

    A doubt that was resolved as "not created" leaves no trace, so it is listed too: it looks like a lost one.
    """
    return tuple(sorted(address for address, intent in before.in_doubt.items() if not _knows(after, intent)))


def summary(before: Snapshot, after: Snapshot) -> str:
    """Say in one line what changes from one state to another: `serial 9 -> 12, 40 -> 41 campaigns, ..`."""
    former, later = (sum(map(len, snapshot.history.values())) for snapshot in (before, after))
    return (
        f"serial {before.serial} -> {after.serial}, {len(before.campaigns)} -> {len(after.campaigns)} campaigns, "
        f"{len(before.in_doubt)} -> {len(after.in_doubt)} in doubt, {former} -> {later} in the history"
    )


def _check_follows(given: Snapshot, before: Snapshot, where: str) -> None:
    """Report all objections at once, so that all of them are seen before --force is used."""
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
