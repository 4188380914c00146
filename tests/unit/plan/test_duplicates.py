"""What would make one mailing two."""

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.plan.duplicates import refuse_duplicates, same_mailing, taken_addresses
from msgflash_apply.plan.lookup import NameTable, fill_in
from msgflash_apply.plan.plan import Action, Change
from msgflash_apply.plan.refresh import PriorState
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import SOON, a_desired, a_payload, a_record, a_snapshot, an_intent


def a_create(address: str, name: str | None = None) -> Change:
    """Build a create of the campaign of some name."""
    return Change(Address(address), Action.CREATE, SOON, after=a_payload(name=name or address))


def a_move(address: str, previous: str) -> Change:
    """Build a move."""
    payload = a_payload(name=previous)
    return Change(
        Address(address), Action.MOVE, SOON, before=payload, after=payload, previous_address=Address(previous)
    )


@pytest.mark.parametrize(
    "state",
    [
        a_snapshot({"old": a_record("old"), "new": a_record("new")}),
        a_snapshot(in_doubt={"new": an_intent("new")}),
        a_snapshot({"new": a_record("new", retired=True, status="paused")}),
    ],
)
def test_copied_file_is_not_a_second_mailing(state: Snapshot) -> None:
    """A create that the state already has under another address in use is an error."""
    [found] = same_mailing([a_create("copy", "new")], PriorState(state))

    assert (found.code, found.is_error) == ("MF510", True)
    assert "moved_from: [new]" in str(found.hint)


def test_duplicate_is_found_although_its_own_address_had_the_mailing_too() -> None:
    """Of two addresses that hold one mailing the other one is named, wherever they are in the state."""
    state = a_snapshot({"a": a_record("x"), "b": a_record("x")})

    assert len(same_mailing([a_create("a", "x")], PriorState(state))) == 1
    assert len(same_mailing([a_create("b", "x")], PriorState(state))) == 1


def test_two_creates_of_one_plan_are_compared() -> None:
    """Two creates whose payloads became the same are an error, though their files differ."""
    [found] = same_mailing([a_create("a", "x"), a_create("b", "x")], PriorState(a_snapshot()))

    assert found.address == "b"
    assert "`a`" in found.message


def test_nothing_to_send_asks_nothing() -> None:
    """Without creates there is no second mailing to look for."""
    no_op = Change(Address("a"), Action.NO_OP, SOON)

    assert same_mailing([no_op], PriorState(a_snapshot({"a": a_record("a")}))) == []
    assert same_mailing([a_create("a")], PriorState(a_snapshot())) == []


def test_own_record_is_no_duplicate() -> None:
    """A campaign that is created anew, or moved and created anew, does not duplicate itself."""
    moved = Change(Address("b"), Action.CREATE, SOON, after=a_payload(name="a"), previous_address=Address("a"))

    assert same_mailing([a_create("a")], PriorState(a_snapshot({"a": a_record("a")}))) == []
    assert same_mailing([moved], PriorState(a_snapshot({"a": a_record("a")}))) == []


def test_duplicates_are_found_by_address_whatever_their_order() -> None:
    """The later address is the one to change, however the files were read."""
    items = [fill_in(a_desired(address, payload=a_payload()), NameTable([])) for address in ("b", "a")]
    for order in (items, items[::-1]):
        with pytest.raises(InvalidFiles) as caught:
            refuse_duplicates(order)
        assert [found.address for found in caught.value.diagnostics] == ["b"]


@pytest.mark.parametrize("newcomer", [a_move("b", "a"), a_create("b", "other")])
def test_taken_address_is_refused(newcomer: Change) -> None:
    """A newcomer needs the move of the record that is at its address in the same plan."""
    state = a_snapshot({"a": a_record("a"), "b": a_record("b")})

    assert [found.address for found in taken_addresses([newcomer], state)] == ["b"]
    assert taken_addresses([newcomer, a_move("c", "b")], state) == []


def test_free_addresses_and_own_records_are_fine() -> None:
    """A create at a free address and one in place of its own gone record are fine."""
    again = Change(Address("b"), Action.CREATE, SOON, before=a_payload(), after=a_payload(), id="id-b")

    assert taken_addresses([a_create("a"), again], a_snapshot({"b": a_record("b")})) == []
