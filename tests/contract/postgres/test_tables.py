"""What lies in the tables of a database, and how they come to be."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from msgflash_apply.errors import BackendError, StateConflict, StateDamaged
from msgflash_apply.state.backends.base import Appends
from msgflash_apply.state.backends.postgres.schema import MIGRATIONS, schema_sql
from msgflash_apply.state.ledger import init_state, read_state
from tests.support.states import ENVIRONMENT, LINEAGE, a_holder, a_run, created, intended
from tests.support.stores import Place
from tests.support.stores.postgres import PostgresServer, schema_of

pytestmark = pytest.mark.needs("postgres")


def named(place: Place, name: str) -> Place:
    """Give another state beside that of a place, in the same tables."""
    return replace(place, url=place.url.replace("/shop/default", f"/{name}"))


def test_states_side_by_side_do_not_mix(place: Place) -> None:
    """States in one database, one at work and one not, see nothing of each other, even where a name begins alike."""
    one, other = named(place, "shop/eu").client(), named(place, "shop/eu/north").client()
    version = one.write(b"one", expected=None)
    one.write(b"two", expected=version)
    one.lock(a_holder())
    one.append("run-1", b"line\n")

    assert (other.read(), other.holder(), other.remains(), other.backups()) == (None, None, (), ())
    other.lock(a_holder("run-2"))
    other.append("run-1", b"another\n")

    assert one.read_journal("run-1") == b"line\n"
    one.unlock("run-1")
    other.unlock("run-2")


def test_creates_may_be_announced_ahead(place: Place) -> None:
    """A few creates may be announced before they leave, since an append is a journey; none waits for others."""
    assert place.client().appends == Appends(ahead=4)


def test_state_may_be_reached_by_a_socket(server: PostgresServer, place: Place) -> None:
    """A host that is a folder means the socket in it."""
    folder = str(server.folder).replace("/", "%2F")
    by_socket = replace(place, url=place.url.replace("127.0.0.1", folder))

    by_socket.client().write(b"one", expected=None)

    stored = place.client().read()
    assert stored is not None
    assert stored.document == b"one"
    assert f"@{folder}:{server.port}/" in by_socket.client().url


def test_reading_makes_nothing(server: PostgresServer, place: Place) -> None:
    """Where no tables are there is no state, and whoever looks makes none."""
    client = place.client()

    seen = (client.read(), client.holder(), client.remains(), client.read_journal("run-1"), client.read_backup("1"))

    assert seen == (None, None, (), None, None)
    found = server.run_sql("SELECT FROM pg_namespace WHERE nspname = %(name)s", {"name": schema_of(place)})
    assert found == []


def test_first_clients_at_once_all_succeed(server: PostgresServer, place: Place) -> None:
    """Clients that all find no tables make them once, and each gets its state."""
    clients = [named(place, f"shop/{number}").client() for number in range(8)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda client: client.write(b"one", expected=None), clients))

    assert server.run_at(place, "SELECT count(*) FROM {schema}.states") == [(8,)]
    assert server.run_at(place, "SELECT version FROM {schema}.migrations") == [(len(MIGRATIONS),)]


def test_tables_of_a_newer_version_are_refused(server: PostgresServer, place: Place) -> None:
    """Tables that a newer version of the program made are neither read nor written."""
    place.client().write(b"one", expected=None)
    server.run_at(place, "INSERT INTO {schema}.migrations SELECT 1 + max(version) FROM {schema}.migrations")

    for step in (place.client().read, lambda: place.client().lock(a_holder())):
        with pytest.raises(BackendError, match="newer than this program") as caught:
            step()
        assert "Upgrade msgflash-apply" in caught.value.fix


def test_ready_made_tables_are_used(server: PostgresServer, place: Place) -> None:
    """Tables that an administrator made by the published script are those that a client would have made."""
    server.run_sql(schema_sql(schema_of(place)))

    init_state(place.client(), environment=ENVIRONMENT, lineage=LINEAGE)
    with a_run(place.client()) as ledger:
        ledger.append(intended())
        ledger.append(created())

    assert set(read_state(place.client(), environment=ENVIRONMENT).campaigns) == {"sale"}


def test_hundred_former_documents_are_kept(server: PostgresServer, place: Place) -> None:
    """Each document is kept when it is replaced, up to a hundred; the oldest goes first."""
    client = place.client()
    version = client.write(b"0", expected=None)
    for number in range(1, 104):
        version = client.write(b"%d" % number, expected=version)

    backups = client.backups()

    assert [backup.name for backup in backups] == [str(number) for number in range(103, 3, -1)]
    assert [client.read_backup(name) for name in ("103", "4", "3", "104", "x")] == [b"102", b"3", None, None, None]
    assert server.run_at(place, "SELECT count(*) FROM {schema}.documents") == [(101,)]


def test_removed_document_is_damage(server: PostgresServer, place: Place) -> None:
    """A document that somebody took out of the tables is missed, since former ones are there still."""
    client = place.client()
    init_state(client, environment=ENVIRONMENT, lineage=LINEAGE)

    server.run_at(place, "DELETE FROM {schema}.states")

    assert client.remains() == ("former document 1",)
    with pytest.raises(StateDamaged, match="there is no document, but there is former document 1"):
        read_state(client, environment=ENVIRONMENT)
    client.write(b"two", expected=None)
    assert [backup.name for backup in client.backups()] == ["1"]


@pytest.mark.parametrize("expected", ["1-" + "0" * 64, "another storage's"])
def test_same_number_is_not_the_same_document(place: Place, expected: str) -> None:
    """A version whose number fits and whose hash does not, as after a restore of the database, loses."""
    client = place.client()
    version = client.write(b"one", expected=None)

    with pytest.raises(StateConflict):
        client.write(b"two", expected=expected)

    stored = client.read()
    assert stored is not None
    assert (stored.document, stored.version) == (b"one", version)


def test_who_wrote_is_on_record(server: PostgresServer, place: Place) -> None:
    """Each document says who wrote it: the lock's holder, or the role where nobody held it."""
    client = place.client()
    version = client.write(b"one", expected=None)
    client.lock(a_holder())
    client.write(b"two", expected=version)
    client.unlock("run-1")

    found = server.run_at(place, "SELECT version, written_by FROM {schema}.documents ORDER BY version")

    assert found == [(1, "test"), (2, "ada")]


@pytest.mark.parametrize("journal", ["", "../run", "run\x00", "run\ud800"])
def test_journal_that_can_be_none_is_refused(place: Place, journal: str) -> None:
    """An id that no run could have, as a stranger's document may hold, goes nowhere near the server."""
    with pytest.raises(BackendError, match="cannot be the id of a journal"):
        place.client().drop(journal)
