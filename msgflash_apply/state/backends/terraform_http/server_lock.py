"""
The server's lock: held for a whole run, or for one change outside of a run.

No request only reads the holder. To learn it, the lock is requested under a throw-away id; the refusal names the
holder, and a lock that was granted is given back at once. Such locks, and those for one change, are soon gone: every
client waits a little for them. Their ids begin with their purpose, so that even GitLab shows what they are.

Many servers check the lock only while one is held: there a run whose lock was broken, and that was stopped on its way
to write, would later overwrite what its successors wrote. So a write follows a proof that the lock is held, and leaves
this machine within `WRITE_WITHIN_SECONDS` of it or not at all; and breaking a lock keeps all others out until no proof
is that young. GitLab checks every write against the lock, and needs neither.

The protocol's lock is a JSON object of texts (`statemgr.LockInfo` of Terraform): ID, Operation, Info, Who, Version,
Created, Path. All that we know of a holder is in `Info`; a server that keeps the object gives it back when it refuses
the next one. GitLab keeps ID, user and time only and fills the rest with what was just requested, so `Info` counts only
if it names the ID beside it. For GitLab the holder is written behind the id in ID itself, after a blank: GitLab takes
any text of up to 255 characters.
"""

import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final, TypeAlias
from uuid import uuid4

from msgflash_apply import __version__
from msgflash_apply.clock import seconds_awake_or_asleep
from msgflash_apply.errors import BackendError, StateLocked
from msgflash_apply.state.backends.base import UNKNOWN, Holder, has_ended, lock_lost, locked, not_the_lock, read_holder
from msgflash_apply.state.backends.terraform_http.connection import MayLeave, Response, always
from msgflash_apply.state.backends.terraform_http.server import Server, is_success, locks_ignored
from msgflash_apply.state.serialise import to_json

LockInfo: TypeAlias = Mapping[str, str]

_LONG_AGO: Final = datetime.fromtimestamp(0, UTC)
_LONGEST_ID: Final = 255
_IN_ID: Final = ("who", "host", "pid", "what", "since")
"""What GitLab gets of a holder behind the id, in this order."""

SHORT_LOCK_SECONDS: Final = 20.0
WRITE_WITHIN_SECONDS: Final = 5.0
FENCE_SECONDS: Final = WRITE_WITHIN_SECONDS + 1.0
_POLL_SECONDS: Final = 0.05
_CHANGE, _LOOK, _CHECK = "change", "look", "check"
_SHORT: Final = (f"{_CHANGE}-", f"{_LOOK}-", f"{_CHECK}-")
_HELD_BY_ANOTHER: Final = frozenset({409, 423})
_NOT_THERE: Final = frozenset({404, 409, 423})


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


