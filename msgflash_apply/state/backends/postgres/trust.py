"""
What a URL may choose. One that a branch wrote chooses neither where a password goes nor whether it goes in clear.

libpq binds the passwords of `~/.pgpass` to a host; PGPASSWORD and a service's it would give to any. Source: contract
section 12; libpq's chapters on environment variables, the password file and the connection service file.
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.postgres.address import SSL_MODES, PostgresAddress

_DEFAULT_PORT: Final = "5432"
_REMOTE_SSL_MODE: Final = "require"


def check_destination(address: PostgresAddress, environ: Mapping[str, str]) -> None:
    """
    Refuse a URL that a branch wrote if it would send the environment's password where the environment does not.

    Raises:
        BackendError: PGPASSWORD is set, and PGHOST (with PGPORT) names another server or none; or PGSERVICE is set,
            and the URL says what the service should.
    """
    where = f"{address.url} is in a file that a branch can edit"
    if environ.get("PGSERVICE") and (address.host or address.port or "sslmode" in address.options):
        raise BackendError(
            "The state's password cannot be sent there.",
            f"{where}, and the service of PGSERVICE may hold a password for another host.",
            "Leave host, port and sslmode out of the URL, or set MSGFLASH_STATE to it.",
        )
    named = (environ.get("PGHOST", ""), environ.get("PGPORT") or _DEFAULT_PORT)
    asked = (address.host or named[0], address.port or named[1])
    if environ.get("PGPASSWORD") and _folded(asked) != _folded(named):
        raise BackendError(
            "The state's password cannot be sent there.",
            f"{where}, and PGPASSWORD would go to whatever host it names.",
            f"Set PGHOST to {asked[0]!r} and PGPORT to {asked[1]!r}, or MSGFLASH_STATE to the whole URL; or keep the\n"
            "password in ~/.pgpass, where it belongs to one host.",
        )


def ssl_mode(address: PostgresAddress, environ: Mapping[str, str], *, is_trusted: bool) -> str | None:
    """
    Choose libpq's `sslmode`; None leaves it to libpq, or to the service that PGSERVICE names.

    Unless the environment says otherwise, TLS is required except on this machine: with libpq's own default, anyone on
    the way could switch it off.

    Raises:
        BackendError: a URL that a branch wrote asks for less than the environment does.
    """
    asked = address.options.get("sslmode")
    if environ.get("PGSERVICE"):
        return asked
    floor = environ.get("PGSSLMODE") or (None if is_local(address, environ) else _REMOTE_SSL_MODE)
    if asked is None or floor is None:
        return asked or floor
    if not is_trusted and _strictness(asked) < _strictness(floor):
        raise BackendError(
            "The state's URL asks for less protection than there must be.",
            f"{address.url} is in a file that a branch can edit, and says sslmode={asked}; {floor} is required.",
            "Take sslmode out of the URL; PGSSLMODE in the environment may set it.",
        )
    return asked


def is_local(address: PostgresAddress, environ: Mapping[str, str]) -> bool:
    """Whether the server is on this machine, so that nothing is on the way: a socket, or a loopback address."""
    hosts = environ.get("PGHOSTADDR") or address.host or environ.get("PGHOST", "")
    return all(_is_local(host) for host in hosts.split(","))


def _is_local(host: str) -> bool:
    if host.startswith(("/", "@")) or host.lower() in {"", "localhost"}:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _folded(server: tuple[str, str]) -> tuple[str, str]:
    host, port = server
    return host if host.startswith("/") else host.lower(), port


def _strictness(mode: str) -> int:
    """Rank a mode; one that is not known is libpq's to judge, and nothing may be weaker than it."""
    return SSL_MODES.index(mode) if mode in SSL_MODES else len(SSL_MODES)
