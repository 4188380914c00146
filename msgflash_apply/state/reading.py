"""
Reading the state: the document, and what the journals of runs add to it. Nothing here writes, or takes the lock.

Read `read_state` first. `read_former` reads a backup by name, and `past_of` lists the campaigns that a state manages no
more: replaced, forgotten or removed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

from msgflash_apply.campaign import Address, Record
from msgflash_apply.errors import StateDamaged, StateError, StateMissing
from msgflash_apply.state.backends.base import Backend, Stored
from msgflash_apply.state.codec import decode, decode_journal
from msgflash_apply.state.journal import Entry, Opened
from msgflash_apply.state.replay import fold
from msgflash_apply.state.snapshot import HOW_TO_RESTORE, Snapshot


@dataclass(frozen=True, slots=True)
class VersionedSnapshot:
    """A snapshot, and the version of the document that it came from."""

    snapshot: Snapshot
    version: str


def read_document(backend: Backend) -> Stored:
    """
    Read the document, which must be there.

    Raises:
        StateMissing: there is none, nor any trace that there ever was one.
        StateDamaged: there is none, but its journals or its backup are.
    """
    stored = backend.read()
    if stored is None:
        raise absent(backend)
    return stored


def absent(backend: Backend) -> StateError:
    """Say what it means that there is no document. Absent is not empty."""
    remains = backend.remains()
    if remains:
        return StateDamaged(
            "The state is damaged.",
            f"{backend.url}: there is no document, but there is {', '.join(remains)}.",
            HOW_TO_RESTORE,
        )
    return StateMissing(
        "There is no state.",
        f"{backend.url}: nothing is there. That is not an empty state: whatever was sent before would be sent again.",
        "If nothing was ever sent from here, make one:\n    msgflash-apply init\n"
        "Otherwise correct the state's location (msgflash.yaml, MSGFLASH_STATE), or restore the state.",
    )


def parse(stored: Stored, *, where: str, environment: str) -> VersionedSnapshot:
    """
    Decode a document and check whose it is, and that it is live.

    Raises:
        StateDamaged: it cannot be read or proven.
        StateError: it belongs to another environment, a newer version of the program wrote it, or the state has moved.
    """
    loaded = prove(stored, where=where, environment=environment)
    if loaded.snapshot.moved is not None:
        raise moved_away(where, loaded.snapshot.moved)
    return loaded


def prove(stored: Stored, *, where: str, environment: str) -> VersionedSnapshot:
    """Decode a document and check whose it is, live or a marked copy; see `parse`."""
    snapshot = decode(stored.document, where=where)
    if snapshot.environment != environment:
        raise StateError(
            "This is the state of another environment.",
            f"{where}: it belongs to {snapshot.environment!r}; this run is for {environment!r}.",
            "Give each environment a state of its own in msgflash.yaml, or choose the other one with --env.",
        )
    return VersionedSnapshot(snapshot, stored.version)


def moved_away(where: str, place: str) -> StateError:
    """Refuse the copy that a state leaves where it was, or makes where it goes: the live one is at `place`."""
    return StateError(
        "The state has moved.",
        f"{where}: this is a copy, marked as moved. The state itself is at {place!r}.",
        "Set `state` in msgflash.yaml, or MSGFLASH_STATE, to that place.\n"
        "If that place says the same of this one, a move was interrupted in the middle. Run it again, as it was:\n"
        "    msgflash-apply state migrate URL",
    )


def load(backend: Backend, environment: str) -> VersionedSnapshot:
    """Read and decode the document; see `read_document` and `parse`."""
    return parse(read_document(backend), where=backend.url, environment=environment)


def load_copy(backend: Backend, environment: str) -> VersionedSnapshot:
    """Read and decode the document, live or a marked copy; see `read_document` and `prove`."""
    return prove(read_document(backend), where=backend.url, environment=environment)


def read_state(backend: Backend, *, environment: str) -> Snapshot:
    """
    Read the state as it is known now: the document, and what every journal adds to it. Takes no lock, writes nothing.

    The serial is that of the document. A run at work shows through its journal: what it has in flight is in doubt.

    Raises:
        StateMissing: there is no state.
        StateDamaged: it cannot be read or proven.
        StateError: it belongs to another environment, a newer version of the program wrote it, or the state has moved.
    """
    seen = backend.journals()
    loaded = load(backend, environment)
    if all(journal == loaded.snapshot.journal for journal in seen):
        # What was begun since is newer than this reading; what there was before is in the document, or was nothing.
        return loaded.snapshot
    while True:
        unfolded = read_unfolded(backend, loaded.snapshot)
        # As long as the document is the same, journals only grow; otherwise one of them may be folded in already.
        again = read_document(backend)
        if again.version == loaded.version:
            break
        loaded = parse(again, where=backend.url, environment=environment)
    if not unfolded:
        return loaded.snapshot
    return reduce(fold, unfolded.values(), loaded.snapshot)


def refuse_other_server(snapshot: Snapshot, server: str) -> None:
    """
    Refuse a state whose campaigns are on another server than the one that would be asked.

    Args:
        snapshot: the state; one without campaigns belongs to the server of its first apply.
        server: origin, as `origin_of` spells it.

    Raises:
        StateError: with the server that it belongs to.
    """
    if snapshot.server is None or snapshot.server == server or not snapshot.is_bound:
        return
    kind = "a sandbox on this machine" if snapshot.server.startswith("http://") else "another server"
    raise StateError(
        f"The state belongs to {kind}.",
        f"Its campaigns are on {snapshot.server}; MSGFLASH_BASE_URL says {server}.",
        f"Set MSGFLASH_BASE_URL={snapshot.server}, or give this server a state of its own, made with "
        "`msgflash-apply init`.",
    )


def read_unfolded(backend: Backend, snapshot: Snapshot) -> dict[str, tuple[Entry, ...]]:
    """Read the journals that a snapshot does not hold, by id; the one begun first in front."""
    journals = {
        journal: read_journal(backend, journal) for journal in backend.journals() if journal != snapshot.journal
    }
    return dict(sorted(journals.items(), key=lambda item: _age(item[1])))


def read_journal(backend: Backend, journal: str) -> tuple[Entry, ...]:
    """
    Read and decode one journal; no entries if it is gone.

    Raises:
        StateDamaged: it was torn or altered.
    """
    return decode_journal(backend.read_journal(journal) or b"", where=f"{backend.url}, journal {journal}")


def _age(entries: tuple[Entry, ...]) -> tuple[int, str]:
    match entries:
        case (Opened(serial=serial, at=at), *_):
            return serial, at.isoformat()
        case _:
            return -1, ""


_SEE = "See: msgflash-apply state history --backups"


def read_former(backend: Backend, name: str, *, environment: str) -> bytes:
    """
    Read a former document as it was written, marked copies included.

    Args:
        backend: where the state is.
        name: as `Backend.backups` lists it.
        environment: whose it must be.

    Raises:
        StateError: there is none of this name, it belongs to another environment, or a newer version wrote it.
        StateDamaged: it cannot be read or proven.
        BackendError: the storage failed.
    """
    document = backend.read_backup(name)
    if document is None:
        raise StateError("There is no such backup.", f"{backend.url}: nothing is kept as {name!r}.", _SEE)
    try:
        prove(Stored(document, ""), where=f"{backend.url}, backup {name}", environment=environment)
    except StateDamaged as err:
        # The advice for a damaged state does not help with a damaged backup.
        raise StateDamaged("The backup is damaged.", err.detail, f"Take another one. {_SEE}") from err
    return document


@dataclass(frozen=True, slots=True)
class Past:
    """
    One campaign of the past.

    Attributes:
        address: the last one.
        id: on MsgFlash.
        record: what is known of it; None for a replaced one, of which the id alone is kept.
        replaced_by: id of the campaign that took its place; None for one that was forgotten or removed.
    """

    address: Address
    id: str
    record: Record | None
    replaced_by: str | None


def past_of(snapshot: Snapshot) -> tuple[Past, ...]:
    """List what a state knows of the past, sorted by address; at one address the oldest first."""
    found: list[Past] = []
    for address in sorted(snapshot.campaigns.keys() | snapshot.history.keys()):
        for record in snapshot.history.get(address, ()):
            found += [*_replaced(address, record), Past(address, record.id, record, None)]
        if address in snapshot.campaigns:
            found += _replaced(address, snapshot.campaigns[address])
    return tuple(found)


def _replaced(address: Address, record: Record) -> Iterator[Past]:
    successors = (*record.former_ids[1:], record.id)
    for former, successor in zip(record.former_ids, successors, strict=False):
        yield Past(address, former, None, successor)
