"""The lock of a state: an advisory lock of one session, which dies with it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError, StateLocked
from msgflash_apply.state.backends.postgres.schema import key_of
from msgflash_apply.state.ledger import init_state, read_state
from tests.support.states import ENVIRONMENT, LINEAGE, a_holder, a_run
from tests.support.stores import Place
from tests.support.stores.pgbouncer import a_pool
from tests.support.stores.postgres import PostgresServer, schema_of

pytestmark = pytest.mark.needs("postgres")

RUN = """
import sys
from pathlib import Path
from tests.support.states import a_run, intended
from tests.support.stores import Place
with a_run(Place(sys.argv[1], Path()).client(), "run-1") as ledger:
    ledger.append(intended())
    print("announced", flush=True)
    sys.stdin.read()
"""
SESSION = """
    SELECT session.state, session.xact_start
    FROM pg_stat_activity AS session JOIN {schema}.locks ON session.pid = session_pid
"""
END_OF_SESSION = """
    DO $$ BEGIN
        WHILE EXISTS (
            SELECT FROM pg_stat_activity AS session JOIN {schema}.locks
            ON session.pid = session_pid AND session.backend_start = session_start
        ) LOOP
            PERFORM pg_sleep(0.02), pg_stat_clear_snapshot();
        END LOOP;
    END $$
"""


@contextmanager
def a_process_at_work(place: Place) -> Iterator[None]:
    """Start a run in another process and wait until its intent is durable; kill it at the end."""
    command = [sys.executable, "-c", RUN, place.url]
    repo = Path(__file__).parents[3]
    with subprocess.Popen(command, cwd=repo, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "announced\n"
            yield
        finally:
            process.kill()


def test_lock_of_a_killed_process_is_taken_over(server: PostgresServer, place: Place) -> None:
    """A process that is killed leaves its name and its intent, and no lock; the next run knows of the intent."""
    client = place.client()
    init_state(client, environment=ENVIRONMENT, lineage=LINEAGE)
    with a_process_at_work(place), pytest.raises(StateLocked), a_run(client, "run-2"):
        pass
    server.run_at(place, END_OF_SESSION)

    assert client.holder() == a_holder("run-1")
    with a_run(client, "run-2") as ledger:
        assert set(ledger.snapshot.in_doubt) == {"sale"}

    assert client.holder() is None
    assert set(read_state(client, environment=ENVIRONMENT).in_doubt) == {"sale"}


def test_no_transaction_is_left_open(server: PostgresServer, place: Place) -> None:
    """Between two changes the session of a run is idle, outside of any transaction."""
    client = place.client()
    client.lock(a_holder())

    for number in range(3):
        client.append("run-1", b"%d\n" % number)
        assert server.run_at(place, SESSION) == [("idle", None)]

    client.unlock("run-1")


def test_lock_that_the_server_ended_is_lost(server: PostgresServer, place: Place) -> None:
    """A run whose session was ended changes nothing more, reads on, and gives nothing back that is not its own."""
    client = place.client()
    client.lock(a_holder())
    client.append("run-1", b"one\n")
    server.run_at(place, "SELECT pg_terminate_backend(session_pid, 5000) FROM {schema}.locks")

    with pytest.raises(BackendError, match="ended the session"):
        client.append("run-1", b"two\n")
    with pytest.raises(BackendError, match="state's lock was lost"):
        client.append("run-1", b"two\n")
    with pytest.raises(StateLocked):
        client.lock(a_holder())

    assert client.read_journal("run-1") == b"one\n"
    other = place.client()
    other.lock(a_holder("run-2"))
    client.unlock("run-1")
    assert client.holder() == a_holder("run-2")
    other.unlock("run-2")


def test_lock_is_lost_when_the_server_restarts(server: PostgresServer, place: Place) -> None:
    """A server that restarts has forgotten the lock and nothing else, so the run that held it changes nothing more."""
    client = place.client()
    version = client.write(b"one", expected=None)
    client.lock(a_holder())
    client.append("run-1", b"one\n")

    server.restart()

    with pytest.raises(BackendError):
        client.write(b"two", expected=version)
    with pytest.raises(BackendError, match="state's lock was lost"):
        client.append("run-1", b"two\n")
    stored = client.read()
    assert stored is not None
    assert (stored.document, client.read_journal("run-1")) == (b"one", b"one\n")
    client.unlock("run-1")
    client.lock(a_holder("run-2"))
    client.unlock("run-2")


def test_row_that_was_removed_is_a_lost_lock(server: PostgresServer, place: Place) -> None:
    """A lock whose row somebody removed or took over proves nothing any more."""
    client = place.client()
    client.lock(a_holder())
    server.run_at(place, "UPDATE {schema}.locks SET lock_id = 'run-2'")

    for step in (client.seal, client.drop):
        with pytest.raises(BackendError, match="state's lock was lost"):
            step("run-1")

    client.unlock("run-1")


def test_lock_whose_row_is_not_written_yet_is_held(server: PostgresServer, place: Place) -> None:
    """Whoever comes between the lock and its row is refused, and told to try again."""
    client = place.client()
    client.write(b"one", expected=None)
    key = key_of("lock", schema_of(place), "shop/default")

    with server.session() as other:
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        with pytest.raises(StateLocked, match="is just taking the lock"):
            client.lock(a_holder())

    client.lock(a_holder())
    client.unlock("run-1")


def test_unlock_of_another_lock_changes_nothing(place: Place) -> None:
    """Giving back a lock that this run does not hold leaves everybody's as it is."""
    one, two = place.client(), place.client()
    one.lock(a_holder())

    one.unlock("run-2")
    two.unlock("run-1")

    assert two.holder() == a_holder()
    one.append("run-1", b"line\n")
    one.unlock("run-1")


@pytest.mark.needs("pgbouncer")
def test_session_lent_to_two_clients_is_not_locked_twice(server: PostgresServer, place: Place, tmp_path: Path) -> None:
    """Behind a proxy that lends the holder's session to another client, the other does not get the lock."""
    with a_pool(server, tmp_path, sessions=1) as pool:
        one, two = (pool.place(place, server).client() for _ in range(2))
        one.lock(a_holder())

        with pytest.raises(BackendError, match="lends one session to several"):
            two.lock(a_holder("run-2"))

        one.append("run-1", b"line\n")
        one.unlock("run-1")
        two.lock(a_holder("run-2"))
        two.unlock("run-2")


@pytest.mark.needs("pgbouncer")
def test_change_through_another_session_is_refused(server: PostgresServer, place: Place, tmp_path: Path) -> None:
    """Behind a proxy that spreads a run over several sessions, a change that does not reach the lock's is refused."""
    with a_pool(server, tmp_path, sessions=2) as pool:
        run = pool.place(place, server).client()
        run.lock(a_holder())
        ((locked_in,),) = server.run_at(place, "SELECT session_pid FROM {schema}.locks")

        with pool.client() as other:
            borrowed = other.execute("SELECT pg_backend_pid()").fetchone()
            with pytest.raises(BackendError, match="let the proxy pool whole sessions"):
                run.append("run-1", b"line\n")

        assert borrowed == (locked_in,)
        assert place.client().journals() == {}
