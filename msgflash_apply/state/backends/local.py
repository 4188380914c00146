"""
The state as files in one folder: the default, and the yardstick for the other backends.

For a state at `production.json`:

    production.json                     the document
    production.json.backup              the one before it
    production.journal-<id>.jsonl       a journal that may grow
    production.journal-<id>.sealed.jsonl   one that may not
    production.lock                     who holds the lock
    production.guard                    empty; lets one process at a time change any of the above

The lock is a file that says who, and a lock of the kernel on it that dies with its process. Only the latter shows
whether the process that wrote the file is alive, and the kernel knows this host's processes alone: a lock left by a
dead process of this host is taken over, one of another host never is.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Final

from msgflash_apply.state.backends import files
from msgflash_apply.state.backends.base import (
    Appends,
    Backup,
    Holder,
    Stored,
    Written,
    locked,
    not_the_lock,
    read_holder,
    unknown_holder,
)
from msgflash_apply.state.serialise import to_json

_OPEN_SUFFIX = ".jsonl"
_SEALED_SUFFIX = ".sealed.jsonl"


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


class LocalStore:
    """
    A state in a folder that this host's kernel can lock; see `Store` for what each method promises.

    Args:
        path: of the document. A symbolic link is followed now, once, so that all files are beside the real one.
    """

    appends: Final = Appends()
    """One entry at a time: a disk is quick."""

    lock_dies_with_its_holder: Final = True
    """The kernel frees what a dead process held."""

    def __init__(self, path: Path) -> None:
        self._path = Path(os.path.realpath(path))  # unlike Path.resolve, no Python version raises at a loop of links
        self.url = str(self._path)
        self._stem = self._path.name.removesuffix(".json")
        self._guard = self._beside(".guard")
        self._backup = self._path.with_name(self._path.name + ".backup")
        self._lock = LockFile(self._beside(".lock"), self.url)

    def read(self) -> Stored | None:
        """Read the document; None where there is none."""
        with files.translated(self._path):
            document = files.read_if_there(self._path)
        return None if document is None else Stored(document, _version(document))

    def put_if(self, document: bytes, *, expected: str | None) -> str | None:
        """Replace the document, if it is the expected one, by an atomic rename."""
        with files.translated(self._path):
            if expected is None:
                files.make_folder(self._path.parent)
            with files.alone(self._guard):
                present = self.read()
                if (present.version if present else None) != expected:
                    return None
                if present is not None:
                    files.replace_durably(self._backup, present.document)
                files.replace_durably(self._path, document)
        return _version(document)

    def append_if(self, journal: str, lines: bytes, *, written: Written) -> bool:
        """Add lines to a journal; a line that the disk cuts short is taken back."""
        path = self._journal(journal, _OPEN_SUFFIX)
        is_begun = written.appends > 0
        flags = os.O_WRONLY | (os.O_APPEND if is_begun else os.O_CREAT | os.O_EXCL)
        with self._changing(path):
            try:
                descriptor = files.open_private(path, flags)
            except (FileNotFoundError, FileExistsError):  # its folder is there: the guard is in it
                return False
            try:
                if os.fstat(descriptor).st_size != written.size_bytes:
                    return False
                files.write_durably(descriptor, lines)
            except OSError:
                # Best effort: where even this fails, the length refuses the next append, and readers drop a torn line.
                with suppress(OSError):
                    os.ftruncate(descriptor, written.size_bytes)
                    os.fsync(descriptor)
                raise
            finally:
                os.close(descriptor)
            if not is_begun:
                files.sync_folder(path.parent)
        return True

    def seal(self, journal: str) -> None:
        """End a journal by renaming it: its writer finds it gone, and its readers find it under either name."""
        path = self._journal(journal, _OPEN_SUFFIX)
        with self._changing(path):
            if path.exists():
                path.rename(self._journal(journal, _SEALED_SUFFIX))
                files.sync_folder(path.parent)

    def journals(self) -> Mapping[str, bool]:
        """List all journals: the name of a file says whether it is sealed."""
        pattern = re.compile(re.escape(f"{self._stem}.journal-") + r"([\w-]+?)(\.sealed)?\.jsonl", re.ASCII)
        with files.translated(self._path.parent):
            try:
                names = sorted(path.name for path in self._path.parent.iterdir())
            except FileNotFoundError:
                return {}
        return {match[1]: match[2] is not None for name in names if (match := pattern.fullmatch(name))}

    def read_journal(self, journal: str) -> bytes | None:
        """Read a journal, sealed or not, as far as it is written; None if there is none."""
        path = self._journal(journal, _OPEN_SUFFIX)
        with files.translated(path):
            # In this order: one that is sealed between the two looks is found by the second.
            data = files.read_if_there(path)
            return files.read_if_there(self._journal(journal, _SEALED_SUFFIX)) if data is None else data

    def drop(self, journal: str) -> None:
        """Remove a journal, sealed or not."""
        path = self._journal(journal, _OPEN_SUFFIX)
        with self._changing(path):
            files.remove_durably(path)
            files.remove_durably(self._journal(journal, _SEALED_SUFFIX))

    def backups(self) -> Sequence[Backup]:
        """List the one document that is kept."""
        with files.translated(self._backup):
            if not self._backup.exists():
                return ()
            found = self._backup.stat()
        return (Backup(self._backup.name, datetime.fromtimestamp(found.st_mtime, UTC), found.st_size),)

    def read_backup(self, name: str) -> bytes | None:
        """Read the document before this one."""
        with files.translated(self._backup):
            return files.read_if_there(self._backup) if name == self._backup.name else None

    def lock(self, holder: Holder) -> None:
        """Take the lock; one left by a dead process of this host is taken over."""
        with self._changing(self._path):
            self._lock.take(holder)

    def unlock(self, lock_id: str) -> None:
        """Give the lock back."""
        with self._changing(self._path):
            self._lock.give_back(lock_id)

    def holder(self) -> Holder | None:
        """Read who holds the lock, or left it behind when dying."""
        with files.translated(self._path):
            return self._lock.holder()

    def break_lock(self, lock_id: str) -> None:
        """Take the lock away from the run that has it."""
        with self._changing(self._path):
            self._lock.take_away(lock_id)

    @contextmanager
    def _changing(self, path: Path) -> Iterator[None]:
        with files.translated(path), files.alone(self._guard):
            yield

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._stem + suffix)

    def _journal(self, journal: str, suffix: str) -> Path:
        return self._beside(f".journal-{journal}{suffix}")


def _version(document: bytes) -> str:
    return sha256(document).hexdigest()
