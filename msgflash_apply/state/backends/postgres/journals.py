"""Journals as rows: one that says how far a journal is, and one for what each append brought."""

from collections.abc import Collection
from dataclasses import dataclass

from msgflash_apply.state.backends.base import ALTERED, SEALED, cannot_continue, checked_id
from msgflash_apply.state.backends.postgres.sessions import ChangeResult, Sessions
from msgflash_apply.state.backends.postgres.statements import (
    BEGIN_JOURNAL,
    CONTINUE_JOURNAL,
    DROP_JOURNAL,
    LIST_JOURNALS,
    READ_JOURNAL,
    SEAL_JOURNAL,
)


@dataclass(frozen=True, slots=True)
class _JournalChange(ChangeResult):
    is_done: bool


@dataclass(frozen=True, slots=True)
class _Journal:
    journal: str
    is_sealed: bool


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that were stored."""

    content: bytes


class Journals:
    """The journals of one state, and how often this object appended to those that it began."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._appends: dict[str, int] = {}

    def append(self, journal: str, lines: bytes) -> None:
        """Begin a journal that is not there, or continue one that is as this object left it."""
        appends = self._appends.get(journal, 0)
        statement = CONTINUE_JOURNAL if appends else BEGIN_JOURNAL
        parameters = {"journal": checked_id(journal, self._sessions.url), "lines": lines, "appends": appends}
        if not self._sessions.change(_JournalChange, statement, parameters).is_done:
            states = {found.journal: found.is_sealed for found in self._found()}
            is_sealed = appends > 0 and states.get(journal, True)
            raise cannot_continue(f"{self._sessions.url}, journal {journal}", SEALED if is_sealed else ALTERED)
        self._appends[journal] = appends + 1

    def seal(self, journal: str) -> None:
        """End a journal: waits for an append that is under way, and lets none follow."""
        self._sessions.change(_JournalChange, SEAL_JOURNAL, {"journal": checked_id(journal, self._sessions.url)})

    def drop(self, journal: str) -> None:
        """Remove a journal with its lines."""
        self._sessions.change(_JournalChange, DROP_JOURNAL, {"journal": checked_id(journal, self._sessions.url)})

    def names(self) -> Collection[str]:
        """List all journals, the one begun first in front."""
        return tuple(found.journal for found in self._found())

    def read(self, journal: str) -> bytes | None:
        """Read all lines in order; None if there is no such journal."""
        found = self._sessions.look(Content, READ_JOURNAL, {"journal": checked_id(journal, self._sessions.url)})
        return found[0].content if found else None

    def _found(self) -> list[_Journal]:
        return self._sessions.look(_Journal, LIST_JOURNALS)
