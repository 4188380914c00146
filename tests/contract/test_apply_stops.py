"""An apply that is cut short: by a storage that fails, by a stop at any event, by being cancelled."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from msgflash_apply.api.access import Access
from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.apply.create import MOST_UNKNOWN_IN_A_ROW
from msgflash_apply.apply.loop import IN_FLIGHT, apply_plan
from msgflash_apply.apply.result import ApplyReport, ChangeStarted, Event, Outcome
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Desired
from msgflash_apply.errors import BackendError, ExitCode
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.journal import Created
from msgflash_apply.state.ledger import Ledger, open_ledger
from msgflash_apply.state.lock import Claim
from tests.support.builders import a_desired, a_payload
from tests.support.doors import FailingBackend, When
from tests.support.runs import ENVIRONMENT, LATER, STILL, World, names

DONE, SKIPPED = Outcome.DONE, Outcome.SKIPPED


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Run an account with a few campaigns."""
    with Sandbox(STILL) as sandbox:
        made = World(sandbox, tmp_path)
        made.apply(BEFORE)
        yield made


def campaign(address: str, *, paused: bool | None = None, moved_from: tuple[str, ...] = ()) -> Desired:
    """Build a campaign that starts the next day; its name stays with it when it moves."""
    name = moved_from[0] if moved_from else address
    payload = a_payload(name=name, starts_at=LATER)
    return a_desired(address, payload=payload, paused=paused, moved_from=moved_from)


BEFORE = [campaign("halt"), campaign("drop"), campaign("old")]
AFTER = [campaign("halt", paused=True), campaign("moved", moved_from=("old",)), campaign("one"), campaign("two")]


async def carried_out(world: World, ledger: Ledger, desired: list[Desired], stop: Stop) -> ApplyReport:
    """Plan and apply on a ledger that is open."""
    async with world.client() as client:
        plan = await world.planner(desired, client, Refresh.CHANGED).plan(ledger.snapshot)
        return await apply_plan(
            plan, ledger, client, stop=stop, run_id="run", on_event=lambda _event: None, now=world.now
        )


def holder(world: World) -> Holder:
    """Build somebody who wants the lock."""
    return Holder(str(uuid.uuid4()), "tester", "here", 1, "apply", world.now())


def failing_run(world: World, backend: FailingBackend, after: int, *, heals: bool) -> tuple[ApplyReport, Ledger]:
    """Apply AFTER on a storage that fails after some effects, and heals before the commit or never."""
    held = holder(world)
    try:
        with open_ledger(backend, Claim(ENVIRONMENT, held, world.now)) as ledger:
            backend.fail_soon(after=after)
            report = asyncio.run(carried_out(world, ledger, AFTER, Stop()))
            unsaved = len(ledger.unsaved)
            if heals:
                backend.heal()
    except BackendError:
        assert not heals
        assert len(ledger.unsaved) == unsaved
        world.backend.unlock(held.lock_id)
    return report, ledger


def ids(world: World) -> dict[object, object]:
    """Give the names of the server's campaigns by id."""
    return {one["id"]: one["name"] for one in world.sandbox.campaigns()}


def for_each_failure(folder: Path, when: When, *, heals: bool) -> Iterator[tuple[World, ApplyReport, Ledger]]:
    """Let the storage fail at the first effect of an apply, at the second and so on, until one comes to its end."""
    after, stopped = 0, True
    while stopped:
        place = folder / str(after)
        place.mkdir()
        with Sandbox(STILL) as sandbox:
            world = World(sandbox, place)
            world.apply(BEFORE)
            backend = FailingBackend(world.backend, at=0, when=when)
            report, ledger = failing_run(world, backend, after, heals=heals)
            stopped = report.stopped is not None
            yield world, report, ledger
        after += 1
    assert after > 5


@pytest.mark.parametrize("when", ["before", "after"])
def test_storage_that_heals_loses_nothing(tmp_path: Path, when: When) -> None:
    """What was sent while the storage failed is on record once it heals, and nothing is sent without an intent."""
    for world, report, ledger in for_each_failure(tmp_path, when, heals=True):
        recorded = {record.id: record.facts.payload["name"] for record in world.snapshot().campaigns.values()}
        assert recorded == ids(world)
        assert world.snapshot().in_doubt == {}
        assert ledger.unsaved == ()
        assert report.exit_code == (ExitCode.PERSON_NEEDED if report.stopped else ExitCode.DONE)
        world.apply(AFTER)
        assert world.created() == dict.fromkeys({"halt", "drop", "old", "one", "two"}, 1)
        assert world.plan(AFTER).is_empty


@pytest.mark.parametrize("when", ["before", "after"])
def test_storage_that_stays_away_leaves_outcomes_to_be_rescued(tmp_path: Path, when: When) -> None:
    """Outcomes that could not be stored are kept for a recovery file; whatever is in doubt is never sent again."""
    for world, report, ledger in for_each_failure(tmp_path, when, heals=False):
        unsaved = {entry.id for entry in ledger.unsaved if isinstance(entry, Created)}
        on_record = {record.id for record in world.snapshot().campaigns.values()}
        assert unsaved | on_record == ids(world).keys()
        told = {result.id for result in report.results if result.action == "create" and result.outcome is DONE}
        assert told <= unsaved | on_record
        for _ in range(2):
            world.apply(AFTER)
        assert max(world.created().values()) == 1


