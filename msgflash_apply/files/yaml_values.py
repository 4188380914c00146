"""
YAML 1.2's core schema: what an unquoted scalar means.

`NO`, `on`, `12:30`, `1_000` and `2026-11-27` are texts here, `010` is ten: what YAML 1.1 made of them has cost many a
configuration its meaning. Source: YAML 1.2.2, chapter 10.3.2.

Events of one YAML document -> one plain value, within the limits, or the first mistake with its place.

Accept fast: this loop runs for every line of every campaign, so it keeps no positions and counts only what it must.

YAML -> documents: plain values, strictly, with an error that points.

YAML 1.2's core schema, text keys, no tags, no duplicate keys; anchors, aliases and `<<` within a budget of nodes that
counts every alias as what it stands for. No positions are kept: `places` reads a file again when there is a finding.
Behind this front: `yaml_text` (bytes), `yaml_events` (the library), `yaml_values` (the builder), `places` (positions).
"""

import math
import re
from collections.abc import Iterator
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

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_NUMBER_STARTS = frozenset("0123456789+-.")

BEGINS_OTHER_THAN_TEXT = frozenset(word[:1] for word in _WORDS) | _NUMBER_STARTS
"""First characters, and the nothing of an empty scalar, without which a plain scalar is a text as it stands."""

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
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if _FLOAT.fullmatch(text):
        return _finite(text)
    if _BASED_INTEGER.fullmatch(text):
        return _integer(text, 0)
    if text in _NOT_FINITE:
        raise NotJson(f"`{text}` is not a number that MsgFlash can be sent")
    return text


def _integer(text: str, base: int) -> int:
    if len(text) > _MAX_DIGITS:
        raise NotJson(f"a number of {len(text)} digits is too long")
    return int(text, base)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotJson(f"the number `{text[:40]}` is too large")
    return number


MAX_DEPTH = 50
"""Levels of maps and lists inside each other, aliases followed."""

MAX_NODES = 100_000
"""Values in one file, every alias counted as all that it stands for."""

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


def read_value(reader: Reader, root: Event) -> Value:
    """
    Build the value that begins with `root`, the event after the document's start; reads up to its last event.

    Raises:
        BadYaml: a mistake that YAML's grammar does not see.
        YamlSyntaxError: one that it does.
    """
    reader.anchors.clear()
    return _node(reader, root, 0)


def is_empty(root: Event) -> bool:
    """Whether a document's only event is the nothing between two `---`; an explicit `null` is content."""
    return type(root) is SCALAR and root.value == "" and root.implicit[0] and root.anchor is None


# The next functions are at module level on purpose: as closures they would form a cycle that keeps the parser alive.


def _node(reader: Reader, event: Event, depth: int) -> Value:
    kind = type(event)
    if kind is SCALAR:
        return _scalar(reader, event)
    if kind is ALIAS:
        return _alias(reader, event, depth)
    if event.tag is not None:
        raise _tag_refused(event)
    if event.anchor is None:
        return _collection(reader, event, depth)
    return _anchored(reader, event, depth)


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


def _collection(reader: Reader, event: Event, depth: int) -> Value:
    if depth >= MAX_DEPTH:
        raise bad_at(event, f"nested more than {MAX_DEPTH} levels deep", None)
    reader.deepest = max(reader.deepest, depth)
    value = _mapping(reader, event, depth) if type(event) is MAP_START else _sequence(reader, depth)
    _count(reader, len(value), event)
    return value


def _sequence(reader: Reader, depth: int) -> list[Value]:
    items: list[Value] = []
    next_event = reader.next_event
    while type(event := next_event()) is not LIST_END:
        items.append(_scalar(reader, event) if type(event) is SCALAR else _node(reader, event, depth + 1))
    return items


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


