"""
A state in a database: the document and its former ones, the journals as rows, and the lock.

The lock is an advisory lock of one session, and a row that says whose. It dies with its session. `Sessions` knows which
session reads, which one changes, and which one holds the lock.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Final, LiteralString, TypeVar

from msgflash_apply.errors import BackendError, StateLocked
from msgflash_apply.state.backends.base import (
    Appends,
    Backup,
    Holder,
    Stored,
    Written,
    lock_lost,
    locked,
    not_the_lock,
)
from msgflash_apply.state.backends.postgres import schema, statements
from msgflash_apply.state.backends.postgres.address import PostgresAddress
from msgflash_apply.state.backends.postgres.session import Session, SessionLost, Timeouts, connect

_VERSION: Final = re.compile(r"([0-9]{1,18})-([0-9a-f]{64})")
_END_WAIT_MILLISECONDS: Final = 10_000

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Change:
    """
    What a statement that begins with the proof of the lock says of itself.

    Attributes:
        is_allowed: this session holds the lock, or the caller has no lock.
        is_done: of a journal: whether something was changed.
        version: of the document that was written; None if there is none.
    """

    is_allowed: bool
    is_done: bool = False
    version: str | None = None


@dataclass(frozen=True, slots=True)
class _Journal:
    journal: str
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class _Content:
    content: bytes


@dataclass(frozen=True, slots=True)
class _Taken:
    is_taken: bool
    is_signed: bool
    is_given_back: bool | None


@dataclass(frozen=True, slots=True)
class _Done:
    is_done: bool


@dataclass(frozen=True, slots=True)
class _StillThere:
    session_pid: int


@dataclass(frozen=True, slots=True)
class Held:
    """The lock, while a store object holds it."""

    holder: Holder
    session: Session


class Sessions:
    """
    The sessions of one store object.

    Args:
        address: which state.
        connect: makes a session, or raises BackendError.

    Attributes:
        held: the lock that this object holds, also when its session was lost; set by `PostgresStore`.
    """

    def __init__(self, address: PostgresAddress, connect: Callable[[], Session]) -> None:
        self.held: Held | None = None
        self._address = address
        self._connect = connect
        self._reader: Session | None = None
        self._is_present = False

    @property
    def url(self) -> str:
        """The place, for people."""
        return self._address.url

    @property
    def names(self) -> dict[str, object]:
        """What names the state in every statement."""
        return {"state": self._address.state, "key": schema.key_of("lock", self._address.schema, self._address.state)}

    def look(
        self, kind: type[Row], statement: LiteralString, parameters: Mapping[str, object] | None = None
    ) -> list[Row]:
        """
        Read rows; none where no tables are. Needs no lock; a session that was lost meanwhile is replaced once.

        Raises:
            BackendError: the server cannot be reached, or refuses.
        """
        try:
            return self._look(kind, statement, parameters or {})
        except SessionLost:
            return self._look(kind, statement, parameters or {})

    def change(self, statement: LiteralString, parameters: Mapping[str, object]) -> Change:
        """
        Change something by one statement that gives one row.

        Raises:
            BackendError: the server refuses; or the lock that this object holds was lost, and nothing was changed.
                SessionLost: nothing was changed, or everything.
        """
        holder = self.held.holder if self.held else None
        ours = {"lock_id": holder.lock_id if holder else None, "who": holder.who if holder else None}
        with self.writing() as session:
            (row,) = session.rows(Change, statement, {**self.names, **ours, **parameters})
        if not row.is_allowed:
            raise lock_lost(
                self.url,
                "the session that answers did not take the lock, or does not have it any more",
                "Run again. If it happens each time, a proxy spreads the statements over several sessions: connect to\n"
                "the server itself, or let the proxy pool whole sessions.",
            )
        return row

    def new_session(self) -> Session:
        """Make a session in which tables are ready to be written to."""
        session = self._connect()
        schema.prepare(session)
        return session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give the session that holds the lock, or one that is made for the time of the block."""
        if self.held is None:
            with closing(self.new_session()) as session:
                yield session
        elif self.held.session.is_lost:
            raise lock_lost(self.url, "the connection that held it broke, or the lock was broken")
        else:
            yield self.held.session

    def _look(self, kind: type[Row], statement: LiteralString, parameters: Mapping[str, object]) -> list[Row]:
        if self._reader is None or self._reader.is_lost:
            self._reader = self._connect()
        self._is_present = self._is_present or schema.is_present(self._reader)
        return self._reader.rows(kind, statement, {**self.names, **parameters}) if self._is_present else []


