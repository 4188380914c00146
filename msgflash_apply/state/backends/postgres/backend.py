"""The backend itself: the document and its former ones; journals and the lock are in modules of their own."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from msgflash_apply.state.backends.base import Appends, Backup, Holder, Stored, changed_since_read
from msgflash_apply.state.backends.postgres.address import PostgresAddress
from msgflash_apply.state.backends.postgres.connecting import connect
from msgflash_apply.state.backends.postgres.journals import Content, Journals
from msgflash_apply.state.backends.postgres.lock import Lock
from msgflash_apply.state.backends.postgres.session import Timeouts
from msgflash_apply.state.backends.postgres.sessions import ChangeResult, Sessions
from msgflash_apply.state.backends.postgres.statements import (
    FORMER_DOCUMENTS_KEPT,
    LIST_BACKUPS,
    READ_BACKUP,
    READ_DOCUMENT,
    WRITE_FIRST,
    WRITE_NEXT,
)

_VERSION: Final = re.compile(r"([0-9]{1,18})-([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class _Written(ChangeResult):
    version: str | None


class PostgresBackend:
    """
    One state in a database; see `Backend` for what each method promises. Used by one thread; connects when first used.

    The version of a document is its number and its hash: numbers repeat once a database was restored from a backup.

    Args:
        address: which one.
        environ: what libpq knows besides, secrets included.
        ssl_mode: see `trust.ssl_mode`.
        timeouts: how long to wait for what.
    """

    def __init__(
        self,
        address: PostgresAddress,
        environ: Mapping[str, str],
        *,
        ssl_mode: str | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self._sessions = Sessions(address, partial(connect, address, environ, ssl_mode, timeouts or Timeouts()))
        self._journals = Journals(self._sessions)
        self._lock = Lock(self._sessions)

    @property
    def url(self) -> str:
        """The state's URL, which holds no secret."""
        return self._sessions.url

    @property
    def appends(self) -> Appends:
        """A few announced ahead: an append is a journey to the server, and a commit there."""
        return Appends(ahead=4)

    @property
    def lock_dies_with_its_holder(self) -> bool:
        """The server frees what a dead session held."""
        return True

    def read(self) -> Stored | None:
        """Read the present document; None where there is none, or no tables."""
        return next(iter(self._sessions.look(Stored, READ_DOCUMENT)), None)

    def write(self, document: bytes, *, expected: str | None) -> str:
        """Put a document beside the present one and point to it, if the present one is the expected one."""
        version = _VERSION.fullmatch(expected or "")
        if expected is None:
            written = self._sessions.change(_Written, WRITE_FIRST, {"document": document})
        elif version is None:
            raise changed_since_read(self.url)
        else:
            names = {"version": int(version[1]), "sha256": version[2], "kept": FORMER_DOCUMENTS_KEPT}
            written = self._sessions.change(_Written, WRITE_NEXT, {**names, "document": document})
        if written.version is None:
            raise changed_since_read(self.url)
        return written.version

    def append(self, journal: str, lines: bytes) -> None:
        """Add lines to a journal of this object, all of them or none."""
        self._journals.append(journal, lines)

    def seal(self, journal: str) -> None:
        """End a journal, of any run."""
        self._journals.seal(journal)

    def journals(self) -> Collection[str]:
        """List the ids of all journals, sealed or not."""
        return self._journals.names()

    def read_journal(self, journal: str) -> bytes | None:
        """Read a journal, sealed or not, as far as it is written; None if there is none."""
        return self._journals.read(journal)

    def drop(self, journal: str) -> None:
        """Remove a journal, sealed or not."""
        self._journals.drop(journal)

    def backups(self) -> Sequence[Backup]:
        """List the former documents, the latest first, each with the time at which it was replaced."""
        return tuple(self._sessions.look(Backup, LIST_BACKUPS))

    def read_backup(self, name: str) -> bytes | None:
        """Read a former document by its number."""
        if not re.fullmatch(r"[0-9]+", name, re.ASCII):
            return None
        found = self._sessions.look(Content, READ_BACKUP, {"name": name})
        return found[0].content if found else None

    def remains(self) -> tuple[str, ...]:
        """Name the journals, and say how many former documents there are."""
        former = len(self.backups())
        documents = (f"{former} former {'document' if former == 1 else 'documents'}",) if former else ()
        return (*(f"journal {journal}" for journal in self.journals()), *documents)

    def lock(self, holder: Holder) -> None:
        """Take the lock; one whose session is gone is taken over."""
        self._lock.take(holder)

    def unlock(self, lock_id: str) -> None:
        """Give the lock back."""
        self._lock.give_back(lock_id)

    def holder(self) -> Holder | None:
        """Read who holds the lock, or left it behind when dying."""
        return self._lock.holder()

    def break_lock(self, lock_id: str) -> None:
        """Take the lock away by ending the session that has it."""
        self._lock.take_away(lock_id)
