"""The holder of a lock, read from bytes that anyone who can write to the storage may have put there."""

import errno
import os
import re
import socket
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from msgflash_apply.state.backends.base import Holder

# Messages show it in a command to run.
_LOCK_ID: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
_LONGEST_TEXT: Final = 200
UNKNOWN: Final = "unknown"


def read_holder(values: object) -> Holder:
    """
    Read a holder out of the JSON in which `serialise.to_json` wrote it.

    Raises:
        ValueError: it is none that a run of ours wrote.
    """
    if not isinstance(values, Mapping) or values.keys() != Holder.__dataclass_fields__.keys():
        raise ValueError("not the fields of a holder")
    lock_id, pid = _text(values["lock_id"]), values["pid"]
    if not _LOCK_ID.fullmatch(lock_id) or type(pid) is not int or not 0 <= pid < 2**31:
        raise ValueError("no lock id, or no process id")
    return Holder(
        lock_id=lock_id,
        who=_text(values["who"]),
        host=_text(values["host"]),
        pid=pid,
        what=_text(values["what"]),
        since=_moment(_text(values["since"])),
    )


def unknown_holder(since: datetime) -> Holder:
    """Give the holder of a lock that cannot be read: from no host, so that it is never taken over."""
    return Holder(UNKNOWN, UNKNOWN, UNKNOWN, pid=0, what=UNKNOWN, since=since)


def has_ended(holder: Holder) -> bool:
    """Whether the holder was a process of this host and is dead; of other hosts nothing is known."""
    return holder.host == socket.gethostname() and not is_alive(holder.pid)


def is_alive(pid: int) -> bool:
    """Whether a process of this host has this number; also where it is another one that was given it since."""
    try:
        os.kill(pid, 0)
    except OSError as err:
        return err.errno != errno.ESRCH  # that of another user may not be signalled, and lives
    return True


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise ValueError("not a text, or not one of that length")
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as err:
        raise ValueError("not a moment that a clock shows") from err
