"""
The journals of a state: one object for each append, created under the next number.

A journal is there as long as its object 000000 is. It is sealed by an empty object under its next number, where its
writer would append; the seal of a journal that was dropped stays as its tombstone. See the docstring of this package.
"""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from msgflash_apply.state.backends.base import SEALED, cannot_continue, checked_id
from msgflash_apply.state.backends.object_store import probe
from msgflash_apply.state.backends.object_store.objects import Listed, Objects

FOLDER: Final = "journal"

WRITER_LIMIT: Final = timedelta(days=5)
"""A writer gives up after this long by its own clock ..."""

TOMBSTONE_LIMIT: Final = timedelta(days=7)
"""... and only after this long, by the store's, does what would stop it go away."""

_KEY: Final = re.compile(rf"{FOLDER}/([\w-]+)/(\d{{6,}})\.jsonl", re.ASCII)
_SEAL: Final = b""
_BEGUN_BY_ANOTHER: Final = "it is not as this run left it: another run began it or wrote to it"


@dataclass(slots=True)
class _Ours:
    """A journal that this client writes."""

    began_at: float
    appended: int = 0
    is_dropped: bool = False


@dataclass(frozen=True, slots=True)
class _Pieces:
    """The objects of one journal: the numbers of its lines, in order; the number of its seal."""

    lines: tuple[int, ...]
    seal: int | None

    @property
    def exists(self) -> bool:
        return self.lines[:1] == (0,)

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.lines if self.seal is None else (*self.lines, self.seal)


@dataclass(slots=True)
class Journals:
    """
    The journals as one client sees them.

    Attributes:
        objects: of the state.
        now: seconds, by the clock on the wall; it also goes while the machine sleeps.
    """

    objects: Objects
    now: Callable[[], float]
    _ours: dict[str, _Ours] = field(default_factory=dict)

    def append(self, journal: str, lines: bytes) -> None:
        """Add lines to a journal of this client, or begin it."""
        ours = self._ours.get(journal) or _Ours(self.now())
        self._refuse_if_over(journal, ours)
        key = _key(journal, ours.appended, self.objects.url)
        if self.objects.put(key, lines, expected=None) is None:
            found = self.objects.read(key)
            is_sealed = found is not None and found.data == _SEAL
            raise cannot_continue(self._where(journal), SEALED if is_sealed else _BEGUN_BY_ANOTHER)
        # Again: a process that slept right before it sent may have outlived the seal that it should have met.
        self._refuse_if_over(journal, ours)
        ours.appended += 1
        self._ours[journal] = ours

    def seal(self, journal: str) -> None:
        """End a journal. No error if there is none, or if it is sealed."""
        self._sealed(journal)

    def ids(self) -> Collection[str]:
        """List the ids of all journals that are there."""
        return {journal for journal, pieces in _by_journal(self.objects.list(FOLDER)).items() if pieces.exists}

    def read(self, journal: str) -> bytes | None:
        """Read a journal as far as it is written; None if there is none."""
        while True:
            pieces = self._pieces(journal)
            if not pieces.exists:
                return None
            keys = [_key(journal, number, self.objects.url) for number in pieces.lines]
            found = self.objects.read_all(keys)
            if found is not None:
                return b"".join(found)

    def drop(self, journal: str) -> None:
        """Remove a journal but for its seal; one of this client's own for good."""
        ours = self._ours.get(journal)
        if ours is not None:
            ours.is_dropped = True
        pieces = self._sealed(journal) if ours is None else self._pieces(journal)
        if not pieces.exists:
            return
        # In this order: once its first object is gone, so is the journal, and no reader gets a part of it.
        self.objects.delete([_key(journal, 0, self.objects.url)])
        rest = pieces.lines[1:] if ours is None else pieces.numbers[1:]
        self.objects.delete(_key(journal, number, self.objects.url) for number in rest)

    def purge(self, now: datetime) -> None:
        """
        Remove what is of no use any more: tombstones, remains of a drop that was cut short, probes.

        Args:
            now: by the store's clock.
        """
        listed = self.objects.list()
        live = {journal for journal, pieces in _by_journal(listed).items() if pieces.exists}
        old = [each.key for each in listed if now - each.modified_at > TOMBSTONE_LIMIT]
        self.objects.delete(key for key in old if _is_litter(key, live))

    def _sealed(self, journal: str) -> _Pieces:
        pieces = self._pieces(journal)
        if not pieces.exists or pieces.seal is not None:
            return pieces
        number = len(pieces.lines)
        while self.objects.put(_key(journal, number, self.objects.url), _SEAL, expected=None) is None:
            number += 1  # Its writer was quicker, which appends one after the other: the next number may be free.
        return _Pieces(tuple(range(number)), number)

    def _pieces(self, journal: str) -> _Pieces:
        folder = _key(journal, 0, self.objects.url).rpartition("/")[0]
        return _by_journal(self.objects.list(folder)).get(journal, _Pieces((), None))

    def _refuse_if_over(self, journal: str, ours: _Ours) -> None:
        if ours.is_dropped:
            raise cannot_continue(self._where(journal), "it was dropped")
        if self.now() - ours.began_at > WRITER_LIMIT.total_seconds():
            raise cannot_continue(self._where(journal), f"it began more than {WRITER_LIMIT.days} days ago")

    def _where(self, journal: str) -> str:
        return f"{self.objects.url}: journal {journal}"


def _key(journal: str, number: int, url: str) -> str:
    return f"{FOLDER}/{checked_id(journal, url)}/{number:06}.jsonl"


def _by_journal(listed: Iterable[Listed]) -> dict[str, _Pieces]:
    sizes: dict[str, dict[int, int]] = {}
    for each in listed:
        match = _KEY.fullmatch(each.key)
        if match:
            sizes.setdefault(match[1], {})[int(match[2])] = each.size_bytes
    return {journal: _pieces_of(numbers) for journal, numbers in sizes.items()}


def _pieces_of(sizes: dict[int, int]) -> _Pieces:
    lines = tuple(sorted(number for number, size in sizes.items() if size))
    return _Pieces(lines, next((number for number, size in sizes.items() if not size), None))


def _is_litter(key: str, live: Collection[str]) -> bool:
    match = _KEY.fullmatch(key)
    return match[1] not in live if match else key.startswith(f"{probe.FOLDER}/")
