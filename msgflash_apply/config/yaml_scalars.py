"""How one scalar, alias or flow collection is written canonically at an indent: the lines it takes."""

import json
import re

from msgflash_apply.config.yaml_quotes import canonical_quotes
from msgflash_apply.config.yaml_tree import Branch, Leaf, Node, column_of

STEP = 2
"""Spaces that one level stands in."""

_HEADER = re.compile(r"(?P<style>[|>])(?P<marks>[+\-0-9]*)(?P<comment>[ \t]+#.*)?\s*")


def key_text(key: Leaf) -> str:
    """A key, on one line whatever it was written like."""
    if "\n" in key.raw or key.is_block:
        return _anchored(key, json.dumps(key.value, ensure_ascii=False))
    return _anchored(key, canonical_quotes(key.raw, key.value, in_flow=False))


def value_lines(text: str, node: Node, indent: int, parent_column: int) -> list[str]:
    """
    Write a value that stands behind a `key:` or a `-`: a scalar, an alias, a flow collection.

    Args:
        text: the file.
        node: no block collection.
        indent: of the line with the key or dash.
        parent_column: where that key or dash stood in the file; lines of a flow collection move along with it.
    """
    if isinstance(node, Branch):
        return _flow_lines(text, node, indent, parent_column)
    if node.is_block:
        first, *others = _block_lines(node, indent + STEP)
    elif "\n" in node.raw:
        first, *others = _folded_lines(node, indent + STEP)
    else:
        first, others = canonical_quotes(node.raw, node.value, in_flow=False), []
    return [_anchored(node, first), *others]


def _anchored(node: Node, text: str) -> str:
    return text if node.anchor is None else f"&{node.anchor} {text}".rstrip()


def _folded_lines(leaf: Leaf, indent: int) -> list[str]:
    """A plain or quoted text over several lines: parsers drop what they begin with, so any indent means the same."""
    first, *others = leaf.raw.split("\n")
    return [first, *(" " * indent + line.lstrip(" \t") if line.strip() else "" for line in others)]


def _block_lines(leaf: Leaf, indent: int) -> list[str]:
    """A block of text: its lines as they are, behind another indent; the line breaks at its end as it keeps them."""
    header, *lines = leaf.raw.removesuffix("\n").split("\n")
    written_at = _block_indent(lines, leaf.value)
    kept = [line[written_at:] for line in lines]
    found = _HEADER.fullmatch(header)
    marks = found["marks"] if found else ""
    if "+" not in marks:
        while kept and not kept[-1]:
            kept.pop()
    if kept and not leaf.value.endswith("\n"):  # the file ends without a line break: the text must not gain one
        marks = marks.replace("+", "").replace("-", "") + "-"
    marks = re.sub("[0-9]", str(STEP), marks)
    comment = (found["comment"] or "").rstrip() if found else ""
    return [f"{leaf.raw[0]}{marks}{comment}", *(" " * indent + line if line else "" for line in kept)]


def _block_indent(lines: list[str], value: str) -> int:
    """How far in a block of text was written: the spaces of its first line that do not belong to the text."""
    first = next((line for line in lines if line.strip(" ")), "")
    told = next((line for line in value.split("\n") if line.strip(" ")), "")
    return _spaces(first) - _spaces(told)


def _spaces(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _flow_lines(text: str, branch: Branch, indent: int, parent_column: int) -> list[str]:
    raw = _bare(text, branch)
    if "\n" not in raw:
        return [_anchored(branch, _flow_text(text, branch))]
    first, *others = raw.split("\n")
    moved = indent - parent_column
    shifted = (" " * max(_spaces(line) + moved, indent) + line.lstrip(" ") if line.strip() else "" for line in others)
    return [_anchored(branch, first), *shifted]


def _flow_text(text: str, node: Node) -> str:
    """Write what stands on one line with one space where one belongs; what is spelt unusually stays as it is."""
    if isinstance(node, Leaf):
        return canonical_quotes(node.raw, node.value, in_flow=True)
    opened, closed = "{}" if node.is_map else "[]"
    raw = _bare(text, node)
    if not raw.startswith(opened) or _has_silence(node):
        return raw
    parts = (_pair(text, key, value) for key, value in node.items)
    return opened + ", ".join(parts) + closed


def _pair(text: str, key: Leaf | None, value: Node) -> str:
    told = _anchored(value, _flow_text(text, value))
    return told if key is None else f"{_anchored(key, _flow_text(text, key))}: {told}"


def _has_silence(branch: Branch) -> bool:
    """Whether something is left out between the marks, or a list holds a pair without braces."""
    inside = [node for item in branch.items for node in item if node is not None]
    return any(isinstance(node, Leaf) and not node.raw for node in inside)


def _bare(text: str, branch: Branch) -> str:
    raw = text[branch.start : branch.end]
    return raw if branch.anchor is None else re.sub(r"&\S+\s*", "", raw, count=1)


def written_column(text: str, node: Node) -> int:
    """Where a node began in the file."""
    return column_of(text, node.start)
