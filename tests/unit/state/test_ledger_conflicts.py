"""Two runs on one state when the lock did not keep them apart: at most one can announce, and nothing is lost."""

from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.errors import BackendError, StateConflict
from msgflash_apply.state.backends.base import Stored
from msgflash_apply.state.commit import commit
from msgflash_apply.state.journal import Observed
from msgflash_apply.state.ledger import init_state, read_state
from msgflash_apply.state.reading import load
from tests.support.builders import NOW, a_record
from tests.support.doors import FailingBackend
from tests.support.states import (
    ENVIRONMENT,
    LocalBackend,
    a_backend,
    a_run,
    a_run_that_ends,
    a_state,
    created,
    intended,
)

SALE = Address("sale")


def put(backend: LocalBackend, **campaigns: str) -> None:
    """Replace the document unnoticed, as a restored or pushed state does: address=id."""
    base = load(backend, ENVIRONMENT)
    records = {Address(address): a_record(address, identifier=identifier) for address, identifier in campaigns.items()}
    commit(backend, base, replace(base.snapshot, campaigns=records), "by-hand")


def test_run_whose_lock_was_broken_can_announce_nothing(tmp_path: Path) -> None:
    """A second run that took the lock away seals the first one's journal and knows what it announced."""
    with a_run(a_state(tmp_path)) as first:
        first.append(intended("sale"))
        other = a_backend(tmp_path)
        other.break_lock("run-1")
        with a_run(other, "run-2") as second:
            assert set(second.snapshot.in_doubt) == {"sale"}
            with pytest.raises(BackendError, match="another run sealed it"):
                first.append(intended("tea"))
            second.append(intended("tea"), created("tea"))

    state = read_state(other, environment=ENVIRONMENT)
    assert (set(state.campaigns), set(state.in_doubt), state.serial) == ({"tea"}, {"sale"}, 3)


def test_outcome_of_a_run_that_was_taken_over_stays_unsaved(tmp_path: Path) -> None:
    """A run that was taken over writes nothing more; the outcome that it still learned is for the recovery file."""
    with a_run(a_state(tmp_path)) as first:
        first.append(intended("sale"))
        other = a_backend(tmp_path)
        other.break_lock("run-1")
        with a_run(other, "run-2"), pytest.raises(BackendError):
            first.append(created("sale"))

    assert first.unsaved == (created("sale"),)
    assert first.warnings == (f"{other.url}: another run took over the state during this one.",)
    assert set(read_state(other, environment=ENVIRONMENT).in_doubt) == {"sale"}


def test_run_that_was_only_read_by_the_other_ends_quietly(tmp_path: Path) -> None:
    """A run that had written everything before it was taken over has nothing to tell."""
    with a_run(a_state(tmp_path)) as first:
        first.append(intended("sale"), created("sale"))
        other = a_backend(tmp_path)
        other.break_lock("run-1")
        with a_run(other, "run-2"):
            pass

    assert first.warnings == ()
    assert first.snapshot == read_state(other, environment=ENVIRONMENT)


def test_run_that_committed_before_it_was_sealed_is_seen(tmp_path: Path) -> None:
    """A run that commits while the next one opens is part of what the next one knows."""

    class Slow(LocalBackend):
        """A client that the other run's commit overtakes right after its first look at the document under the lock."""

        looks = 0

        def read(self) -> Stored | None:
            stored = super().read()
            self.looks += 1
            if self.looks == 2:
                first.commit()
            return stored

    with a_run(a_state(tmp_path)) as first:
        first.append(intended("sale"), created("sale"))
        other = Slow(tmp_path / "default.json")
        other.break_lock("run-1")
        with a_run(other, "run-2") as second:
            assert (set(second.snapshot.campaigns), second.snapshot.serial) == ({"sale"}, 2)


