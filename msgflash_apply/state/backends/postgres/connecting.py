"""How a session is made: the parameters for libpq, and the settings of the session."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.postgres.address import PostgresAddress
from msgflash_apply.state.backends.postgres.failures import unreachable
from msgflash_apply.state.backends.postgres.session import Session, Timeouts

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
