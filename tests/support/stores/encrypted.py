"""States of any other kind, encrypted by us before they get there."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.stores.place import Place, Server


@dataclass(frozen=True)
class _Encrypted:
    """A server whose every place has a key."""

    inner: Server

    @property
    def port(self) -> int:
        """Where the inner one listens."""
        return self.inner.port

    def place(self, folder: Path, *, port: int = 0) -> Place:
        """Make a place, and a key for it."""
        return self.inner.place(folder, port=port).encrypted()

    def restart(self) -> None:
        """Pass on."""
        self.inner.restart()


def encrypted(
    serve: Callable[[Path], AbstractContextManager[Server]],
) -> Callable[[Path], AbstractContextManager[Server]]:
    """Give the same servers, for states that we encrypt."""

    @contextmanager
    def serve_encrypted(folder: Path) -> Iterator[Server]:
        with serve(folder) as inner:
            yield _Encrypted(inner)

    return serve_encrypted
