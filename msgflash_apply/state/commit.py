"""
Make a state, and replace its document: the only code that moves the serial.

Everything here keeps rule 4 of this package: right before a document is replaced, the journal that it names is dropped,
unless the new document names it too.
"""

from contextlib import suppress
from dataclasses import replace

from msgflash_apply.errors import StateConflict, StateError
from msgflash_apply.state.backends.base import Backend, Stored
from msgflash_apply.state.codec import decode, encode
from msgflash_apply.state.journal import Entry
from msgflash_apply.state.reading import VersionedSnapshot, absent, load_copy, moved_away, read_journal, read_unfolded
from msgflash_apply.state.replay import fold
from msgflash_apply.state.snapshot import Snapshot


def init_state(backend: Backend, *, environment: str, lineage: str, runs: tuple[str, ...] = ()) -> Snapshot:
    """
    Make the first document of an environment, and its folder.

    Args:
        backend: where.
        environment: whose.
        lineage: a new UUID.
        runs: `INIT` where the account was looked at.

    Raises:
        StateError: there is a state already, or was one that has moved.
        StateDamaged: there is no document, but journals or a backup of one.
    """
    stored = backend.read()
    if stored is not None:
        raise _taken(backend.url, stored)
    if backend.remains():
        raise absent(backend)
    snapshot = Snapshot(lineage, 1, environment, campaigns={}, in_doubt={}, history={}, runs=runs)
    backend.write(encode(snapshot), expected=None)
    return snapshot


def commit(backend: Backend, base: VersionedSnapshot, after: Snapshot, journal: str | None) -> VersionedSnapshot:
    """
    Replace the document `base` by `after`, with `journal` as the one folded in last.

    The new serial is one further than both of theirs: a state that was brought in from elsewhere may be ahead.

    Raises:
        StateConflict: the document is not `base` any more; nothing was changed.
    """
    snapshot = replace(after, serial=max(base.snapshot.serial, after.serial) + 1, journal=journal)
    return _replace(backend, base, snapshot)


def write_copy(backend: Backend, base: VersionedSnapshot | None, copy: Snapshot) -> VersionedSnapshot:
    """
    Put a marked copy of another place's state here. It is no commit: it keeps the serial of what it copies.

    Args:
        backend: where.
        base: the marked copy to be replaced; None where there must be nothing.
        copy: marked as moved, without a journal: those of the other place are not here.

    Raises:
        StateConflict: something else is there by now; nothing was changed.
    """
    if base is None:
        return VersionedSnapshot(copy, backend.write(encode(copy), expected=None))
    return _replace(backend, base, copy)


def settle(backend: Backend, journal: str, environment: str) -> None:
    """
    Fold another run's journal into the document, once, even if others do the same. From then on it never grows.

    Also into a marked copy: a run that began before the state moved away may have written to its journal since.

    Raises:
        StateDamaged: the journal cannot be read, or does not fit the document; both stay as they are.
    """
    backend.seal(journal)
    while True:
        base = load_copy(backend, environment)
        if base.snapshot.journal == journal:
            return
        # Read after the document: if it is gone by now, it was folded into this document or an earlier one.
        entries = read_journal(backend, journal)
        # Folded even where it has no effect: its head alone finds out an older copy of the document.
        folded = fold(base.snapshot, entries)
        if not has_effect(entries):
            backend.drop(journal)
            return
        with suppress(StateConflict):
            commit(backend, base, folded, journal)


def settle_all(backend: Backend, environment: str) -> VersionedSnapshot:
    """Fold every journal into the document, live or a marked copy; returns it as it is then. See `settle`."""
    for journal in read_unfolded(backend, load_copy(backend, environment).snapshot):
        settle(backend, journal, environment)
    return load_copy(backend, environment)


def has_effect(entries: tuple[Entry, ...]) -> bool:
    """Whether a journal says anything but that a run began."""
    return len(entries) > 1


def _taken(where: str, stored: Stored) -> StateError:
    """Say that a place is taken. The document there is read for the message alone: it may be anything."""
    with suppress(StateError):
        place = decode(stored.document, where=where).moved
        if place is not None:
            return moved_away(where, place)
    return StateError("There is a state already.", f"{where}: it stays as it is.")


def _replace(backend: Backend, base: VersionedSnapshot, snapshot: Snapshot) -> VersionedSnapshot:
    if base.snapshot.journal is not None and base.snapshot.journal != snapshot.journal:
        backend.drop(base.snapshot.journal)
    return VersionedSnapshot(snapshot, backend.write(encode(snapshot), expected=base.version))
