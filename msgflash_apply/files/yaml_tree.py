"""
YAML -> documents: a tree of nodes with their places, which gives values, positions and what `fmt` writes anew.

YAML 1.2's core schema (YAML 1.2.2, chapter 10.3.2): `NO`, `on`, `12:30`, `1_000` and `2026-11-27` are texts here and
`010` is ten; what YAML 1.1 made of them has cost many a configuration its meaning. Keys are texts, without repeats;
there are no tags; anchors, aliases and `<<` have a budget of nodes, where an alias counts as all that it brings in.

Checks speak of paths (`("recipients", "value", 3)`); `Document.place` gives the line and column, `located` turns
findings into diagnostics. Read `parse` first.
"""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from sys import intern
from typing import NamedTuple, TypeAlias

from msgflash_apply.campaign import Source
from msgflash_apply.files.yaml_events import (
    ALIAS,
    DOCUMENT_START,
    LIST_END,
    MAP_END,
    MAP_START,
    SCALAR,
    STREAM_END,
    Event,
    EventSource,
    Mark,
    NextEvent,
    YamlSyntaxError,
    bad_yaml,
    decode,
    place_in,
    place_of,
    usual_events,
)
from msgflash_apply.files.yaml_mistakes import (
    explain,
    invisible,
    invisible_in,
    invisible_key,
    quote_hint,
    text_in,
    unquoted_template,
)
from msgflash_apply.findings import Diagnostic, Finding, Place, Refused, ValuePath
from msgflash_apply.invisible import invisible_in_name
from msgflash_apply.limits import MAX_DOCUMENTS, MAX_LEVELS, MAX_VALUES

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

_NUMBER_STARTS = frozenset("0123456789+-.")

_BEGINS_OTHER_THAN_TEXT = frozenset(word[:1] for word in _WORDS) | _NUMBER_STARTS
"""First characters, and the nothing of an empty scalar, without which a plain scalar is a text as written."""

_INTEGER = re.compile(r"[-+]?[0-9]+")

_BASED_INTEGER = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")

_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")

