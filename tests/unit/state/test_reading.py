"""Reading and beginning a state: absent is not empty, and reading never writes."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.errors import StateConflict, StateDamaged, StateError, StateMissing
from msgflash_apply.state.backends.base import Stored
from msgflash_apply.state.codec import encode_entries
from msgflash_apply.state.commit import commit
from msgflash_apply.state.journal import Opened
from msgflash_apply.state.ledger import init_state, read_state
from msgflash_apply.state.reading import load, refuse_other_server
from msgflash_apply.state.replay import fold
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import NOW, a_record, a_snapshot, an_intent
from tests.support.states import (
    ENVIRONMENT,
    LINEAGE,
    LocalBackend,
    a_backend,
    a_run,
    a_run_that_ends,
    a_state,
    created,
    intended,
)


def test_new_state_is_there_and_empty(tmp_path: Path) -> None:
    """A state that was made can be read, in its folder that was made with it."""
    backend = LocalBackend(tmp_path / "a" / "b" / "default.json")

    made = init_state(backend, environment=ENVIRONMENT, lineage=LINEAGE)

    assert made == replace(a_snapshot(), serial=1)
    assert read_state(backend, environment=ENVIRONMENT) == made


def test_state_is_made_once(tmp_path: Path) -> None:
    """Making a state where one is leaves it alone."""
    backend = a_state(tmp_path)
    document = backend.read()

    with pytest.raises(StateError, match="There is a state already"):
        init_state(backend, environment="other", lineage="other")

    assert backend.read() == document


def test_absent_is_not_empty(tmp_path: Path) -> None:
    """Without a state, reading and opening stop, say where they looked, and how to begin."""
    backend = a_backend(tmp_path)

    with pytest.raises(StateMissing) as caught:
        read_state(backend, environment=ENVIRONMENT)
    with pytest.raises(StateMissing), a_run(backend):
        pass

    assert str(tmp_path / "default.json") in caught.value.detail
    assert "msgflash-apply init" in caught.value.fix
    assert list(tmp_path.iterdir()) == []


def test_lost_document_beside_its_journal_is_damage(tmp_path: Path) -> None:
    """A document that vanished beside its backup or journals is damage, for reading and for making a new one."""
    backend = a_state(tmp_path)
    with a_run(backend) as ledger:
        ledger.append(intended())
    (tmp_path / "default.json").unlink()

    with pytest.raises(StateDamaged, match=r"there is journal run-1, former document default\.json\.backup"):
        read_state(backend, environment=ENVIRONMENT)
    with pytest.raises(StateDamaged, match="Never delete it"):
        init_state(backend, environment=ENVIRONMENT, lineage=LINEAGE)


def test_other_environment_is_refused(tmp_path: Path) -> None:
    """A state of another environment is refused by both names, for reading and for writing."""
    backend = a_state(tmp_path)

    with pytest.raises(StateError, match=r"'default'.*'staging'"):
        read_state(backend, environment="staging")
    with pytest.raises(StateError, match=r"'default'.*'staging'"), a_run(backend, environment="staging"):
        pass


def test_reading_shows_what_a_run_at_work_has_done(tmp_path: Path) -> None:
    """What a run has written down shows before it commits, under the document's serial; reading changes nothing."""
    backend = a_state(tmp_path)
    with a_run(backend) as ledger:
        ledger.append(intended("sale"), created("sale"), intended("tea"))
        files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

        seen = read_state(a_backend(tmp_path), environment=ENVIRONMENT)

        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files
    assert (set(seen.campaigns), set(seen.in_doubt), seen.serial) == ({"sale"}, {"tea"}, 1)


def test_reading_shows_what_a_dead_run_left(tmp_path: Path) -> None:
    """The intent of a run that died is in doubt for every reader."""
    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), a_state(tmp_path), intended())

    assert set(read_state(a_backend(tmp_path), environment=ENVIRONMENT).in_doubt) == {"sale"}


def test_folded_journal_is_not_counted_twice(tmp_path: Path) -> None:
    """The journal that a document names stays beside it and adds nothing."""
    backend = a_state(tmp_path)
    with a_run(backend) as ledger:
        ledger.append(intended(), created())

    assert list(backend.journals()) == ["run-1"]
    assert set(read_state(backend, environment=ENVIRONMENT).campaigns) == {"sale"}


class Overtaken(LocalBackend):
    """A client that another run overtakes right after its first look at the document."""

    looks = 0

    def read(self) -> Stored | None:
        """Read, and let another run take over and commit."""
        stored = super().read()
        self.looks += 1
        if self.looks == 1:
            with a_run(LocalBackend(Path(self.url)), "run-2") as ledger:
                ledger.append(intended(), created())
        return stored


def test_reading_begins_again_when_a_commit_comes_between(tmp_path: Path) -> None:
    """A commit between reading the document and an open journal is seen whole, not half."""
    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), a_state(tmp_path), intended("tea"))
    slow = Overtaken(tmp_path / "default.json")

    seen = read_state(slow, environment=ENVIRONMENT)

    assert (seen.serial, set(seen.campaigns), set(seen.in_doubt)) == (3, {"sale"}, {"tea"})
    assert slow.looks == 3


