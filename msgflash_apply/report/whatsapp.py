"""WhatsApp's marks in a text, as a phone reads them: `*bold*`, `_italic_`, `~strike~`, and monospace in backticks."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST_CHARACTERS: Final = 1_000
"""Between two marks; a text full of single ones would take the square of its length otherwise."""

_STYLES: Final = {"*": "bold", "_": "italic", "~": "strike"}

_MONO: Final = "mono"

_MONOSPACE: Final = re.compile(f"```(.{{1,{MOST_CHARACTERS}}}?)```", re.DOTALL)

_INLINE: Final = re.compile(rf"(?<![^\W_])([*_~])(?=\S)([^\n]{{1,{MOST_CHARACTERS}}}?)(?<=\S)\1(?![^\W_])")
"""On one line, neither after nor before a letter or a digit: 2*3*4 and snake_case_names stay as they are."""


@dataclass(frozen=True, slots=True)
class Run:
    """A part of a text with its styles; a mark itself is not seen where styles are."""

    text: str
    styles: tuple[str, ...] = ()
    is_mark: bool = False


def runs(text: str) -> Iterator[Run]:
    """Split a text at its marks; all runs together are the text."""
    parts = _MONOSPACE.split(text) if "```" in text else [text]
    for number, part in enumerate(parts):
        if number % 2:
            yield Run("```", is_mark=True)
            yield Run(part, (_MONO,))
            yield Run("```", is_mark=True)
        else:
            yield from _inline(part, ())


def _inline(text: str, styles: tuple[str, ...]) -> Iterator[Run]:
    """Split at marks that are not monospace, which no style has within itself: the first mark that can end it does."""
    start = 0
    for found in _INLINE.finditer(text):
        yield from _plain(text[start : found.start()], styles)
        yield Run(found[1], is_mark=True)
        yield from _inline(found[2], (*styles, _STYLES[found[1]]))
        yield Run(found[1], is_mark=True)
        start = found.end()
    yield from _plain(text[start:], styles)


def _plain(text: str, styles: tuple[str, ...]) -> Iterator[Run]:
    if text:
        yield Run(text, styles)
