"""Merging what two runs did to one address, when the rules that keep them apart failed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from msgflash_apply.campaign import Address, Record
from msgflash_apply.state.replay import Draft, Slot, merge, merge_into
from tests.support.builders import NOW, a_record, a_snapshot, an_intent

EMPTY = Slot()
MINE = replace(a_record(identifier="mine"), former_ids=("old",))
YOURS = replace(a_record(identifier="yours"), created_at=NOW + timedelta(minutes=1), former_ids=("old", "older"))
DOUBT = an_intent()
OTHER_DOUBT = replace(DOUBT, run="run-2")


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        (EMPTY, Slot(MINE), EMPTY, Slot(MINE)),
        (EMPTY, EMPTY, Slot(YOURS), Slot(YOURS)),
        (Slot(MINE), Slot(history=(MINE,)), Slot(MINE), Slot(history=(MINE,))),
        (EMPTY, Slot(MINE), Slot(MINE), Slot(MINE)),
        (Slot(MINE), EMPTY, Slot(replace(MINE, status="running")), Slot(replace(MINE, status="running"))),
        (Slot(intent=DOUBT), Slot(MINE), Slot(intent=DOUBT, history=(YOURS,)), Slot(MINE, history=(YOURS,))),
        (Slot(intent=DOUBT), Slot(MINE, DOUBT), EMPTY, Slot(MINE)),
        (EMPTY, Slot(intent=DOUBT), Slot(YOURS), Slot(YOURS, DOUBT)),
        (EMPTY, Slot(MINE), Slot(intent=DOUBT), Slot(MINE, DOUBT)),
        (EMPTY, Slot(intent=DOUBT), Slot(intent=OTHER_DOUBT), Slot(intent=DOUBT)),
        (Slot(MINE), Slot(history=(MINE,)), Slot(history=(YOURS, MINE)), Slot(history=(YOURS, MINE))),
        (EMPTY, Slot(history=(MINE,)), Slot(history=(YOURS,)), Slot(history=(YOURS, MINE))),
    ],
)
def test_the_side_that_changed_wins_and_doubt_stays(base: Slot, ours: Slot, theirs: Slot, merged: Slot) -> None:
    """What one side changed is taken; where both did, records, doubts and history of both are kept."""
    assert merge(base, ours, theirs) == merged


@pytest.mark.parametrize(("ours", "theirs"), [(MINE, YOURS), (YOURS, MINE)])
def test_of_two_campaigns_the_later_is_the_record(ours: Record, theirs: Record) -> None:
    """Two campaigns of one address leave the later one as the record and the other among its former ids."""
    record = merge(EMPTY, Slot(ours), Slot(theirs)).record

    assert record == replace(YOURS, former_ids=("old", "older", "mine"))


def test_two_readings_of_one_campaign_leave_the_later() -> None:
    """One campaign that both sides read keeps the later status, and does not become its own former id."""
    read = replace(MINE, status="running", read_at=NOW + timedelta(minutes=1))
    retired = replace(MINE, retired=True)

    assert merge(Slot(MINE), Slot(retired), Slot(read)).record == read


def test_warning_says_where_both_sides_changed() -> None:
    """A double creation names both campaigns; another double change names the address; the rest is silent."""
    base = Draft(a_snapshot({"c": a_record("c")}))
    ours = Draft(a_snapshot({"a": MINE, "b": MINE, "c": a_record("c", status="running")}))
    theirs = Draft(a_snapshot({"a": YOURS, "c": a_record("c", status="paused")}))

    warnings = merge_into(theirs, base=base, ours=ours, touched=[Address(name) for name in "cab"])

    assert [warning.split(":")[0] for warning in warnings] == ["a", "c"]
    assert "yours and mine" in warnings[0]
    assert theirs.snapshot().campaigns[Address("b")] == MINE
