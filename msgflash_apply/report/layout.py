"""
Lines for a terminal: a handful of tones, and text that fits a width in columns; what is left out is always counted.

The tones are of the 16 colours that read on light and on dark backgrounds. Everything here takes text that is already
safe to show (`safe_text.shown`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from msgflash_apply.report.safe_text import character_width, width_of

ELLIPSIS = "…"

NARROWEST = 40
"""Below this many columns nothing reads well: narrower terminals wrap on their own."""


class Tone(StrEnum):
    """What a colour means here; its value is the ANSI code. White and black are missing: one background eats them."""

    STRONG = "1"
    ADDED = "32"
    REMOVED = "31"
    CHANGED = "33"
    QUIET = "36"
    DANGER = "1;31"
    DOUBT = "1;35"


@dataclass(frozen=True, slots=True)
class Paint:
    """Puts tones on text, or leaves it as it is if `colour` is False (no terminal, `NO_COLOR`)."""

    colour: bool

    def __call__(self, tone: Tone, text: str) -> str:
        """Colour one piece of one line; what is inside must not hold a colour of its own."""
        return f"\x1b[{tone.value}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Paint(colour=False)
"""For files, pipes and tests."""


def cut(text: str, width: int) -> str:
    """Shorten to a width; the last column says so."""
    if _fits(text, width):
        return text
    return text[: _fitting(text, 0, width - 1)] + ELLIPSIS


def cut_start(text: str, width: int) -> str:
    """Shorten to a width and keep the end; the first column says so."""
    if _fits(text, width):
        return text
    backwards = text[::-1]
    return ELLIPSIS + backwards[: _fitting(backwards, 0, width - 1)][::-1]


def wrap(text: str, width: int) -> list[str]:
    """Break one line into several, at spaces where there are any; only the space at a break is lost. Never empty."""
    if _fits(text, width):
        return [text]
    lines, start = [], 0
    while (end := max(_fitting(text, start, width), start + 1)) < len(text):
        space = text.rfind(" ", start + 1, end + 1)
        lines.append(text[start : space if space > 0 else end])
        start = space + 1 if space > 0 else end
    return [*lines, text[start:]]


def indented(text: str, indent: int, width: int, *, hanging: int = 0) -> list[str]:
    """Wrap a sentence behind an indent; lines after the first are `hanging` columns further in."""
    first, *others = wrap(text, max(width, NARROWEST) - indent - hanging)
    return [" " * indent + first, *(" " * (indent + hanging) + line for line in others)]


def titled(title: str, text: str, *, paint: Paint, tone: Tone, width: int) -> list[str]:
    """Wrap a paragraph that begins with a coloured title of ours, shorter than any width."""
    first, *others = indented(f"{title} {text}", 0, width)
    return [paint(tone, title) + first.removeprefix(title), *others]


def limited(lines: Sequence[str], limit: int, where_else: str = "") -> list[str]:
    """Keep the first lines and count the others: `… 12 more lines`."""
    if len(lines) <= limit:
        return list(lines)
    return [*lines[:limit], f"{ELLIPSIS} {counted(len(lines) - limit, 'more line')}{where_else}"]


def listed(items: Sequence[str], limit: int, between: str = ", ") -> str:
    """Join the first items and count the others: `a, b, … 7 more`."""
    if len(items) <= limit:
        return between.join(items)
    return between.join([*items[:limit], f"{ELLIPSIS} {len(items) - limit} more"])


def counted(number: int, noun: str) -> str:
    """`1 warning`, `2 warnings`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def columns(rows: Iterable[Sequence[str]], indent: int = 0) -> list[str]:
    """Align cells, two columns apart; the last one is as wide as it likes."""
    table = list(rows)
    widths = [max(map(width_of, column)) for column in zip_longest(*table, fillvalue="")]
    return [
        " " * indent
        # Not `ljust`: it counts characters, and a wide one takes two columns.
        + "  ".join(cell + " " * (width - width_of(cell)) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in table
    ]


def _fits(text: str, width: int) -> bool:
    """Whether a text takes no more than some columns; looks no further than they reach."""
    return _fitting(text, 0, width) == len(text)


def _fitting(text: str, start: int, width: int) -> int:
    """Say where to break: the index after the last character that fits."""
    if text.isascii():
        return min(start + max(width, 0), len(text))
    taken = 0
    for index in range(start, len(text)):
        taken += character_width(text[index])
        if taken > width:
            return index
    return len(text)
