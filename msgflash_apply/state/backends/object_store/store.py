"""
A state in a bucket: its document, and its journals with one object for each append, created under the next number.

A journal is there as long as its object 000000 is. It is sealed by an empty object under its next number, where its
writer would append; the seal of a journal that was dropped stays as its tombstone. See the docstring of this package.
"""

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from msgflash_apply.clock import seconds_awake_or_asleep
from msgflash_apply.state.backends.base import Appends, Backup, Holder, Stored, Written, not_continued
from msgflash_apply.state.backends.object_store.lock import PROBES, Lock, Probe, Terms
from msgflash_apply.state.backends.object_store.objects import Listed, Objects

DOCUMENT: Final = "state.json"
BACKUP: Final = "backup.json"
FOLDER: Final = "journal"

WRITER_LIMIT: Final = timedelta(days=5)
"""A writer gives up after this long by its own clock ..."""

TOMBSTONE_LIMIT: Final = timedelta(days=7)
"""... and only after this long, by the store's, does what would stop it go away."""

_KEY: Final = re.compile(rf"{FOLDER}/([\w-]+)/(\d{{6,}})\.jsonl", re.ASCII)
_SEAL: Final = b""


@dataclass(frozen=True, slots=True)
class _Pieces:
    """The objects of one journal: the numbers of its lines, in order; the number of its seal."""

    lines: tuple[int, ...]
    seal: int | None

    @property
    def exists(self) -> bool:
        return self.lines[:1] == (0,)

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.lines if self.seal is None else (*self.lines, self.seal)


@dataclass(slots=True)
class _Ours:
    """A journal that this client writes."""

    began_at: float
    is_dropped: bool = False