def test_document_put_in_place_during_a_run_keeps_both(tmp_path: Path) -> None:
    """A document that was replaced under a run gets the run's campaigns, and loses none of its own."""
    with a_run(a_state(tmp_path)) as ledger:
        ledger.append(intended("sale"), created("sale"))
        put(a_backend(tmp_path), tea="id-tea")

    state = read_state(a_backend(tmp_path), environment=ENVIRONMENT)
    assert (set(state.campaigns), state.serial) == ({"sale", "tea"}, 3)
    assert ledger.warnings == ()


def test_two_campaigns_of_one_address_are_both_kept(tmp_path: Path) -> None:
    """A campaign that another run created at the same address is kept by id, with a warning."""
    with a_run(a_state(tmp_path)) as ledger:
        ledger.append(intended("sale"), created("sale", "mine"))
        put(a_backend(tmp_path), sale="yours")

    record = read_state(a_backend(tmp_path), environment=ENVIRONMENT).campaigns[SALE]
    assert (record.id, record.former_ids) == ("mine", ("yours",))
    assert ["yours and mine" in warning for warning in ledger.warnings] == [True]


def test_commit_follows_a_document_that_keeps_moving(tmp_path: Path) -> None:
    """A commit that is overtaken again and again ends with everything, and warns once."""

    class Overtaken(LocalBackend):
        """A client that is overtaken before each of its first two writes."""

        writes = 0

        def write(self, document: bytes, *, expected: str | None) -> str:
            self.writes += 1
            if self.writes in (1, 2):
                put(a_backend(tmp_path), sale=f"yours-{self.writes}")
            return super().write(document, expected=expected)

    a_state(tmp_path)
    with a_run(Overtaken(tmp_path / "default.json")) as ledger:
        ledger.append(intended("sale"), created("sale", "mine"))

    state = read_state(a_backend(tmp_path), environment=ENVIRONMENT)
    assert (state.serial, state.campaigns[SALE].id, state.campaigns[SALE].former_ids) == (4, "mine", ("yours-2",))
    assert len(ledger.warnings) == 1


def test_commit_whose_answer_was_lost_is_not_done_twice(tmp_path: Path) -> None:
    """A write that came through while its answer did not is recognised when the commit is tried again."""
    backend = FailingBackend(a_state(tmp_path), at=0, when="after", lasting=False)
    with a_run(backend) as ledger:
        ledger.append(intended(), created())
        backend.fail_soon()
        with pytest.raises(BackendError, match="after the fact"):
            ledger.commit()

    assert (ledger.snapshot.serial, ledger.warnings, ledger.unsaved) == (2, (), ())


def test_another_state_in_the_same_place_is_left_alone(tmp_path: Path) -> None:
    """A state of another lineage that was put in place is not written to; the journal keeps what the run did."""
    backend = a_state(tmp_path)
    elsewhere = LocalBackend(tmp_path / "elsewhere.json")
    init_state(elsewhere, environment=ENVIRONMENT, lineage="another")

    ledger = a_run(backend)
    ledger.__enter__().append(intended())
    (tmp_path / "elsewhere.json").replace(tmp_path / "default.json")
    with pytest.raises(StateConflict, match="lineage is another"):
        ledger.__exit__(None, None, None)

    assert load(backend, ENVIRONMENT).snapshot.in_doubt == {}
    assert list(backend.journals()) == ["run-1"]


def test_settled_by_two_at_once_counts_once(tmp_path: Path) -> None:
    """Two runs that fold the same dead journal at the same moment leave it folded once."""

    class Overtaken(LocalBackend):
        """A client that another run overtakes right before its first write."""

        writes = 0

        def write(self, document: bytes, *, expected: str | None) -> str:
            self.writes += 1
            if self.writes == 1:
                self.break_lock("run-2")
                with a_run(a_backend(tmp_path), "run-3") as third:
                    third.append(Observed(SALE, "running", NOW))
            return super().write(document, expected=expected)

    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), a_state(tmp_path), intended(), created())

    with a_run(Overtaken(tmp_path / "default.json"), "run-2") as second:
        seen = second.snapshot

    assert seen == read_state(a_backend(tmp_path), environment=ENVIRONMENT)
    assert (seen.serial, seen.campaigns[SALE].status) == (3, "running")
