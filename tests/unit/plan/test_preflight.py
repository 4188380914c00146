"""The policy's limits, and the forecast of requests."""

from datetime import UTC, datetime, time, timedelta

import pytest

from msgflash_apply.campaign import Address, Source
from msgflash_apply.models.project import Policy, QuietHours
from msgflash_apply.plan.plan import Action, Change, Reason
from msgflash_apply.plan.preflight import check_clock, enforce, far_starts, is_quiet, requests_needed
from tests.support.builders import NOW, SOON, a_payload, a_record, a_snapshot

NIGHT = QuietHours(time(21), time(8), "Europe/Paris")
EMPTY = a_snapshot()


def a_change(
    address: str, action: Action, *, starts_at: datetime = SOON, status: str | None = None, source: Source | None = None
) -> Change:
    """Build a change."""
    return Change(Address(address), action, starts_at, after=a_payload(name=address), status=status, source=source)


@pytest.mark.parametrize(
    ("quiet", "utc", "expected"),
    [
        (NIGHT, (19, 59), False),
        (NIGHT, (20, 0), True),
        (NIGHT, (6, 59), True),
        (NIGHT, (7, 0), False),
        (QuietHours(time(12), time(14), "UTC"), (12, 0), True),
        (QuietHours(time(12), time(14), "UTC"), (14, 0), False),
    ],
)
def test_quiet_hours_are_in_their_zone(quiet: QuietHours, utc: tuple[int, int], expected: bool) -> None:
    """The hours are those on the clocks of the policy's zone, over midnight too."""
    assert is_quiet(datetime(2026, 11, 27, *utc, tzinfo=UTC), quiet) is expected


def test_creates_in_quiet_hours_are_blocked() -> None:
    """A start in the quiet hours is blocked; what does not send is left alone."""
    late = datetime(2026, 11, 27, 22, tzinfo=UTC)
    changes = [
        a_change("a", Action.CREATE, starts_at=late),
        a_change("b", Action.PAUSE, starts_at=late),
        a_change("c", Action.REPLACE),
    ]
    blocked, paused, replaced = enforce(changes, Policy(quiet_hours=NIGHT), EMPTY)

    assert (blocked.action, blocked.reason) == (Action.BLOCKED, Reason.QUIET_HOURS)
    assert (paused.action, replaced.action) == (Action.PAUSE, Action.REPLACE)


@pytest.mark.parametrize(("limit", "blocked"), [(None, 0), (2, 0), (1, 2)])
def test_too_many_creates_are_all_blocked(limit: int | None, blocked: int) -> None:
    """Above `max_creates` none is created; the rest of the plan remains."""
    changes = [a_change("a", Action.CREATE), a_change("b", Action.REPLACE), a_change("c", Action.RETIRE)]
    enforced = enforce(changes, Policy(max_creates=limit), EMPTY)

    assert [change.reason for change in enforced].count(Reason.LIMIT) == blocked
    assert enforced[2].action is Action.RETIRE


@pytest.mark.parametrize(
    ("managed", "limit", "retires", "blocked"),
    [(10, 0.3, 9, 0), (11, 0.3, 3, 0), (11, 0.3, 4, 4), (11, 2, 3, 3), (11, 3, 3, 0), (11, None, 10, 0)],
)
def test_too_many_retires_are_all_blocked(managed: int, limit: float | None, retires: int, blocked: int) -> None:
    """Above `max_retires` none is retired, once more than ten campaigns are managed."""
    state = a_snapshot({str(number): a_record(str(number)) for number in range(managed)})
    changes = [a_change(str(number), Action.RETIRE) for number in range(retires)] + [a_change("x", Action.NO_OP)]
    enforced = enforce(changes, Policy(max_retires=limit), state)

    assert [change.reason for change in enforced].count(Reason.LIMIT) == blocked


def test_retired_campaign_that_may_be_sending_is_live_too() -> None:
    """Its pause is wanted again, and no limit of 100 % keeps it back."""
    records = {str(number): a_record(str(number), retired=number < 6) for number in range(15)}
    changes = [a_change(str(number), Action.RETIRE) for number in range(14)] + [a_change("14", Action.NO_OP)]
    enforced = enforce(changes, Policy(max_retires=1.0), a_snapshot(records))

    assert not [change for change in enforced if change.reason]


