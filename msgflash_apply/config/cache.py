"""
A folder of this user's own for what was worked out before: small, safe to delete at any time, and never in the repo.

What lies here decides what a plan says, so nobody else may have written it. `.msgflash/` will not do: whoever can push
a branch can commit files there that look like ours. Hence the user's cache folder (`$XDG_CACHE_HOME/msgflash-apply`,
else `~/.cache/msgflash-apply`), and only while it belongs to this user alone, lies outside the repo, and is no link.
Whoever can write there can as well replace the program. Of JSON alone, since loading that runs nothing.

Every file proves itself by a checksum, and is replaced by a rename: one that is torn, flipped or half deleted is as
good as absent, and two processes never meet. Nothing here ever fails: without a usable folder there is no cache.
`MSGFLASH_CACHE=off` does without.
"""

import json
import os
import stat
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

SWITCH: Final = "MSGFLASH_CACHE"
LARGEST_BYTES: Final = 128 * 1024 * 1024
"""Some two hundred thousand campaigns."""

MOST_BYTES: Final = 512 * 1024 * 1024
MOST_FILES: Final = 32

_HEAD_LENGTH: Final = 65
_OTHERS_MAY_WRITE: Final = 0o022


class Cache:
    """
    Values by name, on disk.

    Args:
        folder: made when something is written.
        largest_bytes: of one file; what would be larger is not written.
        most_files: at a time; the ones that were of use longest ago go first.
    """

    def __init__(self, folder: Path, *, largest_bytes: int = LARGEST_BYTES, most_files: int = MOST_FILES) -> None:
        self.folder = folder
        self._largest_bytes = largest_bytes
        self._most_files = most_files

    def read(self, name: str) -> object:
        """Give the value that was written under a name; None for none, and for one that is not intact or not ours."""
        try:
            data = _read_own(self._path(name)) if _is_ours(self.folder.lstat()) else b""
        except OSError:
            return None
        body = memoryview(data)[_HEAD_LENGTH:]
        if data[:_HEAD_LENGTH] != _head([body]):
            return None
        try:
            value: object = json.loads(str(body, "utf-8"))
        except (ValueError, RecursionError):  # not written by `write`
            return None
        with suppress(OSError):
            os.utime(self._path(name))  # it was of use, so others go first
        return value

    def write(self, name: str, value: object) -> None:
        """Keep a value made of JSON's own types, if that can be done."""
        try:
            body = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        except UnicodeEncodeError:  # a file whose name is no text
            return
        self.write_parts(name, [body])

    def write_parts(self, name: str, parts: Sequence[bytes]) -> None:
        """Keep a value that is written as JSON already, in parts of one text; thousands of files are never joined."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if sum(map(len, parts)) <= self._largest_bytes and _is_ours(self.folder.lstat()):
                self._replace(name, parts)
                self._prune()
        except OSError:  # no space, no right: it is worked out again
            return

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _replace(self, name: str, parts: Sequence[bytes]) -> None:
        aside = self.folder / f"{name}.{os.getpid()}-{threading.get_ident()}"
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(_head(parts))
            file.writelines(parts)
        aside.replace(self._path(name))

    def _prune(self) -> None:
        """Delete what is more than the bounds allow, files that a killed process left aside included."""
        found = [(path.lstat(), path) for path in self.folder.iterdir()]
        found.sort(key=lambda item: item[0].st_mtime_ns, reverse=True)
        total = 0
        for number, (status, path) in enumerate(found, 1):
            total += status.st_size
            if number > self._most_files or total > MOST_BYTES:
                path.unlink()


def open_cache(root: Path, environ: Mapping[str, str]) -> Cache | None:
    """
    Open the user's cache.

    Args:
        root: the repo, within which no cache is trusted.
        environ: the process's environment: `MSGFLASH_CACHE`, `XDG_CACHE_HOME`, `HOME`.

    Returns:
        None where it is switched off, or there is no place for it.
    """
    if environ.get(SWITCH, "").lower() in {"off", "0", "no", "false"}:
        return None
    base = environ.get("XDG_CACHE_HOME", "")
    if not base.startswith("/"):  # the specification: a relative path is to be ignored
        home = environ.get("HOME", "")
        base = f"{home}/.cache" if home.startswith("/") else ""
    if not base or _is_within(os.path.realpath(base), os.path.realpath(root)):
        return None
    return Cache(Path(base, "msgflash-apply"))


def _head(parts: Iterable[bytes | memoryview]) -> bytes:
    """The line that proves what follows it."""
    total = sha256()
    for part in parts:
        total.update(part)
    return total.hexdigest().encode() + b"\n"


def _is_within(path: str, folder: str) -> bool:
    return os.path.commonpath((path, folder)) == folder


def _is_ours(status: os.stat_result) -> bool:
    """Whether a folder or file is no link, and nobody but this user can have written it."""
    is_plain = stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode)
    return is_plain and status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_MAY_WRITE


def _read_own(path: Path) -> bytes:
    """Read a file of ours; nothing of one that is not, or too large to be one."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        return file.read() if _is_ours(status) and status.st_size <= LARGEST_BYTES + _HEAD_LENGTH else b""
