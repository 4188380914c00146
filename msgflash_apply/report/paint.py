"""Colour for terminals: a handful of tones out of the 16 colours, which read on light and on dark backgrounds."""

from dataclasses import dataclass
from enum import StrEnum


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
    """Puts tones on text, or leaves it as it is when `colour` is False (no terminal, `NO_COLOR`)."""

    colour: bool

    def __call__(self, tone: Tone, text: str) -> str:
        """Colour one piece of one line; what is inside must not hold a colour of its own."""
        return f"\x1b[{tone.value}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Paint(colour=False)
"""For files, pipes and tests."""
