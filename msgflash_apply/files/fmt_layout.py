"""
A tree -> lines in canonical layout: two spaces per level, one line break between things, every comment near its place.

`read_file` adds to the tree what parsers drop: the comments, from the text between its nodes.

Comments are never moved past another one. One for whose place the layout has no line (between a key and its value, say)
comes to be above that line. Quotes are written only where they are needed, and then double ones where nothing needs an
escape. Read `Layout` first; `value_lines` writes one scalar, alias or flow collection.
"""

import json
import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgflash_apply.files.yaml_events import decode
from msgflash_apply.files.yaml_tree import Branch, Document, Node, Scalar, documents_in, resolve

_COMMENT = re.compile(r"(?<!\S)#[^\n]*")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment from `#` to the end of its line; `at` counts characters from the file's begin, `column` from 0."""

    at: int
    column: int
    text: str
    on_own_line: bool


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A whole file: every document, the empty ones included, and every comment, in the file's order."""

    text: str
    documents: tuple[Document, ...]
    comments: tuple[Comment, ...]

    @property
    def nodes(self) -> Iterator[Node]:
        """Every node of every document with content, keys included."""
        return (node for document in self.documents if not document.is_empty for node in nodes(document.root))


def read_file(data: bytes) -> WrittenFile:
    """Read a file with its comments. Raises Refused as `parse` does."""
    text = decode(data)
    documents = tuple(documents_in(text))
    return WrittenFile(text, documents, tuple(_comments(text, documents)))


def nodes(node: Node) -> Iterator[Node]:
    """Every node of a tree, keys and itself included, in the file's order."""
    yield node
    for item in node.items if isinstance(node, Branch) else ():
        for part in parts(item):
            yield from nodes(part)


def parts(item: Node) -> tuple[Node, ...]:
    """What an item of a map or list is written with: its key, if it has one, and its value."""
    return (item,) if item.key is None else (item.key, item)


def column_of(text: str, at: int) -> int:
    """How far into its line a place is, from 0."""
    return at - text.rfind("\n", 0, at) - 1


def _comments(text: str, documents: Iterable[Document]) -> Iterator[Comment]:
    """What begins with `#` between the scalars; the first line of a block of text may end in a comment, too."""
    spans, at = [], 0
    for leaf in (node for document in documents for node in nodes(document.root) if not isinstance(node, Branch)):
        end = leaf.start
        if is_block(leaf):
            line_end = text.find("\n", leaf.end - len(leaf.raw), leaf.end)
            end = leaf.end if line_end < 0 else line_end
        spans.append((at, end))
        at = leaf.end
    for start, end in (*spans, (at, len(text))):
        for found in _COMMENT.finditer(text, start, end):
            at = found.start()
            own = not text[text.rfind("\n", 0, at) + 1 : at].strip()
            yield Comment(at, column_of(text, at), found.group().rstrip(), own)


def is_block(node: Node) -> bool:
    """Whether it is a block of text, `|` or `>`."""
    return isinstance(node, Scalar) and node.raw[:1] in {"|", ">"}


def _keeps_breaks(node: Node) -> bool:
    """Whether it is a block of text to which every line break below it belongs: `|+`, `>+`."""
    return is_block(node) and "+" in node.raw.split("\n", 1)[0].split("#", 1)[0]


# YAML 1.1 made truth values of these; files are read by editors and tools that still do.
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

_FLOW_MARKS = frozenset(",[]{}:")


def canonical_quotes(raw: str, value: str, *, in_flow: bool) -> str:
    """
    Write a scalar of one line.

    Args:
        raw: as it is written; a plain one stays as it is.
        value: what it means.
        in_flow: whether it is inside `{..}` or `[..]`, where more characters need quotes.
    """
    if raw[:1] not in {'"', "'"} or can_be_plain(value, in_flow=in_flow):
        return value if raw[:1] in {'"', "'"} else raw
    if raw[0] == "'" and value.isprintable() and not {'"', "\\"} & set(value):
        return f'"{value}"'
    return raw


def can_be_plain(value: str, *, in_flow: bool) -> bool:
    """
    Whether a text means itself without quotes, for every reader of YAML; in doubt it does not.

    A template keeps its quotes: without them it needs some as soon as it comes first.
    """
    if not value[:1].isalpha() or not value.isprintable() or value != value.strip() or value.lower() in _WORDS:
        return False
    if "{" in value or ": " in value or " #" in value or value.endswith(":") or (in_flow and _FLOW_MARKS & set(value)):
        return False
    try:
        return resolve(value) == value
    except ValueError:
        return False


STEP = 2
"""Spaces of one level."""

