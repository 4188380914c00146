"""
What an apply does when a pause, resume, retire or replace goes wrong, over a real socket: contract sections 6 and 7.

Unlike a create these can be settled by reading the campaign again, so none of them is ever in doubt by itself.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from msgflash_apply.apply.result import ApplyReport, ChangeStarted, Event, Outcome, Result
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Address, Desired, Lifecycle
from msgflash_apply.errors import ApiError
from msgflash_apply.plan.plan import Action, Reason
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.sandbox.values import Campaign
from tests.support.builders import a_desired, a_payload
from tests.support.runs import LATER, STILL, World

DONE, FAILED, DOUBT, SKIPPED = Outcome.DONE, Outcome.FAILED, Outcome.IN_DOUBT, Outcome.SKIPPED
REPLACE = Lifecycle(on_change="replace")
SHORT_SECONDS = 0.3


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Create one campaign, which starts the next day."""
    with Sandbox(STILL) as sandbox:
        made = World(sandbox, tmp_path)
        made.apply([campaign()])
        yield made


def campaign(*, body: str = "Hello", paused: bool | None = None) -> Desired:
    """Build the campaign, or another version of it."""
    payload = a_payload(name=f"sale: {body}", body=body, starts_at=LATER)
    return a_desired("sale", payload=payload, paused=paused, lifecycle=REPLACE)


def on_start(step: Callable[[], object]) -> Callable[[Event, Stop], None]:
    """Do something when the change starts, after the plan was made."""

    def listen(event: Event, _stop: Stop) -> None:
        if isinstance(event, ChangeStarted):
            step()

    return listen


def only(report: ApplyReport) -> Result:
    """Give the one result of a run."""
    [result] = report.results
    return result


def remote(world: World) -> Campaign:
    """Look at the first campaign as the server has it."""
    return next(iter(world.sandbox.world.campaigns.values()))


LOST = [
    "refuse", "stall", "stall_after", "drop_before", "drop_after", "reset_before", "reset_after", "half", "html",
    "html_after", "empty", "no_id", "429", "500", "500_after", "502_after", "503", "400_after", "404_after",
]  # fmt: skip


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("action", ["pause", "retire", "resume"])
def test_lost_answer_is_settled_by_reading(world: World, action: str, fault: str) -> None:
    """Whatever happens to the answer, the campaign is read, and steered again if it has not moved."""
    desired = [] if action == "retire" else [campaign(paused=action == "pause")]
    if action == "resume":
        world.apply([campaign(paused=True)])
    world.sandbox.add_fault(f"POST /api/v1/campaigns/*/{'resume' if action == 'resume' else 'pause'} {fault}")
    report = world.apply(desired, timeout_seconds=SHORT_SECONDS)

    assert only(report).outcome is DONE, only(report).error
    assert world.statuses() == {"sale: Hello": "scheduled" if action == "resume" else "paused"}
    assert world.plan(desired).is_empty
    assert world.snapshot().in_doubt == {}


@pytest.mark.parametrize(
    ("fault", "stops"),
    [("400", False), ("403", False), ("unauthorized", True), ("plan", True), ("quota", True), ("500 times=*", False)],
)
@pytest.mark.parametrize("action", [Action.PAUSE, Action.RETIRE])
def test_refusal_fails_and_the_next_apply_tries_again(world: World, action: Action, fault: str, stops: bool) -> None:
    """A refusal that reading confirms fails the change; the next apply has it to do again."""
    desired = [campaign(paused=True)] if action is Action.PAUSE else []
    world.sandbox.add_fault(f"POST /api/v1/campaigns/*/pause {fault}")
    report = world.apply(desired)

    assert only(report).outcome is FAILED
    assert ((report.stopped is not None), report.exit_code) == (stops, 3)
    assert world.statuses() == {"sale: Hello": "scheduled"}
    world.sandbox.clear_faults()
    assert [change.action for change in world.plan(desired).effective] == [action]
    assert only(world.apply(desired)).outcome is DONE


def test_what_can_not_be_read_again_fails(world: World) -> None:
    """Where neither the answer nor a reading comes, the change fails with both stories."""
    arm = on_start(lambda: world.sandbox.add_fault("* /api/v1/campaigns/* 500 times=*"))
    error = str(only(world.apply([campaign(paused=True)], on_event=arm)).error)

    assert "could not be read again" in error
    assert "INTERNAL_ERROR" in error


