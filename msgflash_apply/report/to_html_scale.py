"""Days across a drawing: where a moment stands, and which days are named."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

WIDTH = 1000.0
"""Units of the drawing from its first day to its last."""

_FEWEST_DAYS = 7
_FEWEST_DAYS_WITH_REPEATS = 28
_MOST_TICKS = 14
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_STEPS = (1, 2, 7, 14)
_MONTH_STEPS = (1, 3, 6, 12, 24, 60, 120, 600, 1200, 12_000)
_SECONDS_PER_DAY = 86_400
_LAST_ORDINAL = date.max.toordinal()


@dataclass(frozen=True, slots=True)
class Tick:
    """A day that is named below the drawing's upper edge."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """Ordinals of days, first included and last excluded, spread over the width."""

    first_day: int
    last_day: int
    width: float = WIDTH

    @property
    def day_width(self) -> float:
        """Units per day."""
        return self.width / (self.last_day - self.first_day)

    def x(self, moment: datetime) -> float:
        """Place a moment."""
        return round((_days(moment) - self.first_day) * self.day_width, 2)

    def place_of(self, now: datetime) -> float | None:
        """Place a moment that may lie outside."""
        return self.x(now) if self.first_day <= _days(now) < self.last_day else None

    def ticks(self) -> tuple[Tick, ...]:
        """Name as many days, months or years as are told apart."""
        for step in _DAY_STEPS:
            if (self.last_day - self.first_day) / step <= _MOST_TICKS:
                days = range(self.first_day, min(self.last_day, _LAST_ORDINAL + 1), step)
                return tuple(self._tick(day, _day_label) for day in days)
        months = next(step for step in _MONTH_STEPS if self._months() / step <= _MOST_TICKS)
        return tuple(self._tick(day, _month_label) for day in self._month_starts(months))

    def _tick(self, day: int, label: Callable[[date], str]) -> Tick:
        return Tick(round((day - self.first_day) * self.day_width, 2), label(date.fromordinal(day)))

    def _months(self) -> float:
        return (self.last_day - self.first_day) / 30

    def _month_starts(self, step: int) -> Iterator[int]:
        first = date.fromordinal(self.first_day)
        month = -(-(first.year * 12 + first.month - 1) // step) * step
        while month < date.max.year * 12 and (day := _month_start(month)) < self.last_day:
            if day >= self.first_day:
                yield day
            month += step


def scale_of(moments: Sequence[datetime], now: datetime, *, repeats: bool) -> Scale:
    """Span all moments, and now where that does not squeeze them to less than half."""
    days = [int(_days(moment)) for moment in moments]
    fewest = _FEWEST_DAYS_WITH_REPEATS if repeats else _FEWEST_DAYS
    first, last = min(days), max(max(days) + 1, min(days) + fewest)
    today = int(_days(now))
    if first - (last - first) <= today < first:
        first = today
    return Scale(first, last)


def _days(moment: datetime) -> float:
    utc = moment.astimezone(UTC)
    seconds = utc.hour * 3600 + utc.minute * 60 + utc.second
    return utc.toordinal() + seconds / _SECONDS_PER_DAY


def _month_start(month: int) -> int:
    return date(max(month // 12, 1), month % 12 + 1, 1).toordinal()


def _day_label(day: date) -> str:
    return f"{day.day} {_MONTHS[day.month - 1]}"


def _month_label(day: date) -> str:
    return f"{_MONTHS[day.month - 1]} {day.year}"
