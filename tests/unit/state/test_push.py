"""Putting another document in the place of the state: what is refused, what is named, what is kept."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from msgflash_apply.campaign import Address, Record
from msgflash_apply.errors import StateConflict, StateDamaged, StateError, StateLocked
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.codec import encode
from msgflash_apply.state.edits import Pushed, lost_doubts, lost_ids, push_document, summary
from msgflash_apply.state.ledger import read_state
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.reading import load
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import NOW, a_record, a_snapshot, an_intent
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

SALE, TEA = Address("sale"), Address("tea")
NEWER = replace(a_snapshot({"sale": a_record("sale"), "tea": a_record("tea")}), serial=9)


def a_state_with_a_sale(folder: Path) -> Backend:
    """Make a state at serial 2 that knows of one campaign."""
    backend = a_state(folder)
    with a_run(backend) as ledger:
        ledger.append(intended("sale"), created("sale"))
    return backend


def put(backend: Backend, document: Snapshot | bytes, *, force: bool = False) -> Pushed:
    """Push a document."""
    data = document if isinstance(document, bytes) else encode(document)
    claim = Claim(ENVIRONMENT, a_holder(f"pusher-{force}"), lambda: NOW)
    return push_document(backend, data, claim, where="kept.json", force=force)


def test_newer_document_replaces_the_state(tmp_path: Path) -> None:
    """The document takes the state's place under a serial ahead of both; the one before is its backup."""
    backend = a_state_with_a_sale(tmp_path)
    before = (tmp_path / "default.json").read_bytes()

    pushed = put(backend, NEWER)

    state = read_state(backend, environment=ENVIRONMENT)
    assert (state.campaigns, state.serial, pushed.after) == (NEWER.campaigns, 10, state)
    assert (tmp_path / "default.json.backup").read_bytes() == before
    assert backend.holder() is None


def test_run_after_a_push_goes_on_from_it(tmp_path: Path) -> None:
    """What a run does after a push builds on what was pushed."""
    backend = a_state_with_a_sale(tmp_path)
    put(backend, NEWER)

    with a_run(a_backend(tmp_path), "run-3") as ledger:
        ledger.append(intended("news"), created("news"))

    assert set(read_state(backend, environment=ENVIRONMENT).campaigns) == {"sale", "tea", "news"}


def test_where_no_state_ever_was_the_document_is_put_as_it_is(tmp_path: Path) -> None:
    """A backup comes back on a new disk, folder included."""
    backend = a_backend(tmp_path / "new")

    pushed = put(backend, NEWER)

    assert pushed == Pushed(None, NEWER)
    assert read_state(backend, environment=ENVIRONMENT) == NEWER


def test_remains_of_a_state_are_not_written_over(tmp_path: Path) -> None:
    """Where journals or a backup lie without their document, nothing is put on top of them."""
    backend = a_state_with_a_sale(tmp_path)
    (tmp_path / "default.json").unlink()

    with pytest.raises(StateDamaged, match="there is no document, but there is"):
        put(backend, NEWER, force=True)


@pytest.mark.parametrize(
    ("document", "objection"),
    [
        (replace(NEWER, lineage="another"), "It is another state: its lineage is another"),
        (replace(NEWER, serial=2), "It is not newer: its serial is 2, that of the one there 2."),
        (replace(NEWER, serial=1), "It is not newer"),
        (replace(NEWER, campaigns={}), "It lacks sale: campaign id-sale."),
    ],
)
def test_document_that_does_not_follow_needs_force(tmp_path: Path, document: Snapshot, objection: str) -> None:
    """Each objection is reported with what would change, and writes nothing; --force overrides it."""
    backend = a_state_with_a_sale(tmp_path)
    before = (tmp_path / "default.json").read_bytes()

    with pytest.raises(StateConflict, match="does not follow the state") as caught:
        put(backend, document)
    assert objection in caught.value.detail
    assert f"kept.json: serial 2 -> {document.serial}" in caught.value.detail
    assert (tmp_path / "default.json").read_bytes() == before

    after = put(a_backend(tmp_path), document, force=True).after
    assert (after.campaigns, after.lineage) == (document.campaigns, document.lineage)
    assert after.serial == max(2, document.serial) + 1


def test_every_objection_is_reported_at_once(tmp_path: Path) -> None:
    """Before --force, all that it overrides is shown."""
    with pytest.raises(StateConflict) as caught:
        put(a_state_with_a_sale(tmp_path), a_snapshot_of_another())

    objections = caught.value.detail.split("\n")[1:]
    assert [line.split(":")[0] for line in objections] == ["It is another state", "It is not newer", "It lacks sale"]


def a_snapshot_of_another() -> Snapshot:
    """Build an empty state of another lineage, at serial 1."""
    return Snapshot("another", 1, ENVIRONMENT, campaigns={}, in_doubt={}, history={})


