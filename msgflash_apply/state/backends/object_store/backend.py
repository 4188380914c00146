"""A state in a bucket, from its parts: the document here, then `journals.py`, `lock.py` and `probe.py`."""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

from msgflash_apply.clock import seconds_awake_or_asleep
from msgflash_apply.state.backends.base import Appends, Backup, Holder, Stored, changed_since_read
from msgflash_apply.state.backends.object_store.journals import FOLDER, Journals
from msgflash_apply.state.backends.object_store.lease import Terms
from msgflash_apply.state.backends.object_store.lock import Lock
from msgflash_apply.state.backends.object_store.objects import Objects
from msgflash_apply.state.backends.object_store.probe import Probe

DOCUMENT: Final = "state.json"
BACKUP: Final = "backup.json"


class ObjectStoreBackend:
    """
    A state in a folder of a bucket; see `Backend` for what each method promises.

    Args:
        objects: of that folder.
        terms: how long a lock lasts.
        clock: seconds, from any start, for leases; a lease goes on while the machine sleeps.
        now: seconds, by the clock on the wall, for the age of a journal.
    """

    def __init__(
        self,
        objects: Objects,
        *,
        terms: Terms | None = None,
        clock: Callable[[], float] = seconds_awake_or_asleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._objects = objects
        self._probe = Probe(objects, clock)
        self._journals = Journals(objects, now)
        self._lock = Lock(objects, self._probe, terms or Terms(), clock)
        self._is_purged = False

    @property
    def url(self) -> str:
        """The URL of the folder."""
        return self._objects.url

    @property
    def appends(self) -> Appends:
        """A few creates ahead: an append takes as long as a request."""
        return Appends(ahead=4)

    @property
    def lock_dies_with_its_holder(self) -> bool:
        """A lease goes on until it has run out."""
        return False

    def read(self) -> Stored | None:
        """Read the document; None where there is none. A bucket that is not there is an error."""
        found = self._objects.read(DOCUMENT)
        return None if found is None else Stored(found.data, found.version)

    def write(self, document: bytes, *, expected: str | None) -> str:
        """Replace the document on the condition that it is the expected one; the one before it is the backup."""
        self._lock.check()
        self._probe.ensure()
        if expected is not None:
            # The backup is read first: if another run replaces both in between, the second step fails, and no older
            # document becomes the backup.
            backup = self._objects.read(BACKUP)
            present = self._objects.read(DOCUMENT)
            if present is None or present.version != expected:
                raise changed_since_read(self.url)
            if self._objects.put(BACKUP, present.data, expected=backup.version if backup else None) is None:
                raise changed_since_read(self.url)
        version = self._objects.put(DOCUMENT, document, expected=expected)
        if version is None:
            raise changed_since_read(self.url)
        return version

    def append(self, journal: str, lines: bytes) -> None:
        """Create the next object of a journal; refused once the lock is lost."""
        self._lock.check()
        self._journals.append(journal, lines)

    def seal(self, journal: str) -> None:
        """End a journal by taking its next number."""
        self._journals.seal(journal)

    def journals(self) -> Collection[str]:
        """List the ids of all journals; tombstones are none."""
        return self._journals.ids()

    def read_journal(self, journal: str) -> bytes | None:
        """Read all objects of a journal, many at a time."""
        return self._journals.read(journal)

    def drop(self, journal: str) -> None:
        """Remove a journal but for its tombstone; and now and then what is left of older ones."""
        self._journals.drop(journal)
        now = self._probe.estimate()
        if now is not None and not self._is_purged:
            self._is_purged = True
            self._journals.purge(now)

    def backups(self) -> Sequence[Backup]:
        """List the one document that is kept."""
        found = self._objects.read(BACKUP)
        return () if found is None else (Backup(BACKUP, found.modified_at, len(found.data)),)

    def read_backup(self, name: str) -> bytes | None:
        """Read the document before this one."""
        found = self._objects.read(BACKUP) if name == BACKUP else None
        return None if found is None else found.data

    def remains(self) -> tuple[str, ...]:
        """Name the journals and the backup that are there."""
        journals = tuple(f"{FOLDER}/{journal}" for journal in sorted(self._journals.ids()))
        return (*journals, *(backup.name for backup in self.backups()))

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
