"""
A change as rows of label and text, and its attribute diffs as marked lines; every report of a plan sets these.

The same for campaigns and templates. Every field of a payload is shown, fields that this version does not know as they
are: what goes out is what a reviewer saw. Names come first, ids after them. Read `fact_rows` and `message_rows` first,
then `marked_differences`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher

from msgflash_apply.campaign import GROUP, INSTANCE, TEMPLATE, Address, Content, Names, Payload
from msgflash_apply.plan.plan import (
    REACHING,
    Action,
    AttributeDiff,
    Audience,
    Change,
    Reason,
    Sender,
    TemplateAction,
    TemplateChange,
    UsedTemplate,
)
from msgflash_apply.report.layout import ELLIPSIS, NARROWEST, Paint, Tone, counted, limited, listed, wrap
from msgflash_apply.report.safe_text import shown, width_of
from msgflash_apply.report.wording import stage_words, with_distance

INDENT = 6

LABEL_WIDTH = 13

MOST_LINES = 100
"""A body holds at most 4096 characters (reference 10.4); only a hostile one is longer than this."""

IN_FULL = "; --format json shows them all"

_MOST_ITEMS = 20

_MOST_DIFFERENCES = 40

_MOST_DIFFERENCE_LINES = 60

_CONTEXT = 2

_TONES = {"+": Tone.ADDED, "-": Tone.REMOVED, "~": Tone.CHANGED}

_FIRST_FIELDS = ("type", "title", "body", "description", "footer", "mediaUrl")
"""Content in the order in which people read it; other fields follow by name."""

_ROWS_OF_THEIR_OWN = frozenset(
    {"name", "instanceId", "schedule", "repeat", "recipients", "templateId", "buttons", "variables"}
)

_LABELS = {"type": "content", "mediaUrl": "media"}


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute: a label of ours, and text that may hold anything. A block keeps its line breaks."""

    label: str
    text: str
    is_block: bool = False


def fact_rows(change: Change | TemplateChange, now: datetime) -> Iterator[Row]:
    """Give all of a change but its message: id, status, name, number, start, audience, labels, place in the files."""
    yield from _template_facts(change) if isinstance(change, TemplateChange) else _campaign_facts(change, now)
    if change.labels:
        yield Row("labels", ", ".join(f"{name}={change.labels[name]}" for name in sorted(change.labels)))
    if change.source:
        yield Row("source", f"{change.source.file}:{change.source.line}")


def _campaign_facts(change: Change, now: datetime) -> Iterator[Row]:
    if change.id:
        yield Row("id", f"{change.id} (is paused first)" if change.action is Action.REPLACE else change.id)
    if change.previous_address and change.action is not Action.MOVE:
        yield Row("moved from", change.previous_address)
    if change.status:
        stage = stage_words(change, now)
        yield Row("status", f"{change.status} ({stage})" if stage else change.status)
    payload = change.payload
    if payload is not None:
        yield from identity_rows(payload, change.names, change.instance)
    yield Row("start", with_distance(change.starts_at, change.timezone, now))
    if payload is not None and may_go_out(change):
        yield Row("repeat", plain(payload.get("repeat", "none")))
    if payload is not None and (may_go_out(change) or change.audience is not None):
        yield Row(
            "audience", audience_text(payload.get("recipients"), change.names, change.audience, change.max_people)
        )


def _template_facts(change: TemplateChange) -> Iterator[Row]:
    """Give the campaigns, too, whose messages change or that wait for it, and the versions that go."""
    if change.id:
        yield Row("id", change.id)
    if change.previous_address and change.action is not TemplateAction.MOVE:
        yield Row("moved from", change.previous_address)
    yield Row("name", change.name)
    if change.campaigns:
        said = ", whose message changes" if change.before is not None and change.reason is None else ""
        yield Row("sent by", listed(change.campaigns, _MOST_ITEMS) + said)
    for number, version in enumerate(change.unused):
        yield Row("" if number else "deletes", f"{version.name} ({version.id})")


def message_rows(change: Change | TemplateChange) -> Iterator[Row]:
    """Give what a campaign or a template says, where a reader needs it."""
    if not isinstance(change, TemplateChange):
        if may_go_out(change):
            yield from content_rows(spelled_out(change), change.names, change.template, change.template_address)
    elif (words := template_words(change)) is not None:
        yield from content_rows(wire_fields(words), {})


def template_words(change: TemplateChange) -> Content | None:
    """Give the words of a template that a reader needs: those that it would have, or that are deleted."""
    match change.action:
        case TemplateAction.DELETE if change.after is None:
            return change.before
        case TemplateAction.CREATE | TemplateAction.UPDATE | TemplateAction.ADOPT | TemplateAction.BLOCKED:
            return change.after
        case _:
            return None


