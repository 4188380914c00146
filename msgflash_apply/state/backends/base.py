"""
What every storage of the state must do, and in what words it says no.

A storage keeps, under one URL: the document, at most one journal per run, and a lock. One suite checks every promise
below on every kind: `tests/contract/test_backend_suite.py`.
"""

import errno
import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Final, Protocol

from msgflash_apply.errors import BackendError, StateConflict, StateError, StateLocked

RUN_AGAIN = "Run again: what was written is read back, and what is in doubt is named."
# Messages show it in a command to run.
_LOCK_ID: Final = re.compile(r"[\w-]{1,64}", re.ASCII)
_LONGEST_TEXT: Final = 200
UNKNOWN: Final = "unknown"


@dataclass(frozen=True, slots=True)
class Stored:
    """
    A document as it was read.

    Attributes:
        document: all of it; a document of no bytes is damage, and no backend turns absence into one.
        version: token that `write` compares with; two different documents never share one.
    """

    document: bytes
    version: str


@dataclass(frozen=True, slots=True)
class Holder:
    """
    Who holds the lock.

    Attributes:
        lock_id: unique among all runs ever (a UUID); names the run's journal too. Letters, digits and hyphens.
        who: the user, as people know them.
        host: the machine; a process id means nothing anywhere else.
        pid: the process.
        what: the command that runs.
        since: when it took the lock.
    """

    lock_id: str
    who: str
    host: str
    pid: int
    what: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Appends:
    """
    How a run should write its journal, so that the storage's latency costs no time and its price stays bearable.

    Attributes:
        ahead: how many creates may be announced that have not left yet; after a crash they are in doubt too.
        every_seconds: least time from the start of one append to the start of the next; entries gather meanwhile.
    """

    ahead: int = 1
    every_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Backup:
    """
    A former document that a storage still has.

    Attributes:
        name: what `read_backup` takes; stable as long as the document is kept.
        written_at: when it was replaced, or written where the storage knows that only.
        size_bytes: of the document as it is kept.
    """

    name: str
    written_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Written:
    """How far a run has written its journal: how often it appended, and how many bytes that were. Nothing begins it."""

    appends: int = 0
    size_bytes: int = 0


class Storage(Protocol):
    """
    One state, somewhere: what a `Store` and a `Backend` have in common.

    Every method raises BackendError when the storage fails; it names the place and never the credentials. What a
    method changed is durable when it returns. A method that raises has changed nothing that another run could see,
    or all of it: a reader never sees half of a document or of a lock.
    """

    @property
    def url(self) -> str:
        """Where the document is, for people: without credentials."""

    @property
    def appends(self) -> Appends:
        """How a run should write its journal here."""

    @property
    def lock_dies_with_its_holder(self) -> bool:
        """Whether a lock that cannot be taken proves that its holder lives, where that is on the same host."""

    def read(self) -> Stored | None:
        """Read the document; None where there is none. Needs no lock and no right to write."""

    def seal(self, journal: str) -> None:
        """End a journal, of any run: once this returns, it never grows. No error if there is none."""

    def journals(self) -> Mapping[str, bool]:
        """List all journals by their ids: whether each is sealed. Needs no lock and no right to write."""

    def read_journal(self, journal: str) -> bytes | None:
        """Read a journal, sealed or not, as far as it is written; None if there is none. Needs no lock either."""

    def drop(self, journal: str) -> None:
        """Remove a journal. No error if there is none."""

    def backups(self) -> Sequence[Backup]:
        """List the former documents that are kept, the latest first. Needs no lock and no right to write."""

    def read_backup(self, name: str) -> bytes | None:
        """Read a former document; None if there is none of this name."""

    def lock(self, holder: Holder) -> None:
        """
        Take the lock, at once or not at all. When the lock of a run that died ends is listed in `state/lock.py`.

        Raises:
            StateLocked: a run has it; names the holder.
        """

    def unlock(self, lock_id: str) -> None:
        """Give the lock back. No error if it was broken or taken over meanwhile; another one's stays."""

    def holder(self) -> Holder | None:
        """Read who holds the lock, or left it behind when dying."""

    def break_lock(self, lock_id: str) -> None:
        """
        Take the lock away from the run that has it; a last resort.

        Raises:
            StateError: there is no lock of this id; names the holder of the one there.
        """


class Store(Storage, Protocol):
    """
    A storage as it is: bytes, replaced and added to on a condition. What the condition refuses is a value.

    The ids of journals are those of journals: `StoreBackend` has checked them.
    """

    def put_if(self, document: bytes, *, expected: str | None) -> str | None:
        """
        Replace the document if it still is the one that was read, keeping it as a backup.

        Args:
            document: the new one.
            expected: version of the one to be replaced; None if there must be none, and then folders that are
                missing are made.

        Returns:
            The version of the new document; None where there is another one, or none, and nothing was changed.
        """

    def append_if(self, journal: str, lines: bytes, *, written: Written) -> bool:
        """
        Add lines to a journal, if it is as this run left it.

        Args:
            journal: its id.
            lines: what to add.
            written: how far this run has written it; where that is nothing, it must not be there, and begins.

        Returns:
            Whether it was; otherwise nothing was changed.
        """


