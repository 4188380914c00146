"""
The world in one JSON file, so that a sandbox keeps it across restarts.

A save writes a new file and moves it over the old one, so that a reader finds the old or the new world and never half
of one. The format belongs to the sandbox and may change with any version; a file of another format is refused.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import Final, TypeVar, get_args, get_origin, get_type_hints

from msgflash_apply.sandbox.exchange import JsonObject
from msgflash_apply.sandbox.options import SandboxError
from msgflash_apply.sandbox.values import Account, Campaign, Contact, Group, Instance, Message, Template
from msgflash_apply.sandbox.world import World

FORMAT: Final = 1

Decoded = TypeVar("Decoded")


class DamagedDataError(SandboxError):
    """The file exists and does not hold a world of this version; the message says what to do."""


def save(world: World, path: Path) -> None:
    """Replace the file with the present world; OSError if it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.new")
    aside.unlink(missing_ok=True)
    with aside.open("x", encoding="utf-8") as file:  # never through a link
        file.write(json.dumps(to_document(world)))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def load(path: Path, account: Account, new_id: Callable[[], str]) -> World | None:
    """Read the world back; None if there is no file yet, DamagedDataError if it cannot be understood."""
    try:
        return from_document(json.loads(path.read_bytes()), account, new_id)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        fix = "Move it away to start with a new demo account."
        raise DamagedDataError(f"{path} does not hold a sandbox of this version ({error}). {fix}") from error


def to_document(world: World) -> JsonObject:
    """Convert the world to JSON, without the account: plan and quotas are chosen at each start."""
    return {
        "format": FORMAT,
        "now": world.now.isoformat(),
        "instances": encode(world.instances),
        "templates": encode(world.templates),
        "contacts": encode(world.contacts),
        "groups": encode(world.groups),
        "campaigns": encode(world.campaigns),
        "messages": encode(world.messages),
        "api_requests": encode(world.api_requests),
        "outbound": encode(world.outbound),
    }


def from_document(document: JsonObject, account: Account, new_id: Callable[[], str]) -> World:
    """Build the world again; ValueError, KeyError or TypeError if the JSON does not fit."""
    if document["format"] != FORMAT:
        raise ValueError(f"format {document['format']} instead of {FORMAT}")
    return World(
        account=account,
        now=datetime.fromisoformat(str(document["now"])),
        new_id=new_id,
        instances=decode_map(Instance, document["instances"]),
        templates=decode_map(Template, document["templates"]),
        contacts=decode_map(Contact, document["contacts"]),
        groups=decode_map(Group, document["groups"]),
        campaigns=decode_map(Campaign, document["campaigns"]),
        messages=decode_map(Message, document["messages"]),
        api_requests=_counter(document["api_requests"]),
        outbound=_counter(document["outbound"]),
    )


def _counter(document: object) -> Counter[str]:
    if not isinstance(document, dict):
        raise TypeError("a counter is not an object")
    return Counter({month: int(number) for month, number in document.items()})


def encode(value: object) -> object:
    """Convert values, and dataclasses of them, to JSON; datetimes become ISO 8601 with all their digits."""
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
    """Build a map of dataclasses from a JSON object; TypeError, KeyError or ValueError if the JSON does not fit."""
    if not isinstance(document, dict):
        raise TypeError(f"a map of {kind.__name__} is not an object")
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
        raise TypeError(f"{value!r} is not of type {hint.__name__}")
    return value
