"""States as files: no server at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.stores.place import Place


class _Folders:
    @property
    def port(self) -> int:
        """Nothing listens."""
        return 0

    def place(self, folder: Path, *, port: int = 0) -> Place:
        """Keep the state in a file of the repo."""
        assert port == 0
        return Place("default.json", folder)

    def restart(self) -> None:
        """Nothing runs."""


@contextmanager
def folders(_: Path) -> Iterator[_Folders]:
    """Serve states as files."""
    yield _Folders()
