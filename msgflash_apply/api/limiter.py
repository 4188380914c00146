"""
The rate limit: one pace for all requests of a process. MsgFlash allows 10 a second for each key (reference 2.6).

`Limiter` is what a request waits for, first come first served; `Pace` decides how fast, as arithmetic over given times.
The rate is `requests_per_second` of msgflash.yaml, a little below 10 unless the user sets another.

Alone on a key a process starts its requests one such spacing apart, no more and no less. Where others use the same key
MsgFlash refuses some requests, and their share is all that one process can know of the others. So each lowers its rate
by a factor at a refusal and raises it again with time: the faster one loses more and gains the same, until all are
alike. A single refusal says little, and costs little. Tried on models of a sliding second, a fixed second and a bucket:
`tests/unit/api/test_sharing.py`.
"""

import asyncio
from collections.abc import Callable
from typing import Final

LOWERED_BY: Final = 0.8
"""Factor on the rate at a refusal. Nearer to 1 wastes requests on refusals, further from it wastes time."""

LOWERED_BY_ONE: Final = 0.95

CALM_SECONDS: Final = 5.0
"""A refusal so long after the one before is a single one: where others send too they come every second or two."""

SLOWEST_PER_SECOND: Final = 0.5

UNLIMITED_PER_SECOND: Final = 100.0
"""What a refusal lowers where no limit was configured."""

FIRST_PAUSE_SECONDS: Final = 0.1

LONGEST_PAUSE_SECONDS: Final = 8.0

HOPELESS_AFTER: Final = 30
"""Refusals in a row, none of them while another one was being answered: more than two minutes of nothing but no."""


class Pace:
    """
    When the next request may start, given when others did and how they were answered.

    Every time is in seconds, of one clock that never goes back. Source: reference 2.6 and 10.5 (the window's shape is
    not documented, so even spacing is legal under any; no `Retry-After` is promised, and one that comes is obeyed).

    Args:
        requests_per_second: at best; 0 or less means no limit.
        jitter: gives a number from 0 to 1, so that two processes part ways.
    """

    def __init__(self, requests_per_second: float, jitter: Callable[[], float]) -> None:
        self._best = requests_per_second if requests_per_second > 0 else None
        self._jitter = jitter
        self._lowered: float | None = None
        self._lowered_at = -CALM_SECONDS
        self._next_at = 0.0
        self._paused_until = 0.0
        self._refused_in_a_row = 0

    @property
    def next_at(self) -> float:
        """The earliest time of the next start."""
        return max(self._next_at, self._paused_until)

    @property
    def paused_until(self) -> float:
        """The time until which a refusal holds everything back; in the past where none does."""
        return self._paused_until

    @property
    def is_hopeless(self) -> bool:
        """Whether so many requests in a row were refused that more patience would not help."""
        return self._refused_in_a_row >= HOPELESS_AFTER

    def start(self, now: float) -> None:
        """
        Take a start. The next one counts from it as it really was.

        Time lost in a stall is not made up for, not even the milliseconds by which timers fire late. They cost two in a
        hundred, but keep the eleventh request out of a second where the ways of two requests differ a little.
        """
        rate = self._rate(now)
        self._next_at = now + (1 / rate if rate is not None else 0.0)

    def refuse(self, sent_at: float, now: float, asked_seconds: float) -> None:
        """
        Hold every start back and lower the rate: MsgFlash refused a request for its rate.

        Args:
            sent_at: when that request left. One that left before the rate was last lowered tells nothing new: several
                in flight, refused together, count once.
            now: when the answer came.
            asked_seconds: how long MsgFlash asked to wait; 0 where it did not say.
        """
        if asked_seconds:
            self._hold(now, asked_seconds * (1 + self._jitter() / 4))
        if sent_at < self._lowered_at:
            return
        before = self._rate(now)
        slowest = min(SLOWEST_PER_SECOND, self._best or SLOWEST_PER_SECOND)
        factor = LOWERED_BY if now - self._lowered_at < CALM_SECONDS else LOWERED_BY_ONE
        self._lowered = max(slowest, (UNLIMITED_PER_SECOND if before is None else before) * factor)
        self._lowered_at = now
        # In a row: it is not that others are a little faster; the longer it lasts, the less is asked.
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**self._refused_in_a_row)
        self._hold(now, pause * (0.5 + self._jitter()))
        self._refused_in_a_row += 1

    def admit(self, sent_at: float) -> None:
        """Take note that MsgFlash let a request through; `sent_at` as for `refuse`."""
        if sent_at >= self._lowered_at:
            self._refused_in_a_row = 0

    def _hold(self, now: float, seconds: float) -> None:
        self._paused_until = max(self._paused_until, now + seconds)

    def _rate(self, now: float) -> float | None:
        """
        Give the starts per second; None without limit.

        Grows ever faster since the last pause, so that all is ours soon after the others are gone. From there on it is
        the configured one to the last digit.
        """
        if self._lowered is None:
            return self._best
        calm_seconds = max(0.0, now - max(self._lowered_at, self._paused_until))
        rate = self._lowered + 0.3 * calm_seconds + 0.5 * calm_seconds**2
        if rate < (self._best or UNLIMITED_PER_SECOND):
            return rate
        self._lowered = None
        return self._best


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
