"""
A state on a server of Terraform's HTTP backend protocol.

Every change reads the bundle, checks, and writes it back, under the server's lock: the run's own, or one for just
this change. So each append costs the whole bundle twice, and a run gathers its entries (`appends`).

The bundle is replaced by compare-and-swap as far as the protocol lets us. It has no condition on a write but the lock,
and many servers check that only while one is held. So every change holds the lock, each write follows a proof that it
still is held (`server_lock.py`), and after a new document was written it is proven once more. After a write without a
clear answer the bundle is read: its serial and its random mark show whether the write came through. It is repeated,
with the same content, only if the former bundle is still there.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final
from uuid import uuid4

from msgflash_apply.state.backends.base import (
    Appends,
    Backup,
    Holder,
    Location,
    Stored,
    Written,
    lock_lost,
)
from msgflash_apply.state.backends.terraform_http.bundle import Bundle, Journal, decode, encode
from msgflash_apply.state.backends.terraform_http.connection import TOO_LATE, Connection, Response, Result
from msgflash_apply.state.backends.terraform_http.endpoints import credentials_for, endpoints_of
from msgflash_apply.state.backends.terraform_http.server import (
    Retries,
    Server,
    is_passing,
    is_success,
    locks_ignored,
)
from msgflash_apply.state.backends.terraform_http.server_lock import FENCE_SECONDS, SHORT_LOCK_SECONDS, ServerLock

_PROOFS: Final = 5
"""Before one write. One grows old where this machine sleeps, or the network is too slow for the state."""

TIMEOUT_SECONDS: Final = 30.0


class TerraformHttpStore:
    """
    A state on such a server; see `Store` for what each method promises.

    A lock of a run that died stays until `state unlock`: the protocol knows no lease.

    Args:
        server: that keeps it.
        lock: of the same state.
    """

    appends: Final = Appends(ahead=16, every_seconds=1.5)
    """In groups: everything travels with every append."""

    lock_dies_with_its_holder: Final = False
    """The server knows nothing of processes."""

    def __init__(self, server: Server, lock: ServerLock) -> None:
        self.url = server.endpoints.shown
        self._server = server
        self._lock = lock
        # GitLab is known to check the lock (RemoteStateHandler#lock_matches?); it would answer 500.
        self._is_proven = server.endpoints.is_gitlab

    def read(self) -> Stored | None:
        """Read the document; None where there is none."""
        document = self._read().document
        return None if document is None else Stored(document, _version(document))

    def put_if(self, document: bytes, *, expected: str | None) -> str | None:
        """Replace the document, if it is the expected one."""

        def replaced(bundle: Bundle) -> Bundle | None:
            present = None if bundle.document is None else _version(bundle.document)
            return replace(bundle, document=document) if present == expected else None

        return _version(document) if self._change(replaced) else None

    def append_if(self, journal: str, lines: bytes, *, written: Written) -> bool:
        """Add lines to a journal."""
        is_as_left = False

        def appended(bundle: Bundle) -> Bundle:
            nonlocal is_as_left
            found = bundle.journals.get(journal)
            present = found or Journal(b"")
            is_as_left = (
                (found is not None) == (written.appends > 0)
                and not present.is_sealed
                and len(present.lines) == written.size_bytes
            )
            return _with_journal(bundle, journal, Journal(present.lines + lines)) if is_as_left else bundle

        self._change_alone(appended)
        return is_as_left

    def seal(self, journal: str) -> None:
        """End a journal: its writer finds it sealed."""

        def sealed(bundle: Bundle) -> Bundle:
            found = bundle.journals.get(journal)
            if found is None or found.is_sealed:
                return bundle
            return _with_journal(bundle, journal, replace(found, is_sealed=True))

        self._change_alone(sealed)

    def journals(self) -> Mapping[str, bool]:
        """List all journals."""
        return {name: journal.is_sealed for name, journal in self._read().journals.items()}

    def read_journal(self, journal: str) -> bytes | None:
        """Read a journal, sealed or not; None if there is none."""
        found = self._read().journals.get(journal)
        return None if found is None else found.lines

    def drop(self, journal: str) -> None:
        """Remove a journal, sealed or not."""

        def dropped(bundle: Bundle) -> Bundle:
            if journal not in bundle.journals:
                return bundle
            return replace(bundle, journals={k: v for k, v in bundle.journals.items() if k != journal})

        self._change_alone(dropped)

    def backups(self) -> Sequence[Backup]:
        """List nothing: the protocol shows the latest only. GitLab keeps every version, under the bundle's serial."""
        return ()

    def read_backup(self, name: str) -> bytes | None:  # noqa: ARG002 - the protocol's signature
        """Find none."""
        return None

    def lock(self, holder: Holder) -> None:
        """Take the lock. Waits a little for a lock that lasts for one change; one left by a dead run stays."""
        self._lock.take(holder)

    def unlock(self, lock_id: str) -> None:
        """Give the lock back."""
        self._lock.give_back(lock_id)

    def holder(self) -> Holder | None:
        """Request the lock to learn who holds it, since there is no other way; needs the right to lock."""
        return self._lock.holder()

    def break_lock(self, lock_id: str) -> None:
        """Take the lock away from the run that has it."""
        self._lock.take_away(lock_id)

    def _read(self) -> Bundle:
        return self._found() or Bundle()

    def _found(self) -> Bundle | None:
        body = self._server.read()
        return None if body is None else decode(body, where=self.url)

    def _change(self, change: Callable[[Bundle], Bundle | None]) -> bool:
        """
        Read, check and write under the lock.

        Returns:
            False where the change is None, or another run wrote at the same time, without the lock.
        """
        with self._lock.for_one_change() as lock_id:
            found = self._found()
            before = found or Bundle()
            after = change(before)
            if after is None or after is before:
                return after is before
            numbered = replace(after, serial=before.serial + 1, write=str(uuid4()))
            return self._replace(found, numbered, lock_id=lock_id)

    def _change_alone(self, change: Callable[[Bundle], Bundle]) -> None:
        if not self._change(change):
            raise lock_lost(self.url, "another run wrote while this one held the lock: it was broken")

    def _replace(self, before: Bundle | None, after: Bundle, *, lock_id: str) -> bool:
        """
        Write a bundle, with its own serial and mark, in the place of the one that was read under the same lock.

        Returns:
            Whether it is there now; False if another one was written meanwhile, by a run that broke the lock.

        Raises:
            BackendError: it is not there, or that is unknown; also where the server does not check the lock, and where
                the lock was broken by the time that a new document was written.
        """
        self._prove_locks(before or after, lock_id)
        body = encode(after)
        attempt = 0
        while True:
            attempt += 1
            result = self._write(body, under=lock_id, held=lock_id)
            if is_success(result):
                if after.document != (before.document if before else None):
                    self._lock.prove(lock_id)  # otherwise the next write proves it
                return True
            found = self._found()
            if _is_same(found, after):
                return True
            if not _is_same(found, before):
                return False
            if isinstance(result, Response) and result.status in {409, 423}:
                what = f"the server refused to write under this run's lock ({result.status}): it was broken"
                raise lock_lost(self.url, what)
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

    def _prove_locks(self, harmless: Bundle, lock_id: str) -> None:
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


