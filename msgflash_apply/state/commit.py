"""
Replacing the document: the only code that moves the serial.

Everything here keeps rule 4 of this package: right before a document is replaced, the journal that it names is dropped.
"""

from contextlib import suppress
from dataclasses import replace

from msgflash_apply.errors import StateConflict, StateError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.journal import Entry
from msgflash_apply.state.reading import Loaded, absent, load, read_journal
from msgflash_apply.state.replay import fold
from msgflash_apply.state.snapshot import Snapshot, encode


def init_state(backend: Backend, *, environment: str, lineage: str) -> Snapshot:
    """
    Make the first document of an environment, and the folder it lies in.

    Args:
        backend: where.
        environment: whose.
        lineage: a new UUID.

    Raises:
        StateError: there is a state already.
        StateDamaged: there is no document, but journals or a backup of one.
    """
    if backend.read() is not None:
        raise StateError("There is a state already.", f"{backend.url}: it stays as it is.")
    if backend.remains():
        raise absent(backend)
    snapshot = Snapshot(lineage, 1, environment, campaigns={}, in_doubt={}, history={})
    backend.write(encode(snapshot), expected=None)
    return snapshot


def commit(backend: Backend, base: Loaded, after: Snapshot, journal: str) -> Loaded:
    """
    Replace the document `base` by `after`, with `journal` as the one folded in last.

    The new serial is one further than both of theirs: a state that was brought in from elsewhere may be ahead.

    Raises:
        StateConflict: the document is not `base` any more; nothing was changed.
    """
    if base.snapshot.journal is not None:
        backend.drop(base.snapshot.journal)
    snapshot = replace(after, serial=max(base.snapshot.serial, after.serial) + 1, journal=journal)
    return Loaded(snapshot, backend.write(encode(snapshot), expected=base.version))


def settle(backend: Backend, journal: str, environment: str) -> None:
    """
    Fold another run's journal into the document, once, whoever else is doing the same. From then on it never grows.

    Raises:
        StateDamaged: the journal can not be read, or does not fit the document; both stay as they are.
    """
    backend.seal(journal)
    while True:
        base = load(backend, environment)
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


def has_effect(entries: tuple[Entry, ...]) -> bool:
    """Whether a journal says anything but that a run began."""
    return len(entries) > 1