def identity_rows(payload: Payload, names: Names, instance: Sender | None = None) -> Iterator[Row]:
    """Say which campaign it is: its name, and the number that it goes out from."""
    yield Row("name", plain(payload.get("name", "")))
    if instance is None:
        yield Row("instance", _looked_up(payload.get(INSTANCE), names.get(INSTANCE)))
    else:
        yield Row("instance", f"{instance.name}, {instance.number or 'no number yet'} ({instance.id})")


def spelled_out(change: Change) -> Payload:
    """Give the payload with the words of its template in it, variables filled in: what people read, in one form."""
    words = change.words if change.template is not None else None
    if words is None:
        return change.payload or {}
    return {**(change.payload or {}), **wire_fields(words)}


def wire_fields(words: Content) -> Payload:
    """Give what a template says as the fields of a direct message."""
    said = {"type": words.type, "body": words.body, "mediaUrl": words.media_url}
    return {name: text for name, text in said.items() if text is not None}


def content_rows(
    payload: Payload, names: Names, template: UsedTemplate | None = None, address: Address | None = None
) -> Iterator[Row]:
    """Give what it says: template and variables, and the message as far as it is known."""
    yield from template_rows(payload, names, template, address)
    fields = payload.keys() - _ROWS_OF_THEIR_OWN
    for field in (*(each for each in _FIRST_FIELDS if each in fields), *sorted(fields.difference(_FIRST_FIELDS))):
        yield Row(_LABELS.get(field, field), plain(payload[field]), is_block=True)
    buttons = payload.get("buttons")
    if isinstance(buttons, list | tuple):
        for number, button in enumerate(buttons):
            yield Row("" if number else "buttons", _button(button))


def template_rows(
    payload: Payload, names: Names, template: UsedTemplate | None, address: Address | None
) -> Iterator[Row]:
    """Say which template it sends, of the repo by its `address`, and with which variables; nothing in direct mode."""
    if address is not None and template is not None:
        made = f"{template.name} ({template.id})" if template.id else f"will be created as {template.name}"
        yield Row("template", f"{address}, {made}")
    elif TEMPLATE in payload or TEMPLATE in names:
        name = template.name if template is not None else names.get(TEMPLATE)
        yield Row("template", _looked_up(payload.get(TEMPLATE), name))
    variables = payload.get("variables")
    if isinstance(variables, Mapping):
        for number, (name, value) in enumerate(variables.items()):
            yield Row("" if number else "variables", f"{name} = {json.dumps(value, ensure_ascii=False)}")


def audience_text(recipients: object, names: Names, audience: Audience | None = None, most: int | None = None) -> str:
    """Say who would get it; with an `Audience` also how many they are, or that they were not counted."""
    who, how_many = who_gets_it(recipients, names, audience), people_text(audience, most)
    return f"{who}: {how_many}" if how_many else who


def who_gets_it(recipients: object, names: Names, audience: Audience | None) -> str:
    """Describe the recipients: groups by name, tags, contact ids."""
    if not isinstance(recipients, Mapping):
        return plain(recipients)
    value = recipients.get("value")
    items = [str(item) for item in value] if isinstance(value, list | tuple) else []
    match recipients.get("type"):
        case "all":
            return "every contact"
        case "tags":
            tags = [json.dumps(tag, ensure_ascii=False) for tag in items[:_MOST_ITEMS]] + items[_MOST_ITEMS:]
            return "contacts tagged " + listed(tags, _MOST_ITEMS, " or ")
        case "explicit":
            return f"{counted(len(items), 'contact id')} ({listed(items, _MOST_ITEMS)})"
        case "group":
            name = audience.name if audience is not None and audience.name else names.get(GROUP)
            return f"group {_looked_up(recipients.get(GROUP), name)}"
        case _:
            return plain(recipients)


def people_text(audience: Audience | None, most: int | None) -> str:
    """Say how many would get it, and how many may: `120 contacts, at most 500`; empty where neither is known."""
    limit = [] if most is None else [f"at most {most}"]
    if audience is None:
        return "".join(limit)
    if audience.count is None:
        return ", ".join(["not counted", *limit])
    number = counted(audience.count, "contact") if audience.count else "no one would receive it"
    if audience.limit is not None and audience.count > audience.limit:
        limit.append(f"above the {audience.limit} that the number's warm-up advises")
    return ", ".join([number, *limit])


def may_go_out(change: Change) -> bool:
    """Whether a reader needs the whole message: it would be sent, would be if it were not blocked, or may have been."""
    if change.action is Action.BLOCKED:
        return change.id is None or change.reason is Reason.IN_DOUBT
    return change.action in REACHING


