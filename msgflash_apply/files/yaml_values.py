"""
YAML -> documents: plain values, strictly, or the first mistake with its place.

YAML 1.2's core schema (YAML 1.2.2, chapter 10.3.2): `NO`, `on`, `12:30`, `1_000` and `2026-11-27` are texts here and
`010` is ten; what YAML 1.1 made of them has cost many a configuration its meaning. Keys are texts, without repeats;
there are no tags; anchors, aliases and `<<` have a budget of nodes, where an alias counts as all that it brings in.

Accept fast: this runs for every line of every campaign, so it keeps no positions and counts only what it must.
`positions.py` reads a file again when there is a finding. Read `parse` first.
"""

import math
import re
from dataclasses import dataclass
from sys import intern
from typing import NamedTuple, TypeAlias

from msgflash_apply.files.repo import MAX_FILE_BYTES
from msgflash_apply.files.yaml_events import (
    ALIAS,
    DOCUMENT_START,
    LIST_END,
    LIST_START,
    MAP_END,
    MAP_START,
    SCALAR,
    STREAM_END,
    BadYaml,
    Event,
    EventSource,
    NextEvent,
    YamlSyntaxError,
    bad_at,
    decode,
    explained,
    quote_hint,
    spot_of,
    unquoted_template,
    usual_events,
)
from msgflash_apply.findings import ValuePath

__all__ = ["MAX_FILE_BYTES", "BadYaml", "Document", "NotJson", "ValuePath", "is_empty", "parse", "resolve"]

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_NUMBER_STARTS = frozenset("0123456789+-.")

BEGINS_OTHER_THAN_TEXT = frozenset(word[:1] for word in _WORDS) | _NUMBER_STARTS
"""First characters, and the nothing of an empty scalar, without which a plain scalar is a text as written."""

_INTEGER = re.compile(r"[-+]?[0-9]+")

_BASED_INTEGER = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")

_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")

