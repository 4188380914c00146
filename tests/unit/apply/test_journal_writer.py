"""The journal's writer: what it puts together, when, and how failures and cancels reach those who wait."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from msgflash_apply.apply.journal_writer import MOST_TOGETHER, JournalWriter
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Address
from msgflash_apply.errors import StateDamaged
from msgflash_apply.state.backends.base import Appends, Backend
from msgflash_apply.state.journal import Observed
from msgflash_apply.state.ledger import Ledger
from tests.support.builders import NOW
from tests.support.doors import Crash, CrashingBackend, FailingBackend, SlowBackend
from tests.support.runs import survives
from tests.support.states import a_run, a_state, created, intended

Value = TypeVar("Value")


def with_a_writer(ledger: Ledger, work: Callable[[JournalWriter], Awaitable[Value]]) -> Value:
    """Do some work in the block of a writer."""

    async def run() -> Value:
        async with JournalWriter(ledger, Stop()) as writer:
            return await work(writer)

    return asyncio.run(run())


def a_slow_state(folder: Path, *, every_seconds: float = 0.0, seconds: float = 0.02) -> SlowBackend:
    """Make an empty state far away."""
    return SlowBackend(a_state(folder), Appends(every_seconds=every_seconds), seconds=seconds)


def test_what_queues_together_is_one_append(tmp_path: Path) -> None:
    """Everything that is ready in one turn goes to the storage at once; what comes meanwhile goes next, together."""
    backend = a_slow_state(tmp_path)

    async def work(writer: JournalWriter) -> None:
        async def later(number: int) -> None:
            await writer.write(intended(f"a{number}"))
            await writer.write(created(f"a{number}"))

        await asyncio.gather(*(later(number) for number in range(5)))

    with a_run(backend) as ledger:
        before = len(backend.append_began_at)
        with_a_writer(ledger, work)
        assert len(backend.append_began_at) - before == 2
        assert len(ledger.snapshot.campaigns) == 5


def test_a_group_has_an_end(tmp_path: Path) -> None:
    """A thousand writes and one more are two appends, in the order of queueing."""
    backend = a_slow_state(tmp_path, seconds=0.0)

    async def work(writer: JournalWriter) -> None:
        writer.queue(intended(), created())
        for _ in range(MOST_TOGETHER - 1):
            writer.queue(Observed(Address("sale"), "running", NOW))
        await writer.write(Observed(Address("sale"), "completed", NOW))

    with a_run(backend) as ledger:
        before = len(backend.append_began_at)
        with_a_writer(ledger, work)
        assert len(backend.append_began_at) - before == 2
        assert ledger.snapshot.campaigns[Address("sale")].status == "completed"


def test_entries_gather_as_long_as_the_storage_wants(tmp_path: Path) -> None:
    """Appends start so far apart at least, and what is queued in between goes together."""
    backend = a_slow_state(tmp_path, every_seconds=0.4, seconds=0.0)

    async def work(writer: JournalWriter) -> None:
        for number in range(3):
            await writer.write(intended(f"a{number}"))

    with a_run(backend) as ledger:
        before = len(backend.append_began_at)
        with_a_writer(ledger, work)
        starts = backend.append_began_at[before:]
    assert len(starts) == 3
    assert min(later - earlier for earlier, later in itertools.pairwise(starts)) > 0.2


def test_whoever_leaves_waits_for_no_group(tmp_path: Path) -> None:
    """What is still queued when the block is left is written at once, however long the storage wants to gather."""
    backend = a_slow_state(tmp_path, every_seconds=60, seconds=0.0)

    async def work(writer: JournalWriter) -> None:
        await writer.write(intended())
        writer.queue(created())

    began_at = time.monotonic()
    with a_run(backend) as ledger:
        with_a_writer(ledger, work)
        assert set(ledger.snapshot.campaigns) == {"sale"}
    assert time.monotonic() - began_at < 30


def test_requests_go_on_during_an_append(tmp_path: Path) -> None:
    """The event loop turns while the storage takes its time."""
    backend = a_slow_state(tmp_path, seconds=0.2)

    async def work(writer: JournalWriter) -> int:
        written, turns = writer.queue(intended()), 0
        while not written.done():
            await asyncio.sleep(0.001)
            turns += 1
        return turns

    with a_run(backend) as ledger:
        assert with_a_writer(ledger, work) > 5


def refused(ledger: Ledger) -> list[BaseException | None]:
    """Queue three intents, the middle one in need of what never was; tell how each ended."""

    async def work(writer: JournalWriter) -> list[BaseException | None]:
        waiting = [writer.queue(intended("a")), writer.queue(created("b")), writer.queue(intended("c"))]
        await asyncio.wait(waiting)
        return [written.exception() for written in waiting]

    return with_a_writer(ledger, work)


def test_what_the_storage_refuses_nobody_gets(tmp_path: Path) -> None:
    """An entry that does not fit fails its group and no other; a failing storage fails its group and all later ones."""
    backend = FailingBackend(a_state(tmp_path), at=0)
    with a_run(backend) as ledger:
        assert [type(error) for error in refused(ledger)] == [StateDamaged] * 3
        backend.fail_soon()

        async def work(writer: JournalWriter) -> None:
            for _ in range(2):
                assert not await writer.write(intended())

        with_a_writer(ledger, work)
        backend.heal()


def test_crash_reaches_the_waiters(tmp_path: Path) -> None:
    """What is no failure of the storage comes out where somebody waits."""
    backend = CrashingBackend(a_state(tmp_path), at=3)

    def run() -> None:
        with a_run(backend) as ledger:
            with_a_writer(ledger, lambda writer: writer.write(intended()))

    assert not survives(run)
    with pytest.raises(Crash):
        backend.read()


def cancelled(backend: Backend, times: int) -> tuple[list[str], bool]:
    """Cancel, so many times, whoever waits for an append that has begun; tell what was durable when it ended."""
    with a_run(backend) as ledger:

        async def work() -> None:
            async with JournalWriter(ledger, Stop()) as writer:
                await writer.write(intended())
                writer.queue(created())
                await writer.write(intended("second"))

        async def run() -> bool:
            task = asyncio.create_task(work())
            for _ in range(times):
                await asyncio.sleep(0.15)
                task.cancel()
            await asyncio.wait({task})
            return task.cancelled()

        was_cancelled = asyncio.run(run())
        return [*ledger.snapshot.campaigns, *ledger.snapshot.in_doubt], was_cancelled


@pytest.mark.parametrize("times", [1, 2])
def test_cancel_waits_for_the_storage(tmp_path: Path, times: int) -> None:
    """However often it is cancelled, the block is left when what was queued is settled, and cancelled it is."""
    backend = a_slow_state(tmp_path, seconds=0.25)
    durable, was_cancelled = cancelled(backend, times)

    assert was_cancelled
    assert durable in (["sale"], ["sale", "second"])


def test_cancel_on_the_way_out_is_not_swallowed(tmp_path: Path) -> None:
    """A run that had come to its end when it was cancelled is cancelled, once all is durable."""
    backend = a_slow_state(tmp_path, seconds=0.3)
    with a_run(backend) as ledger:

        async def work() -> None:
            async with JournalWriter(ledger, Stop()) as writer:
                writer.queue(intended(), created())

        async def run() -> bool:
            task = asyncio.create_task(work())
            await asyncio.sleep(0.1)
            task.cancel()
            await asyncio.wait({task})
            return task.cancelled()

        assert asyncio.run(run())
        assert set(ledger.snapshot.campaigns) == {"sale"}
