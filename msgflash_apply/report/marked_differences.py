"""Attribute diffs as lines with a mark, for reports that have colours of their own for `+` and `-`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgflash_apply.engine.plan import AttributeDiff
from msgflash_apply.report.attributes import INDENT
from msgflash_apply.report.differences import difference_lines
from msgflash_apply.report.layout import ELLIPSIS, counted
from msgflash_apply.report.paint import PLAIN
from msgflash_apply.report.untrusted import shown

_MOST_DIFFERENCES = 40
_UNBROKEN = 1 << 60
"""Columns of a line that is never wrapped."""

_LINE_INDENT = INDENT + 4


@dataclass(frozen=True, slots=True)
class MarkedDifference:
    """One attribute: its path, and lines as (mark, text); the mark is `+`, `-` or a space. All safe to show."""

    path: str
    lines: tuple[tuple[str, str], ...]


def marked_differences(differences: Sequence[AttributeDiff]) -> Iterator[MarkedDifference]:
    """Set the attribute diffs of one change, in their order; what is left out is counted."""
    for difference in differences[:_MOST_DIFFERENCES]:
        lines = _by_line(difference) if _spans_lines(difference) else _whole(difference)
        yield MarkedDifference(shown(difference.path), tuple(lines))
    if (more := len(differences) - _MOST_DIFFERENCES) > 0:
        yield MarkedDifference(f"{ELLIPSIS} {counted(more, 'more attribute')}; --format json shows them all", ())


def _whole(difference: AttributeDiff) -> Iterator[tuple[str, str]]:
    for mark, value in (("-", difference.before), ("+", difference.after)):
        if value is not None:
            yield mark, shown(json.dumps(value, ensure_ascii=False))


def _by_line(difference: AttributeDiff) -> Iterator[tuple[str, str]]:
    """Compare line by line, exactly as the text report does."""
    _head, *lines = difference_lines([difference], paint=PLAIN, width=_UNBROKEN)
    for line in lines:
        marked = line[_LINE_INDENT:]
        yield (marked[0], marked[2:]) if marked[:1] in {"+", "-"} else (" ", marked.lstrip())


def _spans_lines(difference: AttributeDiff) -> bool:
    return any(isinstance(value, str) and "\n" in value for value in (difference.before, difference.after))
