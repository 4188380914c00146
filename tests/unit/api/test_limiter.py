"""One pace for every request."""

import asyncio
import itertools
import time

from msgflash_apply.api.limiter import Limiter


async def starts(limiter: Limiter, count: int) -> list[float]:
    """Take slots from tasks that all ask at once, and tell when each was given."""

    async def take() -> float:
        await limiter.acquire()
        return time.monotonic()

    return sorted(await asyncio.gather(*(take() for _ in range(count))))


def test_slots_are_evenly_spaced() -> None:
    """Requests that are ready together leave one spacing apart."""
    given = asyncio.run(starts(Limiter(100, jitter=lambda: 0.0), 6))

    gaps = [later - earlier for earlier, later in itertools.pairwise(given)]
    assert min(gaps) > 0.005
    assert given[-1] - given[0] >= 0.049


def test_no_limit_means_no_wait() -> None:
    """A rate of zero hands out every slot at once."""
    given = asyncio.run(starts(Limiter(0, jitter=lambda: 0.0), 50))

    assert given[-1] - given[0] < 0.05


def test_whoever_asks_first_leaves_first() -> None:
    """Slots are given in the order of asking, whoever gives up meanwhile."""

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

    assert asyncio.run(scenario()) == [0, 1, 3, 4, 5]


def test_refusal_holds_back_those_already_waiting() -> None:
    """A 429 holds back every waiting request as long as it asks for, and they do not leave as a burst afterwards."""

    async def scenario() -> tuple[float, list[float]]:
        limiter = Limiter(50, jitter=lambda: 1.0)
        waiting = asyncio.create_task(starts(limiter, 4))
        await asyncio.sleep(0.005)
        began_at = time.monotonic()
        limiter.refuse(asyncio.get_running_loop().time(), 0.2)
        assert 0.2 < limiter.pause_seconds <= 0.25
        return began_at, await waiting

    began_at, given = asyncio.run(scenario())
    after = [moment - began_at for moment in given[1:]]
    assert min(after) >= 0.24
    assert min(b - a for a, b in itertools.pairwise(after)) > 0.015


def test_no_pause_without_a_refusal() -> None:
    """Where nothing was refused nobody waits, and nothing is hopeless."""

    async def scenario() -> tuple[float, bool]:
        limiter = Limiter(50, jitter=lambda: 0.0)
        await limiter.acquire()
        limiter.admit(asyncio.get_running_loop().time())
        return limiter.pause_seconds, limiter.is_hopeless

    assert asyncio.run(scenario()) == (0.0, False)
