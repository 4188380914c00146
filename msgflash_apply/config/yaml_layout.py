"""
A tree -> lines in canonical layout: two spaces per level, one line break between things, every comment near its place.

Comments are never moved past another one. One that stands where the layout has no line for it (between a key and its
value, say) comes to stand above that line.
"""

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Sequence

from msgflash_apply.config.yaml_scalars import STEP, key_text, value_lines, written_column
from msgflash_apply.config.yaml_tree import (
    Branch,
    Comment,
    Leaf,
    Node,
    WrittenFile,
    column_of,
    leaves,
    nodes,
)

_BEFORE_ITEMS = re.compile(r"&\S+(?:\s+|(?<=\s)#[^\n]*)*")


class Layout:
    """
    Writes the lines of one file, in the order in which it is asked to.

    Args:
        file: what is written anew.
    """

    def __init__(self, file: WrittenFile) -> None:
        self.lines: list[str] = []
        self._text = file.text
        self._pending: deque[Comment] = deque()
        self._kept = [leaf for document in file.documents for leaf in leaves(document.root) if leaf.keeps_breaks]
        self._lines_with_kept = -1
        self._begins = sorted(_begins(file))

    def comments(self, comments: Iterable[Comment], indent: int = 0) -> None:
        """Write comments on lines of their own."""
        for comment in comments:
            self._blank(comment.at)
            self.lines.append(" " * indent + comment.text)

    def separate(self) -> None:
        """Begin another document."""
        self.lines.append("---")

    def entry(self, key: Leaf | None, value: Node, comments: Sequence[Comment]) -> None:
        """Write one field of the document's map with the comments that belong to it, or a root that is no map."""
        self._pending.extend(comments)
        if key is not None:
            self._field(key, value, 0, first=not self.lines)
        else:
            self._root(value)
        rest = list(self._pending)
        self._pending.clear()
        ends_in_block = any(leaf.is_block for leaf in list(leaves(value))[-1:])
        # Behind a block of text an indented comment would be read as part of it.
        self.comments(rest, indent=0 if ends_in_block or key is None else STEP)

    def _root(self, root: Node) -> None:
        self._flush(root.start, 0, first=not self.lines)
        if isinstance(root, Branch) and not root.is_flow:
            if root.anchor is not None:
                self.lines.append(f"&{root.anchor}")
            self._block(root, 0)
        else:
            self._inline("", root, 0, written_column(self._text, root))

    def _block(self, branch: Branch, indent: int) -> None:
        for index, (key, value) in enumerate(branch.items):
            if key is not None:
                self._field(key, value, indent, first=index == 0)
            else:
                self._item(value, indent, self._column(branch), first=index == 0)
        self._tail(branch, indent)

    def _field(self, key: Leaf, value: Node, indent: int, *, first: bool) -> None:
        self._flush(key.start, indent, first=first)
        head = " " * indent + key_text(key) + ":"
        self._value(head, value, indent, written_column(self._text, key))

    def _item(self, value: Node, indent: int, column: int, *, first: bool) -> None:
        self._flush(self._first_begin(value), indent, first=first)
        if not isinstance(value, Branch) or value.is_flow or value.anchor is not None:
            self._value(" " * indent + "-", value, indent, column)
            return
        begin = len(self.lines)
        self._block(value, indent + STEP)
        self.lines[begin] = " " * indent + "- " + self.lines[begin][indent + STEP :]

    def _value(self, head: str, value: Node, indent: int, column: int) -> None:
        if not isinstance(value, Branch) or value.is_flow:
            self._inline(head, value, indent, column)
            return
        self.lines.append(head if value.anchor is None else f"{head} &{value.anchor}")
        if self._pending and not self._pending[0].on_own_line and self._pending[0].at < self._first_begin(value):
            self._append(self._pending.popleft())
        self._block(value, indent + STEP)

    def _inline(self, head: str, value: Node, indent: int, column: int) -> None:
        """Write `head` and a value behind it; comments from between the two stand above."""
        self._flush(value.start, indent, first=True)
        first, *others = value_lines(self._text, value, indent, column)
        self.lines += [f"{head} {first}".strip(" ") if not head else f"{head} {first}".rstrip(" "), *others]
        while self._pending and self._pending[0].at < value.end:  # they are part of what was just written
            self._pending.popleft()
        if isinstance(value, Leaf) and value.is_block:
            self._lines_with_kept = len(self.lines) if value.keeps_breaks else -1
            return
        if self._pending and self._ends_line(value.end, self._pending[0]):
            self._append(self._pending.popleft())

    def _flush(self, before: int, indent: int, *, first: bool) -> None:
        """Write the comments that come before a place, and the blank line that stands above it."""
        while self._pending and self._pending[0].at < before:
            comment = self._pending.popleft()
            if not first:
                self._blank(comment.at)
            self.lines.append(" " * indent + comment.text)
            first = False
        if not first:
            self._blank(before)

    def _tail(self, branch: Branch, indent: int) -> None:
        """Write the comments below the last item that stand as far in as the items do."""
        column = self._column(branch)
        following = bisect_left(self._begins, branch.end)
        limit = self._begins[following] if following < len(self._begins) else len(self._text) + 1
        while self._pending and self._pending[0].at < limit and self._belongs(self._pending[0], column):
            self.comments([self._pending.popleft()], indent)

    def _belongs(self, comment: Comment, column: int) -> bool:
        return comment.on_own_line and comment.column >= column > 0

    def _first_begin(self, node: Node) -> int:
        """Where the first scalar or flow collection of a node begins: comments before it have no line inside it."""
        return self._begins[bisect_left(self._begins, node.start)]

    def _column(self, branch: Branch) -> int:
        """Where the items of a block collection stood in the file."""
        found = _BEFORE_ITEMS.match(self._text, branch.start) if branch.anchor is not None else None
        return column_of(self._text, found.end() if found else branch.start)

    def _blank(self, at: int) -> None:
        """
        Write a blank line where one stands above the line of a place; several are one, none begins a file.

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

    def _ends_line(self, end: int, comment: Comment) -> bool:
        return not comment.on_own_line and "\n" not in self._text[end : comment.at]


def _begins(file: WrittenFile) -> Iterable[int]:
    for document in file.documents:
        yield document.start
        yield from (node.start for node in nodes(document.root) if isinstance(node, Leaf) or node.is_flow)
