"""The ledger: what is durable when, who may write, and what a commit leaves."""

from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.errors import BackendError, StateDamaged, StateError, StateLocked
from msgflash_apply.state.codec import decode_journal
from msgflash_apply.state.journal import NotCreated, Observed
from msgflash_apply.state.ledger import read_state
from tests.support.builders import NOW
from tests.support.doors import FailingBackend
from tests.support.states import (
    ENVIRONMENT,
    LINEAGE,
    a_backend,
    a_holder,
    a_run,
    a_run_that_ends,
    a_state,
    created,
    intended,
)

SALE = Address("sale")


def test_run_is_committed_under_the_next_serial(tmp_path: Path) -> None:
    """Leaving the block folds the journal into the document, one serial further, and gives the lock back."""
    backend = a_state(tmp_path)

    with a_run(backend) as ledger:
        ledger.append(intended())
        ledger.append(created())

    state = read_state(backend, environment=ENVIRONMENT)
    assert (state.serial, state.journal, state.lineage) == (2, "run-1", LINEAGE)
    assert state == ledger.snapshot
    assert state.campaigns[SALE].id == "id-sale"
    assert backend.holder() is None


def test_run_without_entries_writes_nothing(tmp_path: Path) -> None:
    """A run that had nothing to write leaves document, serial and folder as they were."""
    backend = a_state(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with a_run(backend) as ledger:
        assert ledger.snapshot.serial == 1

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_entry_is_durable_when_append_returns(tmp_path: Path) -> None:
    """An appended entry is on disk before anything else happens, for others to read."""
    with a_run(a_state(tmp_path)) as ledger:
        ledger.append(intended())

        data = a_backend(tmp_path).read_journal("run-1")

        assert decode_journal(data or b"", where="here") == (ledger.head, intended())


def test_append_costs_the_same_for_the_first_and_the_last(tmp_path: Path) -> None:
    """Each append is one line of the same length in one write, however many campaigns there are."""
    backend = FailingBackend(a_state(tmp_path), at=0)
    sizes = []
    with a_run(backend) as ledger:
        before = backend.effects
        for number in range(1000, 1500):
            ledger.append(intended(f"c{number}"))
            sizes.append(len(backend.read_journal("run-1") or b""))
        assert backend.effects - before == 500

    steps = [after - before for before, after in pairwise(sizes)]
    assert max(steps) - min(steps) <= len("499") - len("1")


def test_several_entries_can_go_in_one_append(tmp_path: Path) -> None:
    """Entries appended together build on each other and are one write."""
    backend = FailingBackend(a_state(tmp_path), at=0)
    with a_run(backend) as ledger:
        before = backend.effects
        ledger.append(intended(), NotCreated(SALE, "429", NOW), intended(attempt=2), created())

        assert backend.effects - before == 1
        assert ledger.slot(SALE).intent is None
        assert ledger.slot(SALE).record is not None


def test_entry_that_does_not_fit_is_not_written(tmp_path: Path) -> None:
    """An outcome of an unannounced create is refused before it can spoil the journal, and the run can go on."""
    backend = a_state(tmp_path)
    with a_run(backend) as ledger:
        with pytest.raises(StateDamaged, match="never announced"):
            ledger.append(intended(), created("tea"))
        with pytest.raises(StateDamaged, match="in the middle"):
            ledger.append(ledger.head)
        ledger.append(intended())

    assert set(read_state(backend, environment=ENVIRONMENT).in_doubt) == {"sale"}


def test_snapshot_is_a_copy(tmp_path: Path) -> None:
    """A snapshot taken during a run stays as it was taken."""
    with a_run(a_state(tmp_path)) as ledger:
        before = ledger.snapshot
        ledger.append(intended())

        assert before.in_doubt == {}
        assert set(ledger.snapshot.in_doubt) == {"sale"}


def test_committed_ledger_takes_no_more_entries(tmp_path: Path) -> None:
    """Entries after the commit are refused, and a second commit changes nothing."""
    with a_run(a_state(tmp_path)) as ledger:
        ledger.append(intended())
        ledger.commit()
        ledger.commit()

        with pytest.raises(StateError, match="The ledger is closed"):
            ledger.append(created())

    assert ledger.snapshot.serial == 2


def test_run_that_fails_commits_all_the_same(tmp_path: Path) -> None:
    """An error in a run goes its way; what was written by then is committed and the lock is free."""
    backend = a_state(tmp_path)

    with pytest.raises(ZeroDivisionError):
        a_run_that_ends(ZeroDivisionError(), backend, intended())

    assert backend.holder() is None
    assert read_state(backend, environment=ENVIRONMENT).serial == 2


def test_interrupted_run_leaves_its_journal(tmp_path: Path) -> None:
    """A run that is interrupted gives the lock back, and leaves the rest to the next run."""
    backend = a_state(tmp_path)

    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), backend, intended())

    assert backend.holder() is None
    assert read_state(backend, environment=ENVIRONMENT).serial == 1
    with a_run(a_backend(tmp_path), "run-2") as ledger:
        assert (ledger.snapshot.serial, set(ledger.snapshot.in_doubt)) == (2, {"sale"})


