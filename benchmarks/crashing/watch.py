"""What a run at work, or a dead one, shows through its state."""

import fcntl
from contextlib import suppress
from pathlib import Path

from msgflash_apply.state.backends.base import Holder
from msgflash_apply.state.reading import load
from tests.support.stores import Place

ENVIRONMENT = "default"


class Watch:
    """
    A state on a server, watched by its clients; looks are requests, so there are few of them.

    Attributes:
        backend: a client for looks.
        poll_seconds: from one look to the next.
        commit_poll_seconds: likewise, while waiting for a commit.
        commit_seconds: how long a commit may go on from the moment when `is_committing` turns.
    """

    poll_seconds = 0.05
    commit_poll_seconds = 0.002
    commit_seconds = 0.03

    def __init__(self, place: Place) -> None:
        self.backend = place.client()
        self._folded: str | None = None

    def begin(self) -> None:
        """Remember how things are before a run."""
        self._folded = self.journal_folded_last()

    def is_committing(self) -> bool:
        """Whether the journal that the document names is gone: right after that the document is replaced."""
        return self._folded is not None and self._folded not in self.backend.journals()

    def holder(self) -> Holder | None:
        """Look who holds the lock, or left it behind."""
        return self.backend.holder()

    def holds_lock(self, pid: int) -> bool:
        """Whether a process holds the lock, or left it behind."""
        holder = self.holder()
        return holder is not None and holder.pid == pid

    def journal_folded_last(self) -> str | None:
        """Look which journal the document names."""
        return load(self.backend, ENVIRONMENT).snapshot.journal

    def phase(self, pid: int, folded_before: str | None, *, was_over: bool) -> str:
        """Tell from what it left behind how far a run had come."""
        holder, folded = self.holder(), self.journal_folded_last()
        if was_over:
            return "after the end"
        if holder is None or holder.pid != pid:
            return "before the lock" if folded == folded_before else "after the end"
        journal = self.backend.read_journal(holder.lock_id) or b""
        if folded == holder.lock_id or (journal.count(b"\n") > 1 and self._is_half_committed()):
            return "committing"
        return "sending" if journal.count(b"\n") > 1 else "planning"

    def is_amid_a_step(self) -> bool:
        """Whether a run holds what every other one needs for a few milliseconds: stopped there, it makes all wait."""
        return False

    def _is_half_committed(self) -> bool:
        return self.is_committing()


class LocalWatch(Watch):
    """A state in a folder, whose files show more, and can be looked at all the time: first the backup is replaced."""

    poll_seconds = 0.005
    commit_poll_seconds = 0.0005
    commit_seconds = 0.004

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._document = Path(self.backend.url)
        self._backup = self._document.with_name(f"{self._document.name}.backup")
        self._guard = self._document.with_name(f"{self._document.stem}.guard")
        self._version = 0

    def begin(self) -> None:
        """Remember which backup is there."""
        self._version = self._backup_version()

    def is_committing(self) -> bool:
        """Whether the backup was replaced: right after that the document is."""
        return self._backup_version() != self._version

    def is_amid_a_step(self) -> bool:
        """Whether the guard is locked."""
        with self._guard.open("rb") as guard:
            try:
                fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _is_half_committed(self) -> bool:
        aside = [path.with_name(f"{path.name}.tmp") for path in (self._document, self._backup)]
        return any(path.exists() for path in aside) or (
            self._backup.exists() and self._backup.read_bytes() == self._document.read_bytes()
        )

    def _backup_version(self) -> int:
        with suppress(FileNotFoundError):
            return self._backup.stat().st_ino
        return 0


def watch(kind: str, place: Place) -> Watch:
    """Watch a state of some kind."""
    return LocalWatch(place) if kind == "local" else Watch(place)