_NOT_FINITE = frozenset(
    {sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")} | {".nan", ".NaN", ".NAN"},
)

_MAX_DIGITS = 1000


def resolve(text: str) -> str | int | float | bool | None:
    """
    Say what a plain scalar means.

    Raises:
        ValueError: infinity, not-a-number, or a number too large for JSON to carry; the message names it.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    if (is_decimal := _INTEGER.fullmatch(text)) or _BASED_INTEGER.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            raise ValueError(f"a number of {len(text)} digits is too long")
        return int(text, 10 if is_decimal else 0)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(f"the number `{text[:40]}` is too large")
        return number
    if text in _NOT_FINITE:
        raise ValueError(f"`{text}` is not a number that MsgFlash can be sent")
    return text


Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | float | bool | None"

_ANCHOR = re.compile(r"&[^ \t\n]+[ \t\n]*")  # not `\s`: a no-break space is part of a text

_BRACE = re.compile(r"\{")

_TAG = re.compile(r"![^\s,\[\]{}]*")

_COMMENT_BEHIND = re.compile(r"[ \t]+(#[^\n]*)")


# Nodes are made for every scalar of every campaign: not frozen, which would make them three times as slow to make.
@dataclass(slots=True, eq=False)
class Node:
    """
    A value as it is written.

    Attributes:
        text: of the whole file.
        begin: where it begins, its anchor included.
        end: behind its last character; of a block collection, behind its last item. Counted from the text's begin.
        anchor: without `&`; None without one.
        key_as_read: see `key`; as an event until it is asked for: most keys never are.
        value: what it means. What an alias brings in is shared, so it is never changed.
    """

    text: str = field(repr=False)
    begin: Mark
    end: int
    anchor: str | None
    key_as_read: "Scalar | Event | None"
    value: Value

    @property
    def key(self) -> "Scalar | None":
        """In a map; None in a list, of a key itself and of the root."""
        key = self.key_as_read
        if key is None or isinstance(key, Scalar):
            return key
        scalar = Scalar(self.text, key.start_mark, key.end_mark.index, None, None, key.value, key.implicit[0])
        self.key_as_read = scalar
        return scalar

    @property
    def start(self) -> int:
        """Its first character, counted from the text's begin."""
        return self.begin.index

    @property
    def place(self) -> Place:
        """Its first character, quote or bracket, or the `|` of a block of text."""
        return place_of(self.begin)

    @property
    def raw(self) -> str:
        """The source text, without an anchor."""
        raw = self.text[self.start : self.end]
        return raw if self.anchor is None else _ANCHOR.sub("", raw, count=1)


@dataclass(slots=True, eq=False)
class Scalar(Node):
    """A scalar; `is_plain` is one that is neither quoted nor a block of text, so that it may be a number."""

    is_plain: bool

    @property
    def written(self) -> str:
        """The source text, without anything above it that is not part of it."""
        raw = self.raw
        while self.is_plain and raw.startswith("#"):  # comments between an anchor and its text
            raw = raw.partition("\n")[2].lstrip()
        return raw

    @property
    def comment(self) -> str | None:
        """The comment behind it on its line, from `#` to the end of the line."""
        found = _COMMENT_BEHIND.match(self.text, self.end)
        return found[1] if found else None


@dataclass(slots=True, eq=False)
class Alias(Node):
    """Repeats what an anchor marks."""

    target: "Scalar | Branch"


@dataclass(slots=True, eq=False)
class Branch(Node):
    """
    A map or a list.

    Attributes:
        is_map: or a list.
        is_flow: `{..}`, `[..]`.
        items: as written, in the file's order, `<<` among them.
        children: of a map, by key, as it means: what `<<` brings in is here in place of it.
    """

    is_map: bool
    is_flow: bool
    items: Sequence[Node] = ()
    children: dict[str | int, Node] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """
    One YAML document.

    Attributes:
        root: its value with all below it.
        start: where its part of the file begins, at its `---` if it has one.
    """

    root: Node
    start: int

    @property
    def value(self) -> object:
        """Plain dict, list, str, int, float, bool or None; what an alias brings in is shared, so never change it."""
        return self.root.value

    @property
    def line(self) -> int:
        """The line of its first content, from 1; by it the document is known in its file."""
        return self.root.place.line

    @property
    def is_empty(self) -> bool:
        """Whether it is the nothing between two `---`; an explicit `null` is content."""
        return self.root.start == self.root.end

    def place(self, path: ValuePath, *, on_key: bool = False, offset: int | None = None) -> Place:
        r"""
        Find a value in the file; what an alias brings in is where it is written.

        Args:
            path: a path that is not in the file gives its nearest ancestor.
            on_key: the key is meant, or the item itself in a list.
            offset: characters into a text, to a `{`: the place is that brace, whatever the quoting, folding or
                indentation; any other character gives the nearest brace before it. Without one that is written as
                such (`\x7b` is not) it is the place of the whole text.
        """
        node, _ = self._reach(path)
        if on_key and node.key is not None:
            return node.key.place
        if offset is not None and isinstance(node, Scalar) and isinstance(node.value, str):
            braces = _braces(node.text, node.end - len(node.raw), node.end)
            number = node.value.count("{", 0, offset + 1)
            if 0 < number <= len(braces):
                return place_in(node.text, braces[number - 1])
        return node.place

    def written(self, path: ValuePath) -> str | None:
        """
        The source text of what looks like a text and is none: a plain scalar, or `[..]` and `{..}` on one line.

        None for quoted scalars and blocks, for collections over several lines, and for what is not there.
        """
        node, is_there = self._reach(path)
        target = _target(node)
        if isinstance(target, Branch):
            return target.raw if is_there and target.is_flow and "\n" not in target.raw else None
        return target.written if is_there and isinstance(target, Scalar) and target.is_plain else None

    def scalars(self, path: ValuePath = ()) -> Iterator[tuple[ValuePath, Scalar]]:
        """Every scalar at a path and below it, each with its own path; aliases are followed."""
        node, is_there = self._reach(path)
        return _scalars(node, path) if is_there else iter(())

    def _reach(self, path: ValuePath) -> tuple[Node, bool]:
        """Go down a path as far as it is there; returns whether that is all of it."""
        node = self.root
        for step in path:
            if (child := _child(_target(node), step)) is None:
                return node, False
            node = child
        return node, True


def _target(node: Node) -> Node:
    return node.target if isinstance(node, Alias) else node


def _child(node: Node, step: str | int) -> Node | None:
    if not isinstance(node, Branch):
        return None
    if not node.is_map and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return node.children.get(step)


def _scalars(node: Node, path: ValuePath) -> Iterator[tuple[ValuePath, Scalar]]:
    node = _target(node)
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, Branch):
        for step, child in node.children.items() if node.is_map else enumerate(node.items):
            yield from _scalars(child, (*path, step))


