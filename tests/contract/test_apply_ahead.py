"""An apply on a storage far away: several creates announced ahead, appends in groups, and all of it cut short."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import HOPELESS_AFTER, Limiter
from msgflash_apply.apply.create import TOO_LATE
from msgflash_apply.apply.loop import apply_plan
from msgflash_apply.apply.result import ChangeEnded, ChangeStarted, Event, Outcome, Paused
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Desired
from msgflash_apply.errors import BackendError
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.backends.base import Appends
from msgflash_apply.state.codec import decode_journal
from msgflash_apply.state.journal import Intended, NotCreated
from tests.support.builders import a_desired, a_payload
from tests.support.doors import FailingBackend, SlowBackend
from tests.support.runs import LATER, STILL, World, names, plain_network
from tests.support.states import a_run

FOUR, SIXTEEN = Appends(ahead=4), Appends(ahead=16, every_seconds=0.3)


@dataclass
class PacedWorld(World):
    """
    A world whose requests leave so many a second.

    Attributes:
        rate: the requests per second; 0 without limit.
        limiter: of the last run; no pause is longer than MsgFlash asks for.
    """

    rate: float = 0.0
    limiter: Limiter = field(default_factory=lambda: Limiter(0, jitter=lambda: -0.5))

    def client(self, transport: httpx.AsyncBaseTransport | None = None, *, timeout_seconds: float = 5.0) -> Client:
        """Connect to the sandbox at that pace."""
        made = super().client(transport, timeout_seconds=timeout_seconds)
        made.limiter = self.limiter = Limiter(self.rate, jitter=lambda: -0.5)
        return made

    def was_refused(self, times: int) -> None:
        """Let the limiter know of so many refusals in a row."""
        for _ in range(times):
            self.limiter.refuse(asyncio.get_running_loop().time(), 0.0)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[PacedWorld]:
    """Run an account without campaigns."""
    with Sandbox(STILL) as sandbox:
        yield PacedWorld(sandbox, tmp_path)


def campaigns(count: int) -> list[Desired]:
    """Build campaigns that start the next day, a minute after each other, the last address first."""
    starts = [(f"c{count - number:02d}", LATER + timedelta(minutes=number)) for number in range(count)]
    return [a_desired(address, payload=a_payload(name=address, starts_at=at)) for address, at in starts]


class Noting(httpx.AsyncBaseTransport):
    """A network that notes which campaigns leave for MsgFlash, in order."""

    def __init__(self) -> None:
        self._inner = plain_network()
        self.names: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Note and send."""
        if request.method == "POST" and request.url.path.endswith("/campaigns"):
            self.names.append(json.loads(request.content)["name"])
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the sockets."""
        await self._inner.aclose()


@pytest.mark.parametrize("appends", [Appends(), FOUR, SIXTEEN], ids=["1", "4", "16"])
def test_soonest_start_leaves_first(world: PacedWorld, appends: Appends) -> None:
    """However many are announced ahead, creates leave in the order of their starts, and appends are shared."""
    backend, network = SlowBackend(world.backend, appends, seconds=0.02), Noting()
    report = world.apply(campaigns(30), backend=backend, transport=network)

    assert report.summary[Outcome.DONE] == 30
    assert network.names == sorted(names(campaigns(30)), reverse=True)
    assert len(backend.append_began_at) < 62


@pytest.mark.parametrize("appends", [FOUR, SIXTEEN], ids=["4", "16"])
def test_stop_closes_what_was_announced(world: PacedWorld, appends: Appends) -> None:
    """After a stop what waits for its slot is closed as not created: nothing is in doubt, and the rest is skipped."""
    world.rate = 2
    wanted = campaigns(24)

    def stop_soon(event: Event, stop: Stop) -> None:
        if isinstance(event, ChangeEnded):
            stop.set("enough", 2)

    report = world.apply(wanted, backend=SlowBackend(world.backend, appends), on_event=stop_soon)

    assert report.summary[Outcome.DONE] == len(world.created()) < 4
    assert report.summary[Outcome.SKIPPED] == 24 - len(world.created())
    assert world.snapshot().in_doubt == {}
    world.rate = 0
    world.apply(wanted)
    assert world.created() == dict.fromkeys(names(wanted), 1)


@pytest.mark.parametrize("appends", [FOUR, Appends(ahead=16, every_seconds=60)], ids=["4", "gathering"])
def test_cancel_closes_what_was_announced(world: PacedWorld, appends: Appends) -> None:
    """A cancelled run closes what never left, without waiting for a group to gather, and gives the state back then."""
    backend = SlowBackend(world.backend, appends, seconds=0.1)
    with a_run(backend) as ledger:

        async def run() -> None:
            async with world.client() as planning:
                plan = await world.planner(campaigns(8), planning, Refresh.CHANGED).plan(ledger.snapshot)
            world.rate = 0.5
            async with world.client() as client:
                applying = apply_plan(
                    plan, ledger, client, stop=Stop(), run_id="r", on_event=lambda _event: None, now=world.now
                )
                await asyncio.wait_for(applying, 1)

        began_at = time.monotonic()
        with pytest.raises(TimeoutError):
            asyncio.run(run())
        lines = backend.read_journal("run-1") or b""
        entries = decode_journal(lines, where="here")

    announced = [entry.address for entry in entries if isinstance(entry, Intended)]
    closed = [entry.address for entry in entries if isinstance(entry, NotCreated)]
    assert len(announced) > 1
    assert set(announced) - set(closed) <= set(world.created())
    assert time.monotonic() - began_at < 20


@pytest.mark.slow
def test_start_that_passes_while_waiting_for_the_slot(world: PacedWorld) -> None:
    """A create whose start passes after it was announced is not sent, and not in doubt."""
    world.rate = 2

    def dawdle(event: Event, _stop: Stop) -> None:
        if isinstance(event, ChangeEnded) and event.result.outcome is Outcome.DONE:
            world.sandbox.advance(2 * 86_400)

    report = world.apply(campaigns(6), backend=SlowBackend(world.backend, FOUR), on_event=dawdle)

    assert report.summary[Outcome.SKIPPED] >= 4
    assert {result.error for result in report.results if result.outcome is Outcome.SKIPPED} == {TOO_LATE}
    assert world.snapshot().in_doubt == {}
    assert len(world.created()) == report.summary[Outcome.DONE]


def test_storage_that_fails_with_several_ahead(world: PacedWorld) -> None:
    """Intents that were not stored are not sent; the outcomes of those before them are kept for later."""
    backend = FailingBackend(SlowBackend(world.backend, FOUR, seconds=0.02), at=0)
    wanted = campaigns(30)

    def fail(event: Event, _stop: Stop) -> None:
        if isinstance(event, ChangeStarted) and event.change.address == "c20":
            backend.fail_soon()

    with pytest.raises(BackendError):
        world.apply(wanted, backend=backend, on_event=fail)
    backend.heal()
    recorded = {str(record.facts.payload["name"]) for record in world.snapshot().campaigns.values()}
    doubtful = {str(intent.facts.payload["name"]) for intent in world.snapshot().in_doubt.values()}

    assert recorded <= set(world.created()) <= recorded | doubtful
    assert len(world.created()) < 30


def test_many_refusals_for_the_rate_fail_no_campaign(world: PacedWorld) -> None:
    """However often a create is refused for the rate of a shared key, it is sent again until it gets through."""
    world.sandbox.add_fault("POST /api/v1/campaigns 429 times=8")
    report = world.apply(campaigns(1))

    assert [result.outcome for result in report.results] == [Outcome.DONE]
    assert len(world.created()) == 1
    assert sum(seen.status == 429 for seen in world.sandbox.requests) == 8
    assert [event for event in world.events if isinstance(event, Paused)] == []


def test_nothing_but_refusals_for_the_rate_ends_the_run(world: PacedWorld) -> None:
    """Where MsgFlash refuses everything for minutes the run stops; nothing failed, and nothing is in doubt."""
    world.sandbox.add_fault("POST /api/v1/campaigns 429 times=*")
    report = world.apply(campaigns(1), on_event=lambda *_: world.was_refused(HOPELESS_AFTER - 1))

    assert "refuses every request" in str(report.stopped)
    assert [result.outcome for result in report.results] == [Outcome.SKIPPED]
    assert (world.snapshot().in_doubt, world.created()) == ({}, {})


def test_patience_with_a_pause_has_an_end(world: PacedWorld) -> None:
    """A campaign that MsgFlash does not let be paused for minutes is told as failed."""
    world.apply(campaigns(1))
    world.sandbox.add_fault("POST /api/v1/campaigns/*/pause 429 times=*")
    wanted = [replace(campaigns(1)[0], paused=True)]
    report = world.apply(wanted, on_event=lambda *_: world.was_refused(HOPELESS_AFTER - 1))

    assert [result.outcome for result in report.results] == [Outcome.FAILED]
    assert "API_RATE_LIMIT_EXCEEDED" in str(report.results[0].error)
