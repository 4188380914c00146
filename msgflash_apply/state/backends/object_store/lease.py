"""
A lock while it is held: renewed by a thread until it is given back or lost. `Terms` says when it expires.

What the lock's object says is a `LockBody`: who holds it and for how long, or that it is free. It is replaced and never
removed.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final
from uuid import uuid4

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.backends.holders import read_holder, unknown_holder
from msgflash_apply.state.backends.object_store.objects import Found, Objects
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


KEY: Final = "lock.json"

_HURRY: Final = 4
"""How much sooner the next renewal comes after one that failed."""


@dataclass(frozen=True, slots=True)
class Terms:
    """
    How long a lock lasts.

    Attributes:
        lease_seconds: without a renewal.
        grace_seconds: on top of another one's lease, before it is taken over: no clock is perfect.
        renew_seconds: from one renewal to the next.
    """

    lease_seconds: float = 60.0
    grace_seconds: float = 60.0
    renew_seconds: float = 20.0


class Lease:
    """
    The lock of one run; begins to renew itself at once.

    Args:
        objects: of the state.
        holder: who took the lock.
        version: of the lock as it was taken.
        terms: how long it lasts.
        clock: seconds, from any start; also while the machine sleeps.
        taken_at: by that clock, right before the lock was taken.
    """

    def __init__(
        self,
        objects: Objects,
        holder: Holder,
        version: str,
        terms: Terms,
        *,
        clock: Callable[[], float],
        taken_at: float,
    ) -> None:
        self._objects = objects
        self._holder = holder
        self._version = version
        self._terms = terms
        self._clock = clock
        self._renewed_at = taken_at
        self._loss: str | None = None
        self._is_over = Event()
        # A daemon: a run that dies takes its renewals with it, and the lease runs out.
        self._thread = Thread(target=self._renew_until_over, name="msgflash-apply lock", daemon=True)
        self._thread.start()

    @property
    def lock_id(self) -> str:
        """Whose lock it is."""
        return self._holder.lock_id

    def check(self) -> None:
        """
        Let nothing happen under a lock that is lost.

        Raises:
            BackendError: another run took it over, it was broken, or it was not renewed for longer than it lasts.
        """
        if self._is_lost():
            raise BackendError(
                "The lock is lost.",
                f"{self._objects.url}: {self._loss}. Another run may be at work.",
                "Run again: what was written is read back, and what is in doubt is named.",
            )

    def end(self) -> str:
        """Stop renewing; returns once the thread is done. Gives the last version that is known to be this lease's."""
        self._is_over.set()
        self._thread.join()
        return self._version

    def _renew_until_over(self) -> None:
        pause_seconds = self._terms.renew_seconds
        while not self._is_over.wait(pause_seconds) and not self._is_lost():
            is_renewed = self._renew()
            pause_seconds = self._terms.renew_seconds / (1 if is_renewed else _HURRY)

    def _renew(self) -> bool:
        asked_at = self._clock()
        try:
            version = self._objects.put(KEY, held(self._holder, self._terms.lease_seconds), expected=self._version)
            if version is None:
                found = self._objects.read(KEY)
                holder = read_body(found).holder
                if found is not None and holder is not None and holder.lock_id == self._holder.lock_id:
                    # A renewal of our own, which came through long after we had given it up.
                    self._version = found.version
                else:
                    self._loss = "it was broken or taken over"
                return False
        except BackendError:
            return False  # The next renewal may succeed. If none does, the lock is lost by the clock.
        self._version, self._renewed_at = version, asked_at
        return True

    def _is_lost(self) -> bool:
        unrenewed_seconds = self._clock() - self._renewed_at
        if self._loss is None and unrenewed_seconds > self._terms.lease_seconds:
            self._loss = f"it could not be renewed for {unrenewed_seconds:.0f} seconds, longer than it lasts"
        return self._loss is not None
