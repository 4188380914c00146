"""The sandbox's own time: real time, faster, or standing still until it is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

LONGEST_ADVANCE_SECONDS = 10 * 366 * 86_400
"""Ten years in one step; more would only fill the memory with repeats."""


class Clock:
    """
    Tells the time of the sandbox; it never goes back.

    Args:
        start_at: aware; what it shows at first.
        speed: sandbox seconds per real second; 0 stands still until `advance`.
        monotonic: real seconds, from any origin.
    """

    def __init__(self, start_at: datetime, speed: float, monotonic: Callable[[], float]) -> None:
        self._base = start_at.astimezone(UTC)
        self._speed = speed
        self._monotonic = monotonic
        self._since = monotonic()

    def now(self) -> datetime:
        """Aware, UTC."""
        return self._base + timedelta(seconds=(self._monotonic() - self._since) * self._speed)

    def advance(self, seconds: float) -> datetime:
        """Jump ahead and return the new time; ValueError for a step back or beyond ten years."""
        if not 0 <= seconds <= LONGEST_ADVANCE_SECONDS:
            raise ValueError(f"can advance by 0 to {LONGEST_ADVANCE_SECONDS} seconds, not {seconds}")
        self._base += timedelta(seconds=seconds)
        return self.now()


def spell(moment: datetime) -> str:
    """Write an instant as MsgFlash does: UTC, milliseconds, `Z` (reference 2.1)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def spell_optional(moment: datetime | None) -> str | None:
    """Write an instant, or nothing."""
    return None if moment is None else spell(moment)


def month_of(moment: datetime) -> str:
    """Name the UTC calendar month that quotas are counted in, `2026-04` (reference 10.5)."""
    return moment.astimezone(UTC).strftime("%Y-%m")
