"""Nothing is sent long after it was announced, over a real socket; contract section 6."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path

import pytest

from msgflash_apply.api.client import TOO_LATE, Client, MayLeave
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.api.outcome import Answer, Reply
from msgflash_apply.apply.actions import ACTIONS, PAUSE_ATTEMPTS
from msgflash_apply.apply.create import CONNECT_ATTEMPTS
from msgflash_apply.apply.journal_writer import JournalWriter
from msgflash_apply.apply.result import Outcome, Result
from msgflash_apply.apply.run import Run
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Address
from msgflash_apply.plan.plan import Action, Change
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.codec import decode_journal
from msgflash_apply.state.journal import Adopted
from msgflash_apply.state.ledger import Ledger
from tests.support.builders import a_payload, a_record
from tests.support.runs import LATER, STILL, World
from tests.support.states import a_run

Send = Callable[[Client, MayLeave], Awaitable[Answer]]
PAYLOAD = a_payload(name="sale", starts_at=LATER)
CREATE = Change(Address("sale"), Action.CREATE, LATER, after=PAYLOAD)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Run an account without campaigns."""
    with Sandbox(STILL) as sandbox:
        yield World(sandbox, tmp_path)


async def carried_out(
    world: World,
    ledger: Ledger,
    changes: list[Change],
    elapsed: Callable[[], float],
    pace: float = 0.0,
    stop_after: float | None = None,
) -> list[Result]:
    """Carry changes out side by side, in a run on some clock and at some pace, which may be stopped."""
    stop = Stop()
    if stop_after is not None:
        asyncio.get_running_loop().call_later(stop_after, stop.set, "enough")
    async with world.client() as client, JournalWriter(ledger, stop) as journal:
        client.limiter = Limiter(pace, jitter=lambda: 0.0)
        run = Run(
            "run-1", client, journal, stop, world.now, lambda _event: None, asyncio.Semaphore(16), elapsed=elapsed
        )
        async with asyncio.timeout(20):
            results = await asyncio.gather(*(ACTIONS[change.action](run, change) for change in changes))
        await client.usage()  # answered after all that was sent
        return results


def announced(world: World) -> Sequence[str]:
    """List the kinds of what a run has written to its journal, in order."""
    written = world.backend.read_journal("run-1") or b""
    return [entry.kind for entry in decode_journal(written, where="here")][1:]


def existing(world: World, action: Action, number: int = 0) -> Change:
    """Have a campaign on MsgFlash that is to be paused or resumed."""
    campaign = world.sandbox.world.create_campaign(dict(a_payload(name=f"c{number:02d}", starts_at=LATER)), world.now())
    if action is Action.RESUME:
        world.sandbox.world.pause(campaign)
    return Change(Address(f"c{number:02d}"), action, LATER, id=campaign.id, status=campaign.status)


@pytest.mark.parametrize(
    "send",
    [
        lambda client, may_leave: client.create(PAYLOAD, may_leave),
        lambda client, may_leave: client.pause("x", may_leave),
        lambda client, may_leave: client.resume("x", may_leave),
    ],
    ids=["create", "pause", "resume"],
)
def test_nothing_arrives_that_may_not_leave(world: World, send: Send) -> None:
    """A connection is made, and not a byte of the request is sent on it."""

    async def run() -> Answer:
        async with world.client() as client:
            answer = await send(client, lambda: False)
            await client.usage()
            return answer

    assert asyncio.run(run()) is TOO_LATE
    assert [seen.path for seen in world.sandbox.requests] == ["/api/v1/usage"]


def test_body_does_not_follow_a_head_that_left_in_time(world: World) -> None:
    """A run that is stopped between the two creates nothing."""

    async def run() -> Answer:
        answers = iter([True, False])
        async with world.client() as client:
            answer = await client.create(PAYLOAD, lambda: next(answers))
            await client.usage()
            return answer

    assert asyncio.run(run()) is TOO_LATE
    assert world.created() == {}


