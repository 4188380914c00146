"""Walking plain values: dicts and lists with texts at their ends."""

from collections.abc import Iterator
from typing import TypeAlias

ValuePath: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from a document's root to a value."""


def texts_in(value: object, path: ValuePath = ()) -> Iterator[tuple[ValuePath, str]]:
    """Every text in a tree with its place, in the tree's order; keys are not texts."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_in(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts_in(inner, (*path, index))
