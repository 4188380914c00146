"""What fits in a comment: blocks in order while there is room, the others counted."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from msgflash_apply.report.layout import counted

Block: TypeAlias = Callable[[], Sequence[str]]
"""Renders one entry in several versions, fullest first; called only while there is room."""

_NOTE_BYTES = 200
"""Room for the sentence that counts what was left out."""


def size(text: str) -> int:
    """Bytes of a text and of the empty line behind it; never less than its characters."""
    return len(text.encode()) + 2


def fitting(blocks: Sequence[Block], room_bytes: int, noun: str, between: str = "\n\n") -> str:
    """
    Join the blocks that fit, each in its fullest version that does; a sentence counts those that are left out.

    Args:
        blocks: most important first; from the first one that does not fit at all, none is shown.
        room_bytes: for all of the result.
        noun: what one block is about, for the sentence.
        between: what joins them.
    """
    left, kept = room_bytes - _NOTE_BYTES, list[str]()
    for block in blocks:
        version = _fullest(block(), left)
        if version is None:
            break
        kept.append(version)
        left -= size(version)
    said = between.join(kept)
    more = len(blocks) - len(kept)
    return f"{said}\n\n{_left_out(more, noun)}".lstrip() if more else said


def _fullest(versions: Sequence[str], room_bytes: int) -> str | None:
    return next((version for version in versions if size(version) <= room_bytes), None)


def _left_out(number: int, noun: str) -> str:
    verb = "is" if number == 1 else "are"
    return f"_{counted(number, f'more {noun}')} {verb} not shown; see the job's output._"