@lru_cache(maxsize=1)  # one text may have a thousand findings, each at another brace
def _braces(text: str, start: int, end: int) -> list[int]:
    """The offset of every brace of a written scalar, past the header of a block of text."""
    if text[start] in "|>":
        start = text.find("\n", start)
    return [found.start() for found in _BRACE.finditer(text, start, end)]


class _Anchored(NamedTuple):
    node: Scalar | Branch
    nodes: int
    height: int  # levels below its own; -1 for a scalar, which adds none


class _Reader:
    """What reading one file needs to remember, from its first document to its last."""

    __slots__ = ("anchors", "deepest", "next_event", "nodes", "text")

    def __init__(self, text: str, next_event: NextEvent) -> None:
        self.text = text
        self.next_event = next_event
        self.anchors: dict[str | None, _Anchored | None] = {}  # None while the anchor's own value is being read
        self.nodes = 0
        self.deepest = 0


def parse(data: bytes, source: EventSource = usual_events) -> tuple[Document, ...]:
    """
    Read every document of a file that has content; an empty file, or one of comments alone, has none.

    Args:
        data: the file's bytes.
        source: which parser gives the events; both give the same documents.

    Raises:
        Refused: with the first mistake and its place; nothing after it can be trusted.
    """
    return tuple(document for document in documents_in(decode(data), source) if not document.is_empty)


def documents_in(text: str, source: EventSource = usual_events) -> Iterator[Document]:
    """Read every document of a text that `decode` gave, the empty ones included. Raises as `parse`."""
    reader = _Reader(text, source(text))
    next_event, end, full = reader.next_event, 0, 0
    try:
        while type(event := next_event()) is not STREAM_END:
            if type(event) is not DOCUMENT_START:
                end = event.end_mark.index
                continue
            if event.version not in {None, (1, 2)}:
                message = "files are read as YAML 1.2, and this one says otherwise"
                raise bad_yaml(message, "remove the `%YAML` line", place_of(event.start_mark))
            at = event.start_mark.index
            reader.anchors.clear()
            root = _node(reader, next_event(), 0, None)
            document = Document(root, at if text.startswith(("---", "%"), at) else end)
            full += not document.is_empty
            if full > MAX_DOCUMENTS:
                message = f"more than {MAX_DOCUMENTS} documents in one file"
                raise bad_yaml(message, "split it into several files", root.place)
            yield document
    except YamlSyntaxError as err:
        raise explain(err, text) from None


# The next functions are at module level on purpose: as closures they would form a cycle that keeps the parser alive.


def _node(reader: _Reader, event: Event, depth: int, key: Scalar | Event | None) -> Node:
    if type(event) is SCALAR:
        return _scalar(reader, event, key)
    if type(event) is ALIAS:
        return _alias(reader, event, depth, key)
    if event.tag is not None:
        raise _tag_refused(reader, event)
    start = event.start_mark
    if depth >= MAX_LEVELS:
        raise bad_yaml(f"nested more than {MAX_LEVELS} levels deep", None, place_of(start))
    outer_deepest, nodes_before = reader.deepest, reader.nodes
    if event.anchor is not None:
        reader.anchors[event.anchor] = None
        reader.deepest = depth  # from here on of this value alone
    elif depth > outer_deepest:
        reader.deepest = depth
    is_map = type(event) is MAP_START
    branch = Branch(reader.text, start, 0, event.anchor, key, None, is_map, event.flow_style)
    (_read_map if is_map else _read_list)(reader, branch, depth + 1)
    _count(reader, len(branch.children if is_map else branch.items), start)
    if event.anchor is not None:
        reader.anchors[event.anchor] = _Anchored(branch, reader.nodes - nodes_before + 1, reader.deepest - depth)
        reader.deepest = max(reader.deepest, outer_deepest)
    return branch


