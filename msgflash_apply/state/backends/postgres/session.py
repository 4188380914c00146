"""
One session on the server: how it is made, rows as values, and no wait without an end.

What PostgreSQL and its library say is put into our words. The texts come from the server; none holds a password.
"""

import os
import socket
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from threading import Event, Timer
from typing import Final, LiteralString, TypeVar

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from psycopg.rows import class_row

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.postgres.address import PostgresAddress
from msgflash_apply.state.backends.postgres.statements import composed

_REMEDIES: Final = (
    ("28", "The state's database refuses the login.", "Check the user, the password and the server's pg_hba.conf."),
    ("3D000", "The state's database does not exist.", "Check its name, or let an administrator create it."),
    ("42501", "The state's database denies permission.", "Let an administrator grant what docs/state.md lists."),
    ("53100", "The state's database has no room left.", "Make room on the server, then run again."),
    (
        "53300",
        "The state's database takes no more connections.",
        "Wait, or let an administrator raise max_connections.",
    ),
    ("25006", "The state's database is read-only.", "Name the primary server: a standby can be read, not written."),
    ("57014", "The state's database took too long.", "Run again when the server is less busy."),
    ("55P03", "The state's database took too long.", "Something else holds the rows or tables; run again later."),
    ("57P", "The state's database ended the session.", "Run again once the server is up."),
    ("08", "The connection to the state's database broke.", "Run again once the server can be reached."),
    ("42P01", "The state's tables are damaged.", "Restore them from a backup of the database; make no new ones."),
)
"""By SQLSTATE, or how it begins: the summary, and what to do."""

_OTHERWISE: Final = ("The state's database failed.", "Look into the server's log; then run again.")
_LOST: Final = ("The connection to the state's database broke.", "Run again once the server can be reached.")

Row = TypeVar("Row")
_ENDED: Final = ("57P", "08")
"""SQLSTATEs with which the server ends a session: it shuts down, an administrator ended it, the protocol broke."""

_OLDEST_SERVER: Final = 140000
_SILENCE_SECONDS: Final = 60
_WIRE: Final[Mapping[str, str]] = {
    "client_encoding": "utf8",
    "fallback_application_name": "msgflash-apply",
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": str(_SILENCE_SECONDS * 1000),
}
_SET: Final = """
    SELECT count(set_config(name, CASE WHEN name = 'synchronous_commit' AND current_setting(name) <> 'off'
        THEN current_setting(name) ELSE setting END, false)) AS settings
    FROM unnest(%(names)s::text[], %(settings)s::text[]) AS wanted (name, setting)
"""


class SessionLost(BackendError):
    """The session is gone, and its lock with it; whether its last statement was carried out is not known."""


def translated(error: psycopg.Error, url: str, *, is_lost: bool) -> BackendError:
    """Translate what went wrong with a statement; SessionLost if the session went with it."""
    code = error.sqlstate or ""
    known = [(summary, fix) for prefix, summary, fix in _REMEDIES if code.startswith(prefix)]
    summary, fix = known[0] if known else _LOST if is_lost else _OTHERWISE
    text = f"{_one_line(error)} ({code})" if code else _one_line(error)
    return (SessionLost if is_lost else BackendError)(summary, f"{url}: {text}", fix)


def unreachable(error: psycopg.Error, url: str, ssl_mode: str | None) -> BackendError:
    """Translate why there is no session. libpq gives it only as text, in the server's language."""
    if error.pgconn is not None and error.pgconn.needs_password:
        return BackendError(
            "The state's database wants a password.",
            f"{url}: none was given.",
            "Set PGPASSWORD (and PGHOST, if the URL is in a file), or write the password into ~/.pgpass.",
        )
    tls = f" (sslmode={ssl_mode})" if ssl_mode else ""
    return BackendError(
        "The state's database cannot be reached.",
        f"{url}: {_one_line(error)}{tls}",
        "Check host, port, database and user in the URL or in PGHOST and its like, and that the server is up.",
    )