class ObjectStore:
    """
    A state in a folder of a bucket; see `Store` for what each method promises.

    Args:
        objects: of that folder.
        terms: how long a lock lasts.
        clock: seconds, from any start, for leases; a lease goes on while the machine sleeps.
        now: seconds, by the clock on the wall, for the age of a journal; it also goes while the machine sleeps.
    """

    appends: Final = Appends(ahead=4)
    """A few creates ahead: an append takes as long as a request."""

    lock_dies_with_its_holder: Final = False
    """A lease goes on until it has run out."""

    def __init__(
        self,
        objects: Objects,
        *,
        terms: Terms | None = None,
        clock: Callable[[], float] = seconds_awake_or_asleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.url = objects.url
        self._objects = objects
        self._probe = Probe(objects, clock)
        self._lock = Lock(objects, self._probe, terms or Terms(), clock)
        self._now = now
        self._ours: dict[str, _Ours] = {}
        self._is_purged = False

    def read(self) -> Stored | None:
        """Read the document; None where there is none. A bucket that is not there is an error."""
        found = self._objects.read(DOCUMENT)
        return None if found is None else Stored(found.data, found.version)

    def put_if(self, document: bytes, *, expected: str | None) -> str | None:
        """Replace the document on the condition that it is the expected one; the one before it is the backup."""
        self._lock.check()
        self._probe.ensure()
        if expected is not None:
            # The backup is read first: if another run replaces both in between, the second step fails, and no older
            # document becomes the backup.
            backup = self._objects.read(BACKUP)
            present = self._objects.read(DOCUMENT)
            if present is None or present.version != expected:
                return None
            if self._objects.put(BACKUP, present.data, expected=backup.version if backup else None) is None:
                return None
        return self._objects.put(DOCUMENT, document, expected=expected)

    def append_if(self, journal: str, lines: bytes, *, written: Written) -> bool:
        """Create the next object of a journal of this client, or the first one; refused once the lock is lost."""
        self._lock.check()
        ours = self._ours.get(journal) or _Ours(self._now())
        self._check(journal, ours)
        if self._objects.put(_key(journal, written.appends), lines, expected=None) is None:
            return False
        # Again: a process that slept right before it sent may have outlived the seal that it should have met.
        self._check(journal, ours)
        self._ours[journal] = ours
        return True

    def seal(self, journal: str) -> None:
        """End a journal by taking its next number. No error if there is none, or if it is sealed."""
        self._sealed(journal)

    def journals(self) -> Mapping[str, bool]:
        """List all journals that are there; tombstones are none."""
        found = _by_journal(self._objects.list(FOLDER))
        return {journal: pieces.seal is not None for journal, pieces in sorted(found.items()) if pieces.exists}

    def read_journal(self, journal: str) -> bytes | None:
        """Read all objects of a journal, many at a time."""
        while True:
            pieces = self._pieces(journal)
            if not pieces.exists:
                return None
            found = self._objects.read_all([_key(journal, number) for number in pieces.lines])
            if found is not None:
                return b"".join(found)

    def drop(self, journal: str) -> None:
        """Remove a journal but for its seal, and one of this client's own for good; once, old litter too."""
        ours = self._ours.get(journal)
        if ours is not None:
            ours.is_dropped = True
        pieces = self._sealed(journal) if ours is None else self._pieces(journal)
        if pieces.exists:
            # In this order: once its first object is gone, so is the journal, and no reader gets a part of it.
            self._objects.delete([_key(journal, 0)])
            rest = pieces.lines[1:] if ours is None else pieces.numbers[1:]
            self._objects.delete(_key(journal, number) for number in rest)
        now = self._probe.estimate()
        if now is not None and not self._is_purged:
            self._is_purged = True
            self._purge(now)

    def backups(self) -> Sequence[Backup]:
        """List the one document that is kept."""
        found = self._objects.read(BACKUP)
        return () if found is None else (Backup(BACKUP, found.modified_at, len(found.data)),)

    def read_backup(self, name: str) -> bytes | None:
        """Read the document before this one."""
        found = self._objects.read(BACKUP) if name == BACKUP else None
        return None if found is None else found.data

    def lock(self, holder: Holder) -> None:
        """Take the lock; one whose lease has clearly run out is taken over."""
        self._lock.take(holder)

    def unlock(self, lock_id: str) -> None:
        """Give the lock back."""
        self._lock.give_back(lock_id)

    def holder(self) -> Holder | None:
        """Read who holds the lock, or left it behind when dying."""
        return self._lock.holder()

    def break_lock(self, lock_id: str) -> None:
        """Take the lock away from the run that has it, which finds out with its next renewal."""
        self._lock.take_away(lock_id)

    def _purge(self, now: datetime) -> None:
        """
        Remove what is of no use any more: tombstones, remains of a drop that was cut short, probes.

        Args:
            now: by the store's clock.
        """
        listed = self._objects.list()
        live = {journal for journal, pieces in _by_journal(listed).items() if pieces.exists}
        old = [each.key for each in listed if now - each.modified_at > TOMBSTONE_LIMIT]
        self._objects.delete(key for key in old if _is_litter(key, live))

    def _sealed(self, journal: str) -> _Pieces:
        pieces = self._pieces(journal)
        if not pieces.exists or pieces.seal is not None:
            return pieces
        number = len(pieces.lines)
        while self._objects.put(_key(journal, number), _SEAL, expected=None) is None:
            number += 1  # Its writer was quicker, which appends one after the other: the next number may be free.
        return _Pieces(tuple(range(number)), number)

    def _pieces(self, journal: str) -> _Pieces:
        return _by_journal(self._objects.list(f"{FOLDER}/{journal}")).get(journal, _Pieces((), None))

    def _check(self, journal: str, ours: _Ours) -> None:
        if ours.is_dropped:
            raise not_continued(self.url, journal, "it was dropped")
        if self._now() - ours.began_at > WRITER_LIMIT.total_seconds():
            raise not_continued(self.url, journal, f"it began more than {WRITER_LIMIT.days} days ago")


def _key(journal: str, number: int) -> str:
    return f"{FOLDER}/{journal}/{number:06}.jsonl"


def _by_journal(listed: Iterable[Listed]) -> dict[str, _Pieces]:
    sizes: dict[str, dict[int, int]] = {}
    for each in listed:
        match = _KEY.fullmatch(each.key)
        if match:
            sizes.setdefault(match[1], {})[int(match[2])] = each.size_bytes
    return {journal: _pieces_of(numbers) for journal, numbers in sizes.items()}


def _pieces_of(sizes: dict[int, int]) -> _Pieces:
    lines = tuple(sorted(number for number, size in sizes.items() if size))
    return _Pieces(lines, next((number for number, size in sizes.items() if not size), None))


def _is_litter(key: str, live: Collection[str]) -> bool:
    match = _KEY.fullmatch(key)
    return match[1] not in live if match else key.startswith(f"{PROBES}/")
