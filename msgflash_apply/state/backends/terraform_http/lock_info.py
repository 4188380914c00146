"""
Who holds a lock, in the protocol's words.

The protocol's lock is a JSON object of texts (`statemgr.LockInfo` of Terraform): ID, Operation, Info, Who, Version,
Created, Path. All that we know of a holder stands in `Info`; a server that keeps the object gives it back when it
refuses the next one. GitLab keeps ID, user and time only and fills the rest with what was just asked for, so `Info`
counts only if it speaks of the ID beside it.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

from msgflash_apply import __version__
from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.serialise import to_json

LockInfo: TypeAlias = Mapping[str, str]

UNKNOWN: Final = "unknown"
_LONG_AGO: Final = datetime.fromtimestamp(0, UTC)


def lock_info(holder: Holder, path: str) -> LockInfo:
    """Spell a holder as the protocol's lock of the state at `path`."""
    return {
        "ID": holder.lock_id,
        "Operation": holder.what,
        "Info": to_json(holder).decode(),
        "Who": f"{holder.who}@{holder.host}",
        "Version": __version__,
        "Created": holder.since.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "Path": path,
    }


def lock_info_in(body: bytes) -> LockInfo:
    """Read the lock out of a refusal; what is missing or no text is left out, so an answer in plain words is empty."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    pairs = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in pairs if isinstance(value, str)}


def holder_in(found: LockInfo, asked: LockInfo) -> Holder:
    """
    Say who holds the lock that stood in our way; what the server does not tell is `unknown`.

    Args:
        found: as the server answered.
        asked: the lock that it refused.
    """
    lock_id = found.get("ID", UNKNOWN)
    holder = _ours(found.get("Info", ""))
    if holder is not None and holder.lock_id == lock_id:
        return holder
    is_echo = found.get("Operation") == asked["Operation"]
    return Holder(
        lock_id=lock_id,
        who=found.get("Who", UNKNOWN),
        host=UNKNOWN,
        pid=0,
        what=UNKNOWN if is_echo else found.get("Operation", UNKNOWN),
        since=_moment(found.get("Created", "")),
    )


def _ours(info: str) -> Holder | None:
    try:
        values = json.loads(info)
        return Holder(**{**values, "since": datetime.fromisoformat(values["since"])})
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _moment(created: str) -> datetime:
    try:
        return datetime.fromisoformat(created).astimezone(UTC)
    except (ValueError, OverflowError):
        return _LONG_AGO
