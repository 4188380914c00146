"""
Every statement on the rows of one state, except those that upgrade the schema.

`{schema}` is the schema's name, `%(name)s` a parameter. `{proof}` begins those that change something: a row in
`allowed` if the caller holds no lock (`%(lock_id)s` is NULL), or holds it in the very session that runs the statement.
So a lock that was lost is found out, and so is a proxy that spreads the statements of one client over several sessions.
"""

from typing import Final, LiteralString

from psycopg.sql import SQL, Composed, Identifier

FORMER_DOCUMENTS_KEPT: Final = 100

_LOCK: Final = """
    locktype = 'advisory' AND granted AND objsubid = 1
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND classid = ((%(key)s::bigint >> 32) & 4294967295)::oid AND objid = (%(key)s::bigint & 4294967295)::oid
"""

_PROOF: Final = """
    held AS MATERIALIZED (
        SELECT FROM {schema}.locks JOIN pg_locks ON pg_locks.pid = session_pid
        WHERE state = %(state)s AND lock_id = %(lock_id)s AND session_pid = pg_backend_pid() AND {lock}
    ), allowed AS MATERIALIZED (
        SELECT WHERE %(lock_id)s::text IS NULL OR EXISTS (SELECT FROM held)
    )
"""

READ_DOCUMENT: Final = """
    SELECT document, version || '-' || encode(sha256, 'hex') AS version
    FROM {schema}.states JOIN {schema}.documents USING (state, version) WHERE state = %(state)s
"""

WRITE_FIRST: Final = """
    WITH {proof}, moved AS (
        INSERT INTO {schema}.states (state, version)
        SELECT %(state)s, 1 + coalesce((SELECT max(version) FROM {schema}.documents WHERE state = %(state)s), 0)
        FROM allowed ON CONFLICT DO NOTHING RETURNING version
    ), written AS (
        INSERT INTO {schema}.documents (state, version, document, written_by)
        SELECT %(state)s, version, %(document)b, coalesce(%(who)s, session_user) FROM moved RETURNING version, sha256
    )
    SELECT EXISTS (SELECT FROM allowed) AS is_allowed,
        (SELECT version || '-' || encode(sha256, 'hex') FROM written) AS version
"""

WRITE_NEXT: Final = """
    WITH {proof}, moved AS (
        UPDATE {schema}.states SET version = version + 1 FROM allowed
        WHERE state = %(state)s AND version = %(version)s AND EXISTS (
            SELECT FROM {schema}.documents
            WHERE state = %(state)s AND version = %(version)s AND encode(sha256, 'hex') = %(sha256)s
        ) RETURNING version
    ), written AS (
        INSERT INTO {schema}.documents (state, version, document, written_by)
        SELECT %(state)s, version, %(document)b, coalesce(%(who)s, session_user) FROM moved RETURNING version, sha256
    ), pruned AS (
        DELETE FROM {schema}.documents USING moved
        WHERE state = %(state)s AND documents.version < moved.version - %(kept)s
    )
    SELECT EXISTS (SELECT FROM allowed) AS is_allowed,
        (SELECT version || '-' || encode(sha256, 'hex') FROM written) AS version
"""

BEGIN_JOURNAL: Final = """
    WITH {proof}, journal AS (
        INSERT INTO {schema}.journals (state, journal, appends) SELECT %(state)s, %(journal)s, 1
        FROM allowed ON CONFLICT DO NOTHING RETURNING appends
    ), appended AS (
        INSERT INTO {schema}.journal_lines (state, journal, number, lines)
        SELECT %(state)s, %(journal)s, appends, %(lines)b FROM journal
    )
    SELECT EXISTS (SELECT FROM allowed) AS is_allowed, EXISTS (SELECT FROM journal) AS is_done
"""

CONTINUE_JOURNAL: Final = """
    WITH {proof}, journal AS (
        UPDATE {schema}.journals SET appends = appends + 1 FROM allowed
        WHERE state = %(state)s AND journal = %(journal)s AND NOT is_sealed AND appends = %(appends)s
        RETURNING appends
    ), appended AS (
        INSERT INTO {schema}.journal_lines (state, journal, number, lines)
        SELECT %(state)s, %(journal)s, appends, %(lines)b FROM journal
    )
    SELECT EXISTS (SELECT FROM allowed) AS is_allowed, EXISTS (SELECT FROM journal) AS is_done
"""

SEAL_JOURNAL: Final = """
    WITH {proof}, journal AS (
        UPDATE {schema}.journals SET is_sealed = true FROM allowed
        WHERE state = %(state)s AND journal = %(journal)s AND NOT is_sealed RETURNING journal
    )
    SELECT EXISTS (SELECT FROM allowed) AS is_allowed, EXISTS (SELECT FROM journal) AS is_done
"""

