"""
What an apply does about every fault of a create, over a real socket and on a real state: contract section 6.

Each row arms one fault for the first of two creates. What the row promises is checked on the server too, and a later
apply must leave nothing sent twice.
"""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from msgflash_apply.api.access import Access
from msgflash_apply.api.client import Bounds, Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.api.outcome import Answer, NoReply
from msgflash_apply.apply.result import ApplyReport, ChangeStarted, Event, Outcome, Paused
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Desired
from msgflash_apply.plan.plan import Reason
from msgflash_apply.sandbox.faults import Kind
from msgflash_apply.sandbox.seed import SEASONAL_VISIT_ID, WELCOME_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.builders import a_desired, a_payload
from tests.support.runs import LATER, STILL, World, plain_network

DONE, FAILED, DOUBT, SKIPPED = Outcome.DONE, Outcome.FAILED, Outcome.IN_DOUBT, Outcome.SKIPPED
SHORT_SECONDS = 0.3


@dataclass
class PacedWorld(World):
    """A world whose requests leave so far apart that each answer is known before the next one is sent."""

    def client(self, transport: httpx.AsyncBaseTransport | None = None, *, timeout_seconds: float = 5.0) -> Client:
        """Connect to the sandbox at a pace, and without waits between attempts."""
        access = Access(self.sandbox.url, self.sandbox.api_key)
        limiter = Limiter(8, jitter=lambda: 0.0)
        return Client(access, limiter, jitter=lambda: -1.0, transport=transport, bounds=Bounds(timeout_seconds))


class Refusing(httpx.AsyncBaseTransport):
    """A network on which the first few creates find nobody listening."""

    def __init__(self, times: int) -> None:
        self._inner = plain_network()
        self._left = times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse creates while there are refusals left."""
        if request.method == "POST" and self._left:
            self._left -= 1
            raise httpx.ConnectError("refused")
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the sockets."""
        await self._inner.aclose()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PacedWorld]:
    """Run an account without campaigns."""
    with Sandbox(STILL) as sandbox:
        yield PacedWorld(sandbox, tmp_path)


def campaign(address: str, *, paused: bool | None = None) -> Desired:
    """Build a campaign that starts the next day."""
    return a_desired(address, payload=a_payload(name=address, starts_at=LATER), paused=paused)


def templated(address: str, template: str) -> Desired:
    """Build a campaign in template mode, with all that templates of the sandbox need."""
    variables = {"brand": "Acme", "code": "A", "day": "Friday"}
    fields: dict[str, object] = {"type": None, "body": None, "templateId": template, "variables": variables}
    return a_desired(address, payload=a_payload(name=address, starts_at=LATER, **fields))


BOTH = [campaign("first"), campaign("second")]


def outcomes(report: ApplyReport) -> dict[str, Outcome]:
    """Give the outcomes by address."""
    return {result.address: result.outcome for result in report.results}


@dataclass(frozen=True)
class Row:
    """
    One fault and what it leads to.

    Attributes:
        fault: as the sandbox spells it.
        first: outcome of the create that meets it.
        second: outcome of the one after it; skipped where the run stops.
        on_server: how many campaigns the first create made there.
        stops: whether a skipped one means that the run stopped.
    """

    fault: str
    first: Outcome
    second: Outcome
    on_server: int
    stops: bool = True


