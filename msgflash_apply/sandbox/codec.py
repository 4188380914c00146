"""Dataclasses to JSON and back, by their type hints; enough for `values.py`, and strict when reading."""

from dataclasses import fields, is_dataclass
from datetime import datetime
from types import UnionType
from typing import TypeVar, get_args, get_origin, get_type_hints

Decoded = TypeVar("Decoded")


def encode(value: object) -> object:
    """Turn values, and dataclasses of them, into JSON; datetimes become ISO 8601 with all their digits."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if is_dataclass(value):
        return {field.name: encode(getattr(value, field.name)) for field in fields(value)}
    return value


def decode_map(kind: type[Decoded], document: object) -> dict[str, Decoded]:
    """Make a map of dataclasses from a JSON object; TypeError, KeyError or ValueError where the JSON does not fit."""
    if not isinstance(document, dict):
        raise TypeError(f"a map of {kind.__name__} is no object")
    hints = get_type_hints(kind)
    return {
        key: kind(**{name: _decode_value(hint, entity[name]) for name, hint in hints.items()})
        for key, entity in document.items()
    }


def _decode_value(hint: object, value: object) -> object:
    if isinstance(hint, UnionType):
        wanted = next(each for each in get_args(hint) if each is not type(None))
        return None if value is None else _decode_value(wanted, value)
    if get_origin(hint) is list and isinstance(value, list):
        return [_decode_value(get_args(hint)[0], item) for item in value]
    if get_origin(hint) is dict and isinstance(value, dict):
        return {key: _decode_value(get_args(hint)[1], item) for key, item in value.items()}
    if hint is datetime:
        return datetime.fromisoformat(str(value))
    if isinstance(hint, type) and not isinstance(value, (int, float) if hint is float else hint):
        raise TypeError(f"{value!r} is no {hint.__name__}")
    return value