def test_what_the_books_could_not_take_is_not_told_as_done(world: World) -> None:
    """A move that is not durable is skipped, and nothing that follows is sent."""
    report, ledger = failing_run(world, FailingBackend(world.backend, at=0), 0, heals=True)

    assert {result.outcome for result in report.results} == {SKIPPED}
    assert all("storage failed" in str(result.error) for result in report.results)
    assert ledger.unsaved == ()
    assert set(world.created()) == {"halt", "drop", "old"}


def test_id_that_could_not_be_stored_is_told(tmp_path: Path) -> None:
    """A campaign whose creation could not be stored is told with its id, as done and not stored."""
    unstored = []
    for world, report, ledger in for_each_failure(tmp_path, "before", heals=False):
        told = [result for result in report.results if "could not be stored" in str(result.error)]
        assert {result.id for result in told} <= {str(key) for key in ids(world)}
        unstored += [result for result in told if any(isinstance(entry, Created) for entry in ledger.unsaved)]

    assert unstored
    assert {result.outcome for result in unstored} == {DONE}


@pytest.mark.parametrize("at", range(8))
def test_stop_at_any_event_starts_nothing_new(world: World, at: int) -> None:
    """Once stopped nothing starts, what is in flight is recorded, and the report tells of the interruption."""

    def interrupt(event: Event, stop: Stop) -> None:
        if len(world.events) == at + 1:
            stop.set("stopped by SIGTERM", 15)
        elif stop.is_set:
            assert not isinstance(event, ChangeStarted)

    report = world.apply(AFTER, on_event=interrupt)
    recorded = {record.id for record in world.snapshot().campaigns.values()}

    assert (report.interrupted_by, report.exit_code) == (15, 143)
    assert world.snapshot().in_doubt == {}
    assert recorded == ids(world).keys()
    assert {result.address for result in report.results} == {"drop", "halt", "moved", "one", "two"}
    world.apply(AFTER)
    assert world.plan(AFTER).is_empty


def test_first_reason_to_stop_is_told() -> None:
    """A second reason changes nothing about what is told."""
    stop = Stop()
    stop.set("the storage failed")
    stop.set("stopped by SIGINT", 2)

    assert (stop.why, stop.signal_number) == ("the storage failed", None)


def cancelled_run(world: World, desired: list[Desired], requests_per_second: float, cancel_after: float) -> None:
    """Apply, and cancel the run in the middle, as a second signal does."""

    async def run(ledger: Ledger) -> None:
        access = Access(world.sandbox.url, world.sandbox.api_key)
        limiter = Limiter(requests_per_second, jitter=lambda: 0.0)
        async with world.client() as planning, Client(access, limiter, jitter=lambda: -1.0) as client:
            plan = await world.planner(desired, planning, Refresh.CHANGED).plan(ledger.snapshot)
            applying = apply_plan(
                plan, ledger, client, stop=Stop(), run_id="run", on_event=lambda _event: None, now=world.now
            )
            await asyncio.wait_for(applying, cancel_after)

    with (
        pytest.raises(TimeoutError),
        open_ledger(world.backend, Claim(ENVIRONMENT, holder(world), world.now)) as ledger,
    ):
        asyncio.run(run(ledger))


def test_cancelled_run_leaves_in_doubt_what_was_in_flight(world: World) -> None:
    """What MsgFlash had not answered when the run was cancelled is in doubt; what still waited is not."""
    many = [*BEFORE, *(campaign(f"new-{number:02}") for number in range(IN_FLIGHT + 4))]
    world.sandbox.add_fault("POST /api/v1/campaigns stall_after times=2")
    cancelled_run(world, many, 5, 0.7)
    snapshot = world.snapshot()

    assert set(snapshot.in_doubt) == {"new-00", "new-01"}
    assert {record.id for record in snapshot.campaigns.values()} < ids(world).keys()
    world.apply(many)
    assert set(world.created()) == names(many)
    assert max(world.created().values()) == 1


def test_waiting_for_a_slot_is_not_being_in_flight(world: World) -> None:
    """A create that was announced and still waited for its turn is closed as not created when the run is cancelled."""
    cancelled_run(world, [*BEFORE, campaign("one"), campaign("two")], 0.5, 0.5)

    assert world.snapshot().in_doubt == {}
    assert set(world.created()) == {"halt", "drop", "old", "one"}


def test_an_outage_does_not_put_every_campaign_in_doubt(tmp_path: Path) -> None:
    """After some creates in a row without a telling answer nothing new is sent; doubts stay few and named."""
    with Sandbox(STILL) as sandbox:
        world = World(sandbox, tmp_path)
        sandbox.add_fault("POST /api/v1/campaigns 503 times=*")
        many = [campaign(f"c{number:03d}") for number in range(100)]
        report = world.apply(many)

    assert report.stopped is not None
    assert MOST_UNKNOWN_IN_A_ROW <= report.summary[Outcome.IN_DOUBT] <= MOST_UNKNOWN_IN_A_ROW + IN_FLIGHT
    assert report.summary[Outcome.SKIPPED] == 100 - report.summary[Outcome.IN_DOUBT]
    assert len(world.snapshot().in_doubt) == report.summary[Outcome.IN_DOUBT]
