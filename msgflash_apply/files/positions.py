"""
Where the keys and values of a document stand in its file: the second reading, for files that have a finding.

`Places` mirrors the document's tree. What an alias stands for is told where it is written; the alias itself is
the place of the value as a whole.

A finding inside one document, before anyone has looked for its line.

Accept fast, explain slowly: checks speak of paths (`("recipients", "value", 3)`), and only a file that has a finding
is read a second time, for positions. Read `Finding` first; `located` turns findings into diagnostics.

Campaigns with the documents that they come from, as one file gives them and as all files together are compared.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from msgflash_apply.campaign import Address, Desired
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
        """Where the character at an offset stands."""
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
        Where a brace inside a text stands in the file, whatever the quoting, folding or indentation.

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


def places(data: bytes, index: int, source: EventSource = usual_events) -> Places:
    """
    Find the places of a document that `parse` has read.

    Args:
        data: the same bytes.
        index: the document's `index`.
        source: which parser gives the events.
    """
    return _places_of_all(data, source)[index]


@lru_cache(maxsize=1)
def _places_of_all(data: bytes, source: EventSource) -> tuple[Places, ...]:
    """Find those of every document at once: each of a thousand may have a finding."""
    text = decode(data)
    next_event = source(text)
    lines = _Lines(text)
    return tuple(Places(lines, _node(next_event, root, {})) for root in _roots(next_event))


def _roots(next_event: NextEvent) -> Iterator[Event]:
    """The first event of each document that has content; the caller reads the rest of it."""
    while type(event := next_event()) is not STREAM_END:
        if type(event) is DOCUMENT_START:
            root = next_event()
            if not is_empty(root):
                yield root


def _node(next_event: NextEvent, event: Event, anchors: dict[str | None, _Node]) -> _Node:
    at = _place(event)
    if type(event) is ALIAS:
        shared = anchors[event.anchor]
        return _Node(at, shared.span, children=shared.children)
    node = _Node(at)
    if type(event) is SCALAR:
        node.text, node.span = event.value, (event.start_mark.index, event.end_mark.index)
    elif type(event) is MAP_START:
        _fill_mapping(next_event, node, anchors)
    else:
        _fill_sequence(next_event, node, anchors)
    if event.anchor is not None:
        anchors[event.anchor] = node
    return node


def _fill_sequence(next_event: NextEvent, node: _Node, anchors: dict[str | None, _Node]) -> None:
    while type(event := next_event()) is not LIST_END:
        child = _node(next_event, event, anchors)
        node.children[len(node.children)] = (child.at, child)


def _fill_mapping(next_event: NextEvent, node: _Node, anchors: dict[str | None, _Node]) -> None:
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


def _merge(node: _Node, source: _Node) -> None:
    """Take over what `<<` brings in; what is already there wins."""
    for name, child in source.children.items():
        if isinstance(name, int):  # a list of maps
            _merge(node, child[1])
        else:
            node.children.setdefault(name, child)


def _place(event: Event) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)


def located(findings: Iterable[Finding], data: bytes, index: int, file: str) -> Iterator[Diagnostic]:
    """
    Turn findings into diagnostics, by reading their document once more for its positions.

    Args:
        findings: all of one document.
        data: the file's bytes, which `documents.parse` has accepted.
        index: of the document.
        file: relative to the repo.
    """
    where = places(data, index)
    for finding in findings:
        place = _place_of(finding, where)
        yield Diagnostic(
            finding.severity,
            finding.code,
            finding.message,
            finding.hint,
            file,
            place.line,
            place.column,
            finding.address,
        )


def misread(err: BadYaml, file: str) -> Diagnostic:
    """The diagnostic of a file that is not YAML."""
    return Diagnostic(Severity.ERROR, Code.BAD_YAML, err.message, err.hint, file, err.line, err.column)


def _place_of(finding: Finding, where: Places) -> Place:
    if finding.offset is not None:
        return where.offset_at(finding.path, finding.offset)
    return where.key_at(finding.path) if finding.on_key else where.value_at(finding.path)


class Origin(NamedTuple):
    """A document: its file relative to the repo, the file's bytes, its number there from 0, and its line."""

    file: str
    data: bytes
    number: int
    line: int


class Placed(NamedTuple):
    """A campaign and the document it comes from; `desired` is None where it holds an error."""

    address: Address
    desired: Desired | None
    origin: Origin

    @property
    def where(self) -> str:
        """For messages: `promo/a in campaigns/promo/a.yaml:1`."""
        return f"`{self.address}` in {self.origin.file}:{self.origin.line}"


def in_place(findings: Iterable[Finding], origin: Origin) -> Iterator[Diagnostic]:
    """Place findings in their document; those that the entries of a `for_each` share are told once."""
    if unique := dict.fromkeys(findings):
        yield from located(unique, origin.data, origin.number, origin.file)