class Backend(Storage, Protocol):
    """A state as the ledger sees it. `backend.py` makes one of any `Store`."""

    def write(self, document: bytes, *, expected: str | None) -> str:
        """
        Replace the document as `Store.put_if` does.

        Raises:
            StateConflict: there is another document, or none; nothing was changed.
        """

    def append(self, journal: str, lines: bytes) -> None:
        """
        Add lines to a journal. The first call of a backend object begins it, the others continue it.

        Raises:
            BackendError: also when another run began the journal, or it was sealed or dropped meanwhile.
                After an error the journal may end in the middle of a line, and takes no more lines.
        """

    def remains(self) -> tuple[str, ...]:
        """Name what is here besides the document and the lock (journals, a backup); empty where no state ever was."""


def locked(url: str, holder: Holder) -> StateLocked:
    """Word the refusal of a lock, alike for every storage."""
    return StateLocked(
        "The state is locked.",
        f"{url}: held by {_described(holder)}.",
        "Wait until that run ends, or let this one wait with --lock-timeout. Only if that run is surely dead:\n"
        f"    msgflash-apply state unlock {holder.lock_id}",
    )


def changed_since_read(url: str) -> StateConflict:
    """Word the refusal to replace a document that is not the one that was read, alike for every storage."""
    return StateConflict(
        "The state changed after it was read.",
        f"{url}: it is not the document that was read; another run replaced it, or it was removed.",
        "Plan again, on the state as it is now.",
    )


def not_continued(url: str, journal: str, what: str) -> BackendError:
    """Say that a run's own journal takes no more lines, alike for every storage; `what` is why."""
    return BackendError("This run's journal cannot be continued.", f"{url}, journal {journal}: {what}.", RUN_AGAIN)


def lock_lost(url: str, what: str, fix: str = RUN_AGAIN) -> BackendError:
    """Say that the lock is not this run's any more, alike for every storage; `what` is how that was found out."""
    return BackendError("The state's lock was lost.", f"{url}: {what}.", fix)


def checked_id(journal: str, where: str) -> str:
    """Refuse what no run's journal is called: it may come from a document that a stranger wrote, and lead elsewhere."""
    if not re.fullmatch(r"[\w-]+", journal, re.ASCII):
        raise BackendError("That is no journal.", f"{where}: {journal!r} cannot be the id of a journal.")
    return journal


def not_the_lock(url: str, lock_id: str, holder: Holder | None) -> StateError:
    """Word the refusal to break a lock that is not there, alike for every storage."""
    if holder is None:
        return StateError("There is no such lock.", f"{url}: no lock {lock_id}; it is not locked.")
    return StateError(
        "There is no such lock.",
        f"{url}: no lock {lock_id}; the lock there is {holder.lock_id}, of {_described(holder)}.",
    )


def _described(holder: Holder) -> str:
    return (
        f"{holder.who} on {holder.host} (process {holder.pid}) for `{holder.what}` "
        f"since {holder.since:%Y-%m-%d %H:%M:%S %Z}"
    )


@dataclass(frozen=True, slots=True)
class Location:
    """
    Where a state is, and what its backend may know of the surroundings.

    Attributes:
        url: a path (absolute, or relative to `root`) or a URL; `{environment}` is filled in already.
        root: the campaigns repo.
        environ: the process's environment: credentials and endpoints come from here, never from the URL.
        is_trusted: the URL itself comes from the environment. Otherwise a branch wrote it: a secret then goes only to
            a host that `environ` names.
    """

    url: str
    root: Path
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_trusted: bool = False


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine, so that no one on the way can read or change anything."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def read_holder(values: object) -> Holder:
    """
    Read a holder out of the JSON in which `serialise.to_json` wrote it.

    Raises:
        ValueError: it is none that a run of ours wrote.
    """
    if not isinstance(values, Mapping) or values.keys() != Holder.__dataclass_fields__.keys():
        raise ValueError("not the fields of a holder")
    lock_id, pid = _text(values["lock_id"]), values["pid"]
    if not _LOCK_ID.fullmatch(lock_id) or type(pid) is not int or not 0 <= pid < 2**31:
        raise ValueError("no lock id, or no process id")
    return Holder(
        lock_id=lock_id,
        who=_text(values["who"]),
        host=_text(values["host"]),
        pid=pid,
        what=_text(values["what"]),
        since=_moment(_text(values["since"])),
    )


def unknown_holder(since: datetime) -> Holder:
    """Give the holder of a lock that cannot be read: from no host, so that it is never taken over."""
    return Holder(UNKNOWN, UNKNOWN, UNKNOWN, pid=0, what=UNKNOWN, since=since)


def has_ended(holder: Holder) -> bool:
    """Whether the holder was a process of this host and is dead; of other hosts nothing is known."""
    return holder.host == socket.gethostname() and not is_alive(holder.pid)


def is_alive(pid: int) -> bool:
    """Whether a process of this host has this number; also where it is another one that was given it since."""
    try:
        os.kill(pid, 0)
    except OSError as err:
        return err.errno != errno.ESRCH  # that of another user may not be signalled, and lives
    return True


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_TEXT:
        raise ValueError("not a text, or not one of that length")
    return value


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("no time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as err:
        raise ValueError("not a moment that a clock shows") from err