def _scalar(reader: _Reader, event: Event, key: Scalar | Event | None) -> Scalar:
    if event.tag is not None:
        raise _tag_refused(reader, event)
    value: Value = event.value
    is_plain, start, anchor = event.implicit[0], event.start_mark, event.anchor
    if is_plain and event.value[:1] in _BEGINS_OTHER_THAN_TEXT:
        value = _resolved(reader, event)
    scalar = Scalar(reader.text, start, event.end_mark.index, anchor, key, value, is_plain)
    if anchor is not None:
        reader.anchors[anchor] = _Anchored(scalar, 1, -1)
    return scalar


def _resolved(reader: _Reader, event: Event) -> Value:
    text, start = event.value, event.start_mark
    if text[:1] == "-" and invisible_in(text[1:2]) == 0:
        line = reader.text[start.index - start.column : start.index]
        if not line.strip():  # it looks like the item of a list
            raise invisible(text[1], Place(start.line + 1, start.column + 2))
    try:
        return resolve(text)
    except ValueError as err:
        raise bad_yaml(str(err), f"{quote_hint(text)} if it is a text", place_of(start)) from None


def _read_list(reader: _Reader, branch: Branch, depth: int) -> None:
    items: list[Node] = []
    values: list[Value] = []
    next_event = reader.next_event
    while type(event := next_event()) is not LIST_END:
        item = _scalar(reader, event, None) if type(event) is SCALAR else _node(reader, event, depth, None)
        items.append(item)
        values.append(item.value)
        if len(items) > MAX_VALUES:
            _count(reader, len(items), branch.begin)
    branch.end = event.end_mark.index if branch.is_flow else item.end
    branch.value, branch.items = values, items


def _read_map(reader: _Reader, branch: Branch, depth: int) -> None:
    children, next_event = branch.children, reader.next_event
    values: dict[str, Value] = {}
    merge: Node | None = None
    while type(event := next_event()) is not MAP_END:
        if type(event) is not SCALAR:
            raise _not_a_key(reader, branch, event)
        name, is_plain = event.value, event.implicit[0]
        is_odd = (is_plain and name[:1] in _BEGINS_OTHER_THAN_TEXT) or not (name.isascii() and name.isprintable())
        is_usual = not is_odd and event.tag is None and event.anchor is None
        key = event if is_usual else _unusual_key(reader, branch, event)
        is_merge = is_plain and name == "<<"
        if (first := merge if is_merge else children.get(name)) is not None:
            line, at = (first.key or first).place.line, place_of(event.start_mark)
            raise bad_yaml(f"duplicate key `{name}`, first written on line {line}", "keep one of the two", at)
        event = next_event()
        child = _scalar(reader, event, key) if type(event) is SCALAR else _node(reader, event, depth, key)
        if is_merge:
            merge = child
        else:
            name = intern(name)
            children[name] = child
            values[name] = child.value
            if len(values) > MAX_VALUES:
                _count(reader, len(values), branch.begin)
    branch.end = event.end_mark.index if branch.is_flow else child.end
    branch.value, branch.items = values, tuple(children.values())
    if merge is not None:
        _merge(branch, merge)


def _unusual_key(reader: _Reader, branch: Branch, event: Event) -> Scalar:
    """Read a key that may be no text, or look like another one."""
    key = _scalar(reader, event, None)
    if type(key.value) is not str:
        raise _not_a_key(reader, branch, event)
    if key.is_plain and (odd := invisible_in(key.written)) is not None:
        raise invisible(key.written[odd], place_in(key.text, key.end - len(key.written) + odd))
    if (odd := invisible_in_name(key.value)) is not None:
        raise invisible_key(key.value[odd], key.place)
    return key