def _with_journal(bundle: Bundle, name: str, journal: Journal) -> Bundle:
    journals: Mapping[str, Journal] = {**bundle.journals, name: journal}
    return replace(bundle, journals=journals)


def _version(document: bytes) -> str:
    return sha256(document).hexdigest()


def open_terraform_http(
    location: Location,
    *,
    timeout_seconds: float = TIMEOUT_SECONDS,
    short_lock_seconds: float = SHORT_LOCK_SECONDS,
    fence_seconds: float = FENCE_SECONDS,
) -> TerraformHttpStore:
    """
    Open a state at an `https://` address, or `http://` on this machine; sends nothing yet.

    Args:
        location: the address, and the environment with Terraform's `TF_HTTP_*` variables. Proxies and trusted
            authorities are the process's own (`HTTPS_PROXY`, `NO_PROXY`, `SSL_CERT_FILE`), as httpx reads them.
        timeout_seconds: for each wait on the network.
        short_lock_seconds: how long to wait for locks that last for one change.
        fence_seconds: how long all others are kept out after a lock was broken.

    Raises:
        BackendError: the address or a variable cannot be used, or a password would go where it may not.
    """
    endpoints = endpoints_of(location)
    connection = Connection(
        credentials_for(location, endpoints),
        is_loopback=endpoints.is_loopback,
        is_plain=endpoints.is_plain,
        timeout_seconds=timeout_seconds,
    )
    server = Server(endpoints, connection, Retries.from_environment(location.environ))
    lock = ServerLock(server, short_lock_seconds=short_lock_seconds, fence_seconds=fence_seconds)
    return TerraformHttpStore(server, lock)