TABLE = [
    # Created: late, or after patience.
    Row("delay seconds=0.1", DONE, DONE, 1),
    Row("429", DONE, DONE, 1),
    Row("429 retry_after=1", DONE, DONE, 1),
    Row("429 retry_after=soon times=2", DONE, DONE, 1),
    Row("normalise", DONE, DONE, 1),
    # Created, and not what was sent: recorded, and a person is needed.
    Row("alter field=body value=Bye", FAILED, DONE, 1),
    Row("misreport field=schedule value=2027-03-09T12:00:00.000Z", FAILED, DONE, 1),
    # Not created: the envelope of a 4xx says so. Key, plan and month end the run.
    Row("400", FAILED, DONE, 0),
    Row("403", FAILED, DONE, 0),
    Row("403 code=UNSUPPORTED_FEATURE", FAILED, SKIPPED, 0, stops=False),  # only what is like it is not tried
    Row("404", FAILED, DONE, 0),
    Row("422", FAILED, DONE, 0),
    Row("429 code=SOMETHING_NEW", FAILED, DONE, 0),
    Row("unauthorized", FAILED, SKIPPED, 0),
    Row("plan", FAILED, SKIPPED, 0),
    Row("403 code=SUBSCRIPTION_INACTIVE", FAILED, SKIPPED, 0),
    Row("quota", FAILED, SKIPPED, 0),
    Row("outbound_quota", FAILED, SKIPPED, 0),
    # Unknown: nobody can tell these two apart.
    Row("408", DOUBT, DONE, 0),
    Row("409", DOUBT, DONE, 0),
    Row("409_after", DOUBT, DONE, 1),
    Row("499", DOUBT, DONE, 0),
    Row("refuse", DOUBT, DONE, 0),
    Row("stall", DOUBT, DONE, 0),
    Row("stall_after", DOUBT, DONE, 1),
    Row("drop_before", DOUBT, DONE, 0),
    Row("drop_after", DOUBT, DONE, 1),
    Row("reset_before", DOUBT, DONE, 0),
    Row("reset_after", DOUBT, DONE, 1),
    Row("500", DOUBT, DONE, 0),
    Row("500_after", DOUBT, DONE, 1),
    Row("502", DOUBT, DONE, 0),
    Row("502_after", DOUBT, DONE, 1),
    Row("503 retry_after=1", DOUBT, DONE, 0),
    Row("503_after", DOUBT, DONE, 1),
    Row("half", DOUBT, DONE, 1),
    Row("html", DOUBT, DONE, 0),
    Row("html_after", DOUBT, DONE, 1),
    Row("html status=201", DOUBT, DONE, 0),
    Row("html status=404", DOUBT, DONE, 0),
    Row("no_id", DOUBT, DONE, 1),
    Row("empty", DOUBT, DONE, 1),
]


def test_every_fault_has_its_row() -> None:
    """The table knows each kind of fault that the sandbox knows."""
    told = {row.fault.split()[0] for row in TABLE}

    assert {kind.value for kind in Kind} - {Kind.STATUS, Kind.STATUS_AFTER} <= told


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.fault)
def test_fault_of_a_create(world: PacedWorld, row: Row) -> None:
    """A create that meets a fault ends as its class says, and the run goes on or stops accordingly."""
    world.sandbox.add_fault(f"POST /api/v1/campaigns {row.fault}")
    report = world.apply(BOTH, timeout_seconds=SHORT_SECONDS)

    assert outcomes(report) == {"first": row.first, "second": row.second}
    assert report.exit_code == (0 if row.first is DONE else 3)
    assert (report.stopped is not None) is (row.second is SKIPPED and row.stops)
    assert world.created().get("first", 0) == row.on_server
    assert set(world.snapshot().in_doubt) == ({"first"} if row.first is DOUBT else set())

    again = world.apply(BOTH)
    assert world.created().get("first", 0) == (row.on_server if row.first is DOUBT else 1)
    assert world.created()["second"] == 1
    assert again.blocked == (row.first is DOUBT)
    assert set(world.snapshot().in_doubt) == ({"first"} if row.first is DOUBT else set())


@pytest.mark.parametrize(("template", "second"), [(WELCOME_ID, SKIPPED), (SEASONAL_VISIT_ID, DONE)])
def test_what_one_template_lacks_keeps_no_other_back(world: PacedWorld, template: str, second: Outcome) -> None:
    """A template that this account cannot send is tried once; campaigns with another template are created."""
    both = [templated("first", WELCOME_ID), templated("second", template)]
    world.sandbox.add_fault("POST /api/v1/campaigns 403 code=UNSUPPORTED_FEATURE")

    assert outcomes(world.apply(both)) == {"first": FAILED, "second": second}


