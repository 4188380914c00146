"""
Where states are kept in tests: real servers on this machine, one module for each kind.

A new kind joins with one line in `KINDS`. Its server runs for the whole session, starts when it is first asked for, and
gives as many places as there are tests; every place begins empty.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

import pytest

from tests.support.stores.azure import azurite
from tests.support.stores.encrypted import encrypted
from tests.support.stores.gcs import gcs
from tests.support.stores.http import gitlab_store, http_store, lenient_store
from tests.support.stores.local import folders
from tests.support.stores.place import Place, Server
from tests.support.stores.postgres import postgres
from tests.support.stores.s3 import moto, seaweedfs

__all__ = ["Place", "Server", "Stores", "every_kind", "every_storage", "kinds", "one_of_each"]

Serve: TypeAlias = Callable[[Path], AbstractContextManager[Server]]
"""From an empty folder for the server's data to the server, running for the time of a block."""

KINDS: Mapping[str, tuple[Serve, tuple[str, ...]]] = {
    "local": (folders, ()),
    "local-encrypted": (encrypted(folders), ()),
    "http": (http_store, ()),
    "http-encrypted": (encrypted(http_store), ()),
    "http-lenient": (lenient_store, ()),
    "http-gitlab": (gitlab_store, ()),
    "s3-seaweedfs": (seaweedfs, ("weed",)),
    "s3-moto": (moto, ("moto_server",)),
    "gcs": (gcs, ()),
    "azure": (azurite, ("azurite-blob",)),
    "postgres": (postgres, ("postgres",)),
}
"""How each kind is served, and the programs that it needs (see the marker `needs`)."""


def every_kind() -> list[object]:
    """Give all kinds as parameters for tests, marked with the programs that they need."""
    return kinds(*KINDS)


def every_storage() -> list[object]:
    """Give one remote kind of each storage: a second emulator or dialect of one fails and dies in the same places."""
    return kinds("http", "s3-seaweedfs", "gcs", "azure", "postgres")


def one_of_each() -> list[object]:
    """Give one remote kind of each family, for what takes long: all object stores share what happens above them."""
    return kinds("http", "s3-seaweedfs", "postgres")


def kinds(*names: str) -> list[object]:
    """Give some kinds as parameters for tests, marked with the programs that they need."""
    return [pytest.param(name, marks=[pytest.mark.needs(program) for program in KINDS[name][1]]) for name in names]


class Stores:
    """The servers of a test session."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._running: dict[str, Server] = {}
        self._exits = ExitStack()

    def server(self, kind: str) -> Server:
        """Start the server of a kind, or find it running."""
        if kind not in self._running:
            serve, _ = KINDS[kind]
            self._running[kind] = self._exits.enter_context(serve(self._folders.mktemp(kind)))
        return self._running[kind]

    def place(self, kind: str, folder: Path) -> Place:
        """Make an empty place for one state; `folder` is the repo of whoever uses it."""
        return self.server(kind).place(folder)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._exits.close()
