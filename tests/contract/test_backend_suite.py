"""
One suite for every backend of the state.

A new backend joins with one line in `tests/support/stores`. Every client of a place sees the same store, as two
processes on two machines would.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError, StateConflict, StateDamaged, StateError, StateLocked
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.ledger import init_state, read_state
from tests.support.states import ENVIRONMENT, LINEAGE, a_holder, a_run, created, intended
from tests.support.stores import Stores, every_kind


@dataclass(frozen=True)
class Store:
    """One store, and two clients of it."""

    client: Callable[[], Backend]
    one: Backend
    two: Backend


@pytest.fixture(params=every_kind())
def store(request: pytest.FixtureRequest, stores: Stores, tmp_path: Path) -> Store:
    """Make an empty store of each kind."""
    place = stores.place(request.param, tmp_path)
    return Store(place.client, place.client(), place.client())


@pytest.fixture
def made(store: Store) -> Store:
    """Make a store with a state in it."""
    init_state(store.one, environment=ENVIRONMENT, lineage=LINEAGE)
    return store


def test_absent_document_is_none(store: Store) -> None:
    """Where no document is, reading gives None, and nothing remains of any."""
    assert store.one.read() is None
    assert store.one.remains() == ()


def test_document_is_read_by_everybody(store: Store) -> None:
    """What one client wrote, every client reads, byte for byte, under the version that the write returned."""
    document = bytes(range(256)) * 40

    version = store.one.write(document, expected=None)

    stored = store.two.read()
    assert stored is not None
    assert (stored.document, stored.version) == (document, version)


def test_empty_document_is_not_absent(store: Store) -> None:
    """A document of no bytes is there, and refused as damage."""
    store.one.write(b"", expected=None)

    stored = store.two.read()

    assert stored is not None
    with pytest.raises(StateDamaged, match="it is empty"):
        read_state(store.two, environment=ENVIRONMENT)


def test_half_a_document_is_damage(made: Store) -> None:
    """A document cut in half is damage and never an empty or smaller state."""
    stored = made.one.read()
    assert stored is not None
    made.one.write(stored.document[: len(stored.document) // 2], expected=stored.version)

    with pytest.raises(StateDamaged):
        read_state(made.two, environment=ENVIRONMENT)


def test_first_document_is_written_once(store: Store) -> None:
    """Of two clients that find no document, one writes the first; the other learns that it lost."""
    store.one.write(b"one", expected=None)

    with pytest.raises(StateConflict):
        store.two.write(b"two", expected=None)

    stored = store.two.read()
    assert stored is not None
    assert stored.document == b"one"


def test_stale_version_loses(store: Store) -> None:
    """A client that read before another one wrote cannot replace what was written."""
    version = store.one.write(b"one", expected=None)
    store.one.write(b"two", expected=version)

    with pytest.raises(StateConflict):
        store.two.write(b"three", expected=version)

    stored = store.two.read()
    assert stored is not None
    assert stored.document == b"two"


def test_of_many_writers_at_once_one_wins(store: Store) -> None:
    """However many clients write at the same moment, without any lock, one wins each time."""
    version = store.one.write(b"0", expected=None)
    for turn in range(5):
        clients = [store.client() for _ in range(8)]

        def write(number: int, expected: str = version, clients: list[Backend] = clients, turn: int = turn) -> str:
            try:
                return clients[number].write(f"{turn} {number}".encode(), expected=expected)
            except StateConflict:
                return ""

        with ThreadPoolExecutor(8) as pool:
            versions = list(pool.map(write, range(8)))

        stored = store.two.read()
        assert stored is not None
        assert [won for won in versions if won] == [stored.version]
        version = stored.version


def test_replaced_document_is_kept_where_the_storage_keeps_any(store: Store) -> None:
    """What is listed as a backup can be read, and the latest is the document that was replaced last."""
    version = store.one.write(b"one", expected=None)
    assert store.two.backups() == ()
    store.one.write(b"two", expected=version)

    backups = store.two.backups()

    assert [store.two.read_backup(backup.name) for backup in backups] in ([b"one"], [])
    assert store.two.read_backup("another") is None


def test_journal_grows_and_is_read_by_everybody(made: Store) -> None:
    """Lines of a journal are there for every client as soon as they were appended, in order."""
    made.one.append("run-1", b"first\n")
    made.one.append("run-1", b"second\nthird\n")

    assert list(made.two.journals()) == ["run-1"]
    assert made.two.read_journal("run-1") == b"first\nsecond\nthird\n"


def test_journal_has_one_writer(made: Store) -> None:
    """A journal that one client began is not continued by another."""
    made.one.append("run-1", b"first\n")

    with pytest.raises(BackendError):
        made.two.append("run-1", b"second\n")

    assert made.two.read_journal("run-1") == b"first\n"


def test_sealed_journal_never_grows(made: Store) -> None:
    """A journal that was sealed, by whomever, takes no more lines and stays readable."""
    made.one.append("run-1", b"first\n")
    made.two.seal("run-1")
    made.two.seal("run-1")

    with pytest.raises(BackendError, match="another run sealed it"):
        made.one.append("run-1", b"second\n")

    assert list(made.one.journals()) == ["run-1"]
    assert made.one.read_journal("run-1") == b"first\n"


def test_dropped_journal_is_gone(made: Store) -> None:
    """A dropped journal is gone, sealed or not, and its writer cannot bring it back."""
    for journal in ("run-1", "run-2"):
        made.one.append(journal, b"first\n")
    made.two.seal("run-2")

    for journal in ("run-1", "run-2", "run-3"):
        made.two.drop(journal)

    assert (list(made.one.journals()), made.one.read_journal("run-1"), made.one.remains()) == ([], None, ())
    with pytest.raises(BackendError):
        made.one.append("run-1", b"second\n")


def test_absent_journal_can_be_sealed(made: Store) -> None:
    """Sealing a journal that is not there is no error, and makes none."""
    made.one.seal("run-1")

    assert list(made.two.journals()) == []


def test_journal_without_document_remains(store: Store) -> None:
    """What is left of a state whose document is gone is named."""
    version = store.one.write(b"one", expected=None)
    store.one.append("run-1", b"first\n")

    assert len(store.two.remains()) == 1
    store.one.write(b"two", expected=version)
    assert any("run-1" in name for name in store.two.remains())


def test_two_can_not_hold_the_lock(made: Store) -> None:
    """While one client holds the lock no other gets it, not even the same one again, and each learns who has it."""
    made.one.lock(a_holder("run-1"))

    for client in (made.two, made.one):
        with pytest.raises(StateLocked, match="held by ada on here") as caught:
            client.lock(a_holder("run-2"))
        assert "state unlock run-1" in caught.value.fix
    assert made.two.holder() == a_holder("run-1")

    made.one.unlock("run-1")


def test_lock_is_free_after_unlock(made: Store) -> None:
    """A lock that was given back can be taken by anybody."""
    made.one.lock(a_holder("run-1"))
    made.one.unlock("run-1")
    assert made.two.holder() is None

    made.two.lock(a_holder("run-2"))

    assert made.one.holder() == a_holder("run-2")
    made.two.unlock("run-2")


def test_broken_lock_is_free_and_stays_with_its_new_holder(made: Store) -> None:
    """A broken lock can be taken, and its former holder does not give back what is not its own."""
    made.one.lock(a_holder("run-1"))
    made.two.break_lock("run-1")
    made.two.lock(a_holder("run-2"))

    made.one.unlock("run-1")

    assert made.one.holder() == a_holder("run-2")
    made.two.unlock("run-2")


def test_lock_is_broken_by_its_id(made: Store) -> None:
    """Breaking a lock needs the id of the one that is there; otherwise it stays, and the error says whose it is."""
    with pytest.raises(StateError, match="it is not locked"):
        made.one.break_lock("run-1")
    made.one.lock(a_holder("run-1"))

    with pytest.raises(StateError, match="the lock there is run-1, of ada"):
        made.two.break_lock("run-0")

    assert made.two.holder() == a_holder("run-1")
    made.one.unlock("run-1")


def test_many_runs_at_once_lose_nothing(made: Store) -> None:
    """Runs that want the state at the same moment get it one after the other, and all that they did is there."""

    def run(number: int) -> None:
        client = made.client()
        with a_run(client, f"run-{number}", lock_timeout_seconds=10_000, sleep=lambda _seconds: None) as ledger:
            ledger.append(intended(f"c{number}"))
            ledger.append(created(f"c{number}"))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(run, range(6)))

    state = read_state(made.two, environment=ENVIRONMENT)
    assert (set(state.campaigns), state.serial) == ({f"c{number}" for number in range(6)}, 7)