def test_second_run_waits_for_the_lock(tmp_path: Path) -> None:
    """A run waits for the lock until its timeout, and no longer."""
    waits: list[float] = []
    with (
        a_run(a_state(tmp_path)),
        pytest.raises(StateLocked) as caught,
        a_run(a_backend(tmp_path), "run-2", lock_timeout_seconds=2.5, sleep=waits.append),
    ):
        pass

    assert waits == [1.0, 1.0, 0.5]
    assert "held by ada on here (process 4711) for `msgflash-apply apply`" in caught.value.detail
    assert "msgflash-apply state unlock run-1" in caught.value.fix


def test_waiting_run_gets_the_lock(tmp_path: Path) -> None:
    """A run that waits begins when the other one ends, and sees what it did."""
    with ExitStack() as first:
        first.enter_context(a_run(a_state(tmp_path))).append(intended())

        with a_run(
            a_backend(tmp_path), "run-2", lock_timeout_seconds=60, sleep=lambda _seconds: first.close()
        ) as ledger:
            assert set(ledger.snapshot.in_doubt) == {"sale"}


def test_refused_intent_is_forgotten_and_refused_outcome_is_kept(tmp_path: Path) -> None:
    """When the storage fails, nothing new is announced any more, and what MsgFlash did is kept in `unsaved`."""
    backend = FailingBackend(a_state(tmp_path), at=0)
    with a_run(backend) as ledger:
        ledger.append(intended("sale"))
        backend.fail_soon()
        for entry in (created("sale"), intended("tea"), Observed(SALE, "running", NOW)):
            with pytest.raises(BackendError, match="on cue"):
                ledger.append(entry)

        assert ledger.unsaved == (created("sale"), Observed(SALE, "running", NOW))
        assert (set(ledger.snapshot.in_doubt), ledger.snapshot.campaigns) == ({"sale"}, {})
        backend.heal()


def test_commit_takes_in_what_was_unsaved(tmp_path: Path) -> None:
    """A storage that is back by the end of the run gets what it refused before."""
    backend = FailingBackend(a_state(tmp_path), at=0)
    with a_run(backend) as ledger:
        ledger.append(intended())
        backend.fail_soon()
        with pytest.raises(BackendError):
            ledger.append(created())
        backend.heal()

    assert ledger.unsaved == ()
    assert set(read_state(backend, environment=ENVIRONMENT).campaigns) == {"sale"}


def test_commit_that_fails_loses_nothing(tmp_path: Path) -> None:
    """A storage that fails at the end is an error, and the lock that stays a note on it; everything can be read."""
    backend = FailingBackend(a_state(tmp_path), at=0)

    with pytest.raises(BackendError, match="on cue") as caught:
        run_and_fail_at_the_end(backend, after=0)

    assert ["on cue" in note for note in caught.value.__notes__] == [True]
    state = read_state(backend, environment=ENVIRONMENT)
    assert (state.serial, set(state.campaigns)) == (1, {"sale"})


def test_lock_that_cannot_be_given_back_is_an_error(tmp_path: Path) -> None:
    """A lock that stays behind is reported, though everything is committed."""
    backend = FailingBackend(a_state(tmp_path), at=0)

    with pytest.raises(BackendError, match="on cue"):
        run_and_fail_at_the_end(backend, after=1)

    assert read_state(backend, environment=ENVIRONMENT).serial == 2
    assert backend.holder() == a_holder()


def test_failing_commit_does_not_hide_the_error_of_the_run(tmp_path: Path) -> None:
    """When a run fails and its commit too, the run's error is raised and the commit's is a note on it."""
    backend = FailingBackend(a_state(tmp_path), at=4)  # after lock, head and intent

    with pytest.raises(ZeroDivisionError) as caught:
        a_run_that_ends(ZeroDivisionError(), backend, intended())

    assert ["on cue" in note for note in caught.value.__notes__] == [True, True]


def run_and_fail_at_the_end(backend: FailingBackend, *, after: int) -> None:
    """Let the storage fail during the commit, or `after` as many of its effects."""
    with a_run(backend) as ledger:
        ledger.append(intended(), created())
        backend.fail_soon(after=after)


def test_storage_that_fails_while_opening_leaves_no_litter(tmp_path: Path) -> None:
    """A run that cannot begin gives the lock back, and takes its empty journal with it."""
    backend = a_state(tmp_path)
    backend.append("run-0", b"damaged\n")

    with pytest.raises(StateDamaged, match="journal run-0, line 1"), a_run(a_backend(tmp_path)):
        pass

    assert list(backend.journals()) == ["run-0"]
    assert backend.holder() is None
