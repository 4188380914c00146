"""
Where the keys and values of a document are in its file, and findings turned into diagnostics with line and column.

Accept fast, explain slowly: checks speak of paths (`("recipients", "value", 3)`), and only a file that has a finding is
read a second time, for positions. What an alias brings in has the position where it is written; the alias itself is the
position of the value as a whole. Read `located` first.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from msgflash_apply.campaign import Source
from msgflash_apply.files.yaml_events import (
    ALIAS,
    DOCUMENT_START,
    LIST_END,
    MAP_END,
    MAP_START,
    SCALAR,
    STREAM_END,
    BadYaml,
    Event,
    EventSource,
    NextEvent,
    decode,
    usual_events,
)
from msgflash_apply.files.yaml_values import is_empty
from msgflash_apply.findings import Code, Diagnostic, Finding, Severity, ValuePath

_LINE_BREAK = re.compile("\r\n|\r|\n")

_BRACE = re.compile(r"\{")


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column, both from 1; the column in characters."""

    line: int
    column: int


@dataclass(slots=True)
class _Node:
    """A value's place; of a scalar, also where its writing ends and what it means; of a collection, its children."""

    at: Place
    span: tuple[int, int] = (0, 0)
    text: str | None = None
    braces: list[int] | None = None
    children: "dict[str | int, tuple[Place, _Node]]" = field(default_factory=dict)


class _Lines:
    """A file's text, from offsets in it to lines and columns."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *(found.end() for found in _LINE_BREAK.finditer(text))]

    def place(self, at: int) -> Place:
        """Line and column of the character at an offset."""
        line = bisect_right(self._starts, at)
        return Place(line, at - self._starts[line - 1] + 1)

    def braces(self, start: int, end: int) -> list[int]:
        """The offset of every brace of a written scalar, past the header of a block of text."""
        if self._text[start : start + 1] in ("|", ">"):
            start = self._text.find("\n", start)
        return [found.start() for found in _BRACE.finditer(self._text, start, end)]


class Places:
    """The places of one document's values, by path. A path that is not in the file gives its nearest ancestor."""

    def __init__(self, lines: "_Lines", root: _Node) -> None:
        self._lines = lines
        self._root = root

    def value_at(self, path: ValuePath) -> Place:
        """Where a value begins: its first character, quote or bracket, or the `|` of a block of text."""
        return self._reach(path)[1].at

    def key_at(self, path: ValuePath) -> Place:
        """Where a value's key begins; the item itself in a list."""
        return self._reach(path)[0]

    def offset_at(self, path: ValuePath, offset: int) -> Place:
        r"""
        Find a brace inside a text in the file, whatever the quoting, folding or indentation.

        Args:
            path: of the text.
            offset: characters into the text, to a `{`; any other place gives the nearest brace before it.

        Returns:
            The place of that brace; of the whole value when it is not written as one (`\x7b`).
        """
        node = self._reach(path)[1]
        if node.text is None:
            return node.at
        if node.braces is None:
            node.braces = self._lines.braces(*node.span)
        number = node.text.count("{", 0, offset + 1)
        return self._lines.place(node.braces[number - 1]) if 0 < number <= len(node.braces) else node.at

    def _reach(self, path: ValuePath) -> tuple[Place, _Node]:
        place, node = self._root.at, self._root
        for step in path:
            if step not in node.children:
                break
            place, node = node.children[step]
        return place, node


def places(data: bytes, line: int, source: EventSource = usual_events) -> Places:
    """
    Find the places of a document that `parse` has read.

    Args:
        data: the same bytes.
        line: the document's, by which it is known in its file.
        source: which parser gives the events.
    """
    return _places_by_line(data, source)[line]


@lru_cache(maxsize=1)
def _places_by_line(data: bytes, source: EventSource) -> Mapping[int, Places]:
    """Find those of every document at once: each of a thousand may have a finding."""
    text = decode(data)
    next_event = source(text)
    lines = _Lines(text)
    by_line: dict[int, Places] = {}
    while type(event := next_event()) is not STREAM_END:
        if type(event) is DOCUMENT_START and not is_empty(root := next_event()):
            by_line[root.start_mark.line + 1] = Places(lines, _node(next_event, root, {}))
    return by_line


def _node(next_event: NextEvent, event: Event, anchors: dict[str | None, _Node]) -> _Node:
    """Read the value that begins with an event, up to its last event."""
    node = _Node(_place(event))
    if type(event) is ALIAS:
        shared = anchors[event.anchor]
        return _Node(node.at, shared.span, children=shared.children)
    if type(event) is SCALAR:
        node.text, node.span = event.value, (event.start_mark.index, event.end_mark.index)
    elif type(event) is MAP_START:
        merged: list[_Node] = []
        while type(key := next_event()) is not MAP_END:
            if key.anchor is not None:
                anchors[key.anchor] = _Node(_place(key))
            child = _node(next_event, next_event(), anchors)
            if key.value == "<<" and key.implicit[0]:
                merged.append(child)
            else:
                node.children[key.value] = (_place(key), child)
        for source in merged:
            _merge(node, source)
    else:
        while type(item := next_event()) is not LIST_END:
            child = _node(next_event, item, anchors)
            node.children[len(node.children)] = (child.at, child)
    if event.anchor is not None:
        anchors[event.anchor] = node
    return node


def _merge(node: _Node, source: _Node) -> None:
    """Take over what `<<` brings in; what is already there wins."""
    for name, child in source.children.items():
        if isinstance(name, int):  # a list of maps
            _merge(node, child[1])
        else:
            node.children.setdefault(name, child)


def _place(event: Event) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def located(findings: Iterable[Finding], data: bytes, source: Source) -> Iterator[Diagnostic]:
    """
    Turn findings into diagnostics, by reading their document once more for its positions.

    Args:
        findings: all of one document.
        data: the file's bytes, which `parse` has accepted.
        source: the document.
    """
    where: Places | None = None
    for found in findings:
        where = where or places(data, source.line)
        if found.offset is not None:
            at = where.offset_at(found.path, found.offset)
        else:
            at = where.key_at(found.path) if found.on_key else where.value_at(found.path)
        yield Diagnostic(
            found.severity, found.code, found.message, found.hint, source.file, at.line, at.column, found.address
        )


def misread(err: BadYaml, file: str) -> Diagnostic:
    """The diagnostic of a file that is not YAML."""
    return Diagnostic(Severity.ERROR, Code.BAD_YAML, err.message, err.hint, file, err.line, err.column)
