"""The disk of the tests' own HTTP backend server."""

import json
import os
from pathlib import Path
from typing import TypeAlias

LockInfo: TypeAlias = dict[str, object]


class State:
    """One state in a folder: a file per version, whose name is its serial, and a file with the lock."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = folder / "lock.json"
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def lock(self) -> LockInfo | None:
        """The lock that is held."""
        return json.loads(self._lock.read_bytes()) if self._lock.exists() else None

    @lock.setter
    def lock(self, info: LockInfo | None) -> None:
        if info is None:
            self._lock.unlink()
        else:
            _put(self._lock, json.dumps(info).encode())

    def serials(self) -> list[int]:
        """The serials of all versions, in order."""
        return sorted(int(path.stem) for path in self._folder.glob("*.version"))

    def read(self) -> bytes | None:
        """The latest version."""
        serials = self.serials()
        return self._version(serials[-1]).read_bytes() if serials else None

    def write(self, serial: int, body: bytes) -> None:
        """Add a version, or replace the one of this serial; of former ones only the serials are kept."""
        _put(self._version(serial), body)
        for former in self.serials()[:-1]:
            os.truncate(self._version(former), 0)

    def remove(self) -> None:
        """Remove all versions, as somebody may by hand."""
        for serial in self.serials():
            self._version(serial).unlink()

    def _version(self, serial: int) -> Path:
        return self._folder / f"{serial}.version"


def _put(path: Path, data: bytes) -> None:
    aside = path.with_suffix(".new")
    aside.write_bytes(data)
    aside.replace(path)