def test_document_without_open_journals_is_read_once(tmp_path: Path) -> None:
    """Where no run was at work, the document alone is the state, even if one begins meanwhile: as it was then."""
    a_state(tmp_path)
    slow = Overtaken(tmp_path / "default.json")

    seen = read_state(slow, environment=ENVIRONMENT)

    assert (seen.serial, set(seen.campaigns)) == (1, set())
    assert slow.looks == 1


def test_backup_and_last_journal_are_a_second_copy(tmp_path: Path) -> None:
    """After the document was lost, its backup put in place says the same, because the last journal is still there."""
    backend = a_state(tmp_path)
    with a_run(backend, "run-1") as ledger:
        ledger.append(intended("sale"), created("sale"))
    with a_run(backend, "run-2") as ledger:
        ledger.append(intended("tea"), created("tea"))

    (tmp_path / "default.json.backup").rename(tmp_path / "default.json")

    assert set(read_state(backend, environment=ENVIRONMENT).campaigns) == {"sale", "tea"}


def test_older_document_is_found_out(tmp_path: Path) -> None:
    """An older copy of the document put in place is refused: the last journal began after it."""
    backend = a_state(tmp_path)
    oldest = (tmp_path / "default.json").read_bytes()
    for number in (1, 2):
        with a_run(backend, f"run-{number}") as ledger:
            ledger.append(intended(f"c{number}"), created(f"c{number}"))

    (tmp_path / "default.json").write_bytes(oldest)

    with pytest.raises(StateDamaged, match="replaced by an older copy"):
        read_state(backend, environment=ENVIRONMENT)


@pytest.mark.parametrize(("lineage", "serial"), [(LINEAGE, 2), ("another", 1)])
def test_run_that_did_nothing_is_evidence_too(tmp_path: Path, lineage: str, serial: int) -> None:
    """The head of a journal alone finds out an older or foreign document, for writing as for reading, and stays."""
    backend = a_state(tmp_path)
    backend.append("run-0", encode_entries([Opened("run-0", lineage, serial, ENVIRONMENT, NOW)], first=0))

    with pytest.raises(StateDamaged, match="does not fit the state"):
        read_state(backend, environment=ENVIRONMENT)
    with pytest.raises(StateDamaged, match="does not fit the state"), a_run(a_backend(tmp_path)):
        pass

    assert list(backend.journals()) == ["run-0"]


def test_commit_moves_the_serial_by_one_or_not_at_all(tmp_path: Path) -> None:
    """A commit on the document that was read is one serial further; on any other it is refused."""
    backend = a_state(tmp_path)
    base = load(backend, ENVIRONMENT)
    after = fold(base.snapshot, [intended()])

    committed = commit(backend, base, after, "run-1")

    assert committed == load(backend, ENVIRONMENT)
    assert (committed.snapshot.serial, committed.snapshot.journal) == (2, "run-1")
    with pytest.raises(StateConflict):
        commit(backend, base, after, "run-2")


def test_journals_are_read_in_the_order_they_began(tmp_path: Path) -> None:
    """Of journals that are not folded yet, the one begun first is read first, and an empty one says nothing."""
    backend = a_state(tmp_path)
    first = Opened("run-z", LINEAGE, 1, ENVIRONMENT, NOW)
    second = Opened("run-a", LINEAGE, 1, ENVIRONMENT, NOW + timedelta(hours=1))
    backend.append("run-a", encode_entries([second, created()], first=0))
    backend.append("run-z", encode_entries([first, intended()], first=0))
    backend.append("run-0", b"")

    assert set(read_state(backend, environment=ENVIRONMENT).campaigns) == {"sale"}


HERE = "https://srv.msgflash.com"


@pytest.mark.parametrize(
    ("server", "words"),
    [("http://127.0.0.1:8735", "a sandbox on this machine"), ("https://other.example", "another server")],
)
@pytest.mark.parametrize(
    "known",
    [
        a_snapshot({"sale": a_record()}),
        a_snapshot(in_doubt={"sale": an_intent()}),
        replace(a_snapshot(), history={Address("sale"): (a_record(),)}),
    ],
    ids=["on record", "in doubt", "in the history"],
)
def test_state_of_another_server_is_refused(known: Snapshot, server: str, words: str) -> None:
    """Ids of one server mean nothing to another: the state says where its campaigns are."""
    with pytest.raises(StateError, match=words) as refused:
        refuse_other_server(replace(known, server=server), HERE)

    assert f"MSGFLASH_BASE_URL={server}" in refused.value.fix


def test_state_of_this_server_or_of_none_is_taken() -> None:
    """A state of an earlier version knows no server, and one without campaigns is bound by its first apply."""
    full = a_snapshot({"sale": a_record()})

    refuse_other_server(full, HERE)
    refuse_other_server(replace(full, server=HERE), HERE)
    refuse_other_server(replace(a_snapshot(), server="https://other.example"), HERE)
