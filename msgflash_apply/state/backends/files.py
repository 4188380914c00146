"""
Files that survive a crash: written aside, synced, and put in place in one step. POSIX only.

Nothing here knows of states; `local.py` builds on it.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgflash_apply.errors import BackendError

PRIVATE = 0o600
"""Mode of every file: no other user may read the texts of campaigns."""

LARGEST_BYTES = 512 * 1024 * 1024
"""Of a document or journal: many times what a hundred thousand campaigns take."""

_NO_STATE = "That is not a state. Correct the state's location in msgflash.yaml."
_REMEDIES = {
    errno.ENOSPC: "Free some space on that disk, then run again.",
    errno.EDQUOT: "Free some of this user's quota on that disk, then run again.",
    errno.EACCES: "Give this user the right to read and write there, then run again.",
    errno.EPERM: "Give this user the right to read and write there, then run again.",
    errno.EROFS: "Make that disk writable, then run again.",
    errno.ENOENT: "The folder is gone, or was never there. Correct the state's location in msgflash.yaml.",
    errno.ENOTDIR: "Something on that path is no folder. Correct the state's location in msgflash.yaml.",
    errno.EISDIR: "A folder is in the place of the file. Correct the state's location in msgflash.yaml.",
    errno.EINVAL: _NO_STATE,
    errno.ELOOP: _NO_STATE,
    errno.EFBIG: _NO_STATE,
}


def refused(path: Path, err: OSError) -> BackendError:
    """Translate an error of the operating system: the path, its own words, and what to do."""
    remedy = _REMEDIES.get(err.errno or 0, "Repair that disk or folder, then run again.")
    return BackendError("The state's storage failed.", f"{err.filename or path}: {err.strerror or err}.", remedy)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise BackendError, naming the path, for every error of the operating system inside."""
    try:
        yield
    except OSError as err:
        raise refused(path, err) from err


def read_if_there(path: Path) -> bytes | None:
    """
    Read a whole file; None if there is none.

    Anyone who can write to the folder decides what is there. A pipe or a device, which would never end, and a file
    larger than any state are refused before they are read, as an OSError like every other; and so is a symbolic link,
    which could lead out of the repo.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        return None
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "Not a regular file", str(path))
        if found.st_size > LARGEST_BYTES:
            raise OSError(errno.EFBIG, f"{found.st_size} bytes, more than any state has", str(path))
        return os.read(descriptor, found.st_size)
    finally:
        os.close(descriptor)


def open_private(path: Path, flags: int) -> int:
    """Open a file for this user alone, never through a symbolic link, and closed in child processes."""
    return os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, PRIVATE)


def write_durably(descriptor: int, data: bytes) -> None:
    """Write all of it and wait for the disk."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    os.fsync(descriptor)


def replace_durably(path: Path, data: bytes) -> None:
    """
    Put a file in place: the old one or the new one is there at any moment, and after a crash too.

    Only one process may do this at a time: the name of the file written aside is fixed, so that none is left over.
    """
    aside = path.with_name(path.name + ".tmp")
    aside.unlink(missing_ok=True)
    descriptor = open_private(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        write_durably(descriptor, data)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    aside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make names in a folder durable: what was created, replaced or removed there stays so after a crash."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, for this user alone, durably. No error if it is there."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)
        sync_folder(folder.parent)


def remove_durably(path: Path) -> None:
    """Remove a file. No error if there is none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return
    sync_folder(path.parent)


@contextmanager
def alone(guard: Path) -> Iterator[None]:
    """
    Let one process at a time in, for the few milliseconds of one step; the others wait.

    Every change of a local state happens in here, so that even runs that broke each other's lock never mix two steps.
    The guard file stays where it is: removing it would let two processes wait on different files of one name.
    """
    descriptor = open_private(guard, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
