"""
When what goes out on which number, as geometry for a drawing: days across, one lane per number.

Pure numbers and safe texts; the template draws them. Days are those of UTC, counted as ordinals, so that no start
however far off overflows a date. Read `timeline_of` first; `Scale` places moments and names days.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from math import ceil

from msgflash_apply.report.html.card import Card
from msgflash_apply.report.layout import counted
from msgflash_apply.report.wording import MONTHS

WIDTH = 1000.0
"""Units of the drawing from its first day to its last."""

_FEWEST_DAYS = 7

_FEWEST_DAYS_WITH_REPEATS = 28

_MOST_TICKS = 14

_DAY_STEPS = (1, 2, 7, 14)

_MONTH_STEPS = (1, 3, 6, 12, 24, 60, 120, 600, 1200, 12_000)

_SECONDS_PER_DAY = 86_400

_LAST_ORDINAL = date.max.toordinal()

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
        """Name as many days, months or years as have room beside each other."""
        span = self.last_day - self.first_day
        if (step := next((step for step in _DAY_STEPS if span / step <= _MOST_TICKS), None)) is not None:
            named = list(map(date.fromordinal, range(self.first_day, min(self.last_day, _LAST_ORDINAL + 1), step)))
            labels = [f"{day.day} {MONTHS[day.month - 1]}" for day in named]
        else:
            step = next(step for step in _MONTH_STEPS if span / 30 / step <= _MOST_TICKS)
            named = list(self._month_starts(step))
            labels = [f"{MONTHS[day.month - 1]} {day.year}" for day in named]
        return tuple(
            Tick(round((day.toordinal() - self.first_day) * self.day_width, 2), label)
            for day, label in zip(named, labels, strict=True)
        )

    def _month_starts(self, step: int) -> Iterator[date]:
        first = date.fromordinal(self.first_day)
        month = -(-(first.year * 12 + first.month - 1) // step) * step
        while month < date.max.year * 12:
            day = date(max(month // 12, 1), month % 12 + 1, 1)
            if day.toordinal() >= self.last_day:
                return
            if day >= first:
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


@dataclass(frozen=True, slots=True)
class Mark:
    """One campaign at its start; `kind` is its shape, `number` is its card's."""

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
    """Many campaigns that start on one day, or close together where days are too narrow for a bar each."""

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
    by_number: dict[str, list[Card]] = defaultdict(list)
    for card in drawn:
        by_number[card.instance].append(card)
    lanes: list[Lane] = []
    top = float(_AXIS_HEIGHT)
    for label, own in sorted(by_number.items()):
        lanes.append(_lane(label, own, scale, top, is_counted=is_counted))
        top += lanes[-1].height
    return Timeline(scale.width, top, _AXIS_HEIGHT, scale.ticks(), scale.place_of(now), tuple(lanes), is_counted)


def _lane(label: str, cards: Sequence[Card], scale: Scale, top: float, *, is_counted: bool) -> Lane:
    content_top = top + _LABEL_HEIGHT
    repeating = sorted((card for card in cards if card.repeat), key=lambda card: card.starts_at)
    bands = [
        Band(
            x=scale.x(card.starts_at),
            y=content_top + (level + 0.5) * _LEVEL_HEIGHT,
            step=round(max(scale.day_width * _DAYS_BETWEEN.get(card.repeat, 1), _MARK_WIDTH / 2), 2),
            kind=card.mark,
            number=card.number,
            title=f"{card.address}, {card.repeat} from {card.start}",
        )
        for level, card in enumerate(repeating[:_MOST_BANDS])
    ]
    content_top += len(bands) * _LEVEL_HEIGHT
    once = [card for card in cards if not card.repeat]
    marks, left_out = ([], 0) if is_counted else _marks(once, scale, content_top)
    bars = _bars(once, scale, content_top) if is_counted else []
    levels = max((mark.y for mark in marks), default=content_top - _LEVEL_HEIGHT / 2) + _LEVEL_HEIGHT / 2
    bottom = content_top + _BAR_HEIGHT if bars else levels
    beyond = ((left_out, "more campaign"), (len(repeating) - len(bands), "more repeating campaign"))
    more = ", ".join(f"{counted(number, noun)} in the list below" for number, noun in beyond if number)
    return Lane(label, top, bottom + _PADDING - top, tuple(marks), tuple(bands), tuple(bars), more)


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
        ends = dict.fromkeys((min(days), max(days)))
        title = f"{' to '.join(date.fromordinal(day).isoformat() for day in ends)}: {counted(len(days), 'campaign')}"
        bars.append(Bar(round(column * width, 2), top + _BAR_HEIGHT - height, round(width * 0.9, 2), height, title))
    return bars
