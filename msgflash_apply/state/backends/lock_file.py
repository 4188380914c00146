"""
The lock of a local state: a file that says who, and a lock of the kernel on it that dies with its process.

Only the kernel's lock shows whether the process that wrote the file is alive, and the kernel knows this host's
processes alone: a lock left by a dead process of this host is taken over, one of another host never is.
"""

import fcntl
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from msgflash_apply.state.backends import files
from msgflash_apply.state.backends.base import Holder, locked, not_the_lock
from msgflash_apply.state.backends.holders import read_holder, unknown_holder
from msgflash_apply.state.serialise import to_json


class LockFile:
    """
    One lock file. Callers hold the guard of the state (`files.alone`) around every method but `holder`.

    Errors of the operating system pass through.
    """

    def __init__(self, path: Path, url: str) -> None:
        self._path = path
        self._url = url
        self._descriptor: int | None = None

    def take(self, holder: Holder) -> None:
        """Take the lock, or raise StateLocked with its holder."""
        descriptor = files.open_private(self._path, os.O_RDWR | os.O_CREAT)
        try:
            self._refuse_if_taken(descriptor, holder.host)
            self._sign(descriptor, holder)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def give_back(self, lock_id: str) -> None:
        """Remove the lock if it still has this id, and let go of the kernel's lock that this object holds."""
        found = self.holder()
        if found is not None and found.lock_id == lock_id:
            files.remove_durably(self._path)
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def take_away(self, lock_id: str) -> None:
        """Remove another run's lock, or raise StateError if it has another id."""
        found = self.holder()
        if found is None or found.lock_id != lock_id:
            raise not_the_lock(self._url, lock_id, found)
        files.remove_durably(self._path)

    def holder(self) -> Holder | None:
        """Read who signed the lock file; None if there is none, or if its maker died before signing."""
        data = files.read_if_there(self._path)
        if not data:
            return None
        try:
            return read_holder(json.loads(data))
        except (ValueError, RecursionError):
            return self._unknown_holder()

    def _refuse_if_taken(self, descriptor: int, host: str) -> None:
        is_alive = not _try_kernel_lock(descriptor)
        found = self.holder()
        if is_alive or (found is not None and found.host != host):
            raise locked(self._url, found or self._unknown_holder())

    def _sign(self, descriptor: int, holder: Holder) -> None:
        try:
            os.ftruncate(descriptor, 0)
            files.write_durably(descriptor, to_json(holder))
        except OSError:
            # Half a signature would lock all runs out, with an unknown holder.
            self._path.unlink(missing_ok=True)
            raise

    def _unknown_holder(self) -> Holder:
        return unknown_holder(since=datetime.fromtimestamp(self._path.stat().st_mtime, UTC))


def _try_kernel_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