@pytest.mark.parametrize(
    ("desired", "outcome", "next_action"),
    [([campaign(paused=True)], FAILED, Action.NO_OP), ([], DONE, Action.FORGET)],
    ids=["pause", "retire"],
)
def test_campaign_that_completed_meanwhile(
    world: World, desired: list[Desired], outcome: Outcome, next_action: Action
) -> None:
    """What is over cannot be paused: a pause says so, and for a retire that is the end that was wanted."""
    report = world.apply(desired, on_event=on_start(lambda: world.sandbox.advance(7 * 86_400)))

    assert only(report).outcome is outcome
    assert world.snapshot().campaigns[Address("sale")].status == "completed"
    assert [change.action for change in world.plan(desired).changes] == [next_action]


@pytest.mark.parametrize("desired", [[campaign(paused=True)], []], ids=["pause", "retire"])
def test_campaign_that_is_gone_meanwhile(world: World, desired: list[Desired]) -> None:
    """A campaign that was deleted between plan and apply fails, and the next plan knows that it is gone."""
    report = world.apply(desired, on_event=on_start(lambda: world.sandbox.world.delete(remote(world))))

    assert "gone on MsgFlash" in str(only(report).error)
    assert {change.action for change in world.plan(desired).changes} <= {Action.CREATE, Action.FORGET}


@pytest.mark.parametrize("status", ["paused_quota", "paused_plan"])
def test_system_pause_is_not_fought(world: World, status: str) -> None:
    """What the system paused is neither paused nor resumed by us, and counts as retired without its file."""
    remote(world).status = status

    assert world.apply([campaign(paused=True)]).results == ()
    assert world.apply([campaign(paused=False)]).results == ()
    assert only(world.apply([])).outcome is DONE
    assert world.snapshot().campaigns[Address("sale")].retired
    assert remote(world).status == status


def test_paused_one_is_retired_without_a_request(world: World) -> None:
    """A campaign that is paused already is retired by the books, after it was read."""
    world.apply([campaign(paused=True)])
    before = len(world.sandbox.requests)
    world.apply([])

    assert [request.method for request in world.sandbox.requests[before:]].count("POST") == 0
    assert world.snapshot().campaigns[Address("sale")].retired


def test_resume_of_a_retired_one_ends_its_retirement(world: World) -> None:
    """A file that comes back resumes its campaign, and nothing is created."""
    world.apply([])
    report = world.apply([campaign()])

    assert (only(report).action, only(report).outcome) == (Action.RESUME, DONE)
    assert only(report).safety is not None
    assert not world.snapshot().campaigns[Address("sale")].retired
    assert world.created() == {"sale: Hello": 1}


def test_retired_one_that_could_not_be_resumed_stays_retired(world: World) -> None:
    """A refused resume leaves the campaign to be resumed by the next apply."""
    world.apply([])
    world.sandbox.add_fault("POST /api/v1/campaigns/*/resume 400")

    assert only(world.apply([campaign()])).outcome is FAILED
    assert [change.action for change in world.plan([campaign()]).effective] == [Action.RESUME]


# Replace: pause the old one, make sure that nobody was sent anything, and only then create.

NEW = [campaign(body="Better")]
OLD, BETTER = "sale: Hello", "sale: Better"


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "stall", "500_after", "html", "429"])
@pytest.mark.parametrize("is_paused", [False, True])
def test_replace_survives_a_lost_pause(world: World, fault: str, is_paused: bool) -> None:
    """A lost answer to the pause is settled; then the new campaign stands in the place of the old, once."""
    if is_paused:
        world.apply([campaign(paused=True)])
    world.sandbox.add_fault(f"POST /api/v1/campaigns/*/pause {fault}")
    report = world.apply(NEW, timeout_seconds=SHORT_SECONDS)
    record = world.snapshot().campaigns[Address("sale")]

    assert only(report).outcome is DONE
    assert world.statuses() == {OLD: "paused", BETTER: "scheduled"}
    assert len(record.former_ids) == 1
    assert world.plan(NEW).is_empty


