"""What PostgreSQL and its library say, in our words. The texts come from the server; none holds a password."""

from typing import Final

import psycopg

from msgflash_apply.errors import BackendError

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