_HEADER = re.compile(r"(?P<style>[|>])(?P<marks>[+\-0-9]*)(?P<comment>[ \t]+#.*)?\s*")


def key_text(key: Scalar) -> str:
    """A key, on one line whatever it was written like."""
    if "\n" in key.raw or is_block(key):
        return _anchored(key, json.dumps(key.value, ensure_ascii=False))
    return _anchored(key, canonical_quotes(key.raw, str(key.value), in_flow=False))


def value_lines(node: Node, indent: int, parent_column: int) -> list[str]:
    """
    Write the value behind a `key:` or a `-`: a scalar, an alias, a flow collection.

    Args:
        node: no block collection.
        indent: of the line with the key or dash.
        parent_column: of that key or dash in the file; lines of a flow collection move along with it.
    """
    if isinstance(node, Branch):
        first, *rest = node.raw.split("\n")
        if not rest:
            return [_anchored(node, _flow_text(node))]
        moved = indent - parent_column
        others = [" " * max(_spaces(line) + moved, indent) + line.lstrip(" ") if line.strip() else "" for line in rest]
    elif is_block(node):
        first, *others = _block_lines(node, indent + STEP)
    elif "\n" in node.raw:
        # A text over several lines: parsers drop what its lines begin with, so any indent means the same.
        first, *rest = node.raw.split("\n")
        others = [" " * (indent + STEP) + line.lstrip(" \t") if line.strip() else "" for line in rest]
    else:
        first, others = canonical_quotes(node.raw, str(node.value), in_flow=False), []
    return [_anchored(node, first), *others]


def _anchored(node: Node, text: str) -> str:
    return text if node.anchor is None else f"&{node.anchor} {text}".rstrip()


def _block_lines(leaf: Node, indent: int) -> list[str]:
    """A block of text: its lines as they are, behind another indent; the line breaks at its end as it keeps them."""
    header, *lines = leaf.raw.removesuffix("\n").split("\n")
    # How far in it was written: the spaces of its first line that do not belong to the text.
    written = next((line for line in lines if line.strip(" ")), "")
    value = str(leaf.value)
    meant = next((line for line in value.split("\n") if line.strip(" ")), "")
    kept = [line[_spaces(written) - _spaces(meant) :] for line in lines]
    found = _HEADER.fullmatch(header)
    marks = found["marks"] if found else ""
    if "+" not in marks:
        while kept and not kept[-1]:
            kept.pop()
    if kept and not value.endswith("\n"):  # the file ends without a line break: the text must not gain one
        marks = marks.replace("+", "").replace("-", "") + "-"
    marks = re.sub("[0-9]", str(STEP), marks)
    comment = (found["comment"] or "").rstrip() if found else ""
    return [f"{leaf.raw[0]}{marks}{comment}", *(" " * indent + line if line else "" for line in kept)]


