"""Reading the state: the document, and what the journals of runs add to it. Nothing here writes, or takes the lock."""

from dataclasses import dataclass
from functools import reduce

from msgflash_apply.errors import StateDamaged, StateError, StateMissing
from msgflash_apply.state.backends.base import Backend, Stored
from msgflash_apply.state.codec import decode, decode_journal
from msgflash_apply.state.journal import Entry, Opened
from msgflash_apply.state.replay import fold
from msgflash_apply.state.snapshot import KEEP_IT, Snapshot


@dataclass(frozen=True, slots=True)
class Loaded:
    """A snapshot, and the version of the document that it came from."""

    snapshot: Snapshot
    version: str


def read_document(backend: Backend) -> Stored:
    """
    Read the document, which must be there.

    Raises:
        StateMissing: there is none, nor any trace that there ever was one.
        StateDamaged: there is none, but its journals or its backup lie there.
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
            KEEP_IT,
        )
    return StateMissing(
        "There is no state.",
        f"{backend.url}: nothing is there. That is not an empty state: whatever was sent before would be sent again.",
        "If nothing was ever sent from here, make one:\n    msgflash-apply init\n"
        "Otherwise mend the state's location (msgflash.yaml, MSGFLASH_STATE), or bring the state back.",
    )


def parse(stored: Stored, *, where: str, environment: str) -> Loaded:
    """
    Decode a document and check whose it is, and that it is live.

    Raises:
        StateDamaged: it can not be read or proven.
        StateError: it belongs to another environment, a newer version of the program wrote it, or the state has moved.
    """
    loaded = prove(stored, where=where, environment=environment)
    if loaded.snapshot.moved is not None:
        raise moved_away(where, loaded.snapshot.moved)
    return loaded


def prove(stored: Stored, *, where: str, environment: str) -> Loaded:
    """Decode a document and check whose it is, live or a marked copy; see `parse`."""
    snapshot = decode(stored.document, where=where)
    if snapshot.environment != environment:
        raise StateError(
            "This is the state of another environment.",
            f"{where}: it belongs to {snapshot.environment!r}; this run is for {environment!r}.",
            "Give each environment a state of its own in msgflash.yaml, or choose the other one with --env.",
        )
    return Loaded(snapshot, stored.version)


def moved_away(where: str, place: str) -> StateError:
    """Refuse the copy that a state leaves where it was, or makes where it goes: the live one is at `place`."""
    return StateError(
        "The state has moved.",
        f"{where}: what lies here is a copy, marked as moved. The state itself is at {place!r}.",
        "Set `state` in msgflash.yaml, or MSGFLASH_STATE, to that place.\n"
        "If that place says the same of this one, a move was interrupted in the middle. Run it again, as it was:\n"
        "    msgflash-apply state migrate URL",
    )


def load(backend: Backend, environment: str) -> Loaded:
    """Read and decode the document; see `read_document` and `parse`."""
    return parse(read_document(backend), where=backend.url, environment=environment)


def load_copy(backend: Backend, environment: str) -> Loaded:
    """Read and decode the document, live or a marked copy; see `read_document` and `prove`."""
    return prove(read_document(backend), where=backend.url, environment=environment)


def read_state(backend: Backend, *, environment: str) -> Snapshot:
    """
    Read the state as it is known now: the document, and what every journal adds to it. Takes no lock, writes nothing.

    The serial is that of the document. A run at work shows through its journal: what it has in flight is in doubt.

    Raises:
        StateMissing: there is no state.
        StateDamaged: it can not be read or proven.
        StateError: it belongs to another environment, a newer version of the program wrote it, or the state has moved.
    """
    seen = backend.journals()
    loaded = load(backend, environment)
    if all(journal == loaded.snapshot.journal for journal in seen):
        # What was begun since is newer than this reading; what there was before is in the document, or was nothing.
        return loaded.snapshot
    while True:
        unfolded = read_unfolded(backend, loaded.snapshot)
        # While the document stands still, journals only grow; had it moved, one of them might be folded in already.
        again = read_document(backend)
        if again.version == loaded.version:
            break
        loaded = parse(again, where=backend.url, environment=environment)
    if not unfolded:
        return loaded.snapshot
    return reduce(fold, unfolded.values(), loaded.snapshot)


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
