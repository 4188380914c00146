"""What a server of states gives to tests: places, each for one state."""

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from msgflash_apply.state.backends.backend import StoreBackend, open_store
from msgflash_apply.state.backends.base import Backend, Location, Store
from msgflash_apply.state.backends.encryption import KEY_BYTES, Encryption, read_keys


@dataclass(frozen=True)
class Place:
    """
    Where one state can be kept: empty at first, and nobody else's.

    Attributes:
        url: for MSGFLASH_STATE.
        root: the repo of whoever uses it.
        environ: what the environment of a client, or of the real command, needs besides. A key for the state in it
            makes this a place of encrypted states.
    """

    url: str
    root: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    def client(self) -> Backend:
        """Build a client; two of them are two processes as far as the store can tell."""
        store = self.open(Location(self.url, self.root, self.environ, is_trusted=True))
        text = self.environ.get("MSGFLASH_STATE_KEY")
        return StoreBackend(store, Encryption(read_keys(text, origin="this test")) if text else None)

    def open(self, location: Location) -> Store:
        """Open the storage; what is in it may be encrypted."""
        return open_store(location)

    def encrypted(self) -> "Place":
        """Give the same place for an encrypted state, with a key of its own."""
        key = b64encode(os.urandom(KEY_BYTES)).decode()
        return replace(self, environ={**self.environ, "MSGFLASH_STATE_KEY": key})


class Server(Protocol):
    """A server of one kind, running."""

    @property
    def port(self) -> int:
        """Where it listens on loopback, with TCP; 0 if it does not."""

    def place(self, folder: Path, *, port: int = 0) -> Place:
        """Make an empty place, reached through another port (a proxy) if one is given."""

    def restart(self) -> None:
        """Kill the server and start it again on its data and its port; returns when it answers."""
