"""Text of strangers on its way into markup (markdown, HTML): on one line, safe to show, and no larger than it looks."""

from unicodedata import combining

from msgflash_apply.report.layout import ELLIPSIS, cut
from msgflash_apply.report.safe_text import shown

_MOST_CHARACTERS_PER_COLUMN = 4
"""Combining characters take no column, so columns alone would let any number of them through."""

_MOST_STACKED = 8
"""No language stacks more accents on a letter; thousands of them cover the lines around and stop a browser."""


def inert(text: str) -> str:
    """Make one line out of any text, as `safe_text.shown` does, with no more accents on a letter than languages use."""
    return _unstacked(shown(text))


def clipped(text: str, columns: int) -> str:
    """Make one inert line of about so many columns at most; `…` says that there is more."""
    most = columns * _MOST_CHARACTERS_PER_COLUMN
    short = cut(shown(text), columns)
    return inert(short if len(short) <= most else short[:most] + ELLIPSIS)


def _unstacked(text: str) -> str:
    """Keep the first few of the marks on one letter; `…` says that there were more."""
    if text.isascii():
        return text
    kept: list[str] = []
    stacked = 0
    for character in text:
        stacked = stacked + 1 if combining(character) else 0
        if stacked <= _MOST_STACKED:
            kept.append(character)
        elif stacked == _MOST_STACKED + 1:
            kept.append(ELLIPSIS)
    return "".join(kept)
