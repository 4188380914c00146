"""
What the URL of a state in PostgreSQL says, and what it may choose. What the environment adds is in `session.py`.

A URL that a branch wrote chooses neither where a password goes nor whether it goes in clear. libpq binds the passwords
of `~/.pgpass` to a host; PGPASSWORD and a service's it would give to any. Source: contract section 12; libpq's chapters
on environment variables, the password file and the connection service file.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, unquote

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import is_this_machine

DEFAULT_SCHEMA: Final = "msgflash_apply"
SSL_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
"""From the weakest to the strictest."""

_URL: Final = re.compile(r"(?i:postgres(?:ql)?)://(?P<authority>[^/?#]*)/(?P<path>[^?#@]*)(?:\?(?P<query>[^#]*))?")
_AUTHORITY: Final = re.compile(r"(?:(?P<user>[^:@]*)@)?(?P<host>\[[^\[\]@]+\]|[^:@,\[\]]*)(?::(?P<port>[0-9]{1,5}))?")
_NAME_LIMIT_BYTES: Final = 500
_IDENTIFIER_LIMIT_BYTES: Final = 63
_QUERY: Final[Mapping[str, str]] = {
    "application_name": r".{1,63}",
    "connect_timeout": r"[1-9][0-9]{0,2}",
    "schema": r".+",
    "sslmode": "|".join(SSL_MODES),
}
"""What may be behind the question mark; every other option of libpq comes from the environment."""

_DEFAULT_PORT: Final = "5432"
_REMOTE_SSL_MODE: Final = "require"


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """
    One state in one database.

    Attributes:
        user: None for the environment's.
        host: a name, an address, or the folder of a socket; empty for the environment's.
        port: None for the environment's.
        database: its name.
        state: the state's name in it; slashes have no meaning.
        schema: where the tables are.
        options: what else the URL says, by libpq's names: `sslmode`, `connect_timeout`, `application_name`.
    """

    user: str | None
    host: str
    port: str | None
    database: str
    state: str
    schema: str
    options: Mapping[str, str]

    @property
    def url(self) -> str:
        """The URL for people; it never holds a secret."""
        user = "" if self.user is None else f"{quote(self.user, safe='')}@"
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        port = "" if self.port is None else f":{self.port}"
        schema = "" if self.schema == DEFAULT_SCHEMA else f"?schema={quote(self.schema, safe='')}"
        return f"postgresql://{user}{host}{port}/{quote(self.database, safe='')}/{quote(self.state)}{schema}"


def parse_address(url: str) -> PostgresAddress:
    """
    Read `postgresql://[user@][host][:port]/database/name/of/the/state[?option=..]`; parts may be percent-encoded.

    Raises:
        BackendError: it is none, holds a password, or says what only the environment may say. Repeats no part of the
            URL that could be a secret.
    """
    whole = _URL.fullmatch(url)
    if whole is None:
        raise _not_a_url("it is not of this form (an @, ? or # in a name is written %40, %3F or %23)")
    authority = _AUTHORITY.fullmatch(whole["authority"])
    if authority is None:
        raise _not_a_url("the part between // and the next / is not [user@][host][:port], or holds a password")
    database, _, state = whole["path"].partition("/")
    options = _read_options(whole["query"] or "")
    return PostgresAddress(
        user=_decoded(authority["user"]) if authority["user"] else None,
        host=_decoded(authority["host"].strip("[]")),
        port=authority["port"],
        database=_checked(database, "the database", _IDENTIFIER_LIMIT_BYTES),
        state=_checked(state, "the state", _NAME_LIMIT_BYTES),
        schema=_checked(options.pop("schema", DEFAULT_SCHEMA), "the schema", _IDENTIFIER_LIMIT_BYTES),
        options=options,
    )


def _read_options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in _QUERY or name in options:
            raise _not_a_url(
                f"{name!r} cannot be behind the question mark, or not twice; what can is {', '.join(_QUERY)}"
            )
        if not (re.fullmatch(_QUERY[name], value) and value.isprintable()):
            raise _not_a_url(f"the value of {name} is not one that it can have")
        options[name] = value
    return options


def _checked(part: str, what: str, limit_bytes: int) -> str:
    """Decode a name; one that PostgreSQL would cut short could become another one's."""
    name = _decoded(part)
    if "" in name.split("/") or len(name.encode()) > limit_bytes:
        raise _not_a_url(f"the name of {what} is missing, has an empty part, or is longer than {limit_bytes} bytes")
    return name


def _decoded(part: str) -> str:
    try:
        text = unquote(part, errors="strict")
    except UnicodeDecodeError as err:
        raise _not_a_url("what is percent-encoded in it is not UTF-8") from err
    if not text.isprintable():
        raise _not_a_url("it holds characters that cannot be printed")
    return text


def _not_a_url(what: str) -> BackendError:
    return BackendError(
        "The state's URL cannot be used.",
        f"postgresql: {what}.",
        # `//[user@]` would be taken for a password on its way to the terminal, and hidden.
        "Write postgresql://HOST:PORT/database/name/of/the/state, with USER@ before HOST if needed, and no password:\n"
        "that is taken from PGPASSWORD, ~/.pgpass or PGSERVICE, as by every client of PostgreSQL.",
    )


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
    return all(not host or host.startswith(("/", "@")) or is_this_machine(host) for host in hosts.split(","))


def _folded(server: tuple[str, str]) -> tuple[str, str]:
    host, port = server
    return host if host.startswith("/") else host.lower(), port


def _strictness(mode: str) -> int:
    """Rank a mode; one that is not known is libpq's to judge, and nothing may be weaker than it."""
    return SSL_MODES.index(mode) if mode in SSL_MODES else len(SSL_MODES)
