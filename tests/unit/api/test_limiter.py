"""One pace for every request."""

import asyncio
import itertools
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from msgflash_apply.api.limiter import Limiter

T = TypeVar("T")


class Idle(selectors.SelectSelector):
    """Passes the time by itself instead of waiting: what is late on a busy machine is on time here."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Be at the end of the wait."""
        self.now += timeout or 0.0
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while it has nothing to do."""

    def __init__(self) -> None:
        self._idle = Idle()
        super().__init__(self._idle)

    def time(self) -> float:
        """Tell the simulated time, in seconds."""
        return self._idle.now


def simulated(scenario: Coroutine[Any, Any, T]) -> T:
    """Run it in simulated time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(scenario)


async def starts(limiter: Limiter, count: int) -> list[float]:
    """Take slots from tasks that all ask at once, and tell when each was given."""

    async def take() -> float:
        await limiter.acquire()
        return asyncio.get_running_loop().time()

    return sorted(await asyncio.gather(*(take() for _ in range(count))))


def test_slots_are_evenly_spaced() -> None:
    """Requests that are ready together leave one spacing apart."""
    given = simulated(starts(Limiter(100, jitter=lambda: 0.0), 6))

    assert given == pytest.approx([0.00, 0.01, 0.02, 0.03, 0.04, 0.05])


def test_no_limit_means_no_wait() -> None:
    """A rate of zero hands out every slot at once."""
    assert simulated(starts(Limiter(0, jitter=lambda: 0.0), 50)) == [0.0] * 50


def test_whoever_asks_first_leaves_first() -> None:
    """Slots are given in the order of asking, even if some give up meanwhile."""

    async def scenario() -> list[int]:
        limiter = Limiter(200, jitter=lambda: 0.0)
        order: list[int] = []

        async def take(number: int) -> None:
            await limiter.acquire()
            order.append(number)

        tasks = [asyncio.create_task(take(number)) for number in range(6)]
        await asyncio.sleep(0.001)
        tasks[2].cancel()
        await asyncio.wait(tasks)
        return order

    assert simulated(scenario()) == [0, 1, 3, 4, 5]


def test_refusal_holds_back_those_already_waiting() -> None:
    """A 429 holds back every waiting request as long as it asks for, and they do not leave as a burst afterwards."""

    async def scenario() -> tuple[float, list[float]]:
        limiter = Limiter(50, jitter=lambda: 1.0)
        waiting = asyncio.create_task(starts(limiter, 4))
        await asyncio.sleep(0.005)
        limiter.refuse(asyncio.get_running_loop().time(), 0.2)
        return limiter.pause_seconds, await waiting

    pause_seconds, (first, *after) = simulated(scenario())
    assert 0.24 <= pause_seconds <= 0.25
    assert (first, after[0]) == pytest.approx((0.0, 0.005 + pause_seconds))
    assert min(b - a for a, b in itertools.pairwise(after)) >= 0.0199


def test_no_pause_without_a_refusal() -> None:
    """Where nothing was refused no request waits, and nothing is hopeless."""

    async def scenario() -> tuple[float, bool]:
        limiter = Limiter(50, jitter=lambda: 0.0)
        await limiter.acquire()
        limiter.admit(asyncio.get_running_loop().time())
        return limiter.pause_seconds, limiter.is_hopeless

    assert simulated(scenario()) == (0.0, False)
