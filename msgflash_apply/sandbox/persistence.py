"""
The world as one JSON file, so that a sandbox remembers across restarts.

Written whole beside its place and moved there, so a reader finds the old or the new world and never half of one. The
file is the sandbox's own: its format may change with any version, and another one is refused rather than guessed at.
"""

import json
import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from msgflash_apply.sandbox.codec import decode_map, encode
from msgflash_apply.sandbox.options import SandboxError
from msgflash_apply.sandbox.refusal import JsonObject
from msgflash_apply.sandbox.values import Account, Campaign, Contact, Group, Instance, Message, Template
from msgflash_apply.sandbox.world import World

FORMAT: Final = 1


class DamagedDataError(SandboxError):
    """The file is there and is no world of this version; names the file and what to do."""


def save(world: World, path: Path) -> None:
    """Replace the file by the world as it is; OSError where the disk says no."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.new")
    with aside.open("w", encoding="utf-8") as file:
        file.write(json.dumps(to_document(world)))
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def load(path: Path, account: Account, new_id: Callable[[], str]) -> World | None:
    """Read the world back; None where there is no file yet, DamagedDataError where it can not be understood."""
    try:
        return from_document(json.loads(path.read_bytes()), account, new_id)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        fix = "move it away to begin with a new demo account"
        raise DamagedDataError(f"{path} is no sandbox of this version ({error}): {fix}") from error


def to_document(world: World) -> JsonObject:
    """Write everything but the account as JSON: plan and quotas are chosen at each start."""
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
    """Build the world again; ValueError, KeyError or TypeError where the JSON does not fit."""
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
        raise TypeError("a counter is no object")
    return Counter({month: int(number) for month, number in document.items()})
