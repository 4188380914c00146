"""
A payload as people read it: rows of label and text, every field of it and nothing else.

Fields that this version does not know are shown as they are: what goes out is what a reviewer saw.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from msgflash_apply.campaign import Names, Payload
from msgflash_apply.engine.plan import Audience
from msgflash_apply.report.layout import counted, limited, listed, wrap
from msgflash_apply.report.untrusted import shown

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