@pytest.mark.parametrize("fault", ["400", "500 times=*", "unauthorized"])
def test_replace_creates_nothing_beside_a_live_one(world: World, fault: str) -> None:
    """Where the old one could not be paused the new one is not created."""
    world.sandbox.add_fault(f"POST /api/v1/campaigns/*/pause {fault}")

    assert "was not paused" in str(only(world.apply(NEW)).error)
    assert world.statuses() == {OLD: "scheduled"}


def test_replace_stops_when_something_was_sent_meanwhile(world: World) -> None:
    """A campaign that started between plan and apply is paused, and not replaced: people had it."""
    later = a_desired("sale", payload=a_payload(name=BETTER, starts_at=LATER + timedelta(days=7)), lifecycle=REPLACE)
    report = world.apply([later], on_event=on_start(lambda: world.sandbox.advance(86_401)))

    assert "may have sent something" in str(only(report).error)
    assert world.statuses() == {OLD: "paused"}
    assert {change.reason for change in world.plan([later]).blocked} == {Reason.ALREADY_STARTED}


@pytest.mark.parametrize(
    ("meanwhile", "told"),
    [
        (lambda world: world.sandbox.world.delete(remote(world)), "the former one is gone"),
        (lambda world: world.sandbox.world.resume(remote(world)), "the former one is scheduled"),
        (lambda world: world.sandbox.add_fault("GET /api/v1/campaigns/* unauthorized"), "could not be read"),
        (lambda world: world.sandbox.add_fault("GET /api/v1/campaigns/* html"), "could not be read"),
        (lambda world: world.sandbox.add_fault("GET /api/v1/campaigns/* empty"), "could not be read"),
    ],
)
def test_replace_needs_to_see_the_former_one_unsent(
    world: World, meanwhile: Callable[[World], object], told: str
) -> None:
    """A former one that was paused, and now is gone, resumed or not to be read, lets nothing be created."""
    world.apply([campaign(paused=True)])
    report = world.apply(NEW, on_event=on_start(lambda: meanwhile(world)))

    assert only(report).outcome is FAILED
    assert told in str(only(report).error)
    assert BETTER not in world.created()


@pytest.mark.parametrize(("fault", "on_server"), [("drop_before", 0), ("drop_after", 1), ("500", 0)])
def test_replacement_in_doubt_is_not_sent_again(world: World, fault: str, on_server: int) -> None:
    """A replacement whose answer was lost is in doubt; the old one stays paused whatever happens then."""
    world.sandbox.add_fault(f"POST /api/v1/campaigns {fault}")
    report = world.apply(NEW)
    for files in (NEW, [campaign()], []):
        world.apply(files)

    assert only(report).outcome is DOUBT
    assert world.statuses()[OLD] == "paused"
    assert world.created().get(BETTER, 0) == on_server
    assert {change.reason for change in world.plan(NEW).blocked} == {Reason.IN_DOUBT}


@pytest.mark.parametrize("fault", ["400", "quota"])
def test_refused_replacement_says_what_stays(world: World, fault: str) -> None:
    """Where the new one is refused the person is told that the old one stays paused; the next apply goes on."""
    world.sandbox.add_fault(f"POST /api/v1/campaigns {fault}")

    assert "stays paused" in str(only(world.apply(NEW)).error)
    assert world.statuses() == {OLD: "paused"}
    assert only(world.apply(NEW)).outcome is DONE
    assert world.created() == {OLD: 1, BETTER: 1}


def test_gone_before_its_start_is_created_once_more(world: World) -> None:
    """A campaign that somebody deleted before its start is created again, and the record knows both ids."""
    former = remote(world)
    world.sandbox.world.delete(former)
    report = world.apply([campaign(paused=True)])

    assert (only(report).action, only(report).outcome) == (Action.CREATE, DONE)
    assert world.snapshot().campaigns[Address("sale")].former_ids == (former.id,)
    assert world.statuses() == {OLD: "paused"}


@pytest.mark.parametrize("fault", ["html", "empty", "404 code=TEAM_NOT_FOUND", "html status=404"])
def test_unreadable_campaign_is_not_taken_for_gone(world: World, fault: str) -> None:
    """An answer that proves no absence ends the run with an error, and nothing is created in its place."""
    world.sandbox.add_fault(f"GET /api/v1/campaigns/* {fault} times=*")
    with pytest.raises(ApiError):
        world.apply([campaign(paused=True)])

    assert world.created() == {OLD: 1}
