"""
A throw-away object that proves two things: that the store keeps conditions, and what time it is there.

A server that ignores conditions answers 200 to all, and every run believes that it alone holds the lock. So no server
is trusted before it has refused twice what it must refuse.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.object_store.objects import Objects

FOLDER: Final = "probe"


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
        key = f"{FOLDER}/{uuid4()}"
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