@pytest.mark.parametrize(
    ("managed", "is_empty", "lifted", "blocked"),
    [(1, True, (), 1), (1, False, (), 0), (3, True, (), 3), (3, False, (), 3), (3, True, ("max-retires",), 0)],
)
def test_no_plan_retires_all_there_is(managed: int, *, is_empty: bool, lifted: tuple[str, ...], blocked: int) -> None:
    """An empty checkout, or other files altogether, never pauses every campaign; a person may lift that."""
    state = a_snapshot({str(number): a_record(str(number)) for number in range(managed)})
    changes = [a_change(str(number), Action.RETIRE) for number in range(managed)]
    changes += [] if is_empty else [a_change("new", Action.CREATE, source=Source("campaigns/new.yaml"))]
    enforced = enforce(changes, Policy(max_retires=None).without(lifted), state)

    assert [change.reason for change in enforced].count(Reason.LIMIT) == blocked
    assert all("every one that is live" in change.explanation for change in enforced if change.reason)


@pytest.mark.parametrize(
    ("action", "status", "pause_after", "expected"),
    [
        (Action.CREATE, None, False, 1),
        (Action.CREATE, None, True, 2),
        (Action.REPLACE, "scheduled", False, 3),
        (Action.REPLACE, "paused", False, 2),
        (Action.REPLACE, "paused", True, 3),
        (Action.PAUSE, "running", False, 1),
        (Action.RESUME, "paused", False, 1),
        (Action.RETIRE, "scheduled", False, 1),
        (Action.RETIRE, "paused", False, 0),
        (Action.MOVE, None, False, 0),
        (Action.FORGET, None, False, 0),
        (Action.NO_OP, None, False, 0),
        (Action.BLOCKED, None, False, 0),
    ],
)
def test_requests_are_forecast(action: Action, status: str | None, pause_after: bool, expected: int) -> None:
    """Each action costs a known number of requests."""
    change = Change(Address("a"), action, SOON + timedelta(0), status=status, pause_after=pause_after)

    assert requests_needed([change]) == expected


@pytest.mark.parametrize(("campaigns", "warnings"), [(3, 3), (4, 1)])
def test_many_far_starts_are_one_warning(campaigns: int, warnings: int) -> None:
    """It counts them, and names the first one and its date."""
    starts = [NOW + timedelta(days=400 + number) for number in range(campaigns)]
    changes = [a_change(f"c{number}", Action.CREATE, starts_at=start) for number, start in enumerate(starts)]

    found = far_starts(changes[::-1], NOW)

    assert len(found) == warnings
    assert warnings > 1 or found[0].message == (
        f"4 campaigns start more than a year ahead, `c0` first, on {starts[0]:%Y-%m-%d}"
    )


@pytest.mark.parametrize(
    ("error", "lead_time", "words", "is_blocked"),
    [
        (None, 10, None, False),
        (timedelta(minutes=2), 10, None, False),
        (timedelta(minutes=3), 10, "this machine's clock is 3 minutes ahead of MsgFlash's", False),
        (timedelta(minutes=-10), 0, "this machine's clock is 10 minutes behind MsgFlash's", False),
        (timedelta(minutes=11), 0, "this machine's clock is 11 minutes ahead of MsgFlash's", True),
        (timedelta(minutes=-11), 10, "this machine's clock is 11 minutes behind MsgFlash's", True),
        (timedelta(minutes=20), 30, "this machine's clock is 20 minutes ahead of MsgFlash's", False),
        (timedelta(minutes=31), 30, "this machine's clock is 31 minutes ahead of MsgFlash's", True),
    ],
)
def test_a_wrong_clock_is_a_warning_and_a_very_wrong_one_sends_nothing(
    error: timedelta | None, lead_time: int, words: str | None, *, is_blocked: bool
) -> None:
    """Creates are blocked where the clock may hide that their start has passed; what stops campaigns goes on."""
    before = (a_change("a", Action.CREATE), a_change("b", Action.REPLACE), a_change("c", Action.PAUSE))
    changes, found = check_clock(before, error, Policy(min_lead_time=timedelta(minutes=lead_time)))

    assert [one.message for one in found] == ([words] if words else [])
    assert [change.reason for change in changes] == [Reason.LEAD_TIME if is_blocked else None] * 2 + [None]
    assert is_blocked or changes == before