class PostgresStore:
    """
    One state in a database; see `Store` for what each method promises. Used by one thread; connects when first used.

    The version of a document is its number and its hash: numbers repeat once a database was restored from a backup.

    Args:
        address: which one.
        environ: what libpq knows besides, secrets included.
        ssl_mode: see `address.ssl_mode`.
        timeouts: how long to wait for what.
    """

    appends: Final = Appends(ahead=4)
    """A few announced ahead: an append is a journey to the server, and a commit there."""

    lock_dies_with_its_holder: Final = True
    """The server frees what a dead session held."""

    def __init__(
        self,
        address: PostgresAddress,
        environ: Mapping[str, str],
        *,
        ssl_mode: str | None = None,
        timeouts: Timeouts | None = None,
    ) -> None:
        self.url = address.url
        self._sessions = Sessions(address, partial(connect, address, environ, ssl_mode, timeouts or Timeouts()))

    def read(self) -> Stored | None:
        """Read the present document; None where there is none, or no tables."""
        return next(iter(self._sessions.look(Stored, statements.READ_DOCUMENT)), None)

    def put_if(self, document: bytes, *, expected: str | None) -> str | None:
        """Put a document beside the present one and point to it, if the present one is the expected one."""
        if expected is None:
            return self._sessions.change(statements.WRITE_FIRST, {"document": document}).version
        version = _VERSION.fullmatch(expected)
        if version is None:
            return None
        names = {"version": int(version[1]), "sha256": version[2], "kept": statements.FORMER_DOCUMENTS_KEPT}
        return self._sessions.change(statements.WRITE_NEXT, {**names, "document": document}).version

    def append_if(self, journal: str, lines: bytes, *, written: Written) -> bool:
        """Begin a journal that is not there, or continue one that is as this run left it."""
        statement = statements.CONTINUE_JOURNAL if written.appends else statements.BEGIN_JOURNAL
        parameters = {"journal": journal, "lines": lines, "appends": written.appends}
        return self._sessions.change(statement, parameters).is_done

    def seal(self, journal: str) -> None:
        """End a journal: waits for an append that is under way, and lets none follow."""
        self._sessions.change(statements.SEAL_JOURNAL, {"journal": journal})

    def journals(self) -> Mapping[str, bool]:
        """List all journals, the one begun first in front."""
        return {found.journal: found.is_sealed for found in self._sessions.look(_Journal, statements.LIST_JOURNALS)}

    def read_journal(self, journal: str) -> bytes | None:
        """Read all lines in order; None if there is no such journal."""
        return self._content(statements.READ_JOURNAL, {"journal": journal})

    def drop(self, journal: str) -> None:
        """Remove a journal with its lines."""
        self._sessions.change(statements.DROP_JOURNAL, {"journal": journal})

    def backups(self) -> Sequence[Backup]:
        """List the former documents, the latest first, each with the time at which it was replaced."""
        return tuple(self._sessions.look(Backup, statements.LIST_BACKUPS))

    def read_backup(self, name: str) -> bytes | None:
        """Read a former document by its number."""
        if not re.fullmatch(r"[0-9]+", name, re.ASCII):
            return None
        return self._content(statements.READ_BACKUP, {"name": name})

    def lock(self, holder: Holder) -> None:
        """
        Take the lock in a session of its own; a row that a dead session left is overwritten.

        Raises:
            StateLocked: a session has it, this object's included.
            BackendError: the server fails, or a proxy lends one session to several clients.
        """
        if self._sessions.held is not None:
            raise locked(self.url, self._sessions.held.holder)
        with ExitStack() as on_failure:
            session = self._sessions.new_session()
            on_failure.callback(session.close)
            (taken,) = session.rows(_Taken, statements.TAKE_LOCK, {**self._sessions.names, **asdict(holder)})
            if not taken.is_taken:
                raise self._refused()
            if not taken.is_signed:
                raise BackendError(
                    "The state cannot be locked.",
                    f"{self.url}: this session of the server has the lock for another client already, so a "
                    "proxy lends one session to several.",
                    "Connect to the server itself, or let the proxy pool whole sessions.",
                )
            on_failure.pop_all()
        self._sessions.held = Held(holder, session)

    def unlock(self, lock_id: str) -> None:
        """Give back what this object took. A session that was lost took its lock along: there is nothing left to do."""
        held = self._sessions.held
        if held is None or held.holder.lock_id != lock_id:
            return
        self._sessions.held = None
        try:
            with suppress(SessionLost):
                held.session.rows(_Done, statements.GIVE_LOCK_BACK, {**self._sessions.names, "lock_id": lock_id})
        finally:
            held.session.close()

    def holder(self) -> Holder | None:
        """Read who signed last and did not give the lock back, alive or dead."""
        return next(iter(self._sessions.look(Holder, statements.READ_HOLDER)), None)

    def break_lock(self, lock_id: str) -> None:
        """
        End the session that has the lock, wait for its end, and remove its row.

        Raises:
            StateError: there is no lock of this id.
            BackendError: this role may not end that session; the lock stays.
        """
        found = self.holder()
        if found is None or found.lock_id != lock_id:
            raise not_the_lock(self.url, lock_id, found)
        names = {**self._sessions.names, "lock_id": lock_id, "milliseconds": _END_WAIT_MILLISECONDS}
        with closing(self._sessions.new_session()) as session:
            session.rows(_Done, statements.END_HOLDER, names)
            still = session.rows(_StillThere, statements.REMOVE_LOCK, names)
        if still:
            raise BackendError(
                "The lock could not be broken.",
                f"{self.url}: the session that holds it has not ended; it may belong to another role.",
                f"Let an administrator end it:\n    SELECT pg_terminate_backend({still[0].session_pid});",
            )

    def _content(self, statement: LiteralString, parameters: Mapping[str, object]) -> bytes | None:
        found = self._sessions.look(_Content, statement, parameters)
        return found[0].content if found else None

    def _refused(self) -> StateLocked:
        found = self.holder()
        if found is not None:
            return locked(self.url, found)
        return StateLocked(
            "The state is locked.",
            f"{self.url}: a run is just taking the lock, and has not said yet whose it is.",
            "Try again, or let this one wait with --lock-timeout.",
        )