def test_patience_is_told(world: PacedWorld) -> None:
    """A 429 tells how long every request waits: a second, or what MsgFlash asked for."""
    world.sandbox.add_fault("POST /api/v1/campaigns 429 retry_after=1.2")
    world.apply(BOTH)

    assert [event.seconds for event in world.events if isinstance(event, Paused)] == [pytest.approx(1.2, abs=0.2)]


def test_nobody_listening_stops_the_run(world: PacedWorld) -> None:
    """Where no connection is made nothing is in doubt; after a few attempts the run stops, and a later one goes on."""
    with ExitStack() as stack:

        def hang_up(event: Event, _stop: Stop) -> None:
            if isinstance(event, ChangeStarted) and event.change.address == "first":
                stack.enter_context(world.sandbox.unreachable())

        report = world.apply(BOTH, on_event=hang_up)

    assert outcomes(report) == {"first": FAILED, "second": SKIPPED}
    assert "could not connect" in str(report.stopped)
    assert world.snapshot().in_doubt == {}
    assert outcomes(world.apply(BOTH)) == {"first": DONE, "second": DONE}
    assert world.created() == {"first": 1, "second": 1}


def test_connection_that_comes_back_is_used(world: PacedWorld) -> None:
    """A create that never left is sent again, with an intent of its own for each attempt."""
    report = world.apply(BOTH, transport=Refusing(3))

    assert outcomes(report) == {"first": DONE, "second": DONE}
    assert world.created() == {"first": 1, "second": 1}


def test_stop_while_waiting_between_attempts(world: PacedWorld) -> None:
    """A stop during MsgFlash's pause ends the waiting: nothing is sent, and nothing is in doubt."""
    world.sandbox.add_fault("POST /api/v1/campaigns 429 retry_after=600")
    report = world.apply(
        BOTH, on_event=lambda event, stop: stop.set("enough", 2) if isinstance(event, Paused) else None
    )

    assert outcomes(report) == {"first": SKIPPED, "second": SKIPPED}
    assert (report.stopped, report.exit_code) == ("enough", 130)
    assert world.snapshot().in_doubt == {}
    assert world.created() == {}


@pytest.mark.parametrize(
    ("fault", "outcome", "status"),
    [
        ("drop_after", DONE, "paused"),
        ("400", FAILED, "scheduled"),
        ("unauthorized", FAILED, "scheduled"),
    ],
)
def test_create_that_is_to_be_paused(world: PacedWorld, fault: str, outcome: Outcome, status: str) -> None:
    """A campaign whose pause after the create failed is told, and paused by the next apply."""
    world.sandbox.add_fault(f"POST /api/v1/campaigns/*/pause {fault}")
    desired = [campaign("first", paused=True)]
    report = world.apply(desired)

    assert outcomes(report) == {"first": outcome}
    assert world.statuses() == {"first": status}
    assert report.results[0].id is not None
    world.apply(desired)
    assert world.statuses() == {"first": "paused"}
    assert world.created() == {"first": 1}


def test_start_that_passes_meanwhile_is_not_sent(world: PacedWorld) -> None:
    """A campaign whose start passes while others are sent is skipped, and blocked in the next plan."""

    def dawdle(event: Event, _stop: Stop) -> None:
        if isinstance(event, ChangeStarted) and event.change.address == "first":
            world.sandbox.advance(2 * 86_400)

    report = world.apply(BOTH, on_event=dawdle)

    assert outcomes(report) == {"first": SKIPPED, "second": SKIPPED}
    assert "start passed" in str(report.results[0].error)
    assert {change.reason for change in world.plan(BOTH).blocked} == {Reason.SCHEDULE_PASSED}


def test_what_may_not_leave_any_more_is_not_sent(world: PacedWorld) -> None:
    """A request that is held back when its connection is there sends nothing, and its answer says so."""

    async def create() -> Answer:
        async with world.client() as client:
            answer = await client.create(a_payload(starts_at=LATER), lambda: False)
            await client.usage()
            return answer

    answer = asyncio.run(create())

    assert isinstance(answer, NoReply)
    assert not answer.sent
    assert "within the time that it was announced for" in answer.what
    assert [request.method for request in world.sandbox.requests] == ["GET"]
