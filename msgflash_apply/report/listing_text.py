"""What the account has, as text that fits 80 columns and as JSON."""

import json
from collections.abc import Sequence

from msgflash_apply.operations.listing import Item, Kind
from msgflash_apply.report.layout import Paint, Tone, columns, counted, indented
from msgflash_apply.report.safe_text import shown

_FIELDS: dict[Kind, tuple[str, ...]] = {
    "instances": ("id", "name", "number", "status"),
    "templates": ("id", "name", "type", "variables"),
    "groups": ("id", "name", "contacts"),
    "tags": ("name", "contacts"),
}

_FORMAT_VERSION = "1.0"

_INDENT = 4


def listing_to_text(kind: Kind, items: Sequence[Item], *, paint: Paint, width: int) -> str:
    """Give each thing a line with its name in full, and below it what else there is to it; a tag has one line."""
    lines = []
    if kind == "tags":
        heading, *rows = columns([("CONTACTS", "TAG"), *((str(one.contacts), shown(one.name)) for one in items)])
        lines += [paint(Tone.STRONG, heading), *rows] if rows else []
    for one in items if kind != "tags" else ():
        lines += [paint(Tone.STRONG, line) for line in indented(shown(one.name), 0, width, hanging=_INDENT)]
        details = [one.number or "no number yet", one.status] if kind == "instances" else [one.type]
        if kind == "groups":
            details = [None if one.contacts is None else counted(one.contacts, "contact")]
        said = [shown(text) for text in (one.id, *details) if text]
        lines += indented("  ".join(said), _INDENT, width, hanging=_INDENT)
        if one.variables:
            lines += indented(", ".join(map(shown, one.variables)), _INDENT, width, hanging=_INDENT)
    total = counted(len(items), kind.removesuffix("s"))
    return "\n".join([*lines, *([""] if lines else []), f"{total}."]) + "\n"


def listing_to_json(kind: Kind, items: Sequence[Item]) -> str:
    """Give the same as JSON: `{"format_version": "1.0", "instances": [{"id", "name", "number", "status"}]}`."""
    listed = [{field: getattr(one, field) for field in _FIELDS[kind]} for one in items]
    return json.dumps({"format_version": _FORMAT_VERSION, kind: listed}, indent=2, ensure_ascii=True) + "\n"
