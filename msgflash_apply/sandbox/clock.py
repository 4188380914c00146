"""The sandbox's clock: real time, faster, or stopped until it is advanced; and instants as MsgFlash writes them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

LONGEST_ADVANCE_SECONDS = 10 * 366 * 86_400
"""Ten years in one step; more would only fill the memory with repeats."""


class Clock:
    """
    The time of the sandbox; it never goes back.

    Args:
        start_at: its first time, aware.
        speed: sandbox seconds per real second; at 0 only `advance` moves it.
        monotonic: real seconds from any origin.
    """

    def __init__(self, start_at: datetime, speed: float, monotonic: Callable[[], float]) -> None:
        self._base = start_at.astimezone(UTC)
        self._speed = speed
        self._monotonic = monotonic
        self._since = monotonic()

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        return self._base + timedelta(seconds=(self._monotonic() - self._since) * self._speed)

    def advance(self, seconds: float) -> datetime:
        """Jump ahead and return the new time; ValueError for a step back or of more than ten years."""
        if not 0 <= seconds <= LONGEST_ADVANCE_SECONDS:
            raise ValueError(f"the clock can advance by 0 to {LONGEST_ADVANCE_SECONDS} seconds, not {seconds}")
        self._base += timedelta(seconds=seconds)
        return self.now()


def format_instant(moment: datetime) -> str:
    """Write an instant as MsgFlash does: UTC, milliseconds, `Z` (reference 2.1)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def format_optional_instant(moment: datetime | None) -> str | None:
    """Write an instant, or nothing."""
    return None if moment is None else format_instant(moment)


def month_of(moment: datetime) -> str:
    """Name the UTC calendar month that quotas are counted in, `2026-04` (reference 10.5)."""
    return moment.astimezone(UTC).strftime("%Y-%m")
