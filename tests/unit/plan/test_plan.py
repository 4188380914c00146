"""The plan as a value: counts, digest, exit code."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.errors import ExitCode
from msgflash_apply.plan.plan import Action, Change, Plan, Reason, RequestForecast, Stage
from tests.support.builders import NOW, SOON, a_payload

SERVER = "https://srv.msgflash.com"
CREATE = Change(Address("a"), Action.CREATE, SOON, after=a_payload())
NO_OP = Change(Address("b"), Action.NO_OP, SOON)
BLOCKED = Change(Address("c"), Action.BLOCKED, SOON, reason=Reason.LIMIT)


def a_plan(*changes: Change) -> Plan:
    """Build a plan."""
    return Plan(
        "default",
        SERVER,
        "lineage",
        1,
        NOW,
        complete=True,
        changes=changes,
        diagnostics=(),
        requests=RequestForecast(0, 0),
    )


def test_summary_names_every_action() -> None:
    """The summary counts each action, those that do not occur included."""
    summary = a_plan(CREATE, NO_OP).summary

    assert summary == dict.fromkeys(Action, 0) | {Action.CREATE: 1, Action.NO_OP: 1}


def test_empty_means_nothing_would_be_done() -> None:
    """Unchanged and blocked campaigns alone make an empty plan."""
    assert a_plan(NO_OP, BLOCKED).is_empty
    assert not a_plan(CREATE).is_empty


@pytest.mark.parametrize(
    ("changes", "detailed", "code"),
    [
        ((NO_OP,), True, ExitCode.DONE),
        ((CREATE,), False, ExitCode.DONE),
        ((CREATE,), True, ExitCode.CHANGES),
        ((CREATE, BLOCKED), False, ExitCode.PERSON_NEEDED),
        ((CREATE, BLOCKED), True, ExitCode.PERSON_NEEDED),
    ],
)
def test_exit_code(changes: tuple[Change, ...], detailed: bool, code: ExitCode) -> None:
    """Blocked comes before changes, and changes count only when asked for."""
    assert a_plan(*changes).exit_code(detailed=detailed) is code


def test_digest_is_about_what_would_be_done() -> None:
    """Time of making and unchanged campaigns do not show in the digest; what goes out does."""
    plan = a_plan(CREATE)

    assert plan.digest == replace(a_plan(CREATE, NO_OP), created_at=NOW + timedelta(hours=1)).digest
    others = [
        replace(CREATE, after=a_payload(body="x")),
        replace(CREATE, address=Address("z")),
        replace(CREATE, action=Action.REPLACE),
        replace(CREATE, pause_after=True),
        replace(CREATE, id="c1"),
    ]
    assert len({a_plan(other).digest for other in [CREATE, *others]}) == 6


@pytest.mark.parametrize(
    ("status", "starts_at", "stage"),
    [
        ("scheduled", SOON, Stage.STOPPABLE),
        ("draft", SOON, Stage.STOPPABLE),
        ("scheduled", NOW, Stage.SENDING),
        ("running", SOON, Stage.SENDING),
        ("brand_new_status", SOON, Stage.SENDING),
        ("paused", NOW, Stage.PAUSED),
        ("paused_quota", NOW, Stage.PAUSED),
        ("completed", NOW, Stage.OVER),
        (None, SOON, Stage.NOT_CREATED),
    ],
)
def test_stage_tells_the_point_of_no_return(status: str | None, starts_at: datetime, stage: Stage) -> None:
    """Each campaign says what can still be stopped; what is not known to wait counts as sending."""
    change = replace(NO_OP, id="c1", status=status, before=a_payload(starts_at=starts_at))

    assert change.stage(NOW) is stage


def test_stage_before_a_create() -> None:
    """What was not created is said to be so, and what may have been is in doubt."""
    assert CREATE.stage(NOW) is Stage.NOT_CREATED
    assert replace(BLOCKED, reason=Reason.IN_DOUBT).stage(NOW) is Stage.IN_DOUBT


@pytest.mark.parametrize(("left", "enough"), [(None, True), (2, True), (1, False)])
def test_requests_suffice(left: int | None, *, enough: bool) -> None:
    """A plan that needs more requests than the month has left says so; unknown is no objection."""
    assert RequestForecast(0, 2, left).suffice is enough
