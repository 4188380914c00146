"""One session on the server: rows as values, errors translated, and no wait without an end."""

import os
import socket
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Timer
from typing import Final, LiteralString, TypeVar

import psycopg
from psycopg.rows import class_row

from msgflash_apply.state.backends.postgres.failures import silent, translated
from msgflash_apply.state.backends.postgres.statements import composed

Row = TypeVar("Row")

_ENDED: Final = ("57P", "08")
"""SQLSTATEs with which the server ends a session: it shuts down, an administrator ended it, the protocol broke."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """
    How long to wait for what.

    Attributes:
        connect_seconds: for a connection, unless the URL or PGCONNECT_TIMEOUT says otherwise; libpq takes 2 at least.
        statement_seconds: for a statement, by the server's clock.
        lock_seconds: for a row or table that another session holds.
        answer_seconds: for an answer, by ours: when the server cannot even say that it took too long.
    """

    connect_seconds: int = 10
    statement_seconds: float = 60
    lock_seconds: float = 30
    answer_seconds: float = 75


class Session:
    """
    A connection in which every statement is a transaction of its own.

    It is closed when this object goes, at the latest when the process ends.

    Args:
        connection: in autocommit mode; used by this session only.
        url: how messages name the place.
        schema: where the tables are.
        answer_seconds: how long the server may be silent.

    Attributes:
        close: ends the session, and with it its lock; may be called again.
    """

    def __init__(
        self, connection: psycopg.Connection[tuple[object, ...]], url: str, schema: str, answer_seconds: float
    ) -> None:
        self._connection = connection
        self.url = url
        self.schema = schema
        self._answer_seconds = answer_seconds
        self.close = weakref.finalize(self, connection.close)

    @property
    def is_lost(self) -> bool:
        """Whether the connection is known to be gone; one that is not may be gone too."""
        return self._connection.closed

    def rows(self, kind: type[Row], statement: LiteralString, parameters: Mapping[str, object]) -> list[Row]:
        """
        Run a statement, and make a value of each row: its columns are the fields of `kind`.

        Raises:
            SessionLost: the session is gone. What the statement changes may have happened, or may not.
            BackendError: the server refused; nothing happened.
        """
        with self._watched(), self._connection.cursor(binary=True, row_factory=class_row(kind)) as cursor:
            cursor.execute(composed(statement, self.schema), parameters)
            return cursor.fetchall()

    def run(self, script: LiteralString) -> None:
        """Run statements that return nothing; errors as for `rows`."""
        with self._watched():
            self._connection.execute(composed(script, self.schema))

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Let the statements of the block happen together or not at all; errors as for `rows`."""
        with self._watched(), self._connection.transaction():
            yield

    @contextmanager
    def _watched(self) -> Iterator[None]:
        is_overdue = Event()
        try:
            with _deadline(self._connection, self._answer_seconds, is_overdue):
                yield
        except psycopg.Error as err:
            if is_overdue.is_set():
                self.close()
                raise silent(self.url, self._answer_seconds) from err
            is_lost = self._connection.closed or (err.sqlstate or "").startswith(_ENDED)
            if is_lost:
                self.close()
            raise translated(err, self.url, is_lost=is_lost) from err


@contextmanager
def _deadline(connection: psycopg.Connection[tuple[object, ...]], seconds: float, is_overdue: Event) -> Iterator[None]:
    """
    Cut the connection if the block takes longer.

    The timeouts of server and kernel do not cover a server process that has stopped while its kernel still acknowledges
    what is sent; the library waits for such a one without end.
    """
    with socket.socket(fileno=os.dup(connection.fileno())) as wire:

        def cut() -> None:
            is_overdue.set()
            with suppress(OSError):  # it may be closed by now
                wire.shutdown(socket.SHUT_RDWR)

        timer = Timer(seconds, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
