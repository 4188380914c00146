"""
The lock of a state: one object, made once, and from then on only replaced by those who read what it said before.

A holder that died leaves a lease that runs out. Whether it has is for the store's clock alone to say: a probe that was
written just now, against the lock's own time.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from math import ceil

from msgflash_apply.errors import StateLocked
from msgflash_apply.state.backends.base import Holder, locked, not_the_lock
from msgflash_apply.state.backends.object_store.lease import KEY, Lease, LockBody, Terms, free, held, read_body
from msgflash_apply.state.backends.object_store.objects import Found, Objects
from msgflash_apply.state.backends.object_store.probe import Probe


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
