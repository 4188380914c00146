"""
A YAML file as it is written: its nodes with their places, and its comments. For writing it again in another layout.

Where `parse` gives what a file means, this keeps how it says so: quotes, blocks of text, anchors, flow style.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from msgflash_apply.files.yaml_events import (
    ALIAS,
    DOCUMENT_START,
    LIST_END,
    MAP_END,
    MAP_START,
    SCALAR,
    STREAM_END,
    Event,
    NextEvent,
    usual_events,
)

_ANCHOR = re.compile(r"&\S+\s*")

_COMMENT = re.compile(r"(?<!\S)#[^\n]*")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment from `#` to the end of its line; `at` counts characters from the file's begin, `column` from 0."""

    at: int
    column: int
    text: str
    on_own_line: bool


@dataclass(frozen=True, slots=True)
class Leaf:
    """
    A scalar or an alias.

    Attributes:
        start: where it begins, its anchor included; in characters from the file's begin.
        end: after its last character.
        anchor: without `&`; None without one.
        raw: as it is written, without its anchor.
        value: what a scalar says; empty for an alias.
    """

    start: int
    end: int
    anchor: str | None
    raw: str
    value: str

    @property
    def is_alias(self) -> bool:
        """Whether it repeats what its anchor marks."""
        return self.raw.startswith("*")

    @property
    def is_block(self) -> bool:
        """Whether it is a block of text, `|` or `>`."""
        return self.raw[:1] in {"|", ">"}

    @property
    def keeps_breaks(self) -> bool:
        """Whether it is a block of text to which every line break below it belongs: `|+`, `>+`."""
        return self.is_block and "+" in self.raw.split("\n", 1)[0].split("#", 1)[0]


@dataclass(frozen=True, slots=True)
class Branch:
    """
    A map or a list; `items` are pairs, whose key is None in a list.

    Attributes:
        start: of its anchor or first item; of a flow collection its bracket.
        end: after its last item or bracket.
        anchor: as in `Leaf`.
        is_map: or a list.
        is_flow: `{..}`, `[..]`.
        items: in the file's order.
    """

    start: int
    end: int
    anchor: str | None
    is_map: bool
    is_flow: bool
    items: tuple[tuple[Leaf | None, "Node"], ...]


Node: TypeAlias = Leaf | Branch


@dataclass(frozen=True, slots=True)
class Written:
    """One document: its root, None where it is empty, and where its part of the file begins (at its `---`)."""

    root: Node | None
    start: int


@dataclass(slots=True)
class WrittenFile:
    """A whole file."""

    text: str
    documents: list[Written] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    has_directives: bool = False


def read_tree(text: str) -> WrittenFile:
    """Read a text that `parse` has accepted, with lines that end in a line feed."""
    file = WrittenFile(text)
    next_event, end = usual_events(text), 0
    while type(event := next_event()) is not STREAM_END:
        if type(event) is DOCUMENT_START:
            at = event.start_mark.index
            file.has_directives |= text.startswith("%", at)
            root = _node(text, next_event, next_event())
            is_nothing = isinstance(root, Leaf) and not root.raw and root.anchor is None
            file.documents.append(
                Written(None if is_nothing else root, at if text.startswith(("---", "%"), at) else end)
            )
        else:
            end = event.end_mark.index
    file.comments = list(_comments(text, [leaf for one in file.documents for leaf in leaves(one.root)]))
    return file


def nodes(node: Node | None) -> Iterator[Node]:
    """Every node of a tree, keys and itself included, in the file's order."""
    if node is None:
        return
    yield node
    for key, value in node.items if isinstance(node, Branch) else ():
        yield from nodes(key)
        yield from nodes(value)


def leaves(node: Node | None) -> Iterator[Leaf]:
    """Every scalar and alias of a tree, keys included, in the file's order."""
    return (one for one in nodes(node) if isinstance(one, Leaf))


def column_of(text: str, at: int) -> int:
    """How far into its line a place is, from 0."""
    return at - text.rfind("\n", 0, at) - 1


def _node(text: str, next_event: NextEvent, event: Event) -> Node:
    if type(event) in (SCALAR, ALIAS):
        return _leaf(text, event)
    is_map, ends = type(event) is MAP_START, {MAP_END, LIST_END}
    items: list[tuple[Leaf | None, Node]] = []
    while type(inner := next_event()) not in ends:
        key = _leaf(text, inner) if is_map else None
        items.append((key, _node(text, next_event, next_event() if is_map else inner)))
    end = inner.end_mark.index if event.flow_style or not items else items[-1][1].end
    return Branch(event.start_mark.index, end, event.anchor, is_map, event.flow_style, tuple(items))


def _leaf(text: str, event: Event) -> Leaf:
    start, end = event.start_mark.index, event.end_mark.index
    raw = text[start:end]
    if type(event) is ALIAS:
        return Leaf(start, end, None, raw, "")
    raw = _ANCHOR.sub("", raw, count=1) if event.anchor is not None else raw
    return Leaf(start, end, event.anchor, raw, event.value)


def _comments(text: str, written: Sequence[Leaf]) -> Iterator[Comment]:
    """What begins with `#` between the scalars; the first line of a block of text may end in a comment, too."""
    spans, at = [], 0
    for leaf in written:
        end = leaf.start
        if leaf.is_block:
            line_end = text.find("\n", leaf.end - len(leaf.raw), leaf.end)
            end = leaf.end if line_end < 0 else line_end
        spans.append((at, end))
        at = leaf.end
    for start, end in (*spans, (at, len(text))):
        for found in _COMMENT.finditer(text, start, end):
            at = found.start()
            own = not text[text.rfind("\n", 0, at) + 1 : at].strip()
            yield Comment(at, column_of(text, at), found.group().rstrip(), own)
