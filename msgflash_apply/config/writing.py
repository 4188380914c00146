"""A campaign's fields -> the text of its file: plain where that is safe, bodies as blocks. The way back is `load`."""

import json
from collections.abc import Iterator, Mapping

from msgflash_apply.config.canonical import field_order
from msgflash_apply.config.yaml_quotes import can_be_plain

_STEP = "  "


def campaign_text(fields: Mapping[str, object], comment: str = "") -> str:
    """
    Write a campaign's file.

    Args:
        fields: as in campaign files, of JSON's types; written in the schema's order.
        comment: a line for its head, without `#`.
    """
    order = {name: rank for rank, name in enumerate(field_order("campaign"))}
    ordered = {name: fields[name] for name in sorted(fields, key=lambda name: order.get(name, len(order)))}
    head = [f"# {comment}"] if comment else []
    return "\n".join([*head, *_map_lines(ordered, "")]) + "\n"


def _map_lines(fields: Mapping[str, object], pad: str) -> Iterator[str]:
    for name, value in fields.items():
        key = _scalar(name)
        if isinstance(value, Mapping) and value:
            yield f"{pad}{key}:"
            yield from _map_lines(value, pad + _STEP)
        elif isinstance(value, list) and value:
            yield f"{pad}{key}:"
            yield from (f"{pad}{_STEP}- {_scalar(item)}" for item in value)
        elif isinstance(value, str) and _can_be_block(value):
            yield f"{pad}{key}: " + ("|" if value.endswith("\n") else "|-")
            yield from (f"{pad}{_STEP}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
        else:
            yield f"{pad}{key}: {_scalar(value)}"


def _can_be_block(text: str) -> bool:
    """Whether a text of several lines can stand as it is; odd spaces and breaks at its ends are seen in quotes."""
    lines = text.removesuffix("\n").split("\n")
    is_framed = bool(lines[0].strip() and lines[-1].strip()) and not lines[0].startswith(" ")
    return len(lines) > 1 and is_framed and all(line.isprintable() for line in lines)


def _scalar(value: object) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if can_be_plain(value, in_flow=False):
        return value
    return '"' + "".join(map(_character, value)) + '"'


def _character(character: str) -> str:
    if character in {'"', "\\"}:
        return f"\\{character}"
    if character == "\n":
        return "\\n"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
