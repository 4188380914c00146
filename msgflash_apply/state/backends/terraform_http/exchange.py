"""
The bundle on the server: read, and replaced by compare-and-swap as far as the protocol lets us.

The protocol has no condition on a write but the lock, and many servers check that only while one is held. So callers of
`replace` hold the lock, each write follows a proof that it still is held (`server_lock.py`), and after a new document
was written it is proven once more. After a write without a clear answer the bundle is read: its serial and its random
mark show whether the write came through. It is repeated, with the same content, only if the former bundle is still
there.
"""

from typing import Final
from uuid import uuid4

from msgflash_apply.state.backends.terraform_http.bundle import Bundle, decode, encode
from msgflash_apply.state.backends.terraform_http.connection import TOO_LATE, Response, Result
from msgflash_apply.state.backends.terraform_http.failure import lock_lost, locks_ignored
from msgflash_apply.state.backends.terraform_http.retries import is_passing
from msgflash_apply.state.backends.terraform_http.server import Server, is_success
from msgflash_apply.state.backends.terraform_http.server_lock import ServerLock

_PROOFS: Final = 5
"""Before one write. One grows old where this machine sleeps, or the network is too slow for the state."""


class Exchange:
    """
    The bundle of one state.

    Args:
        server: that keeps it.
        lock: of the same state.
    """

    def __init__(self, server: Server, lock: ServerLock) -> None:
        self._server = server
        self._lock = lock
        # GitLab is known to check the lock (RemoteStateHandler#lock_matches?); it would answer 500.
        self._is_proven = server.endpoints.is_gitlab

    def read(self) -> Bundle | None:
        """
        Read the bundle; None where nothing is.

        Raises:
            BackendError: no clear answer came, or what is there is no bundle of ours.
        """
        body = self._server.read()
        return None if body is None else decode(body, where=self._server.endpoints.shown)

    def replace(self, before: Bundle | None, after: Bundle, *, lock_id: str) -> bool:
        """
        Write a bundle in the place of the one that was read under the same lock.

        Args:
            before: as it was read; None where nothing was.
            after: with the next serial and a mark of its own.
            lock_id: of the lock that is held.

        Returns:
            Whether it is there now; False if another one was written meanwhile, by a run that broke the lock.

        Raises:
            BackendError: it is not there, or that is unknown; also where the server does not check the lock, and where
                the lock was broken by the time that a new document was written.
        """
        self._prove(before or after, lock_id)
        body = encode(after)
        attempt = 0
        while True:
            attempt += 1
            result = self._write(body, under=lock_id, held=lock_id)
            if is_success(result):
                if after.document != (before.document if before else None):
                    self._lock.prove(lock_id)  # otherwise the next write proves it
                return True
            found = self.read()
            if _is_same(found, after):
                return True
            if not _is_same(found, before):
                return False
            if isinstance(result, Response) and result.status in {409, 423}:
                what = f"the server refused to write under this run's lock ({result.status})"
                raise lock_lost(self._server.endpoints, what)
            if not self._server.can_wait(result, attempt):
                raise self._server.failure("write", result)

    def _write(self, body: bytes, *, under: str, held: str) -> Result:
        """Write right after a proof that the lock is held; prove it again where that became old before all was sent."""
        result: Result = TOO_LATE
        for _ in range(_PROOFS):
            result = self._server.write(body, lock_id=under, may_leave=self._lock.prove(held))
            if result is not TOO_LATE:
                break
        return result

    def _prove(self, harmless: Bundle, lock_id: str) -> None:
        """
        Find out whether the server refuses to write under a lock that is not held: some do not check it.

        Without that, a run whose lock was broken could overwrite what its successor wrote. What is sent is what is
        there, or will be next: nothing is lost if the server takes it.
        """
        if self._is_proven:
            return
        result = self._write(encode(harmless), under=f"check-{uuid4()}", held=lock_id)
        if is_success(result):
            raise locks_ignored(self._server.endpoints, "took a write under a lock that is not held")
        # Anything but a clear refusal proves nothing; the next write tries again.
        self._is_proven = not is_passing(result)


def _is_same(found: Bundle | None, expected: Bundle | None) -> bool:
    if found is None or expected is None:
        return found is expected
    return (found.serial, found.write) == (expected.serial, expected.write)
