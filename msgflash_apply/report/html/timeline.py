"""
Days across a drawing: where a moment stands, and which days are named.

When what goes out on which number, as geometry for a drawing: days across, one lane per number.

Pure numbers and safe texts; the template draws them. Days are those of UTC, counted as ordinals, so that no start
however far off overflows a date.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import ceil

from msgflash_apply.report.html.card import Card
from msgflash_apply.report.layout import counted

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


MOST_MARKS = 2_000
"""With more marks than this, they are counted per day."""

_MARK_WIDTH = 12

_LEVEL_HEIGHT = 13

_MOST_LEVELS = 8

_MOST_BANDS = 12

_LABEL_HEIGHT = 22

_PADDING = 10

_BAR_HEIGHT = 60

_NARROWEST_BAR = 2.0

_AXIS_HEIGHT = 34

_DAYS_BETWEEN = {"daily": 1, "weekly": 7}


@dataclass(frozen=True, slots=True)
class Mark:
    """One campaign at its start; `kind` tells shapes apart, `number` is its card's."""

    x: float
    y: float
    kind: str
    number: int
    title: str


@dataclass(frozen=True, slots=True)
class Band:
    """A campaign that repeats: a dot every `step` from `x` to the right edge."""

    x: float
    y: float
    step: float
    kind: str
    number: int
    title: str


@dataclass(frozen=True, slots=True)
class Bar:
    """Many campaigns that start on one day, or close together where days are too narrow to be told apart."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """All that goes out from one number."""

    label: str
    y: float
    height: float
    marks: tuple[Mark, ...]
    bands: tuple[Band, ...]
    bars: tuple[Bar, ...]
    more: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """The drawing: its size, its days, its lanes."""

    width: float
    height: float
    axis_height: float
    ticks: tuple[Tick, ...]
    now_x: float | None
    lanes: tuple[Lane, ...]
    is_counted: bool


def timeline_of(cards: Sequence[Card], now: datetime) -> Timeline | None:
    """Lay out the cards that have a place in time; None without any."""
    drawn = [card for card in cards if card.mark]
    if not drawn:
        return None
    scale = scale_of([card.starts_at for card in drawn], now, repeats=any(card.repeat for card in drawn))
    is_counted = len(drawn) > MOST_MARKS
    lanes: list[Lane] = []
    top = float(_AXIS_HEIGHT)
    for label, own in sorted(_by_lane(drawn).items()):
        lanes.append(_lane(label, own, scale, top, is_counted=is_counted))
        top += lanes[-1].height
    return Timeline(scale.width, top, _AXIS_HEIGHT, scale.ticks(), scale.place_of(now), tuple(lanes), is_counted)


def _by_lane(cards: Iterable[Card]) -> Mapping[str, list[Card]]:
    lanes: dict[str, list[Card]] = defaultdict(list)
    for card in cards:
        lanes[card.instance].append(card)
    return lanes


def _lane(label: str, cards: Sequence[Card], scale: Scale, top: float, *, is_counted: bool) -> Lane:
    content_top = top + _LABEL_HEIGHT
    repeating = sorted((card for card in cards if card.repeat), key=lambda card: card.starts_at)
    bands = _bands(repeating[:_MOST_BANDS], scale, content_top)
    content_top += len(bands) * _LEVEL_HEIGHT
    once = [card for card in cards if not card.repeat]
    marks, left_out = ([], 0) if is_counted else _marks(once, scale, content_top)
    bars = _bars(once, scale, content_top) if is_counted else []
    levels = max((mark.y for mark in marks), default=content_top - _LEVEL_HEIGHT / 2) + _LEVEL_HEIGHT / 2
    bottom = content_top + _BAR_HEIGHT if bars else levels
    more = _more(left_out, len(repeating) - len(bands))
    return Lane(label, top, bottom + _PADDING - top, tuple(marks), tuple(bands), tuple(bars), more)


def _bands(cards: Sequence[Card], scale: Scale, top: float) -> list[Band]:
    return [
        Band(
            x=scale.x(card.starts_at),
            y=top + (level + 0.5) * _LEVEL_HEIGHT,
            step=round(max(scale.day_width * _DAYS_BETWEEN.get(card.repeat, 1), _MARK_WIDTH / 2), 2),
            kind=card.mark,
            number=card.number,
            title=f"{card.address}, {card.repeat} from {card.start}",
        )
        for level, card in enumerate(cards)
    ]


def _marks(cards: Sequence[Card], scale: Scale, top: float) -> tuple[list[Mark], int]:
    """Place each mark on the lowest level where it overlaps none; those beyond the highest level are counted."""
    ends: list[float] = []
    marks = []
    for card in sorted(cards, key=lambda card: card.starts_at):
        x = scale.x(card.starts_at)
        level = next((level for level, end in enumerate(ends) if end <= x), len(ends))
        if level == _MOST_LEVELS:
            continue
        ends[level : level + 1] = [x + _MARK_WIDTH]
        y = top + (level + 0.5) * _LEVEL_HEIGHT
        marks.append(Mark(x, y, card.mark, card.number, f"{card.address}: {card.action}, {card.start}"))
    return marks, len(cards) - len(marks)


def _bars(cards: Sequence[Card], scale: Scale, top: float) -> list[Bar]:
    days_per_bar = max(1, ceil(_NARROWEST_BAR / scale.day_width))
    columns: dict[int, list[int]] = defaultdict(list)
    for card in cards:
        day = card.starts_at.astimezone(UTC).toordinal()
        columns[(day - scale.first_day) // days_per_bar].append(day)
    highest = max(map(len, columns.values()), default=1)
    width = days_per_bar * scale.day_width
    bars = []
    for column, days in sorted(columns.items()):
        height = round(max(2.0, _BAR_HEIGHT * len(days) / highest), 2)
        title = f"{_span(min(days), max(days))}: {counted(len(days), 'campaign')}"
        bars.append(Bar(round(column * width, 2), top + _BAR_HEIGHT - height, round(width * 0.9, 2), height, title))
    return bars


def _span(first: int, last: int) -> str:
    days = [date.fromordinal(day).isoformat() for day in dict.fromkeys((first, last))]
    return " to ".join(days)


def _more(marks: int, bands: int) -> str:
    said = [(marks, "more campaign"), (bands, "more repeating campaign")]
    return ", ".join(f"{counted(number, noun)} in the list below" for number, noun in said if number)
