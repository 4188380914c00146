"""
The lock of a state: one object, made once, and from then on only replaced by those who read what it said before.

While it is held, a thread renews it until it is given back or lost. A holder that died leaves a lease that runs out.
Whether it has is for the store's clock alone to say: a probe that was written just now, against the lock's own time.

The probe proves that the store keeps conditions, too. A server that ignores them answers 200 to all, and every run
believes that it alone holds the lock. So no server is trusted before it has refused twice what it must refuse.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from threading import Event, Thread
from typing import Final
from uuid import uuid4

from msgflash_apply.errors import BackendError, StateLocked
from msgflash_apply.state.backends.base import Holder, lock_lost, locked, not_the_lock, read_holder, unknown_holder
from msgflash_apply.state.backends.object_store.objects import Found, Objects
from msgflash_apply.state.serialise import to_json

PROBES: Final = "probe"

_LONGEST_SECONDS = 86_400.0
KEY: Final = "lock.json"
_HURRY: Final = 4
"""How much sooner the next renewal comes after one that failed."""


class Probe:
    """
    What is known of a store so far; of one backend object.

    Args:
        objects: of the state.
        clock: seconds, from any start.
    """

    def __init__(self, objects: Objects, clock: Callable[[], float]) -> None:
        self._objects = objects
        self._clock = clock
        self._written_at: datetime | None = None
        self._known_at = 0.0

    def ensure(self) -> None:
        """
        Try the store, once.

        Raises:
            BackendError: it ignores conditions, or refused for another reason.
        """
        if self._written_at is None:
            self.ask()

    def ask(self) -> datetime:
        """Try the store, and give the time there, to the second; raises as `ensure` does."""
        key = f"{PROBES}/{uuid4()}"
        asked_at = self._clock()
        self._objects.put(key, b"1", expected=None)
        try:
            if self._objects.put(key, b"2", expected=None) is not None:
                raise self._untrusted("it overwrote an object that it should only have created")
            if self._objects.put(key, b"3", expected=self._objects.wrong_version) is not None:
                raise self._untrusted("it replaced an object on a condition that does not hold")
            written = self._objects.read(key)
        finally:
            self._objects.delete([key])
        if written is None:
            raise self._untrusted("an object that was just written is not there")
        self._written_at, self._known_at = written.modified_at, asked_at
        return written.modified_at

    def estimate(self) -> datetime | None:
        """Estimate the time at the store, without a request; None before it was tried."""
        if self._written_at is None:
            return None
        return self._written_at + timedelta(seconds=self._clock() - self._known_at)

    def _untrusted(self, what: str) -> BackendError:
        return BackendError(
            "This store ignores conditions.",
            f"{self._objects.url}: {what}. Two runs could hold the lock at once, and send every campaign twice.",
            "Keep the state in a store with conditional writes: Amazon S3, Google Cloud Storage, Azure Blob Storage, "
            "or a server that keeps If-None-Match and If-Match.",
        )


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
            raise lock_lost(self._objects.url, f"{self._loss}; another run may be at work")

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


class Lock:
    """
    The lock as one client sees it.

    Args:
        objects: of the state.
        probe: tries the store before it is trusted with a lock.
        terms: how long a lock of this client lasts.
        clock: seconds, from any start; also while the machine sleeps.
    """

    def __init__(self, objects: Objects, probe: Probe, terms: Terms, clock: Callable[[], float]) -> None:
        self._objects = objects
        self._probe = probe
        self._terms = terms
        self._clock = clock
        self._lease: Lease | None = None

    def take(self, holder: Holder) -> None:
        """Take the lock if it is free or its lease has clearly run out; else raise StateLocked."""
        self._probe.ensure()
        version = None
        # If another run comes in between, it has changed the lock: the next look finds it held, or free once more.
        while version is None:
            found = self._objects.read(KEY)
            self._refuse_if_held(found)
            taken_at = self._clock()
            body = held(holder, self._terms.lease_seconds)
            version = self._objects.put(KEY, body, expected=found.version if found else None)
        self._lease = Lease(self._objects, holder, version, self._terms, clock=self._clock, taken_at=taken_at)

    def check(self) -> None:
        """Raise BackendError if this client held the lock and lost it."""
        if self._lease is not None:
            self._lease.check()

    def give_back(self, lock_id: str) -> None:
        """Free the lock if it still has this id, and stop renewing it."""
        lease, self._lease = self._lease, None
        if lease is not None:
            version = lease.end()
            if lease.lock_id == lock_id and self._objects.put(KEY, free(), expected=version) is not None:
                return
        self._free_if(lambda holder: holder is not None and holder.lock_id == lock_id)

    def take_away(self, lock_id: str) -> None:
        """Free another run's lock, or raise StateError if it has another id."""

        def is_it(holder: Holder | None) -> bool:
            if holder is None or holder.lock_id != lock_id:
                raise not_the_lock(self._objects.url, lock_id, holder)
            return True

        self._free_if(is_it)

    def holder(self) -> Holder | None:
        """Read who holds the lock, or left it behind when dying."""
        return read_body(self._objects.read(KEY)).holder

    def _free_if(self, is_chosen: Callable[[Holder | None], bool]) -> None:
        # A renewal may come in between; then the lock is read again.
        while True:
            found = self._objects.read(KEY)
            if not is_chosen(read_body(found).holder) or found is None:
                return
            if self._objects.put(KEY, free(), expected=found.version) is not None:
                return

    def _refuse_if_held(self, found: Found | None) -> None:
        body = read_body(found)
        if found is None or body.holder is None:
            return
        left = self._time_left(body, found.modified_at, self._probe.estimate())
        if left is not None and left <= timedelta(0):
            left = self._time_left(body, found.modified_at, self._probe.ask())
        if left is None or left > timedelta(0):
            refusal = locked(self._objects.url, body.holder)
            if left is None or left.total_seconds() > self._terms.grace_seconds:
                raise refusal
            raise StateLocked(
                refusal.summary,
                f"{refusal.detail}\nIt has not been renewed, as if that run had died: in {ceil(left.total_seconds())} "
                "seconds it can be taken over.",
                refusal.fix,
            )

    def _time_left(self, body: LockBody, modified_at: datetime, now: datetime | None) -> timedelta | None:
        """Say how long until a lock may be taken over; None for never."""
        if body.lease_seconds is None or now is None:
            return None
        return timedelta(seconds=body.lease_seconds + self._terms.grace_seconds) - (now - modified_at)
