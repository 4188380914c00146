"""What goes out when: from files, from the record, and which of the two is believed."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from msgflash_apply.campaign import Lifecycle
from msgflash_apply.operations.calendar_ import Occasion, Period, agenda, starts_within
from tests.support.builders import SOON, a_desired, a_payload, a_record, a_snapshot, an_intent

LATER = SOON + timedelta(days=9)


def days_of(starts: tuple[Occasion, ...]) -> list[str]:
    """Each start as its day."""
    return [one.day.isoformat() for one in starts]


def test_files_alone_are_enough() -> None:
    """Without a state every campaign of the files is listed, by start time, as not created."""
    late, soon = a_desired("a", payload=a_payload(starts_at=LATER)), a_desired("b", names={"instanceId": "shop"})
    found = agenda([late, soon], None)
    assert [(one.address, one.status, one.instance) for one in found] == [
        ("b", None, "shop"),
        ("a", None, a_payload()["instanceId"]),
    ]


def test_created_campaign_goes_out_as_it_was_sent() -> None:
    """An edit of a created campaign moves nothing, unless the file asks for a replacement."""
    edited = a_payload(name="sale", starts_at=LATER)
    state = a_snapshot({"sale": a_record("sale")})
    kept = agenda([a_desired("sale", payload=edited)], state)
    replaced = agenda([a_desired("sale", payload=edited, lifecycle=Lifecycle(on_change="replace"))], state)
    assert (kept[0].starts_at, kept[0].status) == (SOON, "scheduled")
    assert replaced[0].starts_at == LATER


def test_what_is_over_or_retired_is_not_listed() -> None:
    """A completed campaign does not go out again, nor does one that was paused for good."""
    over, retired = a_record("over", status="completed"), a_record("gone", status="paused", retired=True)
    assert agenda([a_desired("over")], a_snapshot({"over": over, "gone": retired})) == ()


def test_campaign_without_file_goes_out_until_it_is_retired() -> None:
    """A live record that no file has is listed; one that a file claims under a new name is listed once."""
    live, old = a_record("live"), a_record("old")
    renamed = a_desired("new", payload=a_payload(name="old"))
    moved = a_desired("moved", payload=a_payload(name="live"), moved_from=("live",))
    state = a_snapshot({"live": live, "old": old})
    assert [one.address for one in agenda([renamed], state)] == ["live", "new"]
    assert [one.address for one in agenda([renamed, moved], state)] == ["moved", "new"]


def test_doubt_is_shown() -> None:
    """A campaign whose create has no outcome is neither created nor not."""
    state = a_snapshot(in_doubt={"sale": an_intent("sale")})
    assert agenda([a_desired("sale")], state)[0].in_doubt


def test_day_is_that_of_the_zone_in_which_people_read() -> None:
    """Three in the morning in London is the evening before in New York."""
    payload = a_payload(starts_at=datetime(2026, 11, 28, 3, 0, tzinfo=UTC))
    one = agenda([a_desired("sale", payload=payload)], a_snapshot())[0]
    assert one.day == date(2026, 11, 28)
    assert replace(one, timezone="America/New_York").day == date(2026, 11, 27)
    assert replace(one, timezone="Europe/Atlantis").day == replace(one, timezone=None).day


def test_repeating_campaign_is_listed_once_or_until_the_end() -> None:
    """Without an end it is the next run; with one, every run up to it."""
    weekly = agenda([a_desired("sale", payload=a_payload(repeat="weekly"))], None)
    assert days_of(starts_within(weekly, Period(date(2026, 12, 2)))) == ["2026-12-04"]
    assert days_of(starts_within(weekly, Period(None, date(2026, 12, 15)))) == [
        "2026-11-27",
        "2026-12-04",
        "2026-12-11",
    ]
    assert days_of(starts_within(weekly, Period(None, date(2026, 11, 26)))) == []


def test_daily_runs_of_long_ago_are_skipped() -> None:
    """The next run of a campaign that repeats for years is found, not counted through."""
    daily = agenda([a_desired("sale", payload=a_payload(repeat="daily"))], None)
    assert days_of(starts_within(daily, Period(date(2199, 1, 1), date(2199, 1, 2)))) == ["2199-01-01", "2199-01-02"]


def test_single_campaign_outside_the_period_is_left_out() -> None:
    """One that went out before, or goes out after, is not listed."""
    once = agenda([a_desired("sale")], None)
    assert starts_within(once, Period(date(2026, 11, 28))) == ()
    assert days_of(starts_within(once, Period(date(2026, 11, 27), date(2026, 11, 27)))) == ["2026-11-27"]
