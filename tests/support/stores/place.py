"""What a server of states gives to tests: places, each for one state."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.backends.open import Location, open_backend


@dataclass(frozen=True)
class Place:
    """
    Where one state can be kept: empty at first, and nobody else's.

    Attributes:
        url: for MSGFLASH_STATE.
        root: the repo of whoever uses it.
        environ: what the environment of a client, or of the real command, needs besides.
    """

    url: str
    root: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    def client(self) -> Backend:
        """Build a client; two of them are two processes as far as the store can tell."""
        return open_backend(Location(self.url, self.root, self.environ, is_trusted=True))


class Server(Protocol):
    """A server of one kind, running."""

    @property
    def port(self) -> int:
        """Where it listens on loopback, with TCP; 0 if it does not."""

    def place(self, folder: Path, *, port: int = 0) -> Place:
        """Make an empty place, reached through another port (a proxy) if one is given."""

    def restart(self) -> None:
        """Kill the server and start it again on its data and its port; returns when it answers."""
