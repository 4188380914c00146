"""A server that is away, silent, slow or full of others, and connections that break."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import pytest

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.backend import StoreBackend
from msgflash_apply.state.backends.postgres.address import parse_address
from msgflash_apply.state.backends.postgres.session import Timeouts, connect
from msgflash_apply.state.backends.postgres.store import PostgresStore
from tests.support.fates import Cut, Silence, always, only
from tests.support.proxy import Proxy
from tests.support.states import a_holder
from tests.support.stores import Place
from tests.support.stores.postgres import PostgresServer

pytestmark = pytest.mark.needs("postgres")


@pytest.fixture
def proxy(server: PostgresServer) -> Iterator[Proxy]:
    """Run a way to the server that goes wrong on cue."""
    with Proxy(server.port) as running:
        yield running


@pytest.fixture
def far(server: PostgresServer, place: Place, proxy: Proxy) -> Place:
    """Give the place as it is reached through the proxy."""
    return replace(place, url=place.url.replace(f":{server.port}/", f":{proxy.port}/"))


@dataclass(frozen=True)
class Settings:
    """How a session is set."""

    commit: str
    isolation: str
    statement: str
    keepalive: str


SETTINGS = """
    SELECT current_setting('synchronous_commit') AS commit, current_setting('transaction_isolation') AS isolation,
        current_setting('statement_timeout') AS statement, current_setting('tcp_keepalives_idle') AS keepalive
"""


def a_client(place: Place, timeouts: Timeouts) -> StoreBackend:
    """Build a client that waits no longer than a test can, at a place where the tables are made already."""
    place.client().write(b"one", expected=None)
    return StoreBackend(PostgresStore(parse_address(place.url), place.environ, timeouts=timeouts))


def test_server_that_is_away_is_told(place: Place) -> None:
    """Where nothing listens the error names the place and says what to check."""
    away = replace(place, url="postgresql://test@127.0.0.1:1/states/shop")

    with pytest.raises(BackendError, match=r"cannot be reached") as caught:
        away.client().read()

    assert "postgresql://test@127.0.0.1:1/states/shop: " in caught.value.detail


def test_silence_at_the_door_ends(far: Place, proxy: Proxy) -> None:
    """A server that accepts and says nothing is given up on."""
    client = a_client(far, Timeouts(connect_seconds=2))
    proxy.count(always(Silence()))

    with pytest.raises(BackendError, match="cannot be reached"):
        client.read()


@pytest.mark.slow
def test_silence_in_a_run_ends_and_costs_the_lock(far: Place, proxy: Proxy) -> None:
    """A server that falls silent in the middle is given up on; the run changes nothing more, and says so."""
    client = a_client(far, Timeouts(answer_seconds=4))
    client.lock(a_holder())
    proxy.count(always(Silence()))

    with pytest.raises(BackendError, match="nothing came for 4 seconds"):
        client.append("run-1", b"line\n")

    proxy.count()
    with pytest.raises(BackendError, match="state's lock was lost"):
        client.append("run-1", b"line\n")
    assert client.read_journal("run-1") is None
    client.unlock("run-1")


def test_append_is_one_journey(far: Place, proxy: Proxy) -> None:
    """Each append goes to the server once and back once, whatever it proves on the way."""
    client = far.client()
    client.lock(a_holder())
    client.append("run-1", b"one\n")
    proxy.count()

    for _ in range(3):
        client.append("run-1", b"two\n")

    assert proxy.exchanges == 3
    client.unlock("run-1")


def test_idle_connection_that_broke_is_replaced_for_reading(far: Place, proxy: Proxy) -> None:
    """Reading goes on in a new session when the one that was used before is gone."""
    client = far.client()
    client.write(b"one", expected=None)
    assert client.read() is not None
    proxy.refuse()
    proxy.heal()

    stored = client.read()

    assert stored is not None
    assert stored.document == b"one"


@pytest.mark.parametrize("cut", [Cut.BEFORE, Cut.IN_REQUEST])
def test_append_that_was_cut_off_did_not_happen(far: Place, proxy: Proxy, cut: Cut) -> None:
    """An append of which the server has not everything adds nothing."""
    client = far.client()
    client.lock(a_holder())
    client.append("run-1", b"one\n")
    proxy.count(only(1, cut))

    with pytest.raises(BackendError):
        client.append("run-1", b"two\n")

    assert client.read_journal("run-1") == b"one\n"
    client.unlock("run-1")


@pytest.mark.parametrize("cut", [Cut.IN_ANSWER, Cut.AFTER])
def test_append_whose_answer_is_lost_ends_the_journal(far: Place, proxy: Proxy, cut: Cut) -> None:
    """A journal that may hold more than its writer knows is not continued, not even without a lock."""
    client = far.client()
    client.append("run-1", b"one\n")
    proxy.count()
    client.append("run-1", b"two\n")
    last_statement = proxy.exchanges
    proxy.count(only(last_statement, cut))

    with pytest.raises(BackendError):
        client.append("run-1", b"three\n")
    with pytest.raises(BackendError, match="it is not as this run left it"):
        client.append("run-1", b"four\n")

    assert client.read_journal("run-1") == b"one\ntwo\nthree\n"


def test_tables_that_others_hold_are_not_waited_for_without_end(server: PostgresServer, place: Place) -> None:
    """Where somebody holds a table for long, a change ends in an error."""
    client = a_client(place, Timeouts(lock_seconds=0.2))
    client.append("run-1", b"one\n")

    with server.session() as other, other.transaction():
        other.execute(f"LOCK TABLE {place.url.rpartition('=')[2]}.journals".encode())
        with pytest.raises(BackendError, match="took too long"):
            client.append("run-1", b"two\n")

    client.append("run-1", b"two\n")
    assert client.read_journal("run-1") == b"one\ntwo\n"


def test_migration_that_fails_leaves_nothing(server: PostgresServer, place: Place) -> None:
    """Tables are made together or not at all."""
    server.run_at(place, "CREATE SCHEMA {schema}; CREATE TABLE {schema}.locks ()")

    with pytest.raises(BackendError, match='relation "locks" already exists'):
        place.client().write(b"one", expected=None)

    server.run_at(place, "DROP TABLE {schema}.locks")
    place.client().write(b"one", expected=None)


def test_session_is_set_as_it_must_be(server: PostgresServer, place: Place) -> None:
    """Whatever a role's defaults are, a commit waits for the disk, and the server looks after vanished clients."""
    role = server.role(
        "ALTER ROLE {role} SET synchronous_commit = off",
        "ALTER ROLE {role} SET default_transaction_isolation = serializable",
    )
    place = replace(place, url=place.url.replace("test@", f"{role}@"))

    with closing(connect(parse_address(place.url), {}, None, Timeouts(statement_seconds=50))) as session:
        found = session.rows(Settings, SETTINGS, {})

    assert found == [Settings("on", "read committed", "50s", "30")]
