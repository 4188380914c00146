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


def test_pause_holds_back_those_already_waiting() -> None:
    """A 429 holds back every waiting request, and they do not leave as a burst afterwards."""

    async def scenario() -> tuple[float, list[float]]:
        limiter = Limiter(50, jitter=lambda: 1.0)
        waiting = asyncio.create_task(starts(limiter, 4))
        await asyncio.sleep(0.005)
        began_at = time.monotonic()
        assert limiter.pause(0.2) == 0.25
        return began_at, await waiting

    began_at, given = asyncio.run(scenario())
    after = [moment - began_at for moment in given[1:]]
    assert min(after) >= 0.24
    assert min(b - a for a, b in itertools.pairwise(after)) > 0.015


def test_pause_voids_the_slots_beyond_it() -> None:
    """Who had a slot after the pause's end asks again, and does not leave between those who came later."""

    async def scenario() -> list[float]:
        limiter = Limiter(50, jitter=lambda: 0.0)
        early = asyncio.create_task(starts(limiter, 6))
        await asyncio.sleep(0.005)
        limiter.pause(0.01)
        late = asyncio.create_task(starts(limiter, 6))
        return sorted([*await early, *await late])

    gaps = [later - earlier for earlier, later in itertools.pairwise(asyncio.run(scenario()))]
    assert min(gaps[1:]) > 0.012


def test_spacing_widens_after_429_and_recovers() -> None:
    """After a 429 the spacing is wider, and with every slot a little less so."""

    async def scenario() -> tuple[float, float]:
        limiter = Limiter(1000, jitter=lambda: 0.0)
        limiter.pause(0.0)
        wide = await starts(limiter, 3)
        await starts(limiter, 250)
        narrow = await starts(limiter, 3)
        return wide[-1] - wide[0], narrow[-1] - narrow[0]

    wide, narrow = asyncio.run(scenario())
    assert wide > narrow
