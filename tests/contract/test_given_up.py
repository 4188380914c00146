"""A run that is given up: by a second signal or the time after the first, with MsgFlash or the storage silent."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from msgflash_apply.apply.result import ApplyReport, ChangeStarted, Event, Outcome
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Desired
from msgflash_apply.errors import BackendError, StorageSilent
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.backends.base import Backend, Holder
from msgflash_apply.state.journal import Created
from tests.support.builders import a_desired, a_payload
from tests.support.doors import FailingBackend
from tests.support.runs import LATER, STILL, World, is_create, plain_network
from tests.support.states import a_backend, a_run, a_state, created, intended


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Run an account with one campaign."""
    with Sandbox(STILL) as sandbox:
        made = World(sandbox, tmp_path)
        made.apply([campaign("halt")])
        yield made


def campaign(address: str, *, paused: bool | None = None) -> Desired:
    """Build a campaign that starts the next day."""
    return a_desired(address, payload=a_payload(name=address, starts_at=LATER), paused=paused)


def give_up_soon(event: Event, stop: Stop) -> None:
    """Stop and give up a moment after a change has started, as two signals do."""

    def give_up() -> None:
        stop.set("stopped by SIGTERM", 15)
        stop.give_up()

    if isinstance(event, ChangeStarted) and not stop.is_set:
        asyncio.get_running_loop().call_later(0.3, give_up)


def outcomes(report: ApplyReport) -> dict[str, Outcome]:
    """How each change ended."""
    return {result.address: result.outcome for result in report.results}


def test_what_has_no_answer_is_in_doubt_or_of_unknown_status(world: World) -> None:
    """Creates that left are in doubt, a pause that left leaves its status unknown, and nothing else is lost."""
    world.sandbox.add_fault("POST /api/v1/campaigns stall_after times=2")
    report = world.apply([campaign("halt"), campaign("one"), campaign("two")], on_event=give_up_soon)
    assert outcomes(report) == {"one": Outcome.IN_DOUBT, "two": Outcome.IN_DOUBT}
    assert set(world.snapshot().in_doubt) == {"one", "two"}

    world.sandbox.add_fault("POST /api/v1/campaigns/*/pause stall times=*")
    report = world.apply([campaign("halt", paused=True)], on_event=give_up_soon)
    assert outcomes(report) == {"halt": Outcome.FAILED}
    assert report.exit_code == 143
    assert world.plan([campaign("halt", paused=True)]).effective


class Door(httpx.AsyncBaseTransport):
    """
    A network that does something else with creates.

    Args:
        instead: what it does.
    """

    def __init__(self, instead: Callable[[httpx.Request], Awaitable[None]]) -> None:
        self._network = plain_network()
        self._instead = instead

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass reads on."""
        if is_create(request):
            await self._instead(request)
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        """Close the sockets."""
        await self._network.aclose()


async def never_connects(_request: httpx.Request) -> None:
    """Wait for a connection that is not made."""
    await asyncio.sleep(60)


async def lacks_a_thread(_request: httpx.Request) -> None:
    """Fail as asyncio does when a host's name is to be looked up."""
    raise RuntimeError("can't start new thread")


async def breaks_later(request: httpx.Request) -> None:
    """Fail in a way that nobody foresaw, after the first byte."""
    await request.extensions["trace"]("http11.send_request_headers.started", {})
    raise RuntimeError("unforeseen")


def test_create_that_did_not_leave_is_closed(world: World) -> None:
    """One that waits for its connection when the run is given up is skipped, and not in doubt."""
    transport = Door(never_connects)
    report = world.apply([campaign("halt"), campaign("one")], transport=transport, on_event=give_up_soon)
    assert outcomes(report) == {"one": Outcome.SKIPPED}
    assert world.snapshot().in_doubt == {}


