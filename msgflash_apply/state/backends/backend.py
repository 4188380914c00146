"""
The one backend of every state: a `Store` of bytes, and the form in which they are kept there.

What all storages have in common is here, once: what is encrypted and how it is bound to its place, how far this run's
own journals are, and the refusals of a document that changed and of a journal that cannot be continued.
"""

from collections.abc import Collection, Sequence

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import (
    RUN_AGAIN,
    Backend,
    Backup,
    Holder,
    Store,
    Stored,
    Written,
    changed_since_read,
    checked_id,
)
from msgflash_apply.state.backends.encryption import DOCUMENT, RECOVERY, Encryption, append_context


class StoreBackend:
    """
    A state in a store; see `Backend` for what each method promises. Used by one thread at a time.

    Where it is encrypted, reading raises StateError if the key is not at hand or plain text is there, and StateDamaged
    if something was altered or is not where it was written. Versions are those of the encrypted document, which is
    another one each time it is written.

    Args:
        store: where the bytes are.
        encryption: of them; None for plain text.
    """

    def __init__(self, store: Store, encryption: Encryption | None = None) -> None:
        self.store = store
        self.url = store.url
        self.appends = store.appends
        self.lock_dies_with_its_holder = store.lock_dies_with_its_holder
        self._encryption = encryption
        self._written: dict[str, Written] = {}

    def read(self) -> Stored | None:
        """Read the document."""
        found = self.store.read()
        return None if found is None else Stored(self._decrypted(found.document, self.url), found.version)

    def write(self, document: bytes, *, expected: str | None) -> str:
        """Write the document, if the one there is the expected one."""
        version = self.store.put_if(self._encrypted(document, DOCUMENT), expected=expected)
        if version is None:
            raise changed_since_read(self.url)
        return version

    def append(self, journal: str, lines: bytes) -> None:
        """Add lines; where they are encrypted, as one line: cut short, all of them are dropped together."""
        written = self._written.get(checked_id(journal, self.url), Written())
        stored = self._encrypted(lines, append_context(journal, written.appends))
        obstacle = self.store.append_if(journal, stored, written=written)
        if obstacle is not None:
            raise BackendError(
                "This run's journal cannot be continued.",
                f"{self._journal(journal)}: {obstacle}.",
                RUN_AGAIN,
            )
        self._written[journal] = Written(written.appends + 1, written.size_bytes + len(stored))

    def seal(self, journal: str) -> None:
        """End a journal."""
        self.store.seal(checked_id(journal, self.url))

    def journals(self) -> Collection[str]:
        """List the journals."""
        return self.store.journals()

    def read_journal(self, journal: str) -> bytes | None:
        """Read a journal."""
        data = self.store.read_journal(checked_id(journal, self.url))
        if data is None or self._encryption is None:
            return data
        return self._encryption.opened_journal(data, journal, self._journal(journal))

    def drop(self, journal: str) -> None:
        """Remove a journal."""
        self.store.drop(checked_id(journal, self.url))

    def backups(self) -> Sequence[Backup]:
        """List former documents: sizes are those of what is stored."""
        return self.store.backups()

    def read_backup(self, name: str) -> bytes | None:
        """Read a former document."""
        document = self.store.read_backup(name)
        return None if document is None else self._decrypted(document, f"{self.url}, former document {name}")

    def remains(self) -> tuple[str, ...]:
        """Name what is there besides the document and the lock."""
        return self.store.remains()

    def lock(self, holder: Holder) -> None:
        """Take the lock; the storage sees who does."""
        self.store.lock(holder)

    def unlock(self, lock_id: str) -> None:
        """Give the lock back."""
        self.store.unlock(lock_id)

    def holder(self) -> Holder | None:
        """Read who holds the lock."""
        return self.store.holder()

    def break_lock(self, lock_id: str) -> None:
        """Take the lock away."""
        self.store.break_lock(lock_id)

    def seal_recovery(self, lines: bytes) -> bytes:
        """Give a recovery file the form of the state that it is for."""
        return self._encrypted(lines, RECOVERY)

    def _encrypted(self, data: bytes, context: bytes) -> bytes:
        return data if self._encryption is None else self._encryption.sealed(data, context)

    def _decrypted(self, document: bytes, where: str) -> bytes:
        return document if self._encryption is None else self._encryption.opened(document, DOCUMENT, where)

    def _journal(self, journal: str) -> str:
        return f"{self.url}, journal {journal}"


def like_the_state(backend: Backend, lines: bytes) -> bytes:
    """Give a recovery file the form of the state that it is for: encrypted where that is."""
    return backend.seal_recovery(lines) if isinstance(backend, StoreBackend) else lines
