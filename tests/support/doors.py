"""
A state backend that dies or fails on cue: one of the two doors through which whatever matters leaves the program.

An effect is a call that changes something: write, append, seal, drop, lock, unlock, break_lock; of a store, put_if and
append_if. They are counted from 1, so a test runs once with `at=0` to learn how many there are, and then once for each
of them.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar, cast

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Appends, Backend, Backup, Holder, Storage, Store, Stored, Written

_Answer = TypeVar("_Answer")
When = Literal["before", "after"]


class Crash(BaseException):
    """The process is gone: nothing after this happens. Not an Exception, so that no tidying up hides it."""


class _Door:
    """A backend or store that passes everything on and counts the effects; what happens at one is up to `_effect`."""

    def __init__(self, inner: Backend | Store) -> None:
        self._inner: Storage = inner
        self.effects = 0

    @property
    def url(self) -> str:
        """Where the document is."""
        return self._inner.url

    @property
    def appends(self) -> Appends:
        """How its journal wants to be written."""
        return self._inner.appends

    @property
    def lock_dies_with_its_holder(self) -> bool:
        """As that of the storage."""
        return self._inner.lock_dies_with_its_holder

    def read(self) -> Stored | None:
        """Pass on."""
        return self._look(self._inner.read)

    def backups(self) -> Sequence[Backup]:
        """Pass on."""
        return self._look(self._inner.backups)

    def read_backup(self, name: str) -> bytes | None:
        """Pass on."""
        return self._look(lambda: self._inner.read_backup(name))

    def journals(self) -> Mapping[str, bool]:
        """Pass on."""
        return self._look(self._inner.journals)

    def read_journal(self, journal: str) -> bytes | None:
        """Pass on."""
        return self._look(lambda: self._inner.read_journal(journal))

    def remains(self) -> tuple[str, ...]:
        """Pass on."""
        return self._look(lambda: cast("Backend", self._inner).remains())

    def holder(self) -> Holder | None:
        """Pass on."""
        return self._look(self._inner.holder)

    def write(self, document: bytes, *, expected: str | None) -> str:
        """Count and pass on."""
        return self._effect(lambda: cast("Backend", self._inner).write(document, expected=expected))

    def put_if(self, document: bytes, *, expected: str | None) -> str | None:
        """Count and pass on, where this is the door of a store."""
        return self._effect(lambda: cast("Store", self._inner).put_if(document, expected=expected))

    def append(self, journal: str, lines: bytes) -> None:
        """Count and pass on."""
        self._effect(lambda: cast("Backend", self._inner).append(journal, lines))

    def append_if(self, journal: str, lines: bytes, *, written: Written) -> bool:
        """Count and pass on, where this is the door of a store."""
        return self._effect(lambda: cast("Store", self._inner).append_if(journal, lines, written=written))

    def seal(self, journal: str) -> None:
        """Count and pass on."""
        self._effect(lambda: self._inner.seal(journal))

    def drop(self, journal: str) -> None:
        """Count and pass on."""
        self._effect(lambda: self._inner.drop(journal))

    def lock(self, holder: Holder) -> None:
        """Count and pass on."""
        self._effect(lambda: self._inner.lock(holder))

    def unlock(self, lock_id: str) -> None:
        """Count and pass on."""
        self._effect(lambda: self._inner.unlock(lock_id))

    def break_lock(self, lock_id: str) -> None:
        """Count and pass on."""
        self._effect(lambda: self._inner.break_lock(lock_id))

    def _look(self, step: Callable[[], _Answer]) -> _Answer:
        return step()

    def _effect(self, step: Callable[[], _Answer]) -> _Answer:
        raise NotImplementedError


class CrashingBackend(_Door):
    """
    A backend whose process dies before or after one effect, and stays dead.

    Args:
        inner: the backend that does the work, until then.
        at: the effect, from 1; 0 for never.
        when: whether that effect still happens.
        leaves_lock: whether its lock stays behind, as on a server; otherwise it goes with it, as the kernel frees what
            a dead process held.
    """

    def __init__(self, inner: Backend | Store, *, at: int, when: When = "before", leaves_lock: bool = False) -> None:
        super().__init__(inner)
        self._at = at
        self._when = when
        self._leaves_lock = leaves_lock
        self._held: str | None = None
        self.is_dead = False

    def lock(self, holder: Holder) -> None:
        """Count and pass on, and remember what to free when dying."""

        def take() -> None:
            self._inner.lock(holder)
            self._held = holder.lock_id

        self._effect(take)

    def _look(self, step: Callable[[], _Answer]) -> _Answer:
        if self.is_dead:
            raise Crash
        return step()

    def _effect(self, step: Callable[[], _Answer]) -> _Answer:
        self.effects += not self.is_dead
        if self.is_dead or (self.effects == self._at and self._when == "before"):
            self._die()
        answer = step()
        if self.effects == self._at:
            self._die()
        return answer

    def _die(self) -> None:
        self.is_dead = True
        if self._held is not None and not self._leaves_lock:
            self._inner.unlock(self._held)
        raise Crash


class FailingBackend(_Door):
    """
    A backend whose storage says no.

    Args:
        inner: the backend that does the work.
        at: the first effect that fails, from 1; 0 for none.
        when: whether the failing effect happens nevertheless, as when only the answer is lost.
        lasting: whether all effects after it fail too.
    """

    def __init__(self, inner: Backend | Store, *, at: int, when: When = "before", lasting: bool = True) -> None:
        super().__init__(inner)
        self._when = when
        self._lasting = lasting
        self._at = at

    def fail_soon(self, *, after: int = 0) -> None:
        """Fail from the next effect on, or `after` as many more that succeed."""
        self._at = self.effects + after + 1

    def heal(self) -> None:
        """Fail no more."""
        self._at = 0

    def _effect(self, step: Callable[[], _Answer]) -> _Answer:
        self.effects += 1
        fails = self._at and (self.effects == self._at or (self._lasting and self.effects > self._at))
        if fails and self._when == "before":
            raise BackendError("The state's storage failed.", "on cue")
        answer = step()
        if fails:
            raise BackendError("The state's storage failed.", "on cue, after the fact")
        return answer


class SlowBackend(_Door):
    """
    A backend far away.

    Args:
        inner: the backend that does the work.
        appends: how it wants its journal to be written.
        seconds: that each append takes, besides the work.
    """

    def __init__(self, inner: Backend, appends: Appends, *, seconds: float = 0.0) -> None:
        super().__init__(inner)
        self._appends = appends
        self._seconds = seconds
        self.append_began_at: list[float] = []

    @property
    def appends(self) -> Appends:
        """How its journal wants to be written."""
        return self._appends

    def append(self, journal: str, lines: bytes) -> None:
        """Pass on, late, and remember when it began."""
        self.append_began_at.append(time.monotonic())
        time.sleep(self._seconds)
        super().append(journal, lines)

    def _effect(self, step: Callable[[], _Answer]) -> _Answer:
        self.effects += 1
        return step()
