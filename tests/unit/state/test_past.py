"""What a state knows of campaigns that it manages no more."""

from dataclasses import replace

from msgflash_apply.campaign import Address
from msgflash_apply.state.reading import Past, past_of
from tests.support.builders import a_record, a_snapshot

SALE, TEA = Address("sale"), Address("tea")


def test_nothing_past_is_nothing() -> None:
    """A state whose campaigns all are the first of their address has no past."""
    assert past_of(a_snapshot({"sale": a_record()})) == ()


def test_replaced_ones_name_their_successors() -> None:
    """Each campaign that was replaced names the one that took its place, the oldest first."""
    record = replace(a_record(identifier="third"), former_ids=("first", "second"))

    assert past_of(a_snapshot({"sale": record})) == (
        Past(SALE, "first", None, "second"),
        Past(SALE, "second", None, "third"),
    )


def test_history_is_listed_by_address_with_what_it_replaced() -> None:
    """A record of the history is behind those that it replaced, and before those of the campaign there now."""
    gone = replace(a_record(identifier="second"), former_ids=("first",))
    now = replace(a_record(identifier="fourth"), former_ids=("third",))
    state = replace(a_snapshot({"sale": now}), history={TEA: (a_record("tea"),), SALE: (gone,)})

    assert past_of(state) == (
        Past(SALE, "first", None, "second"),
        Past(SALE, "second", gone, None),
        Past(SALE, "third", None, "fourth"),
        Past(TEA, "id-tea", a_record("tea"), None),
    )
