"""
The server's lock: held by a run, or by whoever makes one change, for as long as that takes.

There is no request that only asks who holds it. Whoever wants to know asks for the lock under a throw-away id, learns
the holder from the refusal, and gives it back at once if it was granted. Such locks, and those for one change, are soon
gone: everybody waits a little for them. Their ids begin with what they are for, so that even GitLab tells them apart.
"""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Holder, locked, not_the_lock
from msgflash_apply.state.backends.terraform_http.connection import Response
from msgflash_apply.state.backends.terraform_http.failure import locks_ignored
from msgflash_apply.state.backends.terraform_http.lock_info import (
    LockInfo,
    holder_in,
    lock_id_in,
    lock_info,
    lock_info_in,
)
from msgflash_apply.state.backends.terraform_http.server import Server, is_success
from msgflash_apply.state.serialise import to_json

PATIENCE_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.05
_CHANGE, _LOOK, _CHECK = "change", "look", "check"
_SHORT: Final = (f"{_CHANGE}-", f"{_LOOK}-", f"{_CHECK}-")
_HELD_BY_ANOTHER: Final = frozenset({409, 423})
_NOT_THERE: Final = frozenset({404, 409, 423})


class ServerLock:
    """
    The lock of one state.

    Args:
        server: that keeps it.
        patience_seconds: how long to wait for a lock that should soon be gone.
    """

    def __init__(self, server: Server, *, patience_seconds: float) -> None:
        self._server = server
        self._url = server.endpoints.shown
        self._patience_seconds = patience_seconds
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
        """Find out who holds the lock; None if nobody does."""
        found = self._look()
        return None if found is None else found[0]

    def take_away(self, lock_id: str) -> None:
        """Give somebody else's lock back, or raise StateError if the one there has another id."""
        found = self._look()
        if found is None or found[0].lock_id != lock_id:
            raise not_the_lock(self._url, lock_id, found[0] if found else None)
        refusal = self._return(found[1])
        if refusal is not None:
            raise self._server.failure("unlock", refusal)

    @contextmanager
    def for_one_change(self) -> Iterator[str]:
        """
        Hold the lock for the time of the block, and give its id: the run's own lock, or one just for this.

        Raises:
            StateLocked: a run holds it, or somebody's change takes too long.
        """
        if self._held is not None:
            yield self._held["ID"]
            return
        info = self._take(_passer_by(_CHANGE))
        try:
            yield info["ID"]
        except BaseException:
            self._return_quietly(info)
            raise
        self._return(info)

    def _take(self, holder: Holder) -> LockInfo:
        info = self._spelled(holder)
        found = self._ask_patiently(info)
        if found is not None:
            raise locked(self._url, holder_in(found, info))
        try:
            self._prove()
        except BaseException:
            self._return_quietly(info)
            raise
        return info

    def _prove(self) -> None:
        """Find out, once, whether the server refuses the lock to others while we have it: some give it to anybody."""
        if self._is_proven:
            return
        info = self._spelled(_passer_by(_CHECK))
        if self._ask(info) is None:
            self._return_quietly(info)
            raise locks_ignored(self._server.endpoints, "gave the lock away twice")
        self._is_proven = True

    def _look(self) -> tuple[Holder, LockInfo] | None:
        asked = self._spelled(_passer_by(_LOOK))
        found = self._ask_patiently(asked)
        if found is None:
            self._return(asked)
            return None
        return holder_in(found, asked), found

    def _ask_patiently(self, info: LockInfo) -> LockInfo | None:
        """Ask for the lock until it is granted (None), a run has it, or something short-lived outlives our patience."""
        deadline = time.monotonic() + self._patience_seconds
        while True:
            found = self._ask(info)
            if found is None or not _is_short(found) or time.monotonic() >= deadline:
                return found
            self._server.sleep(_POLL_SECONDS)

    def _ask(self, info: LockInfo) -> LockInfo | None:
        """Ask for the lock: None if it is ours now, else what the server says of the one there."""
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
        """Give a lock back: None if it is free now, else the refusal, as where it is somebody else's by now."""
        outcome = self._server.unlock(to_json(info))
        if is_success(outcome.result):
            return None
        if isinstance(outcome.result, Response) and outcome.result.status in _NOT_THERE:
            return None if outcome.may_be_done else outcome.result
        raise self._server.failure("unlock", outcome.result)

    def _spelled(self, holder: Holder) -> LockInfo:
        return lock_info(holder, self._url, is_gitlab=self._server.endpoints.is_gitlab)

    def _return_quietly(self, info: LockInfo) -> None:
        """Give a lock back without hiding the error that is on its way."""
        with suppress(BackendError):
            self._return(info)


def _is_short(found: LockInfo) -> bool:
    """Whether a lock should soon be gone; one whose id the server does not tell may be."""
    return "ID" not in found or found["ID"].startswith(_SHORT)


def _passer_by(purpose: str) -> Holder:
    now = datetime.now(UTC)
    return Holder(f"{purpose}-{uuid4()}", "msgflash-apply", socket.gethostname(), os.getpid(), purpose, now)