class ServerLock:
    """
    The lock of one state.

    Args:
        server: that keeps it.
        short_lock_seconds: how long to wait for a lock that should soon be gone.
        fence_seconds: how long all others are kept out after a lock was broken.
        elapsed: seconds on a clock that runs on while the machine sleeps.
    """

    def __init__(
        self,
        server: Server,
        *,
        short_lock_seconds: float,
        fence_seconds: float = FENCE_SECONDS,
        elapsed: Callable[[], float] = seconds_awake_or_asleep,
    ) -> None:
        self._server = server
        self._url = server.endpoints.shown
        self._short_lock_seconds = short_lock_seconds
        self._fence_seconds = fence_seconds
        self._elapsed = elapsed
        self._held: LockInfo | None = None
        self._is_proven = False

    def take(self, holder: Holder) -> None:
        """Take the lock for a run, or raise StateLocked with its holder."""
        self._held = self._take(holder)

    def give_back(self, lock_id: str) -> None:
        """Give the lock of this id back, if it is the one there."""
        held = self._held
        self._return(held if held is not None and lock_id_in(held) == lock_id else {"ID": lock_id})
        self._held = None

    def holder(self) -> Holder | None:
        """Find out who holds the lock; None if it is free."""
        found = self._look()
        return None if found is None else found[0]

    def take_away(self, lock_id: str) -> None:
        """
        Give another run's lock back, or raise StateError if the one there has another id.

        Unless that run is dead, returns only once it can write nothing more; another change waits as long.
        """
        found = self._look()
        if found is None or found[0].lock_id != lock_id:
            raise not_the_lock(self._url, lock_id, found[0] if found else None)
        refusal = self._return(found[1])
        if refusal is not None:
            raise self._server.failure("unlock", refusal)
        if not self._server.endpoints.is_gitlab and not has_ended(found[0]):
            with suppress(StateLocked), self.for_one_change():  # or a run was waiting, and keeps the other out itself
                self._server.sleep(self._fence_seconds)

    def prove(self, lock_id: str) -> MayLeave:
        """
        Prove that the lock still is ours.

        Args:
            lock_id: ours, as `for_one_change` gave it.

        Returns:
            What says, at any time, whether a write may still rely on that.

        Raises:
            BackendError: it was broken, or that is unknown.
        """
        if self._server.endpoints.is_gitlab:
            return always
        last = self._elapsed() + WRITE_WITHIN_SECONDS  # from before the request: the server answers at any time after
        found = self._refused_to_others()
        if found is None:
            raise lock_lost(self._url, "it was free: it was broken")
        if lock_id_in(found) not in {lock_id, UNKNOWN}:
            raise lock_lost(self._url, f"{lock_id_in(found)} has it: it was broken")
        return lambda: self._elapsed() < last

    @contextmanager
    def for_one_change(self) -> Iterator[str]:
        """
        Hold the lock for the time of the block, and give its id: the run's own lock, or one just for this.

        Raises:
            StateLocked: a run holds it, or another change takes too long.
        """
        if self._held is not None:
            yield self._held["ID"]
            return
        info = self._take(_short_lock(_CHANGE))
        try:
            yield info["ID"]
        except BaseException:
            self._return_quietly(info)
            raise
        self._return(info)

    def _take(self, holder: Holder) -> LockInfo:
        info = self._lock_info(holder)
        found = self._ask_until_settled(info)
        if found is not None:
            raise locked(self._url, holder_in(found, info))
        try:
            self._prove()
        except BaseException:
            self._return_quietly(info)
            raise
        return info

    def _prove(self) -> None:
        """Find out, once, whether the server refuses the lock to others while we have it: some do not."""
        if not self._is_proven and self._refused_to_others() is None:
            raise locks_ignored(self._server.endpoints, "gave the lock away twice")
        self._is_proven = True

    def _refused_to_others(self) -> LockInfo | None:
        """Request the lock as another would: gives what the server says of the one there, None if there was none."""
        info = self._lock_info(_short_lock(_CHECK))
        found = self._ask(info)
        if found is None:
            self._return_quietly(info)
        return found

    def _look(self) -> tuple[Holder, LockInfo] | None:
        asked = self._lock_info(_short_lock(_LOOK))
        found = self._ask_until_settled(asked)
        if found is None:
            self._return(asked)
            return None
        return holder_in(found, asked), found

    def _ask_until_settled(self, info: LockInfo) -> LockInfo | None:
        """Request the lock until it is granted (None), a run has it, or a short-lived lock outlives the wait."""
        deadline = time.monotonic() + self._short_lock_seconds
        while True:
            found = self._ask(info)
            if found is None or not _is_short(found) or time.monotonic() >= deadline:
                return found
            self._server.sleep(_POLL_SECONDS)

    def _ask(self, info: LockInfo) -> LockInfo | None:
        """Request the lock: None if it is ours now, otherwise what the server says of the one there."""
        outcome = self._server.lock(to_json(info))
        if is_success(outcome.result):
            return None
        if isinstance(outcome.result, Response) and outcome.result.status in _HELD_BY_ANOTHER:
            found = lock_info_in(outcome.result.body)
            # An attempt whose answer was lost has taken it: no other run ever uses this id.
            return None if outcome.may_be_done and found.get("ID") == info["ID"] else found
        if outcome.may_be_done:
            self._return_quietly(info)
        raise self._server.failure("lock", outcome.result)

    def _return(self, info: LockInfo) -> Response | None:
        """Give a lock back: None if it is free now, otherwise the refusal, such as when another run has it by now."""
        outcome = self._server.unlock(to_json(info))
        if is_success(outcome.result):
            return None
        if isinstance(outcome.result, Response) and outcome.result.status in _NOT_THERE:
            return None if outcome.may_be_done else outcome.result
        raise self._server.failure("unlock", outcome.result)

    def _lock_info(self, holder: Holder) -> LockInfo:
        return lock_info(holder, self._url, is_gitlab=self._server.endpoints.is_gitlab)

    def _return_quietly(self, info: LockInfo) -> None:
        """Give a lock back without hiding the error that is on its way."""
        with suppress(BackendError):
            self._return(info)


def _is_short(found: LockInfo) -> bool:
    """Whether a lock should soon be gone; one without an id may be."""
    return "ID" not in found or found["ID"].startswith(_SHORT)


def _short_lock(purpose: str) -> Holder:
    now = datetime.now(UTC)
    return Holder(f"{purpose}-{uuid4()}", "msgflash-apply", socket.gethostname(), os.getpid(), purpose, now)
