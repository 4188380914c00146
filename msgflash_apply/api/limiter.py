"""One pace for every request of the process: evenly spaced starts, first come first served."""

import asyncio
from collections.abc import Callable

from msgflash_apply.api.pace import Pace


class Limiter:
    """
    Spaces the starts of requests, so that latency, a stall or a slow caller never turn into a burst.

    Used within one event loop. How fast, and what a refusal does to it, is `Pace`.

    Args:
        requests_per_second: starts per second at best; 0 or less means no limit.
        jitter: gives a number from 0 to 1; passed in, as all randomness is.
    """

    def __init__(self, requests_per_second: float, *, jitter: Callable[[], float]) -> None:
        self._pace = Pace(requests_per_second, jitter)
        self._turn = asyncio.Lock()

    @property
    def pause_seconds(self) -> float:
        """How long from now every request waits because MsgFlash refused one; 0 when none does."""
        return max(0.0, self._pace.paused_until - asyncio.get_running_loop().time())

    @property
    def is_hopeless(self) -> bool:
        """Whether MsgFlash refused so many requests in a row that a run should end: minutes of nothing but refusals."""
        return self._pace.is_hopeless

    async def acquire(self) -> None:
        """Wait for the next start, in the order of asking. A pause that begins while waiting is waited for as well."""
        loop = asyncio.get_running_loop()
        async with self._turn:
            while (wait_seconds := self._pace.next_at - loop.time()) > 0:  # noqa: ASYNC110 - a time, no event
                await asyncio.sleep(wait_seconds)
            self._pace.start(loop.time())

    def refuse(self, sent_at: float, asked_seconds: float) -> None:
        """Slow down: a request that left at `sent_at` (the loop's time) was refused for its rate. See `Pace.refuse`."""
        self._pace.refuse(sent_at, asyncio.get_running_loop().time(), asked_seconds)

    def admit(self, sent_at: float) -> None:
        """Take note that a request that left at `sent_at` (the loop's time) was let through."""
        self._pace.admit(sent_at)
