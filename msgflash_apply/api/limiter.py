"""One pace for every request of the process: evenly spaced starts, patience after a 429, and a slow return."""

import asyncio
from collections.abc import Callable

SLOWER_AFTER_429 = 1.5
SLOWEST_SECONDS = 2.0
RECOVERY_SHARE = 0.02


class Limiter:
    """
    Spaces the starts of requests, so that latency, a stall or a slow caller never turn into a burst.

    A 429 pauses everybody and widens the spacing; each start after that narrows it again by a little, so that several
    processes on one key find a common pace. Source: reference 2.6 and 10.5 (the window's shape is not documented, so
    the spacing is legal under any).

    Args:
        requests_per_second: starts per second at best; 0 or less means no limit.
        jitter: gives a number from 0 to 1; passed in, as all randomness is.
    """

    def __init__(self, requests_per_second: float, *, jitter: Callable[[], float]) -> None:
        self._spacing_seconds = 1 / requests_per_second if requests_per_second > 0 else 0.0
        self._current_seconds = self._spacing_seconds
        self._jitter = jitter
        self._next_at = 0.0
        self._paused_until = 0.0

    async def acquire(self) -> None:
        """
        Wait for the next start. A pause that is asked for while waiting is waited for as well.

        The spacing counts from the last start as it really was: after a stall nobody hurries to catch up.
        """
        loop = asyncio.get_running_loop()
        while (wait_seconds := max(self._next_at, self._paused_until) - loop.time()) > 0:  # noqa: ASYNC110 - a time, no event
            await asyncio.sleep(wait_seconds)
        self._next_at = loop.time() + self._current_seconds
        self._recover()

    def pause(self, seconds: float) -> float:
        """
        Hold back every request and widen the spacing: MsgFlash said 429.

        Returns:
            The seconds really waited: what was asked for plus up to a quarter, so that two processes part ways.
        """
        waited = seconds * (1 + self._jitter() / 4)
        now = asyncio.get_running_loop().time()
        self._paused_until = max(self._paused_until, now + waited)
        self._current_seconds = min(max(self._current_seconds, 0.01) * SLOWER_AFTER_429, SLOWEST_SECONDS)
        return waited

    def _recover(self) -> None:
        step = RECOVERY_SHARE * (self._current_seconds - self._spacing_seconds)
        self._current_seconds = max(self._spacing_seconds, self._current_seconds - step)