def row_lines(row: Row, width: int) -> list[str]:
    """Set one row: the label in its column, the text wrapped beside it, blocks behind a gutter."""
    pieces = row.text.removesuffix("\n").split("\n") if row.is_block else [row.text]
    gutter = "| " if len(pieces) > 1 else ""
    room = max(width - INDENT - LABEL_WIDTH - len(gutter), LABEL_WIDTH)
    lines = limited([line for piece in pieces for line in wrap(shown(piece), room)], MOST_LINES, IN_FULL)
    label = f"{row.label:<{LABEL_WIDTH - 1}} "
    return [
        " " * INDENT + (label if number == 0 else " " * LABEL_WIDTH) + (gutter + line).rstrip()
        for number, line in enumerate(lines)
    ]


def plain(value: object) -> str:
    """Spell a JSON value: text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _looked_up(identifier: object, name: str | None) -> str:
    """Spell what a name was looked up to: the name, its id after it."""
    if identifier is None:
        return f"{name} (not looked up)" if name else "the account's only connected one (not looked up)"
    return f"{name} ({identifier})" if name and name != identifier else str(identifier)


def _button(button: object) -> str:
    if not isinstance(button, Mapping):
        return plain(button)
    others = [f"{name} {plain(value)}" for name, value in button.items() if name not in {"type", "displayText"}]
    return ", ".join([f'{button.get("type")} "{button.get("displayText")}"', *others])


@dataclass(frozen=True, slots=True)
class MarkedDifference:
    """
    One attribute that differs, every text safe to show.

    Attributes:
        symbol: `+`, `-` or `~`; `…` for the entry that counts what is left out, which has no lines.
        path: of the attribute.
        lines: as (mark, text); the mark is `+`, `-` or a space.
        by_line: whether texts of several lines were compared; otherwise the lines are the whole values.
    """

    symbol: str
    path: str
    lines: tuple[tuple[str, str], ...]
    by_line: bool = False


def marked_differences(differences: Sequence[AttributeDiff]) -> Iterator[MarkedDifference]:
    """Compare each attribute of one change, in their order; what is left out is counted."""
    for each in differences[:_MOST_DIFFERENCES]:
        symbol = "+" if each.before is None else "-" if each.after is None else "~"
        values = (("-", each.before), ("+", each.after))
        by_line = any(isinstance(value, str) and "\n" in value for _, value in values)
        lines = (
            _compared(_pieces(each.before), _pieces(each.after))
            if by_line
            else ((mark, shown(json.dumps(value, ensure_ascii=False))) for mark, value in values if value is not None)
        )
        yield MarkedDifference(symbol, shown(each.path), tuple(lines), by_line)
    if (more := len(differences) - _MOST_DIFFERENCES) > 0:
        yield MarkedDifference(ELLIPSIS, f"{counted(more, 'more attribute')} differ{IN_FULL}", ())


def difference_lines(differences: Sequence[AttributeDiff], *, paint: Paint, width: int) -> list[str]:
    """Set the attribute diffs of one change for a terminal: values that fit on one line, others in a block."""
    lines = []
    room = max(width, NARROWEST) - INDENT - len("    ~ ")
    for each in marked_differences(differences):
        symbol = paint(_TONES[each.symbol], each.symbol) if each.symbol in _TONES else each.symbol
        line = f"{each.path}: {' -> '.join(text for _, text in each.lines)}" if each.lines else each.path
        if not each.by_line and (not each.lines or INDENT + len("~ ") + width_of(line) <= width):
            lines.append(f"{' ' * INDENT}{symbol} {line}")
            continue
        marked = [(mark, f"{mark} {part}") for mark, text in each.lines for part in wrap(text, room)]
        toned = [paint(_TONES[mark], text) if mark in _TONES else text.rstrip() for mark, text in marked]
        lines.append(f"{' ' * INDENT}{symbol} {each.path}:")
        lines += [" " * (INDENT + 4) + text for text in limited(toned, _MOST_DIFFERENCE_LINES, IN_FULL)]
    return lines


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
        yield " ", f"{ELLIPSIS} {counted(count, 'equal line')}"


def _edged(line: str) -> str:
    """Show a changed line with what the eye would miss: that it is empty, or ends in spaces."""
    text = shown(line)
    kept = text.rstrip(" ")
    return kept + "·" * (len(text) - len(kept)) if text else "(empty line)"


def _pieces(value: object) -> list[str]:
    """Split into lines; a line break at the end counts as an empty last line, so that losing it shows."""
    if value is None:
        return []
    return value.split("\n") if isinstance(value, str) else [json.dumps(value, ensure_ascii=False)]