@pytest.mark.parametrize("action", [Action.CREATE, Action.PAUSE, Action.RESUME])
def test_run_that_slept_announces_again(world: World, action: Action) -> None:
    """Half a minute passes between announcement and request: both come again, and the effect is there once."""
    change = CREATE if action is Action.CREATE else existing(world, action)
    clock = chain([0.0], repeat(31.0))
    with a_run(world.backend) as ledger:
        if change is not CREATE:
            ledger.append(Adopted(change.address, a_record(identifier=str(change.id))))
        [result] = asyncio.run(carried_out(world, ledger, [change], lambda: next(clock)))
        kinds = announced(world)

    assert result.outcome is Outcome.DONE
    assert [seen.method for seen in world.sandbox.requests] == ["POST", "GET"]
    assert len(world.statuses()) == 1
    assert ("paused" in world.statuses().values()) is (action is Action.PAUSE)
    if change is CREATE:
        assert kinds == ["intended", "not_created", "intended", "created"]
    else:
        assert kinds == ["adopted", "announced", "announced", "observed"]


@pytest.mark.parametrize("action", [Action.CREATE, Action.PAUSE])
def test_wait_for_a_slot_that_lasts_longer_ends(world: World, action: Action) -> None:
    """At a slow pace most announcements are old when their turn comes: they come again, and need no other turn."""
    many = range(3)
    if action is Action.CREATE:
        payloads = [a_payload(name=f"c{number:02d}", starts_at=LATER) for number in many]
        changes = [replace(CREATE, address=Address(str(payload["name"])), after=payload) for payload in payloads]
    else:
        changes = [existing(world, action, number) for number in many]
    with a_run(world.backend) as ledger:
        for change in changes if action is Action.PAUSE else ():
            ledger.append(Adopted(change.address, a_record(str(change.address), identifier=str(change.id))))
        began_at = time.monotonic()
        results = asyncio.run(carried_out(world, ledger, changes, lambda: (time.monotonic() - began_at) * 60, 1.5))

    assert {result.outcome for result in results} == {Outcome.DONE}, results
    assert world.created() == {f"c{number:02d}": 1 for number in many}
    assert len(world.sandbox.requests) == 4


@pytest.mark.parametrize(("action", "attempts"), [(Action.CREATE, CONNECT_ATTEMPTS), (Action.PAUSE, PAUSE_ATTEMPTS)])
def test_what_is_always_too_late_ends(world: World, action: Action, attempts: int) -> None:
    """Where half a minute passes each time nothing is sent, and the run does not try for ever."""
    change = CREATE if action is Action.CREATE else existing(world, action)
    clock = (31.0 * number for number in range(1000))
    with a_run(world.backend) as ledger:
        if action is Action.PAUSE:
            ledger.append(Adopted(change.address, a_record(identifier=str(change.id))))
        [result] = asyncio.run(carried_out(world, ledger, [change], lambda: next(clock)))
        kinds = announced(world)

    assert (result.outcome, result.error) != (Outcome.DONE, None)
    assert TOO_LATE.what in str(result.error)
    assert kinds.count("intended") + kinds.count("announced") == attempts
    assert [seen.method for seen in world.sandbox.requests] == ["GET"]


def test_wait_for_a_slot_ends_when_the_run_stops(world: World) -> None:
    """A pause that waits for its turn is not sent any more; one that belongs to a create that was sent is."""
    created = replace(CREATE, pause_after=True)
    waiting = existing(world, Action.PAUSE)
    with a_run(world.backend) as ledger:
        ledger.append(Adopted(waiting.address, a_record(str(waiting.address), identifier=str(waiting.id))))
        results = asyncio.run(carried_out(world, ledger, [created, waiting], lambda: 0.0, pace=1.0, stop_after=0.3))

    assert [(result.outcome, result.error) for result in results] == [
        (Outcome.DONE, None),
        (Outcome.SKIPPED, "enough"),
    ]
    assert [name for name, status in world.statuses().items() if status == "paused"] == ["sale"]
    assert world.snapshot().campaigns[Address("c00")].is_unsettled


def test_answers_that_came_while_the_process_was_stopped_are_read(world: World) -> None:
    """A process that stands still for longer than it waits for an answer has it all the same: nothing is in doubt."""
    world.sandbox.add_fault("POST /api/v1/campaigns delay seconds=0.4 times=4")

    async def run() -> list[Answer]:
        async with world.client(timeout_seconds=0.8) as client:
            asyncio.get_running_loop().call_later(0.2, time.sleep, 1.2)
            return await asyncio.gather(*(client.create({**PAYLOAD, "name": f"c{number}"}) for number in range(4)))

    assert [answer.status for answer in asyncio.run(run()) if isinstance(answer, Reply)] == [201] * 4
