"""The sessions of a backend object: which one reads, which one changes, and which one holds the lock."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import LiteralString, TypeVar

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.backends.postgres import schema
from msgflash_apply.state.backends.postgres.address import PostgresAddress
from msgflash_apply.state.backends.postgres.failures import SessionLost
from msgflash_apply.state.backends.postgres.session import Session

Row = TypeVar("Row")
ChangeRow = TypeVar("ChangeRow", bound="ChangeResult")


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """
    What a statement that begins with the proof of the lock says of itself.

    Attributes:
        is_allowed: this session holds the lock, or the caller has no lock.
    """

    is_allowed: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The lock, while a backend object holds it."""

    holder: Holder
    session: Session


class Sessions:
    """
    The sessions of one backend object.

    Args:
        address: which state.
        connect: makes a session, or raises BackendError.

    Attributes:
        held: the lock that this object holds, also when its session was lost; set by `lock.py`.
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

    def change(self, kind: type[ChangeRow], statement: LiteralString, parameters: Mapping[str, object]) -> ChangeRow:
        """
        Change something by one statement that gives one row.

        Raises:
            BackendError: the server refuses; or the lock that this object holds was lost, and nothing was changed.
                SessionLost: nothing was changed, or everything.
        """
        holder = self.held.holder if self.held else None
        ours = {"lock_id": holder.lock_id if holder else None, "who": holder.who if holder else None}
        with self.writing() as session:
            (row,) = session.rows(kind, statement, {**self.names, **ours, **parameters})
        if not row.is_allowed:
            raise BackendError(
                "The lock of the state was lost.",
                f"{self.url}: the session that answers did not take the lock, or does not have it any more.",
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
            raise BackendError(
                "The lock of the state was lost.",
                f"{self.url}: the connection that held it broke, or the lock was broken.",
                "Run again: what was written is read back, and what is in doubt is named.",
            )
        else:
            yield self.held.session

    def _look(self, kind: type[Row], statement: LiteralString, parameters: Mapping[str, object]) -> list[Row]:
        if self._reader is None or self._reader.is_lost:
            self._reader = self._connect()
        self._is_present = self._is_present or schema.is_present(self._reader)
        return self._reader.rows(kind, statement, {**self.names, **parameters}) if self._is_present else []
