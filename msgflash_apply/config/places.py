"""
Where the keys and values of a document stand in its file: the second reading, for files that have a finding.

`Places` mirrors the document's tree. What an alias stands for is told where it is written; the alias itself is
the place of the value as a whole.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgflash_apply.config.trees import Path
from msgflash_apply.config.yaml_events import (
    ALIAS,
    DOCUMENT_START,
    LIST_END,
    MAP_END,
    MAP_START,
    SCALAR,
    STREAM_END,
    Event,
    EventSource,
    NextEvent,
    usual_events,
)
from msgflash_apply.config.yaml_text import at_in_line, decode
from msgflash_apply.config.yaml_values import is_empty


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
    children: "dict[str | int, tuple[Place, _Node]]" = field(default_factory=dict)


class Places:
    """The places of one document's values, by path. A path that is not in the file gives its nearest ancestor."""

    def __init__(self, source: str, root: _Node) -> None:
        self._source = source
        self._root = root

    def value_at(self, path: Path) -> Place:
        """Where a value begins: its first character, quote or bracket, or the `|` of a block of text."""
        return self._reach(path)[1].at

    def key_at(self, path: Path) -> Place:
        """Where a value's key begins; the item itself in a list."""
        return self._reach(path)[0]

    def offset_at(self, path: Path, offset: int) -> Place:
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
        at = _nth_brace(self._source, node.span, node.text.count("{", 0, offset + 1))
        if at is None:
            return node.at
        before = self._source[:at].replace("\r\n", "\n").replace("\r", "\n")
        return Place(before.count("\n") + 1, at_in_line(before) + 1)

    def _reach(self, path: Path) -> tuple[Place, _Node]:
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
    text = decode(data)
    next_event = source(text)
    for root in _roots(next_event):
        if index == 0:
            return Places(text, _node(next_event, root, {}))
        _node(next_event, root, {})
        index -= 1
    raise IndexError("the file has fewer documents")


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
        return _Node(at, shared.span, None, shared.children)
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


def _nth_brace(source: str, span: tuple[int, int], count: int) -> int | None:
    """The index of the `count`th brace of a written scalar, past the header of a block of text."""
    start, end = span
    if source[start : start + 1] in ("|", ">"):
        start = source.find("\n", start)
    for _ in range(count):
        start = source.find("{", start, end)
        if start < 0:
            return None
        start += 1
    return start - 1 if count else None


def _place(event: Event) -> Place:
    return Place(event.start_mark.line + 1, event.start_mark.column + 1)
