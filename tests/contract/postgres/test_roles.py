"""Logging in, and what a role may do."""

import traceback
import uuid
from dataclasses import replace

import pytest

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.postgres.schema import grant_sql, schema_sql
from msgflash_apply.state.ledger import init_state, read_state
from tests.support.states import ENVIRONMENT, LINEAGE, a_holder, a_run, created, intended
from tests.support.stores import Place
from tests.support.stores.postgres import PostgresServer, place_of, schema_of

pytestmark = pytest.mark.needs("postgres")


@pytest.fixture
def made(place: Place) -> Place:
    """Make a state at the place."""
    init_state(place.client(), environment=ENVIRONMENT, lineage=LINEAGE)
    return place


def as_reader(place: Place) -> str:
    """Give the rights of those who plan."""
    return grant_sql(schema_of(place), "{role}", may_write=False)


def as_writer(place: Place) -> str:
    """Give the rights of those who apply."""
    return grant_sql(schema_of(place), "{role}", may_write=True)


def test_role_that_may_only_read_can_plan(server: PostgresServer, made: Place) -> None:
    """With the rights of a reader a state is read, and every change is refused with what is missing."""
    role = server.role(as_reader(made))
    client = place_of(made, role).client()

    assert read_state(client, environment=ENVIRONMENT).lineage == LINEAGE
    assert (client.holder(), client.backups(), client.remains()) == (None, (), ())
    with pytest.raises(BackendError, match="permission denied for table") as caught:
        client.lock(a_holder())
    assert "docs/state.md" in caught.value.fix
    with pytest.raises(BackendError, match="permission denied for table"):
        client.append("run-1", b"line\n")
    made.client().lock(a_holder("run-2"))


def test_role_with_the_least_rights_can_apply(server: PostgresServer, place: Place) -> None:
    """With the published rights, and none to make tables, a run goes from its lock to its commit."""
    server.run_sql(schema_sql(schema_of(place)))
    role = server.role(as_writer(place))
    mine = place_of(place, role)
    init_state(mine.client(), environment=ENVIRONMENT, lineage=LINEAGE)

    for number in range(3):
        with a_run(mine.client(), f"run-{number}") as ledger:
            ledger.append(intended(f"c{number}", run=f"run-{number}"))
            ledger.append(created(f"c{number}"))

    assert len(read_state(mine.client(), environment=ENVIRONMENT).campaigns) == 3
    mine.client().lock(a_holder("run-4"))
    mine.client().break_lock("run-4")


def test_role_that_may_not_look_finds_no_empty_state(server: PostgresServer, made: Place) -> None:
    """Missing rights are an error and never the absence of a state."""
    without_schema = place_of(made, server.role()).client()
    without_tables = place_of(made, server.role(f"GRANT USAGE ON SCHEMA {schema_of(made)} TO {{role}}")).client()

    for client in (without_schema, without_tables):
        with pytest.raises(BackendError, match="denies permission"):
            client.read()


def test_role_that_may_not_make_tables_is_told(server: PostgresServer, place: Place) -> None:
    """Where there are no tables and no right to make them, the first write says so, and reading finds no state."""
    client = place_of(place, server.role()).client()

    assert client.read() is None
    with pytest.raises(BackendError, match="permission denied for database"):
        client.write(b"one", expected=None)


def test_lock_of_another_role_may_not_be_broken(server: PostgresServer, made: Place) -> None:
    """A session that a role may not end keeps its lock, and the error says what an administrator runs."""
    role = server.role(as_writer(made))
    holder = made.client()
    holder.lock(a_holder())

    with pytest.raises(BackendError, match="has not ended") as caught:
        place_of(made, role).client().break_lock("run-1")

    assert "SELECT pg_terminate_backend(" in caught.value.fix
    holder.append("run-1", b"line\n")
    assert made.client().holder() == a_holder()
    holder.unlock("run-1")


def test_password_comes_from_the_environment(server: PostgresServer, made: Place) -> None:
    """A password is wanted where the server wants one, taken from PGPASSWORD, and never told."""
    right, wrong = (f"{uuid.uuid4()}" for _ in range(2))
    role = server.role(as_reader(made), guarded_by=right)
    mine = place_of(made, role)

    assert replace(mine, environ={"PGPASSWORD": right}).client().read() is not None
    with pytest.raises(BackendError, match="wants a password"):
        mine.client().read()
    with pytest.raises(BackendError, match="password authentication failed") as caught:
        replace(mine, environ={"PGPASSWORD": wrong}).client().read()
    assert wrong not in "".join(traceback.format_exception(caught.value))


def test_password_may_come_from_a_file(server: PostgresServer, made: Place) -> None:
    """A password file that the environment names is asked for this host and role."""
    role = server.role(as_reader(made), guarded_by="correct-horse")
    passwords = made.root / "passwords"
    passwords.write_text(f"127.0.0.1:{server.port}:*:{role}:correct-horse\n")
    passwords.chmod(0o600)

    mine = replace(place_of(made, role), environ={"PGPASSFILE": str(passwords)})

    assert mine.client().read() is not None


def test_read_only_server_is_told(server: PostgresServer, made: Place) -> None:
    """Where nothing may be written, as on a standby, reading works and a lock says to name the primary server."""
    role = server.role(
        as_writer(made),
        "ALTER ROLE {role} SET default_transaction_read_only = on",
    )
    client = place_of(made, role).client()

    assert client.read() is not None
    with pytest.raises(BackendError, match="is read-only") as caught:
        client.lock(a_holder())

    assert "primary" in caught.value.fix
    made.client().lock(a_holder("run-2"))


def test_missing_database_is_told(place: Place) -> None:
    """A database that is not there is an error that names it."""
    nowhere = replace(place, url=place.url.replace("/states/", "/nowhere/"))

    with pytest.raises(BackendError, match='database "nowhere" does not exist'):
        nowhere.client().read()