@pytest.mark.parametrize(
    "document", [b"", b"{}", encode(NEWER)[:-10], encode(NEWER).replace(b'"serial": 9', b'"serial": 8')]
)
def test_damaged_document_is_refused_whatever_force(tmp_path: Path, document: bytes) -> None:
    """A document that does not prove itself is never put in place."""
    backend = a_state_with_a_sale(tmp_path)

    with pytest.raises(StateDamaged, match="no whole state") as caught:
        put(backend, document, force=True)

    assert "kept.json" in caught.value.detail
    assert load(backend, ENVIRONMENT).snapshot.serial == 2


def test_document_of_another_environment_is_refused_whatever_force(tmp_path: Path) -> None:
    """The state of one environment never becomes that of another."""
    with pytest.raises(StateError, match="another environment"):
        put(a_state_with_a_sale(tmp_path), replace(NEWER, environment="staging"), force=True)


def test_run_at_work_is_not_robbed_of_its_state(tmp_path: Path) -> None:
    """While a run holds the lock nothing is pushed under it, whatever force."""
    with a_run(a_state(tmp_path)), pytest.raises(StateLocked):
        put(a_backend(tmp_path), NEWER, force=True)


def test_what_a_dead_run_left_counts(tmp_path: Path) -> None:
    """The journal of a run that died is folded in before the two are compared, so nothing in it is lost unnamed."""
    backend = a_state(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), backend, intended("news"), created("news"), intended("sale"))

    with pytest.raises(StateConflict) as caught:
        put(a_backend(tmp_path), replace(NEWER, campaigns={TEA: a_record("tea")}))

    assert "It lacks news: campaign id-news." in caught.value.detail
    assert "It lacks sale: a create in doubt." in caught.value.detail


def test_ids_are_looked_for_everywhere() -> None:
    """Records, former ids and the history of both states count; an id that only moved is not lost."""
    before = replace(
        a_snapshot({"sale": replace(a_record(), former_ids=("old",)), "tea": a_record("tea")}),
        history={Address("gone"): (a_record("gone"),)},
    )
    after = replace(a_snapshot({"coffee": a_record("tea")}), history={SALE: (a_record(),)})

    assert lost_ids(before, after) == {"id-gone": "gone", "old": "sale"}
    assert lost_ids(before, before) == {}


LATER = replace(a_record("sale"), created_at=NOW + timedelta(seconds=1))
EARLIER = replace(a_record("sale"), created_at=NOW - timedelta(seconds=1))
DOUBT = a_snapshot(in_doubt={"sale": an_intent()})


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        (DOUBT, ()),
        (a_snapshot(in_doubt={"moved": an_intent()}), ()),
        (a_snapshot({"sale": LATER}), ()),
        (replace(a_snapshot(), history={SALE: (LATER,)}), ()),
        (a_snapshot({"sale": EARLIER}), (SALE,)),
        (a_snapshot({"tea": replace(a_record("tea"), created_at=LATER.created_at)}), (SALE,)),
        (a_snapshot(in_doubt={"sale": replace(an_intent(), run="another")}), (SALE,)),
        (a_snapshot(), (SALE,)),
    ],
)
def test_doubt_is_lost_unless_it_or_its_campaign_is_known(after: Snapshot, lost: tuple[Address, ...]) -> None:
    """A doubt is kept by the same doubt, wherever it moved, or by a campaign of the same payload made after it."""
    assert lost_doubts(DOUBT, after) == lost


def test_change_is_reported_in_one_line() -> None:
    """Serial, campaigns, doubts and history are counted before and after."""
    history: dict[Address, tuple[Record, ...]] = {SALE: (a_record(), a_record())}

    assert summary(DOUBT, replace(NEWER, history=history)) == (
        "serial 7 -> 9, 0 -> 2 campaigns, 1 -> 0 in doubt, 0 -> 2 in the history"
    )


def test_state_that_was_written_to_is_not_replaced(tmp_path: Path) -> None:
    """A run that has entries, or has ended, cannot replace the state that they build on."""
    with a_run(a_state(tmp_path)) as ledger:
        ledger.append(intended())
        with pytest.raises(StateError, match="cannot be replaced now"):
            ledger.replace(NEWER)
        ledger.commit()
        with pytest.raises(StateError, match="cannot be replaced now"):
            ledger.replace(NEWER)


def test_document_that_moved_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    """A push compares and swaps like every write: another run's document stays."""
    backend = a_state(tmp_path)
    theirs = encode(replace(NEWER, lineage=LINEAGE, serial=3))
    ledger = a_run(backend)
    entered = ledger.__enter__()
    (tmp_path / "default.json").write_bytes(theirs)

    with pytest.raises(StateConflict, match="changed after it was read"):
        entered.replace(NEWER)
    ledger.__exit__(None, None, None)

    assert (tmp_path / "default.json").read_bytes() == theirs