_NOT_FINITE = frozenset(
    {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")} | {".nan", ".NaN", ".NAN"},
)

_MAX_DIGITS = 1000

Scalar = str | int | float | bool | None


class NotJson(ValueError):
    """A number that YAML can write and JSON cannot carry."""


def resolve(text: str) -> Scalar:
    """
    Say what a plain scalar means.

    Raises:
        NotJson: infinity, not-a-number, or a number too large to carry; the message names it.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if (is_decimal := _INTEGER.fullmatch(text)) or _BASED_INTEGER.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            raise NotJson(f"a number of {len(text)} digits is too long")
        return int(text, 10 if is_decimal else 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise NotJson(f"the number `{text[:40]}` is too large")
        return number
    if text in _NOT_FINITE:
        raise NotJson(f"`{text}` is not a number that MsgFlash can be sent")
    return text


MAX_DEPTH = 50
"""Levels of maps and lists inside each other, aliases followed."""

MAX_NODES = 100_000
"""Values in one file, every alias counted as everything that it brings in."""

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | float | bool | None"


class _Anchored(NamedTuple):
    value: Value
    nodes: int
    height: int  # levels below its own; -1 for a scalar, which adds none


class Reader:
    """
    What reading one file needs to remember, from its first document to its last.

    Args:
        text: the whole file.
        source: which parser gives the events.
    """

    __slots__ = ("anchors", "deepest", "next_event", "nodes", "source", "text")

    def __init__(self, text: str, source: EventSource) -> None:
        self.text = text
        self.source = source
        self.next_event: NextEvent = source(text)
        self.anchors: dict[str | None, _Anchored | None] = {}  # None while the anchor's own value is being read
        self.nodes = 0
        self.deepest = 0


def is_empty(root: Event) -> bool:
    """Whether a document's only event is the nothing between two `---`; an explicit `null` is content."""
    return type(root) is SCALAR and root.value == "" and root.implicit[0] and root.anchor is None


# The next functions are at module level on purpose: as closures they would form a cycle that keeps the parser alive.


def _node(reader: Reader, event: Event, depth: int) -> Value:
    if type(event) is SCALAR:
        return _scalar(reader, event)
    if type(event) is ALIAS:
        return _alias(reader, event, depth)
    if event.tag is not None:
        raise _tag_refused(event)
    if depth >= MAX_DEPTH:
        raise bad_at(event, f"nested more than {MAX_DEPTH} levels deep", None)
    outer_deepest, nodes_before = reader.deepest, reader.nodes
    if event.anchor is not None:
        reader.anchors[event.anchor] = None
        reader.deepest = depth  # from here on of this value alone
    elif depth > outer_deepest:
        reader.deepest = depth
    value: Value
    if type(event) is MAP_START:
        value = _mapping(reader, event, depth)
    else:
        value = items = []
        next_event = reader.next_event
        while type(item := next_event()) is not LIST_END:
            items.append(_scalar(reader, item) if type(item) is SCALAR else _node(reader, item, depth + 1))
    _count(reader, len(value), event)
    if event.anchor is not None:
        reader.anchors[event.anchor] = _Anchored(value, reader.nodes - nodes_before + 1, reader.deepest - depth)
        reader.deepest = max(reader.deepest, outer_deepest)
    return value


def _scalar(reader: Reader, event: Event) -> Value:
    if event.tag is not None:
        raise _tag_refused(event)
    value: Value = event.value
    if event.implicit[0] and event.value[:1] in BEGINS_OTHER_THAN_TEXT:
        try:
            value = resolve(event.value)
        except NotJson as err:
            raise bad_at(event, str(err), "quote it if it is a text") from None
    if event.anchor is not None:
        reader.anchors[event.anchor] = _Anchored(value, 1, -1)
    return value


def _mapping(reader: Reader, start: Event, depth: int) -> dict[str, Value]:
    own: dict[str, Value] = {}
    merged: dict[str, Value] | None = None
    next_event = reader.next_event
    while type(event := next_event()) is not MAP_END:
        key = _scalar(reader, event) if type(event) is SCALAR else None
        if type(key) is not str:
            raise _not_a_key(reader, start, event)
        value_event = next_event()
        if key == "<<" and event.implicit[0]:
            if merged is not None:
                raise _duplicate(reader, start, event)
            merged = _merged(value_event, _node(reader, value_event, depth + 1))
            continue
        if key in own:
            raise _duplicate(reader, start, event)
        is_scalar = type(value_event) is SCALAR
        own[intern(key)] = _scalar(reader, value_event) if is_scalar else _node(reader, value_event, depth + 1)
    return own if merged is None else {**merged, **own}


def _merged(event: Event, value: Value) -> dict[str, Value]:
    """What `<<` brings in; of several maps the earlier wins."""
    maps = value if isinstance(value, list) else [value]
    merged: dict[str, Value] = {}
    for each in reversed(maps):
        if not isinstance(each, dict):
            raise bad_at(event, "`<<` takes a map, or a list of maps", "write `<<: *name`, where `&name` marks a map")
        merged.update(each)
    return merged


def _alias(reader: Reader, event: Event, depth: int) -> Value:
    name = event.anchor
    if name not in reader.anchors:
        line = reader.text[event.start_mark.index :].partition("\n")[0].rstrip()
        hint = f"{quote_hint(line)} if it is a text, or mark the value with `&{name}`"
        raise bad_at(event, f"there is no `&{name}` above this `*{name}`", hint)
    if (anchored := reader.anchors[name]) is None:
        message = f"`*{name}` is inside what `&{name}` marks, so it would never end"
        raise bad_at(event, message, "write the values out")
    if depth + anchored.height >= MAX_DEPTH:
        raise bad_at(event, f"nested more than {MAX_DEPTH} levels deep", "write fewer aliases inside aliases")
    reader.deepest = max(reader.deepest, depth + anchored.height)
    _count(reader, anchored.nodes - 1, event)
    return anchored.value


def _count(reader: Reader, more: int, event: Event) -> None:
    reader.nodes += more
    if reader.nodes > MAX_NODES:
        message = f"more than {MAX_NODES} values in one file, aliases counted as what they bring in"
        raise bad_at(event, message, "split the file, or use fewer aliases")


def _not_a_key(reader: Reader, start: Event, event: Event) -> BadYaml:
    if type(event) is SCALAR:
        return bad_at(event, f"the key `{event.value}` is not a text", f'quote it: "{event.value}":')
    at = start.start_mark.index
    if start.flow_style and reader.text.startswith("{{", at):
        return unquoted_template(reader.text[at:].partition("\n")[0], spot_of(start))
    if type(event) is ALIAS:
        return bad_at(event, "an alias cannot be a key", "write the key out")
    return bad_at(event, "a map or a list cannot be a key", "write a text before the `:`")


def _tag_refused(event: Event) -> BadYaml:
    return bad_at(event, f"tags are not allowed: `{event.tag}`", "remove it, or quote the text")


def _duplicate(reader: Reader, start: Event, key: Event) -> BadYaml:
    """Read the file again up to the first `key` directly inside the map that begins with `start`."""
    next_event = reader.source(reader.text)
    while type(event := next_event()) is not MAP_START or event.start_mark.index != start.start_mark.index:
        pass
    while (first := next_event()).value != key.value:
        level = 0
        while True:  # its value, however deep
            event = next_event()
            level += (type(event) in (MAP_START, LIST_START)) - (type(event) in (MAP_END, LIST_END))
            if level == 0:
                break
    message = f"duplicate key `{key.value}`, first written on line {first.start_mark.line + 1}"
    return bad_at(key, message, "keep one of the two")


MAX_DOCUMENTS = 1_000
"""Documents in one file that have content."""


@dataclass(frozen=True, slots=True)
class Document:
    """
    One YAML document that has content.

    Attributes:
        value: plain dict, list, str, int, float, bool or None. What an alias brings in is shared, so never change it.
        line: of its first content, from 1; by it the document is known in its file.
    """

    value: object
    line: int


def parse(data: bytes, source: EventSource = usual_events) -> tuple[Document, ...]:
    """
    Read every document of a file that has content; an empty file, or one of comments alone, has none.

    Args:
        data: the file's bytes.
        source: which parser gives the events; both give the same documents.

    Raises:
        BadYaml: with the first mistake; nothing after it can be trusted.
    """
    text = decode(data)
    reader = Reader(text, source)
    documents: list[Document] = []
    try:
        while type(event := reader.next_event()) is not STREAM_END:
            if type(event) is not DOCUMENT_START:
                continue
            if event.version not in {None, (1, 2)}:
                message = "files are read as YAML 1.2, and this one says otherwise"
                raise bad_at(event, message, "remove the `%YAML` line")
            root = reader.next_event()
            if len(documents) == MAX_DOCUMENTS and not is_empty(root):
                raise bad_at(root, f"more than {MAX_DOCUMENTS} documents in one file", "split it into several files")
            reader.anchors.clear()
            value = _node(reader, root, 0)
            if not is_empty(root):
                documents.append(Document(value, root.start_mark.line + 1))
    except YamlSyntaxError as err:
        raise explained(err, text) from None
    return tuple(documents)
