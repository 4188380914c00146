"""
The tables, and how they come to be: numbered migrations, each applied once, in a transaction that one client does.

A role that may not make them finds ready-made ones fine: an administrator runs what `schema_sql` and `grant_sql` give.
"""

from dataclasses import dataclass
from hashlib import blake2b
from textwrap import dedent
from typing import Final, LiteralString

from psycopg.sql import SQL, Identifier

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.postgres.session import Session

MIGRATIONS: Final[tuple[LiteralString, ...]] = (
    """
    CREATE TABLE {schema}.migrations (
        version integer PRIMARY KEY,
        applied_at timestamptz NOT NULL DEFAULT now()
    );
    CREATE TABLE {schema}.documents (
        state text NOT NULL,
        version bigint NOT NULL,
        document bytea NOT NULL,
        sha256 bytea NOT NULL GENERATED ALWAYS AS (sha256(document)) STORED,
        written_at timestamptz NOT NULL DEFAULT now(),
        written_by text NOT NULL,
        PRIMARY KEY (state, version)
    );
    CREATE TABLE {schema}.states (
        state text PRIMARY KEY,
        version bigint NOT NULL,
        FOREIGN KEY (state, version) REFERENCES {schema}.documents
    );
    CREATE TABLE {schema}.journals (
        state text NOT NULL,
        journal text NOT NULL,
        appends integer NOT NULL,
        is_sealed boolean NOT NULL DEFAULT false,
        begun_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (state, journal)
    ) WITH (fillfactor = 50);
    CREATE TABLE {schema}.journal_lines (
        state text NOT NULL,
        journal text NOT NULL,
        number integer NOT NULL,
        lines bytea NOT NULL,
        PRIMARY KEY (state, journal, number),
        FOREIGN KEY (state, journal) REFERENCES {schema}.journals ON DELETE CASCADE
    );
    CREATE TABLE {schema}.locks (
        state text PRIMARY KEY,
        lock_id text NOT NULL,
        who text NOT NULL,
        host text NOT NULL,
        pid integer NOT NULL,
        what text NOT NULL,
        since timestamptz NOT NULL,
        session_pid integer NOT NULL,
        session_start timestamptz NOT NULL
    );
    INSERT INTO {schema}.migrations (version) VALUES (1);
    """,
)
"""Never change one that was released: add another."""

_TRANSACTION: Final[LiteralString] = "BEGIN;\nCREATE SCHEMA IF NOT EXISTS {schema};\n"
_MAKE_SCHEMA: Final = "CREATE SCHEMA {schema}"
_WAIT_FOR_OTHERS: Final = "SELECT pg_advisory_xact_lock(%(key)s) IS NULL AS is_absent"
_LOOK_FOR_SCHEMA: Final = "SELECT NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = %(schema)s) AS is_absent"
_LOOK_FOR_TABLES: Final = """
    SELECT NOT EXISTS (
        SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = %(schema)s AND relname = 'migrations'
    ) AS is_absent
"""
"""Not by `to_regclass`: after a wait for others it still answers what the session remembers from before."""
_READ_VERSION: Final = "SELECT coalesce(max(version), 0) AS version FROM {schema}.migrations"

_READER: Final[LiteralString] = """
    GRANT USAGE ON SCHEMA {schema} TO {role};
    GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role};
"""
_WRITER: Final[LiteralString] = """
    GRANT INSERT, UPDATE ON {schema}.states TO {role};
    GRANT INSERT, DELETE ON {schema}.documents TO {role};
    GRANT INSERT, UPDATE, DELETE ON {schema}.journals, {schema}.locks TO {role};
    GRANT INSERT ON {schema}.journal_lines TO {role};
"""


@dataclass(frozen=True, slots=True)
class _Look:
    is_absent: bool


@dataclass(frozen=True, slots=True)
class _Applied:
    version: int


def is_present(session: Session) -> bool:
    """
    Say whether there are tables; changes nothing.

    Raises:
        BackendError: a newer version of the program made them, or this role may not look.
    """
    return _version(session) is not None


def prepare(session: Session) -> None:
    """
    Make the tables, or bring them up to date, if they are not. Of several clients at once one does, the others wait.

    Raises:
        BackendError: a newer version of the program made them, or this role may not make them.
    """
    if _version(session) == len(MIGRATIONS):
        return
    with session.transaction():
        session.rows(_Look, _WAIT_FOR_OTHERS, {"key": key_of("migrations", session.schema)})
        version = _version(session)
        if _is_absent(session, _LOOK_FOR_SCHEMA):
            session.run(_MAKE_SCHEMA)
        for migration in MIGRATIONS[version or 0 :]:
            session.run(migration)


def schema_sql(schema: str) -> str:
    """Give what makes the tables in an empty database, for an administrator to run."""
    return "".join(_text(part, schema) for part in (_TRANSACTION, *MIGRATIONS, "COMMIT;\n"))


def grant_sql(schema: str, role: str, *, may_write: bool) -> str:
    """Give the least rights with which a role can plan, or also apply, for an administrator to run."""
    return "".join(_text(part, schema, role) for part in ((_READER, _WRITER) if may_write else (_READER,)))


def key_of(*names: str) -> int:
    """Derive the number of an advisory lock, which has 64 bits with a sign, from the names of what it locks."""
    digest = blake2b("\0".join(names).encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


def _version(session: Session) -> int | None:
    if _is_absent(session, _LOOK_FOR_TABLES):
        return None
    (applied,) = session.rows(_Applied, _READ_VERSION, {})
    if applied.version > len(MIGRATIONS):
        raise BackendError(
            "The state's tables are newer than this program.",
            f"{session.url}: they have had {applied.version} migrations; this version knows {len(MIGRATIONS)}.",
            "Upgrade msgflash-apply here to the version that the others use.",
        )
    return applied.version


def _is_absent(session: Session, look: LiteralString) -> bool:
    (found,) = session.rows(_Look, look, {"schema": session.schema})
    return found.is_absent


def _text(script: LiteralString, schema: str, role: str = "") -> str:
    names = {"schema": Identifier(schema), "role": Identifier(role)}
    return dedent(SQL(script).format(**names).as_string(None)).lstrip("\n")