def _merge(branch: Branch, merge: Node) -> None:
    """Add what `<<` brings in; own keys win, and of several maps the earlier."""
    source = _target(merge)
    brought: dict[str | int, Node] = {}
    for each in reversed(source.items) if isinstance(source, Branch) and not source.is_map else [source]:
        one = _target(each)
        if not isinstance(one, Branch) or not one.is_map:
            hint = "write `<<: *name`, where `&name` marks a map"
            raise bad_yaml("`<<` takes a map, or a list of maps", hint, merge.place)
        brought |= one.children
    branch.items = sorted([*branch.items, merge], key=lambda item: item.start)
    branch.children = brought | branch.children
    branch.value = {str(name): child.value for name, child in branch.children.items()}


def _alias(reader: _Reader, event: Event, depth: int, key: Scalar | Event | None) -> Alias:
    name, start = event.anchor, event.start_mark
    if name not in reader.anchors:
        text = text_in(_rest_of_line(reader, start.index))
        hint = f"{quote_hint(text)} if it is a text, or mark the value with `&{name}`"
        raise bad_yaml(f"there is no `&{name}` above this `*{name}`", hint, place_of(start))
    if (anchored := reader.anchors[name]) is None:
        message = f"`*{name}` is inside what `&{name}` marks, so it would never end"
        raise bad_yaml(message, "write the values out", place_of(start))
    if depth + anchored.height >= MAX_LEVELS:
        message = f"nested more than {MAX_LEVELS} levels deep"
        raise bad_yaml(message, "write fewer aliases inside aliases", place_of(start))
    reader.deepest = max(reader.deepest, depth + anchored.height)
    _count(reader, anchored.nodes - 1, start)
    target = anchored.node
    return Alias(reader.text, start, event.end_mark.index, None, key, target.value, target)


def _count(reader: _Reader, more: int, at: Mark) -> None:
    reader.nodes += more
    if reader.nodes > MAX_VALUES:
        message = f"more than {MAX_VALUES} values in one file, aliases counted as what they bring in"
        raise bad_yaml(message, "split the file, or use fewer aliases", place_of(at))


def _not_a_key(reader: _Reader, branch: Branch, event: Event) -> Refused:
    at = place_of(event.start_mark)
    if type(event) is SCALAR:
        return bad_yaml(f"the key `{event.value}` is not a text", f'quote it: "{event.value}":', at)
    if branch.is_flow and reader.text.startswith("{{", branch.start):
        return unquoted_template(_rest_of_line(reader, branch.start), branch.place)
    if type(event) is ALIAS:
        return bad_yaml("an alias cannot be a key", "write the key out", at)
    return bad_yaml("a map or a list cannot be a key", "write a text before the `:`", at)


def _rest_of_line(reader: _Reader, at: int) -> str:
    return reader.text[at:].partition("\n")[0]


def _tag_refused(reader: _Reader, event: Event) -> Refused:
    text = _rest_of_line(reader, event.start_mark.index)
    tag = _TAG.search(text)
    hint = f"remove it; if it is a text, {quote_hint(text_in(text))}" if tag and type(event) is SCALAR else "remove it"
    return bad_yaml(f"tags are not allowed: `{tag[0] if tag else event.tag}`", hint, place_of(event.start_mark))


def located(findings: Iterable[Finding], document: Document | None, source: Source) -> Iterator[Diagnostic]:
    """
    Turn findings into diagnostics.

    Args:
        findings: all of one document.
        document: None where there is none, because the file is empty or could not be read.
        source: the file.
    """
    for found in findings:
        at = found.at or Place(1, 1)
        if found.at is None and document is not None:
            at = document.place(found.path, on_key=found.on_key, offset=found.offset)
        yield Diagnostic(
            found.severity, found.code, found.message, found.hint, source.file, at.line, at.column, found.address
        )