def _spaces(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _flow_text(node: Node) -> str:
    """Write a flow collection on one line, with one space where one belongs; what is spelt unusually stays as it is."""
    if not isinstance(node, Branch):
        return canonical_quotes(node.raw, str(node.value), in_flow=True)
    opened, closed = "{}" if node.is_map else "[]"
    raw = node.raw
    # Something may be left out between the marks, or a list hold a pair without braces.
    has_silence = any(not part.raw for item in node.items for part in parts(item))
    if not raw.startswith(opened) or has_silence:
        return raw
    items = ((_anchored(part, _flow_text(part)) for part in parts(item)) for item in node.items)
    return opened + ", ".join(map(": ".join, items)) + closed


_BEFORE_ITEMS = re.compile(r"&\S+(?:\s+|(?<=\s)#[^\n]*)*")


class Layout:
    """
    Writes the lines of one file, in the order of the calls.

    Args:
        file: what is written anew.
    """

    def __init__(self, file: WrittenFile) -> None:
        self.lines: list[str] = []
        self._text = file.text
        self._pending: deque[Comment] = deque()
        self._kept = [node for node in file.nodes if _keeps_breaks(node)]
        self._lines_with_kept = -1
        inline = [node.start for node in file.nodes if not isinstance(node, Branch) or node.is_flow]
        self._begins = sorted([*(document.start for document in file.documents), *inline])

    def comments(self, comments: Iterable[Comment], indent: int = 0) -> None:
        """Write comments on lines of their own."""
        for comment in comments:
            self._blank(comment.at)
            self.lines.append(" " * indent + comment.text)

    def separate(self) -> None:
        """Begin another document."""
        self.lines.append("---")

    def entry(self, value: Node, comments: Sequence[Comment]) -> None:
        """Write one field of the document's map with the comments that belong to it, or a root that is no map."""
        self._pending.extend(comments)
        is_first = not self.lines
        if value.key is not None:
            self._field(value.key, value, 0, first=is_first)
        elif isinstance(value, Branch) and not value.is_flow:
            self._flush(value.start, 0, first=is_first)
            if value.anchor is not None:
                self.lines.append(f"&{value.anchor}")
            self._block(value, 0)
        else:
            self._flush(value.start, 0, first=is_first)
            self._inline("", value, 0, column_of(self._text, value.start))
        rest = list(self._pending)
        self._pending.clear()
        ends_in_block = is_block(list(nodes(value))[-1])
        # Behind a block of text an indented comment would be read as part of it.
        self.comments(rest, indent=0 if ends_in_block or value.key is None else STEP)

    def _block(self, branch: Branch, indent: int) -> None:
        # Where the items of this map or list began in the file.
        found = _BEFORE_ITEMS.match(self._text, branch.start) if branch.anchor is not None else None
        column = column_of(self._text, found.end() if found else branch.start)
        for index, value in enumerate(branch.items):
            if value.key is not None:
                self._field(value.key, value, indent, first=index == 0)
                continue
            self._flush(self._first_begin(value), indent, first=index == 0)
            if not isinstance(value, Branch) or value.is_flow or value.anchor is not None:
                self._value(" " * indent + "-", value, indent, column)
            else:  # begins on the line of its dash
                begin = len(self.lines)
                self._block(value, indent + STEP)
                self.lines[begin] = " " * indent + "- " + self.lines[begin][indent + STEP :]
        # The comments below the last item that are as far in as the items are.
        following = bisect_left(self._begins, branch.end)
        limit = self._begins[following] if following < len(self._begins) else len(self._text) + 1
        while (
            self._pending
            and (comment := self._pending[0]).at < limit
            and comment.on_own_line
            and comment.column >= column > 0
        ):
            self.comments([self._pending.popleft()], indent)

    def _field(self, key: Scalar, value: Node, indent: int, *, first: bool) -> None:
        self._flush(key.start, indent, first=first)
        head = " " * indent + key_text(key) + ":"
        self._value(head, value, indent, column_of(self._text, key.start))

    def _value(self, head: str, value: Node, indent: int, column: int) -> None:
        if not isinstance(value, Branch) or value.is_flow:
            self._inline(head, value, indent, column)
            return
        self.lines.append(head if value.anchor is None else f"{head} &{value.anchor}")
        if self._pending and not self._pending[0].on_own_line and self._pending[0].at < self._first_begin(value):
            self._append(self._pending.popleft())
        self._block(value, indent + STEP)

    def _inline(self, head: str, value: Node, indent: int, column: int) -> None:
        """Write `head` and a value behind it; comments from between the two come above."""
        self._flush(value.start, indent, first=True)
        first, *others = value_lines(value, indent, column)
        self.lines += [f"{head} {first}".strip(" ") if not head else f"{head} {first}".rstrip(" "), *others]
        while self._pending and self._pending[0].at < value.end:  # they are part of what was just written
            self._pending.popleft()
        if is_block(value):
            self._lines_with_kept = len(self.lines) if _keeps_breaks(value) else -1
            return
        comment = self._pending[0] if self._pending else None
        if comment is not None and not comment.on_own_line and "\n" not in self._text[value.end : comment.at]:
            self._append(self._pending.popleft())

    def _flush(self, before: int, indent: int, *, first: bool) -> None:
        """Write the comments that come before a place, and the blank line above it."""
        while self._pending and self._pending[0].at < before:
            comment = self._pending.popleft()
            if not first:
                self._blank(comment.at)
            self.lines.append(" " * indent + comment.text)
            first = False
        if not first:
            self._blank(before)

    def _first_begin(self, node: Node) -> int:
        """Where the first scalar or flow collection of a node begins: comments before it have no line inside it."""
        return self._begins[bisect_left(self._begins, node.start)]

    def _blank(self, at: int) -> None:
        """
        Write a blank line where one is above the line of a place; several are one, none begins a file.

        A block that keeps the line breaks at its end (`|+`) owns those below it: there none is copied or added.
        """
        line = self._text.rfind("\n", 0, at)
        above = self._text.rfind("\n", 0, max(line, 0))
        if (
            line <= 0
            or self._text[above + 1 : line].strip()
            or any(leaf.start < line < leaf.end for leaf in self._kept)
        ):
            return
        if self.lines and self.lines[-1] not in {"", "---"} and len(self.lines) != self._lines_with_kept:
            self.lines.append("")

    def _append(self, comment: Comment) -> None:
        before = self._text[: comment.at]
        gap = before[len(before.rstrip(" \t")) :]
        self.lines[-1] += ("  " if "\t" in gap else gap or " ") + comment.text
