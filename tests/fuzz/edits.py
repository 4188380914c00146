"""
What a mutant differs in from the good input that it was made of: bytes, words, or places of a JSON tree.

Every edit is driven by a `Choice` of small numbers, so that hypothesis can shrink what it finds and a long run can draw
from a generator of its own.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import TypeAlias, cast

Choice: TypeAlias = Callable[[int], int]
"""Gives a number from 0 up to, and without, a bound."""

Slot: TypeAlias = "tuple[dict[str, object] | list[object], str | int]"

WORDS: Sequence[bytes] = (
    b"", b"\x00", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\r", b"\n",
    b"\t", b" ", b"\xe2\x80\xa8", b"\xc2\x85", b"\xe2\x80\xae", b"'", b'"', b"\\", b"\\ud800", b"\\u0000", b"{",
    b"}", b"[", b"]", b"{{", b"}}", b"{%", b"%}", b"{#", b"#}", b"&a ", b"*a", b"<<: ",
    b"!!python/object:os.system ", b"!", b"|\n", b">-\n", b"? ", b": ", b"- ", b"---\n", b"...\n",
    b"%YAML 1.1\n", b"%TAG ! x\n", b"#", b"~", b"null", b"true", b".inf", b"-.nan", b"0x1f", b"1e999",
    b"9" * 400, b"-0", b"{{ custom.a }}", b"{{ custom.map }}", b"{% for a in custom.numbers %}",
    b"{% endfor %}", b"{% if custom.n %}", b"{% endif %}", b" | upper", b" | join(custom.text)", b".__class__",
    b"['a']", b"(", b")", b"**", b"~", b" * 100000", b"[1:]", b" is defined", b" in ", b"range(9)", b"self",
    b"loop", b"contact.name", b"{% set a = ", b"/", b"..", b"2026-02-30T25:61:61", b"Europe/Atlantis",
    b"<script>", b"\x1b[31m", b"msgf_live_cafecafe",
)  # fmt: skip

VALUES: Sequence[object] = (
    None, True, False, 0, -1, 2**31, 2**63, 2**64, 10**400, -(10**400), 0.5, -0.0, 1e308, 1e-400, float("nan"),
    float("inf"), "", " ", "x", "x" * 10_000, "\x00", "\ud800", "\u202e", "é\U0001f600", "\n---\n",
    "../../etc/passwd", "/etc/passwd", "null", "1", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "2026-11-23T12:00:00", "2026-11-23", "1969-01-01T00:00:00Z", "2026-11-23T12:00:00Z",
    "+010000-01-01T00:00:00Z", 1700000000, "Europe/Paris", "../Paris", "Nowhere/At/All", "Europe", "scheduled",
    "completed", "paused", "gone", "created", "intended", "opened", "create", "replace", "blocked", "keep",
    "daily", "explicit", "tags", "all", "group", "text", "buttons", "image", "template", "instanceId",
    "schedule", "recipients", "type", "sale", "run-1", "msgf_live_cafecafecafecafe", "{{ custom.a }}",
    "<script>", "\x1b[2J", [], {}, [[]], [None], [{}], {"": None}, {"a": {"b": {"c": []}}},
    {"type": "tags", "value": None}, {"type": ["all"]}, {"schedule": 1}, ["x", "x"], [1, "1", 1.0, True],
    json.loads("[" * 60 + "]" * 60), json.loads('{"a":' * 200 + "1" + "}" * 200),
)  # fmt: skip


def chooser(seed: int) -> Choice:
    """Make choices that are the same for the same seed."""
    return Random(seed).randrange  # noqa: S311 - nothing here is a secret


def mutant(seeds: Sequence[bytes], choose: Choice, *, as_json: bool) -> bytes:
    """Alter a seed in one to four places; one that holds JSON mostly as a tree, so that it mostly stays JSON."""
    data = seeds[choose(len(seeds))]
    for _ in range(1 + choose(4)):
        is_tree = as_json and choose(8) > 0
        data = edit_json(data, choose) if is_tree else edit_bytes(data, choose, seeds)
    return data


def edit_bytes(data: bytes, choose: Choice, others: Sequence[bytes]) -> bytes:
    """Cut, insert, overwrite, repeat or join at a place."""
    at = choose(len(data) + 1)
    end = min(len(data), at + 1 + choose(8) ** 2)
    match choose(7):
        case 0:
            return data[:at] + data[end:]
        case 1 | 2:
            return data[:at] + WORDS[choose(len(WORDS))] + data[at:]
        case 3:
            return data[:at] + WORDS[choose(len(WORDS))] + data[end:]
        case 4:
            return data[:at] + data[at:end] * (1 + choose(50)) + data[end:]
        case 5:
            other = others[choose(len(others))]
            return data[:at] + other[choose(len(other) + 1) :]
        case _:
            return data[:at] + bytes([choose(256)]) + data[at + 1 :]


def edit_json(data: bytes, choose: Choice) -> bytes:
    """Edit one place of a JSON document, or of one line of several; bytes that are none stay as they are."""
    lines = data.split(b"\n") if _read(data) is None else [data]
    at = choose(len(lines))
    document = _read(lines[at])
    if document is None:
        return data
    box: list[object] = [document]
    slots = list(_slots(box))
    _edit(*slots[choose(len(slots))], choose)
    # As `encode` lays a document out: the checksum's place is found by its indent.
    indent = 2 if data.startswith(b"{\n") else None
    lines[at] = json.dumps(box[0] if box else None, indent=indent, sort_keys=indent is not None).encode()
    return b"\n".join(lines)


def _edit(holder: dict[str, object] | list[object], key: str | int, choose: Choice) -> None:
    held = cast("dict[str | int, object]", holder)
    match choose(6):
        case 0:
            del held[key]
        case 1 if isinstance(holder, list):
            holder.extend([held[key]] * choose(4))
        case 1:
            name = VALUES[choose(len(VALUES))]
            held[name if isinstance(name, str) else "extra"] = held.pop(key)
        case 2 if isinstance(held[key], (dict, list)):
            held[key] = [held[key]]
        case _:
            held[key] = VALUES[choose(len(VALUES))]


def _slots(holder: dict[str, object] | list[object]) -> Iterator[Slot]:
    keys: Sequence[str | int] = list(holder) if isinstance(holder, dict) else range(len(holder))
    for key in keys:
        yield holder, key
        inner = cast("dict[str | int, object]", holder)[key]
        if isinstance(inner, (dict, list)):
            yield from _slots(inner)


def _read(data: bytes) -> object:
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return document
