"""Recovery files: outcomes that the storage refused, brought in later."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.errors import StateConflict, StateDamaged, StateError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.journal import Entry, Forgotten, NotCreated, Observed, Opened, Outcome, Retired
from msgflash_apply.state.ledger import read_state
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.recovery import recover, recovery_lines
from tests.support.builders import NOW
from tests.support.states import ENVIRONMENT, LINEAGE, a_backend, a_holder, a_run, a_state, created, intended

SALE, TEA = Address("sale"), Address("tea")
HEAD = Opened("run-1", LINEAGE, 1, ENVIRONMENT, NOW)
LATER = NOW + timedelta(minutes=1)


def a_state_in_doubt(folder: Path) -> Backend:
    """Make a state where two creates are in doubt."""
    backend = a_state(folder)
    with a_run(backend) as ledger:
        ledger.append(intended("sale"), intended("tea"))
    return backend


def bring_in(backend: Backend, *entries: Entry, lock_id: str = "run-2", head: Opened = HEAD) -> tuple[Outcome, ...]:
    """Write a recovery file and bring it in."""
    claim = Claim(ENVIRONMENT, a_holder(lock_id), lambda: LATER)
    return recover(backend, recovery_lines(head, entries), claim, where="recovery.jsonl")


def test_outcomes_are_brought_in(tmp_path: Path) -> None:
    """Outcomes that the storage refused close the doubts that they belong to."""
    backend = a_state_in_doubt(tmp_path)
    outcomes = (created("sale"), NotCreated(TEA, "400", LATER), Retired(SALE, LATER, "paused"))

    assert bring_in(backend, *outcomes) == outcomes

    state = read_state(backend, environment=ENVIRONMENT)
    assert (state.in_doubt, state.campaigns[SALE].id, state.campaigns[SALE].retired) == ({}, "id-sale", True)


def test_bringing_in_twice_changes_nothing(tmp_path: Path) -> None:
    """A recovery file that was brought in already has nothing new, and the serial stays."""
    backend = a_state_in_doubt(tmp_path)
    outcomes = (created("sale"), NotCreated(TEA, "400", LATER), Observed(SALE, "running", LATER))
    bring_in(backend, *outcomes)
    state = read_state(backend, environment=ENVIRONMENT)

    assert bring_in(backend, *outcomes, lock_id="run-3") == ()

    assert read_state(backend, environment=ENVIRONMENT) == state


def test_state_that_knows_the_run_takes_outcomes_alone(tmp_path: Path) -> None:
    """An intent that was settled since is not opened again by a recovery file."""
    backend = a_state_in_doubt(tmp_path)
    with a_run(backend, "run-2") as ledger:
        ledger.append(NotCreated(TEA, "resolved by a person", NOW))

    assert bring_in(backend, intended("sale"), intended("tea"), created("sale"), lock_id="run-3") == (created("sale"),)

    assert read_state(backend, environment=ENVIRONMENT).in_doubt == {}


def test_state_from_before_the_run_takes_all_of_it(tmp_path: Path) -> None:
    """A state that a backup brought back learns what was created and what is in doubt, and learns it once."""
    backend = a_state(tmp_path)
    entries = (Forgotten(TEA, NOW), intended("sale"), intended("tea"), created("sale"))

    assert bring_in(backend, *entries) == (created("sale"),)
    state = read_state(backend, environment=ENVIRONMENT)
    assert (set(state.campaigns), set(state.in_doubt)) == ({SALE}, {TEA})

    assert bring_in(backend, *entries, lock_id="run-3") == ()
    assert read_state(backend, environment=ENVIRONMENT) == state


def test_newer_campaign_is_not_taken_for_a_replaced_one(tmp_path: Path) -> None:
    """Where a state from a backup created the campaign again, the former one is reported and not hidden."""
    backend = a_state(tmp_path)
    with a_run(backend, "run-2") as ledger:
        ledger.append(intended("sale"), created("sale", "again", LATER))

    with pytest.raises(StateConflict, match="campaign id-sale was created"):
        bring_in(backend, intended("sale"), created("sale"), lock_id="run-3", head=replace(HEAD, serial=9))

    assert read_state(backend, environment=ENVIRONMENT).campaigns[SALE].id == "again"


def test_one_campaign_without_a_place_does_not_hold_up_others(tmp_path: Path) -> None:
    """Every campaign that has no place is named, and what has one is brought in."""
    backend = a_state_in_doubt(tmp_path)

    with pytest.raises(StateConflict, match=r"(?s)spring: campaign id-spring.*summer: campaign id-summer"):
        bring_in(backend, created("spring"), created("sale"), created("summer"))

    assert read_state(backend, environment=ENVIRONMENT).campaigns.keys() == {SALE}


def test_status_is_unknown_where_another_run_came_between(tmp_path: Path) -> None:
    """A run that slept may have resumed a campaign before another one paused it: its word is not the last, nor lost."""
    backend = a_state(tmp_path)
    with a_run(backend) as ledger:
        ledger.append(intended("sale"), created("sale"), intended("tea"), created("tea"))
    with a_run(backend, "run-2") as ledger:
        ledger.append(Observed(SALE, "paused", NOW), Observed(TEA, "paused", NOW))

    outcomes = (Observed(SALE, "scheduled", LATER), Observed(TEA, "paused", LATER))
    assert bring_in(backend, *outcomes, lock_id="run-3") == outcomes[:1]
    state = read_state(backend, environment=ENVIRONMENT)
    assert [state.campaigns[address].is_unsettled for address in (SALE, TEA)] == [True, False]

    assert bring_in(backend, *outcomes, lock_id="run-4") == ()
    assert read_state(backend, environment=ENVIRONMENT) == state


def test_replaced_or_forgotten_campaign_is_known(tmp_path: Path) -> None:
    """A campaign that was replaced or forgotten since is not new."""
    backend = a_state_in_doubt(tmp_path)
    with a_run(backend, "run-2") as ledger:
        ledger.append(created("sale", "first"), intended("sale"), created("sale", "second"))
        ledger.append(created("tea", "third"), Forgotten(TEA, NOW))

    outcomes = (created("sale", "first"), created("sale", "second"), created("tea", "third"), Observed(TEA, "x", LATER))

    assert bring_in(backend, *outcomes, lock_id="run-3") == ()


def test_late_outcome_does_not_close_a_newer_doubt(tmp_path: Path) -> None:
    """A doubt that was opened after an outcome was learned is about another create, and stays."""
    backend = a_state(tmp_path)
    newer = replace(intended(), intent=replace(intended().intent, announced_at=LATER))
    with a_run(backend) as ledger:
        ledger.append(newer)

    assert bring_in(backend, NotCreated(SALE, "400", NOW)) == ()
    with pytest.raises(StateConflict):
        bring_in(backend, created("sale"), lock_id="run-3")

    assert set(read_state(backend, environment=ENVIRONMENT).in_doubt) == {"sale"}


def test_created_campaign_without_a_place_is_reported(tmp_path: Path) -> None:
    """A campaign whose doubt was closed wrongly in the meantime is named, with the command that adopts it."""
    backend = a_state_in_doubt(tmp_path)
    with a_run(backend, "run-2") as ledger:
        ledger.append(NotCreated(SALE, "resolved by a person", NOW))

    with pytest.raises(StateConflict, match="campaign id-sale was created") as caught:
        bring_in(backend, created("sale"), lock_id="run-3")

    assert "msgflash-apply import 'sale' id-sale" in caught.value.fix


def test_file_of_another_state_is_refused(tmp_path: Path) -> None:
    """A recovery file of another lineage is not brought in."""
    with pytest.raises(StateError, match="belongs to another state"):
        bring_in(a_state_in_doubt(tmp_path), created("sale"), head=replace(HEAD, lineage="another"))


def test_file_without_a_whole_line_is_damage(tmp_path: Path) -> None:
    """An empty recovery file is not a success."""
    claim = Claim(ENVIRONMENT, a_holder(), lambda: NOW)
    with pytest.raises(StateDamaged, match=r"recovery\.jsonl: it holds no whole line"):
        recover(a_backend(tmp_path), b"", claim, where="recovery.jsonl")


@pytest.mark.parametrize("spoil", [Path.unlink, Path.mkdir], ids=["gone", "unreadable"])
def test_run_is_endangered_where_its_journal_lacks_it(tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    """What the journal has is safe; without the journal all of the run has to be kept elsewhere."""
    with a_run(a_state(tmp_path)) as ledger:
        run: tuple[Entry, ...] = (intended("sale"), created("sale"))
        ledger.append(*run)
        assert not ledger.endangered
        journal = next(tmp_path.glob("default.journal-*.jsonl"))
        if spoil is Path.mkdir:
            journal.unlink()
        spoil(journal)
        assert ledger.endangered == run