def test_no_thread_to_look_up_a_name_is_no_connection(world: World) -> None:
    """It is tried again as often as any connection, and nothing is in doubt."""
    report = world.apply([campaign("halt"), campaign("one")], transport=Door(lacks_a_thread))
    assert outcomes(report) == {"one": Outcome.FAILED}
    assert "can't start new thread" in (report.stopped or "")
    assert world.snapshot().in_doubt == {}


def test_unforeseen_error_after_the_first_byte_leaves_doubt(world: World) -> None:
    """It is no reason to believe that nothing was sent."""
    with pytest.raises(ExceptionGroup):
        world.apply([campaign("halt"), campaign("one")], transport=Door(breaks_later))
    assert set(world.snapshot().in_doubt) == {"one"}


class SilentBackend(FailingBackend):
    """A storage that answers no append any more once `falls_silent` is set, until `may_answer` is."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner, at=0)
        self.falls_silent = threading.Event()
        self.may_answer = threading.Event()

    def append(self, journal: str, lines: bytes) -> None:
        """Pass on, or wait first."""
        if self.falls_silent.is_set():
            self.may_answer.wait(30)
        super().append(journal, lines)


def test_silent_storage_is_given_up(world: World) -> None:
    """What came back is reported and kept for the recovery file, and the lock stays: an append may still come true."""
    backend = SilentBackend(world.storage())

    def on_event(event: Event, stop: Stop) -> None:
        if isinstance(event, ChangeStarted):
            loop = asyncio.get_running_loop()
            loop.call_later(0.3, backend.falls_silent.set)
            loop.call_later(1.0, give_up_soon, event, stop)

    world.sandbox.add_fault("POST /api/v1/campaigns delay seconds=0.6 times=*")
    with pytest.raises(StorageSilent):
        world.apply([campaign("halt"), campaign("one")], backend=backend, on_event=on_event)
    assert backend.holder() is not None
    backend.may_answer.set()


def test_journal_is_written_without_a_thread(world: World) -> None:
    """Where the system gives none, and where it refuses an entry then."""
    before = threading.stack_size(1 << 46)
    try:
        report = world.apply([campaign("halt"), campaign("one")])
        backend = FailingBackend(world.storage(), at=0)
        with pytest.raises(BackendError):
            world.apply([campaign("two")], backend=backend, on_event=lambda *_: backend.fail_soon())
    finally:
        threading.stack_size(before)
    assert outcomes(report) == {"one": Outcome.DONE}
    assert world.created() == {"halt": 1, "one": 1}


class BrokenOff(FailingBackend):
    """A storage that a signal is waited for too long in: in taking the lock, or in writing the document."""

    def __init__(self, inner: Backend, step: str) -> None:
        super().__init__(inner, at=0)
        self._step = step

    def lock(self, holder: Holder) -> None:
        """Take it, and never come back."""
        super().lock(holder)
        if self._step == "lock":
            raise KeyboardInterrupt

    def write(self, document: bytes, *, expected: str | None) -> str:
        """Never come back."""
        if self._step == "write":
            raise KeyboardInterrupt
        return super().write(document, expected=expected)


def test_lock_that_was_broken_off_is_given_back(tmp_path: Path) -> None:
    """It may be taken, though nobody said so."""
    a_state(tmp_path)
    with pytest.raises(KeyboardInterrupt), a_run(BrokenOff(a_backend(tmp_path), "lock")):
        pass
    assert a_backend(tmp_path).holder() is None


def test_commit_that_was_broken_off_keeps_everything(tmp_path: Path) -> None:
    """The journal holds it; all of it is endangered, since the storage cannot be asked; and the lock stays."""
    a_state(tmp_path)
    backend, run = BrokenOff(a_backend(tmp_path), "write"), ExitStack()
    ledger = run.enter_context(a_run(backend))
    ledger.append(intended(), created())
    with pytest.raises(StorageSilent):
        run.close()
    assert [type(entry) for entry in ledger.endangered[1:]] == [Created]
    assert backend.holder() is not None
    with pytest.raises(StorageSilent):
        ledger.commit()
