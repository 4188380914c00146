"""
A payload as people read it: rows of label and text, every field of it and nothing else.

Fields that this version does not know are shown as they are: what goes out is what a reviewer saw.

One change as rows, for reports that show its message apart from its facts.

Attribute diffs as lines: `~ schedule: ".." -> ".."`; texts of several lines are compared line by line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import TypeVar

from msgflash_apply.campaign import Names, Payload
from msgflash_apply.plan.plan import SENDING, Action, AttributeDiff, Audience, Change, Reason
from msgflash_apply.report.layout import NARROWEST, Paint, Tone, counted, limited, listed, wrap
from msgflash_apply.report.safe_text import shown, width_of
from msgflash_apply.report.wording import stage_words, with_distance

_Item = TypeVar("_Item")

INDENT = 6

LABEL_WIDTH = 13

MOST_LINES = 100
"""A body holds at most 4096 characters (reference 10.4); only a hostile one is longer than this."""

_MOST_ITEMS = 20

_IN_FULL = "; --format json shows them all"

_TOLD_APART = frozenset(
    {"name", "instanceId", "schedule", "repeat", "recipients", "templateId", "buttons", "variables"}
)

_LABELS = {"type": "content", "mediaUrl": "media"}


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute: a label of ours, and text that may hold anything. A block keeps its line breaks."""

    label: str
    text: str
    is_block: bool = False


def identity_rows(payload: Payload, names: Names) -> Iterator[Row]:
    """Tell which campaign it is: its name, and the number that it goes out from."""
    yield Row("name", plain(payload.get("name", "")))
    yield Row("instance", _looked_up(payload.get("instanceId"), names.get("instanceId")))


def delivery_rows(payload: Payload, audience: Audience | None, start: str) -> Iterator[Row]:
    """Tell when it goes out, and to whom."""
    yield Row("start", start)
    yield Row("repeat", plain(payload.get("repeat", "none")))
    yield Row("audience", audience_text(payload.get("recipients"), audience))


def content_rows(payload: Payload, names: Names) -> Iterator[Row]:
    """Tell what it says: template and variables, or the message itself."""
    if "templateId" in payload or "templateId" in names:
        yield Row("template", _looked_up(payload.get("templateId"), names.get("templateId")))
    variables = payload.get("variables")
    if isinstance(variables, Mapping):
        for label, (name, value) in _labelled("variables", variables.items()):
            yield Row(label, f"{name} = {json.dumps(value, ensure_ascii=False)}")
    for field in sorted(payload.keys() - _TOLD_APART, key=_reading_order):
        yield Row(_LABELS.get(field, field), plain(payload[field]), is_block=True)
    buttons = payload.get("buttons")
    if isinstance(buttons, list | tuple):
        for label, button in _labelled("buttons", buttons):
            yield Row(label, _button(button))


def audience_text(recipients: object, audience: Audience | None) -> str:
    """Say who would get it; with an `Audience` also how many they are, or that nobody counted them."""
    if not isinstance(recipients, Mapping):
        return plain(recipients)
    value = recipients.get("value")
    items = [str(item) for item in value] if isinstance(value, list | tuple) else []
    match recipients.get("type"):
        case "all":
            who = "every contact"
        case "tags":
            who = "contacts tagged " + listed(
                [json.dumps(tag, ensure_ascii=False) for tag in items], _MOST_ITEMS, " or "
            )
        case "explicit":
            return f"{counted(len(items), 'contact')}, by id: {listed(items, _MOST_ITEMS)}"
        case "group":
            who = f"group {recipients.get('groupId')}"
        case _:
            who = plain(recipients)
    return f"{who}: {_how_many(audience)}" if audience else who


def row_lines(row: Row, width: int) -> list[str]:
    """Set one row: the label in its column, the text wrapped beside it, blocks behind a gutter."""
    pieces = row.text.removesuffix("\n").split("\n") if row.is_block else [row.text]
    gutter = "| " if len(pieces) > 1 else ""
    room = max(width - INDENT - LABEL_WIDTH - len(gutter), LABEL_WIDTH)
    lines = limited([line for piece in pieces for line in wrap(shown(piece), room)], MOST_LINES, _IN_FULL)
    label = f"{row.label:<{LABEL_WIDTH - 1}} "
    return [
        " " * INDENT + (label if number == 0 else " " * LABEL_WIDTH) + (gutter + line).rstrip()
        for number, line in enumerate(lines)
    ]


def plain(value: object) -> str:
    """Spell a JSON value: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _looked_up(identifier: object, name: str | None) -> str:
    if identifier is None:
        return f"{name} (not looked up)" if name else "the account's only connected one (not looked up)"
    return f"{identifier} ({name})" if name and name != identifier else str(identifier)


def _how_many(audience: Audience) -> str:
    if audience.count is None:
        return "not counted"
    if not audience.count:
        return "nobody would get it"
    told = counted(audience.count, "contact")
    if audience.limit is not None and audience.count > audience.limit:
        return f"{told}, above the {audience.limit} that the number's warm-up advises"
    return told


def _button(button: object) -> str:
    if not isinstance(button, Mapping):
        return plain(button)
    others = [f"{name} {plain(value)}" for name, value in button.items() if name not in {"type", "displayText"}]
    return ", ".join([f'{button.get("type")} "{button.get("displayText")}"', *others])


def _labelled(label: str, items: Iterable[_Item]) -> Iterator[tuple[str, _Item]]:
    for number, item in enumerate(items):
        yield (label if number == 0 else ""), item


def _reading_order(field: str) -> tuple[int, str]:
    order = ("type", "title", "body", "description", "footer", "mediaUrl")
    return (order.index(field) if field in order else len(order), field)


def fact_rows(change: Change, now: datetime) -> Iterator[Row]:
    """Tell all of a change but its message: id, status, name, number, start, audience, labels, place in the files."""
    if change.id:
        yield Row("id", f"{change.id} (is paused first)" if change.action is Action.REPLACE else change.id)
    if change.previous_address and change.action is not Action.MOVE:
        yield Row("moved from", change.previous_address)
    if change.status:
        stage = stage_words(change, now)
        yield Row("status", f"{change.status} ({stage})" if stage else change.status)
    yield from _payload_rows(change, with_distance(change.starts_at, change.timezone, now))
    if change.labels:
        yield Row("labels", ", ".join(f"{name}={change.labels[name]}" for name in sorted(change.labels)))
    if change.source:
        yield Row("source", f"{change.source.file}:{change.source.line}")


def payload_of(change: Change) -> Payload | None:
    """Choose what a change is about: what would be sent, else what was."""
    return change.before if change.after is None else change.after


def may_go_out(change: Change) -> bool:
    """Whether a reader needs the whole message: it would be sent, would be if it were not blocked, or may have been."""
    if change.action is Action.BLOCKED:
        return change.id is None or change.reason is Reason.IN_DOUBT
    return change.action in SENDING


def _payload_rows(change: Change, start: str) -> Iterator[Row]:
    payload = payload_of(change)
    if payload is not None:
        yield from identity_rows(payload, change.names)
    if payload is not None and may_go_out(change):
        yield from delivery_rows(payload, change.audience, start)
    else:
        yield Row("start", start)


_MOST_DIFFERENCES = 40

_MOST_LINES = 60

_CONTEXT = 2

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
