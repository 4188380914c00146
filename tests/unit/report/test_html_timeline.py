"""The timeline places every start, repeats what repeats, and counts what would not fit."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from msgflash_apply.campaign import Address
from msgflash_apply.plan.plan import Action, Change, Reason
from msgflash_apply.report.html.card import card_of
from msgflash_apply.report.html.timeline import MOST_MARKS, WIDTH, Timeline, scale_of, timeline_of
from tests.unit.report.builders import NOW, STARTS_AT, a_change, a_payload

UNHURRIED = settings(deadline=None)
MOMENTS = st.datetimes(timezones=st.just(UTC))


def timeline(*changes: Change) -> Timeline:
    """Lay out changes."""
    cards = [card_of(each, number=n, environment="default", now=NOW, numbers={}) for n, each in enumerate(changes, 1)]
    found = timeline_of(cards, NOW)
    assert found is not None
    return found


@UNHURRIED
@given(st.lists(MOMENTS, min_size=1), MOMENTS, st.booleans())
def test_every_moment_has_a_place(moments: list[datetime], now: datetime, repeats: bool) -> None:
    """Whatever the span, every start is inside the drawing, and the names of days do not overlap."""
    scale = scale_of(moments, now, repeats=repeats)
    ticks = scale.ticks()
    assert all(0 <= scale.x(moment) <= WIDTH for moment in moments)
    assert len(ticks) <= 15
    assert [tick.x for tick in ticks] == sorted(tick.x for tick in ticks)


def test_lanes_are_numbers() -> None:
    """Each number has a lane of its own, one below the other."""
    changes = [a_change(address=Address(name), names={"instanceId": name}) for name in ("b", "a", "c")]
    lanes = timeline(*changes).lanes
    assert [lane.label for lane in lanes] == ["a", "b", "c"]
    assert all(upper.y + upper.height == lower.y for upper, lower in pairwise(lanes))


def test_starts_at_one_time_are_stacked_and_then_counted() -> None:
    """Marks never hide each other; those beyond the highest stack are counted in words."""
    lane = timeline(*(a_change(address=Address(f"{number}")) for number in range(20))).lanes[0]
    assert len({mark.y for mark in lane.marks}) == len(lane.marks) == 8
    assert lane.more == "12 more campaigns in the list below"


def test_repeats_are_drawn_from_their_start_on() -> None:
    """A weekly campaign is a pattern seven days wide, a daily one a day wide, however far the others lie."""
    weekly = a_change(address=Address("w"), after=a_payload(repeat="weekly"))
    daily = a_change(address=Address("d"), after=a_payload(repeat="daily"), starts_at=STARTS_AT + timedelta(days=1))
    drawn = timeline(weekly, daily)
    first, second = drawn.lanes[0].bands
    assert (first.title, second.title[:8]) == ("w, weekly from Fri 27 Nov 2026 09:00 Europe/Paris", "d, daily")
    assert round(first.step / second.step, 1) == 7
    assert second.x > first.x


def test_thousands_are_counted_per_day() -> None:
    """Beyond two thousand marks, bars say how many start on each day, and none is lost."""
    starts = [STARTS_AT + timedelta(hours=number) for number in range(MOST_MARKS + 1)]
    lane = timeline(*(a_change(address=Address(f"{at}"), starts_at=at) for at in starts)).lanes[0]
    assert not lane.marks
    assert sum(int(bar.title.split(": ")[1].split(" ")[0]) for bar in lane.bars) == MOST_MARKS + 1
    assert lane.bars[1].title == "2026-11-28: 24 campaigns"


def test_marks_tell_what_becomes_of_a_campaign() -> None:
    """Shapes tell apart what goes out, what is stopped, what is blocked and what is in doubt; moves have none."""
    changes = [
        a_change(),
        a_change(Action.RETIRE),
        a_change(Action.BLOCKED, reason=Reason.LIMIT),
        a_change(Action.BLOCKED, reason=Reason.IN_DOUBT),
        a_change(Action.MOVE, previous_address=Address("old")),
    ]
    assert [mark.kind for mark in timeline(*changes).lanes[0].marks] == ["sends", "stopped", "blocked", "doubt"]
