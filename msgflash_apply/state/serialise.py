"""
Values of ours as JSON text, alike in the snapshot, the journals and the locks. Reading back is `codec.py`.

A module of its own, because the backends write locks with it, and `codec.py` imports from the backends.
"""

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime


def to_json(value: object, *, indent: int | None = None) -> bytes:
    """
    Write a value as JSON in UTF-8: keys sorted, dataclasses as objects, datetimes in UTC with `Z` and microseconds.

    Args:
        value: made of JSON's own types, mappings, tuples, dataclasses and aware datetimes; TypeError for anything else.
        indent: spaces per level; None puts everything on one line, without a line break at its end.
    """
    separators = (",", ": ") if indent else (",", ":")
    text = json.dumps(value, indent=indent, separators=separators, sort_keys=True, ensure_ascii=False, default=_plain)
    # Half a surrogate pair has no UTF-8 form. A "?" in a text is better than a state that cannot be written or read.
    return text.encode("utf-8", "replace")


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return dict(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    raise TypeError(f"{type(value).__name__} has no place in the state")
