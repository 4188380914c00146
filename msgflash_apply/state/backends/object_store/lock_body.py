"""What the lock's object says: who holds it and for how long, or that it is free. It is replaced and never removed."""

import json
from dataclasses import dataclass
from uuid import uuid4

from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.backends.holders import read_holder, unknown_holder
from msgflash_apply.state.backends.object_store.objects import Found
from msgflash_apply.state.serialise import to_json

_LONGEST_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class LockBody:
    """
    The lock as it was read.

    Attributes:
        holder: who has it, or left it behind; None if it is free.
        lease_seconds: how long after it was written it may be taken over; None for never.
    """

    holder: Holder | None
    lease_seconds: float | None


def held(holder: Holder, lease_seconds: float) -> bytes:
    """Write a lock; each time other bytes, so that no version of it ever comes back."""
    return to_json({"holder": holder, "lease_seconds": lease_seconds, "change": str(uuid4())})


def free() -> bytes:
    """Write a lock that is free; each time other bytes."""
    return to_json({"free": True, "change": str(uuid4())})


def read_body(found: Found | None) -> LockBody:
    """Read a lock; one that cannot be read has an unknown holder, and is never taken over."""
    if found is None:
        return LockBody(None, None)
    try:
        values = json.loads(found.data)
        if values.get("free") is True:
            return LockBody(None, None)
        lease_seconds = float(values["lease_seconds"])
        lasts = 0 <= lease_seconds <= _LONGEST_SECONDS
        return LockBody(read_holder(values["holder"]), lease_seconds if lasts else None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return LockBody(unknown_holder(since=found.modified_at), None)
