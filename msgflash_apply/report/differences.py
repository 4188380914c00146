"""Attribute diffs as lines: `~ schedule: ".." -> ".."`; texts of several lines are compared line by line."""

import json
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

from msgflash_apply.engine.plan import AttributeDiff
from msgflash_apply.report.attributes import INDENT
from msgflash_apply.report.layout import NARROWEST, counted, limited, wrap
from msgflash_apply.report.paint import Paint, Tone
from msgflash_apply.report.untrusted import shown, width_of

_MOST_DIFFERENCES = 40
_MOST_LINES = 60
_CONTEXT = 2
_IN_FULL = "; --format json shows them all"
_TONES = {"+": Tone.ADDED, "-": Tone.REMOVED, "~": Tone.CHANGED}


def difference_lines(differences: Sequence[AttributeDiff], *, paint: Paint, width: int) -> list[str]:
    """Set the attribute diffs of one change, in their order; what is left out is counted."""
    groups = [_one(difference, paint, width) for difference in differences[:_MOST_DIFFERENCES]]
    if (more := len(differences) - _MOST_DIFFERENCES) > 0:
        groups.append([" " * INDENT + f"… {counted(more, 'more attribute')} differ{_IN_FULL}"])
    return [line for group in groups for line in group]


def _one(difference: AttributeDiff, paint: Paint, width: int) -> list[str]:
    before, after = difference.before, difference.after
    symbol = "+" if before is None else "-" if after is None else "~"
    if _spans_lines(before) or _spans_lines(after):
        return _block(difference, symbol, list(_compared(_pieces(before), _pieces(after))), paint, width)
    spelled = [_spelled(value) for value in (before, after) if value is not None]
    line = f"{shown(difference.path)}: {' -> '.join(spelled)}"
    if INDENT + len("~ ") + width_of(line) <= width:
        return [f"{' ' * INDENT}{paint(_TONES[symbol], symbol)} {line}"]
    marks = ["-", "+"] if symbol == "~" else [symbol]
    return _block(difference, symbol, list(zip(marks, spelled, strict=True)), paint, width)


def _block(
    difference: AttributeDiff, symbol: str, marked: Sequence[tuple[str, str]], paint: Paint, width: int
) -> list[str]:
    room = max(width, NARROWEST) - INDENT - len("    ~ ")
    lines = [_toned(mark, f"{mark} {line}", paint) for mark, text in marked for line in wrap(text, room)]
    head = f"{' ' * INDENT}{paint(_TONES[symbol], symbol)} {shown(difference.path)}:"
    return [head, *(" " * (INDENT + 4) + line for line in limited(lines, _MOST_LINES, _IN_FULL))]


def _compared(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    """Mark lines as removed, added or kept; of the kept ones only those beside a change are shown."""
    if before[-1:] == after[-1:] == [""]:
        before, after = before[:-1], after[:-1]
    shown_until = 0
    for group in SequenceMatcher(None, before, after).get_grouped_opcodes(_CONTEXT):
        yield from _skipped(group[0][1] - shown_until)
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                yield from ((" ", shown(line)) for line in before[start:end])
            else:
                yield from (("-", _edged(line)) for line in before[start:end])
                yield from (("+", _edged(line)) for line in after[new_start:new_end])
        shown_until = group[-1][2]
    yield from _skipped(len(before) - shown_until)


def _skipped(count: int) -> Iterator[tuple[str, str]]:
    if count:
        yield " ", f"… {counted(count, 'equal line')}"


def _edged(line: str) -> str:
    """Show a changed line with what the eye would miss: that it is empty, or ends in spaces."""
    text = shown(line)
    kept = text.rstrip(" ")
    return kept + "·" * (len(text) - len(kept)) if text else "(empty line)"


def _spelled(value: object) -> str:
    return shown(json.dumps(value, ensure_ascii=False))


def _spans_lines(value: object) -> bool:
    return isinstance(value, str) and "\n" in value


def _pieces(value: object) -> list[str]:
    """Split into lines; a line break at the end counts as an empty last line, so that losing it shows."""
    if value is None:
        return []
    return value.split("\n") if isinstance(value, str) else [json.dumps(value, ensure_ascii=False)]


def _toned(mark: str, line: str, paint: Paint) -> str:
    return paint(_TONES[mark], line) if mark in _TONES else line.rstrip()