DROP_JOURNAL: Final = """
    WITH {proof}, journal AS (
        DELETE FROM {schema}.journals USING allowed WHERE state = %(state)s AND journal = %(journal)s RETURNING journal
    )
    SELECT EXISTS (SELECT FROM allowed) AS is_allowed, EXISTS (SELECT FROM journal) AS is_done
"""

LIST_JOURNALS: Final = """
    SELECT journal, is_sealed FROM {schema}.journals WHERE state = %(state)s ORDER BY begun_at, journal
"""

READ_JOURNAL: Final = """
    SELECT coalesce((
        SELECT string_agg(lines, ''::bytea ORDER BY number) FROM {schema}.journal_lines
        WHERE state = %(state)s AND journal = %(journal)s
    ), ''::bytea) AS content
    FROM {schema}.journals WHERE state = %(state)s AND journal = %(journal)s
"""

LIST_BACKUPS: Final = """
    SELECT former.version::text AS name, octet_length(former.document) AS size_bytes, (
        SELECT min(written_at) FROM {schema}.documents AS next
        WHERE next.state = former.state AND next.version > former.version
    ) AS written_at
    FROM {schema}.documents AS former LEFT JOIN {schema}.states AS present USING (state)
    WHERE state = %(state)s AND former.version IS DISTINCT FROM present.version ORDER BY former.version DESC
"""

READ_BACKUP: Final = """
    SELECT former.document AS content
    FROM {schema}.documents AS former LEFT JOIN {schema}.states AS present USING (state)
    WHERE state = %(state)s AND former.version::text = %(name)s AND former.version IS DISTINCT FROM present.version
"""

READ_HOLDER: Final = """
    SELECT lock_id, who, host, pid, what, since FROM {schema}.locks WHERE state = %(state)s
"""

TAKE_LOCK: Final = """
    WITH taken AS MATERIALIZED (
        SELECT pg_try_advisory_lock(%(key)s) AS is_taken
    ), signed AS (
        INSERT INTO {schema}.locks AS present
            (state, lock_id, who, host, pid, what, since, session_pid, session_start)
        SELECT %(state)s, %(lock_id)s, %(who)s, %(host)s, %(pid)s, %(what)s, %(since)s, ours.pid, ours.backend_start
        FROM taken JOIN pg_stat_activity AS ours ON ours.pid = pg_backend_pid() WHERE is_taken
        ON CONFLICT (state) DO UPDATE SET
            lock_id = excluded.lock_id, who = excluded.who, host = excluded.host, pid = excluded.pid,
            what = excluded.what, since = excluded.since,
            session_pid = excluded.session_pid, session_start = excluded.session_start
        WHERE (present.session_pid, present.session_start) <> (excluded.session_pid, excluded.session_start)
        RETURNING lock_id
    )
    SELECT is_taken, EXISTS (SELECT FROM signed) AS is_signed,
        CASE WHEN is_taken AND NOT EXISTS (SELECT FROM signed) THEN pg_advisory_unlock(%(key)s) END AS is_given_back
    FROM taken
"""
"""
A row that is left from this same session is another client's: a proxy lends one session to several, and an advisory
lock can be taken twice in one session.
"""

GIVE_LOCK_BACK: Final = """
    WITH gone AS (DELETE FROM {schema}.locks WHERE state = %(state)s AND lock_id = %(lock_id)s)
    SELECT pg_advisory_unlock(%(key)s) AS is_done
"""

END_HOLDER: Final = """
    SELECT pg_terminate_backend(session.pid, %(milliseconds)s) AS is_done
    FROM {schema}.locks
    JOIN pg_stat_activity AS session ON session.pid = session_pid AND session.backend_start = session_start
    WHERE locks.state = %(state)s AND lock_id = %(lock_id)s
"""

REMOVE_LOCK: Final = """
    WITH gone AS (
        DELETE FROM {schema}.locks WHERE state = %(state)s AND lock_id = %(lock_id)s
            AND NOT EXISTS (SELECT FROM pg_locks WHERE pg_locks.pid = session_pid AND {lock})
        RETURNING lock_id
    )
    SELECT session_pid FROM {schema}.locks
    WHERE state = %(state)s AND lock_id = %(lock_id)s AND NOT EXISTS (SELECT FROM gone)
"""
"""Gives the session that has the lock still, if it could not be ended; no row means that the lock is gone."""


def composed(statement: LiteralString, schema: str) -> Composed:
    """Fill in the schema, and the parts that statements share."""
    names = {"schema": Identifier(schema), "lock": SQL(_LOCK)}
    return SQL(statement).format(**names, proof=SQL(_PROOF).format(**names))
