"""Putting the record right by hand: what is refused, in which words, and what is left."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.errors import StateConflict, StateError, StateLocked
from msgflash_apply.state.edits import break_lock, move, removable, remove, unknown
from msgflash_apply.state.ledger import read_state
from tests.support.builders import NOW, a_record, a_snapshot
from tests.support.states import ENVIRONMENT, a_backend, a_holder, a_run, a_state, created, intended

SALE, TEA, NEWS = Address("promo/sale"), Address("promo/tea"), Address("promo/news")


def test_move_takes_everything_along(tmp_path: Path) -> None:
    """What was at one address is at the other, and the caller learns what it was."""
    backend = a_state(tmp_path)
    with a_run(backend) as ledger:
        ledger.append(intended(SALE), created(SALE, "one"), intended(SALE, attempt=2))
        moved = move(ledger, SALE, TEA)

    state = read_state(backend, environment=ENVIRONMENT)
    assert (set(state.campaigns), set(state.in_doubt)) == ({TEA}, {TEA})
    assert (moved.record, moved.intent) == (state.campaigns[TEA], state.in_doubt[TEA])


@pytest.mark.parametrize("confirmed", [True, False])
def test_taken_target_is_refused(tmp_path: Path, *, confirmed: bool) -> None:
    """A campaign, or one in doubt, keeps its address; nothing is written."""
    with a_run(a_state(tmp_path)) as ledger:
        ledger.append(intended(SALE), created(SALE), intended(TEA), *([created(TEA, "two")] if confirmed else []))
        before = ledger.snapshot

        with pytest.raises(StateError, match="promo/tea is taken") as caught:
            move(ledger, SALE, TEA)

        assert ("campaign two" if confirmed else "a create in doubt") in caught.value.detail
        assert ledger.snapshot == before


def test_unknown_source_is_refused(tmp_path: Path) -> None:
    """Nothing can be moved from an empty address; what was probably meant is named."""
    with a_run(a_state(tmp_path)) as ledger:
        ledger.append(intended(SALE), intended("other/thing"))

        with pytest.raises(StateError, match="no campaign promo/sales") as caught:
            move(ledger, Address("promo/sales"), TEA)

    assert caught.value.fix == "Near it: promo/sale."


def test_unknown_address_far_from_all_others_points_to_the_list() -> None:
    """Where nothing comes near, the whole list is a command away."""
    assert unknown(a_snapshot({"sale": a_record()}), NEWS).fix == "See: msgflash-apply state list"


def test_address_of_the_past_points_to_the_history() -> None:
    """An address that has a history alone is said to be there."""
    state = replace(a_snapshot(), history={NEWS: (a_record(),)})

    assert "msgflash-apply state history 'promo/news'" in unknown(state, NEWS).fix


def test_removed_record_stays_in_the_history(tmp_path: Path) -> None:
    """A removed campaign is managed no more, and its id is kept."""
    backend = a_state(tmp_path)
    with a_run(backend) as ledger:
        ledger.append(intended(SALE), created(SALE))
        remove(ledger, SALE, removable(ledger.snapshot, SALE), NOW)

    state = read_state(backend, environment=ENVIRONMENT)
    assert state.campaigns == {}
    assert [record.id for record in state.history[SALE]] == ["id-promo/sale"]


def test_doubt_cannot_be_removed() -> None:
    """Removing a doubt would send the create again, so the commands that resolve it are named instead."""
    state = a_snapshot({SALE: a_record(SALE)}, {SALE: intended(SALE).intent})

    with pytest.raises(StateError, match="promo/sale is in doubt") as caught:
        removable(state, SALE)

    assert "msgflash-apply resolve 'promo/sale'" in caught.value.fix


def test_unknown_address_cannot_be_removed() -> None:
    """What is not there cannot be removed."""
    with pytest.raises(StateError, match="no campaign promo/news"):
        removable(a_snapshot({SALE: a_record(SALE)}), NEWS)


def test_record_that_changed_meanwhile_is_not_removed(tmp_path: Path) -> None:
    """A person agreed to remove one campaign, and not the one that took its place while they were asked."""
    with a_run(a_state(tmp_path)) as ledger:
        ledger.append(intended(SALE), created(SALE, "one"))
        seen = removable(ledger.snapshot, SALE)
        ledger.append(intended(SALE), created(SALE, "two"))

        with pytest.raises(StateConflict, match="was campaign one, and is two now"):
            remove(ledger, SALE, seen, NOW)

        assert set(ledger.snapshot.campaigns) == {SALE}


def test_lock_of_a_living_run_stays(tmp_path: Path) -> None:
    """A process of this host that holds the lock is at work, so only --force takes it away."""
    backend = a_state(tmp_path)
    with a_run(backend, "run-1"):
        other = a_backend(tmp_path)
        with pytest.raises(StateLocked, match="seems to be at work") as caught:
            break_lock(other, "run-1", by=a_holder("run-2"), force=False)
        assert "kill 4711" in caught.value.fix
        assert backend.holder() == a_holder("run-1")

        break_lock(other, "run-1", by=a_holder("run-2"), force=True)

        assert backend.holder() is None


@pytest.mark.parametrize("host", ["here", "elsewhere"])
def test_lock_of_a_dead_run_is_broken(tmp_path: Path, host: str) -> None:
    """A lock that a dead process of this host left is broken, and one of another host on a person's word."""
    backend = a_state(tmp_path)
    left = {**{name: getattr(a_holder(), name) for name in ("lock_id", "who", "pid", "what")}, "host": host}
    (tmp_path / "default.lock").write_text(json.dumps({**left, "since": NOW.isoformat()}))

    break_lock(backend, "run-1", by=a_holder("run-2"), force=False)

    assert backend.holder() is None


def test_lock_of_another_id_is_not_broken(tmp_path: Path) -> None:
    """A wrong id breaks nothing, whatever force, and the error says whose lock there is."""
    backend = a_state(tmp_path)
    with pytest.raises(StateError, match="it is not locked"):
        break_lock(backend, "run-1", by=a_holder("run-2"), force=True)
    with (
        a_run(backend, "run-1"),
        pytest.raises(StateError, match=r"lock there is run-1, of ada on here \(process 4711\)"),
    ):
        break_lock(a_backend(tmp_path), "run-0", by=a_holder("run-2"), force=True)
