"""
Who holds a lock, in the protocol's words.

The protocol's lock is a JSON object of texts (`statemgr.LockInfo` of Terraform): ID, Operation, Info, Who, Version,
Created, Path. All that we know of a holder is in `Info`; a server that keeps the object gives it back when it refuses
the next one. GitLab keeps ID, user and time only and fills the rest with what was just requested, so `Info` counts only
if it names the ID beside it. For GitLab the holder is written behind the id in ID itself, after a blank: GitLab takes
any text of up to 255 characters.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

from msgflash_apply import __version__
from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.backends.holders import read_holder
from msgflash_apply.state.serialise import to_json

LockInfo: TypeAlias = Mapping[str, str]

UNKNOWN: Final = "unknown"
_LONG_AGO: Final = datetime.fromtimestamp(0, UTC)
_LONGEST_ID: Final = 255
_IN_ID: Final = ("who", "host", "pid", "what", "since")
"""What GitLab gets of a holder behind the id, in this order."""


def lock_info(holder: Holder, path: str, *, is_gitlab: bool) -> LockInfo:
    """Write a holder as the protocol's lock of the state at `path`."""
    return {
        "ID": _id_with_holder(holder) if is_gitlab else holder.lock_id,
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


def lock_id_in(found: LockInfo) -> str:
    """Read the id of a lock, as the run knows it that holds it; `unknown` where the server does not say."""
    return found.get("ID", UNKNOWN).partition(" ")[0]


def holder_in(found: LockInfo, asked: LockInfo) -> Holder:
    """
    Say who holds the lock that was refused; what the server does not say is `unknown`.

    Args:
        found: as the server answered.
        asked: the lock that it refused.
    """
    lock_id = lock_id_in(found)
    for holder in (_in_info(found.get("Info", "")), _in_id(found.get("ID", ""))):
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


def _id_with_holder(holder: Holder) -> str:
    since = holder.since.astimezone(UTC).isoformat()
    full = f"{holder.lock_id} {json.dumps([holder.who, holder.host, holder.pid, holder.what, since])}"
    return full if len(full) <= _LONGEST_ID else holder.lock_id


def _in_id(full: str) -> Holder | None:
    lock_id, _, details = full.partition(" ")
    try:
        return read_holder({"lock_id": lock_id, **dict(zip(_IN_ID, json.loads(details), strict=True))})
    except (ValueError, TypeError, RecursionError):
        return None


def _in_info(info: str) -> Holder | None:
    try:
        return read_holder(json.loads(info))
    except (ValueError, RecursionError):
        return None


def _moment(created: str) -> datetime:
    try:
        return datetime.fromisoformat(created).astimezone(UTC)
    except (ValueError, OverflowError):
        return _LONG_AGO