def _anchored(reader: Reader, event: Event, depth: int) -> Value:
    outer_deepest, nodes_before = reader.deepest, reader.nodes
    reader.deepest = depth
    reader.anchors[event.anchor] = None
    value = _collection(reader, event, depth)
    reader.anchors[event.anchor] = _Anchored(value, reader.nodes - nodes_before + 1, reader.deepest - depth)
    reader.deepest = max(reader.deepest, outer_deepest)
    return value


def _alias(reader: Reader, event: Event, depth: int) -> Value:
    name = event.anchor
    if name not in reader.anchors:
        raise bad_at(event, f"no `&{name}` stands above this `*{name}`", _alias_hint(reader, event))
    if (anchored := reader.anchors[name]) is None:
        raise bad_at(
            event, f"`*{name}` stands inside what `&{name}` marks, so it would never end", "write the values out"
        )
    if depth + anchored.height >= MAX_DEPTH:
        raise bad_at(event, f"nested more than {MAX_DEPTH} levels deep", "write fewer aliases inside aliases")
    reader.deepest = max(reader.deepest, depth + anchored.height)
    _count(reader, anchored.nodes - 1, event)
    return anchored.value


def _alias_hint(reader: Reader, event: Event) -> str:
    line = reader.text[event.start_mark.index :].partition("\n")[0].rstrip()
    return f"{quote_hint(line)} if it is a text, or mark the value with `&{event.anchor}`"


def _count(reader: Reader, more: int, event: Event) -> None:
    reader.nodes += more
    if reader.nodes > MAX_NODES:
        message = f"more than {MAX_NODES} values in one file, aliases counted as what they stand for"
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
    line = _first_line_of(reader, start.start_mark.index, key.value)
    return bad_at(key, f"duplicate key `{key.value}`, first written on line {line}", "keep one of the two")


def _first_line_of(reader: Reader, mapping_index: int, key: str) -> int:
    """Read the file again up to the first `key` directly inside the mapping that starts at `mapping_index`."""
    next_event = reader.source(reader.text)
    while type(event := next_event()) is not MAP_START or event.start_mark.index != mapping_index:
        pass
    while (event := next_event()).value != key:
        _skip(next_event, next_event())
    return event.start_mark.line + 1


def _skip(next_event: NextEvent, event: Event) -> None:
    level = 0
    while True:
        if type(event) in (MAP_START, LIST_START):
            level += 1
        elif type(event) in (MAP_END, LIST_END):
            level -= 1
        if level == 0:
            return
        event = next_event()


__all__ = [
    "MAX_DEPTH",
    "MAX_DOCUMENTS",
    "MAX_FILE_BYTES",
    "MAX_NODES",
    "BadYaml",
    "Document",
    "ValuePath",
    "parse",
]

MAX_DOCUMENTS = 1_000
"""Documents in one file that have content."""


@dataclass(frozen=True, slots=True)
class Document:
    """
    One YAML document that has content.

    Attributes:
        value: plain dict, list, str, int, float, bool or None. What an alias stands for is shared, so never change it.
        line: of its first content, from 1.
        index: among the documents of its file that have content, from 0; what `places` asks for.
    """

    value: object
    line: int
    index: int


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
    try:
        return tuple(_documents(Reader(text, source)))
    except YamlSyntaxError as err:
        raise explained(err, text) from None


def _documents(reader: Reader) -> Iterator[Document]:
    index = 0
    while type(event := reader.next_event()) is not STREAM_END:
        if type(event) is not DOCUMENT_START:
            continue
        _check_version(event)
        root = reader.next_event()
        if index == MAX_DOCUMENTS and not is_empty(root):
            raise bad_at(root, f"more than {MAX_DOCUMENTS} documents in one file", "split it into several files")
        value = read_value(reader, root)
        if not is_empty(root):
            yield Document(value, root.start_mark.line + 1, index)
            index += 1


def _check_version(start: Event) -> None:
    if start.version not in {None, (1, 2)}:
        raise bad_at(start, "files are read as YAML 1.2, and this one says otherwise", "remove the `%YAML` line")