def silent(url: str, seconds: float) -> SessionLost:
    """Say that no answer came."""
    return SessionLost(
        "The state's database does not answer.",
        f"{url}: nothing came for {seconds:g} seconds, so the connection was closed.",
        "Run again once the server can be reached.",
    )


def _one_line(error: psycopg.Error) -> str:
    return " ".join((error.diag.message_primary or str(error)).split())


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


@dataclass(frozen=True, slots=True)
class _Set:
    settings: int


def connect(address: PostgresAddress, environ: Mapping[str, str], ssl_mode: str | None, timeouts: Timeouts) -> Session:
    """
    Make a session.

    Raises:
        BackendError: the server cannot be reached, refuses the login, or is too old.
    """
    try:
        conninfo = make_conninfo(**parameters(address, environ, ssl_mode, timeouts))
        connection = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)
    except psycopg.Error as err:
        raise unreachable(err, address.url, ssl_mode) from err
    session = Session(connection, address.url, address.schema, timeouts.answer_seconds)
    refuse_if_old(connection.info.server_version, address.url)
    settings = settings_of_a_session(timeouts)
    session.rows(_Set, _SET, {"names": list(settings), "settings": list(settings.values())})
    return session


def parameters(
    address: PostgresAddress, environ: Mapping[str, str], ssl_mode: str | None, timeouts: Timeouts
) -> dict[str, str]:
    """
    Give what URL and environment say, by libpq's own names.

    The environment is spelled out, so that it is the given one and not the process's, except with PGSERVICE: what the
    service's file says comes before the other variables then, and only libpq reads it. Likewise only libpq reads the
    files that it looks for by itself (`~/.pgpass`, `~/.postgresql`), where HOME says.
    """
    from_url = {"user": address.user, "host": address.host, "port": address.port, "dbname": address.database}
    asked = {**from_url, **address.options, "sslmode": ssl_mode}
    variables = {
        option.envvar.decode(): option.keyword.decode() for option in pq.Conninfo.get_defaults() if option.envvar
    }
    if service := environ.get("PGSERVICE"):
        from_environment = {"service": service}
    else:
        from_environment = {keyword: environ[name] for name, keyword in variables.items() if environ.get(name)}
    timeout = {"connect_timeout": str(timeouts.connect_seconds)}
    return {**_WIRE, **timeout, **from_environment, **{name: text for name, text in asked.items() if text}}


def settings_of_a_session(timeouts: Timeouts) -> dict[str, str]:
    """
    Set what a session must have, whatever server, database and role have as their defaults.

    The server ends the session of a machine that vanished after a minute, so that its lock does not outlive it for
    hours. A commit waits until it is on disk: an intent must be durable before its create is sent.
    """
    return {
        "statement_timeout": _milliseconds(timeouts.statement_seconds),
        "lock_timeout": _milliseconds(timeouts.lock_seconds),
        "idle_in_transaction_session_timeout": _milliseconds(timeouts.statement_seconds),
        "idle_session_timeout": "0",
        "tcp_keepalives_idle": _WIRE["keepalives_idle"],
        "tcp_keepalives_interval": _WIRE["keepalives_interval"],
        "tcp_keepalives_count": _WIRE["keepalives_count"],
        "tcp_user_timeout": _WIRE["tcp_user_timeout"],
        "synchronous_commit": "on",
        "default_transaction_isolation": "read committed",
        "timezone": "UTC",
    }


def refuse_if_old(server_version: int, url: str) -> None:
    """
    Refuse a server that lacks what we need.

    Args:
        server_version: as libpq has it, such as 150018.
        url: where.
    """
    if server_version < _OLDEST_SERVER:
        raise BackendError(
            "The state's database is too old.",
            f"{url}: the server is PostgreSQL {server_version // 10000}.",
            f"Use PostgreSQL {_OLDEST_SERVER // 10000} or later.",
        )


def _milliseconds(seconds: float) -> str:
    return str(round(seconds * 1000))
