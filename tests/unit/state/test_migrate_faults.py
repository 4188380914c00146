"""Moving a state under faults: a storage that gives back something else, and runs that broke the lock."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from msgflash_apply.errors import BackendError, StateConflict, StateError
from msgflash_apply.state.backends.base import Backend, Stored
from msgflash_apply.state.codec import encode
from msgflash_apply.state.recovery import recover, recovery_lines
from tests.support.builders import a_record, a_snapshot
from tests.support.moves import a_claim, an_old_state, marked, move, read
from tests.support.states import LocalBackend, a_backend, a_run, created, intended

if TYPE_CHECKING:
    from msgflash_apply.state.ledger import Ledger


@pytest.fixture
def old(tmp_path: Path) -> Backend:
    """Make a state with a campaign, and a run that died."""
    return an_old_state(tmp_path / "old")


@pytest.fixture
def new(tmp_path: Path) -> Backend:
    """Choose a place where nothing is."""
    return a_backend(tmp_path / "new")


class Unfaithful(LocalBackend):
    """A storage that gives back something else than it took, from one write on."""

    def __init__(self, path: Path, *, first: int, spoil: Callable[[bytes], bytes]) -> None:
        super().__init__(path)
        self._first = first
        self._spoil = spoil
        self._writes = 0

    def write(self, document: bytes, *, expected: str | None) -> str:
        """Count."""
        self._writes += 1
        return super().write(document, expected=expected)

    def read(self) -> Stored | None:
        """Read, and spoil what was read."""
        stored = super().read()
        return replace(stored, document=self._spoil(stored.document)) if stored and self._spoils else stored

    @property
    def _spoils(self) -> bool:
        return self._writes >= self._first


def test_copy_that_does_not_arrive_is_not_switched_to(old: Backend, tmp_path: Path) -> None:
    """A target that reads back differently before the switch changes nothing: the state is live where it was."""
    spoilt = Unfaithful(tmp_path / "new.json", first=1, spoil=_older)

    with pytest.raises(BackendError, match="did not arrive") as caught:
        move(old, spoilt)

    assert "Nothing was moved" in caught.value.fix
    assert set(read(old).campaigns) == {"sale"}


def test_state_that_does_not_arrive_is_reported(old: Backend, tmp_path: Path) -> None:
    """A target that reads back differently after the switch is an error that names the copy which has all of it."""
    spoilt = Unfaithful(tmp_path / "new.json", first=2, spoil=lambda document: document + b"\n")

    with pytest.raises(BackendError, match="did not arrive") as caught:
        move(old, spoilt)

    assert old.url in caught.value.fix
    assert set(marked(old).campaigns) == {"sale"}


def _older(document: bytes) -> bytes:
    """Give a document that proves itself, and is another one."""
    assert document
    return encode(replace(a_snapshot({"sale": a_record()}), serial=1, moved="elsewhere"))


class Overtaken(LocalBackend):
    """A source whose lock is broken: a run begins right before the switch, and stays at work."""

    def __init__(self, path: Path, at: int) -> None:
        super().__init__(path)
        self._at = at
        self._writes = 0
        self.thief: Ledger | None = None

    def write(self, document: bytes, *, expected: str | None) -> str:
        """Let another run in before a write."""
        self._writes += 1
        if self._writes == self._at:
            self.break_lock("mover")
            self._opened = a_run(LocalBackend(Path(self.url)), "thief")
            self.thief = self._opened.__enter__()
            self.thief.append(intended("news"), created("news"), intended("late"))
        return super().write(document, expected=expected)

    def end(self) -> None:
        """Let the run end as runs do."""
        self._opened.__exit__(None, None, None)


def test_run_that_stole_the_lock_is_taken_along(old: Backend, new: Backend) -> None:
    """What a run with a broken lock did before the switch is at the target, and it announces nothing after it."""
    overtaken = Overtaken(Path(old.url), at=2)

    moved = move(overtaken, new)

    assert (set(moved.campaigns), set(moved.in_doubt)) == ({"sale", "news"}, {"tea", "late"})
    assert overtaken.thief is not None
    with pytest.raises(BackendError, match="another run sealed it"):
        overtaken.thief.append(intended("never"))
    with pytest.raises(StateError, match="The state has moved"):
        overtaken.end()
    assert read(new) == moved


def test_what_a_stolen_run_learned_late_is_recovered_at_the_new_place(old: Backend, new: Backend) -> None:
    """What such a run learns after the switch goes to its recovery file, which the state takes in where it is now."""
    overtaken = Overtaken(Path(old.url), at=2)
    move(overtaken, new)
    thief = overtaken.thief
    assert thief is not None
    with pytest.raises(BackendError):
        thief.append(created("late"))
    with pytest.raises(StateError, match="The state has moved"):
        overtaken.end()

    recover(new, recovery_lines(thief.head, thief.endangered), a_claim("recoverer"), where="recovery.jsonl")

    assert (set(read(new).campaigns), set(read(new).in_doubt)) == ({"sale", "news", "late"}, {"tea"})


def test_run_that_committed_meanwhile_stops_the_move(old: Backend, new: Backend) -> None:
    """A source that is not the document which was copied is not switched; moving again takes the new one."""

    class Replaced(LocalBackend):
        """A source that a run with a broken lock commits to right before the switch."""

        writes = 0

        def write(self, document: bytes, *, expected: str | None) -> str:
            self.writes += 1
            if self.writes == 2:
                self.break_lock("mover")
                with a_run(LocalBackend(Path(old.url)), "thief") as ledger:
                    ledger.append(intended("news"), created("news"))
            return super().write(document, expected=expected)

    with pytest.raises(StateConflict):
        move(Replaced(Path(old.url)), new)
    assert read(old).moved is None

    assert set(move(old, new, "mover-2").campaigns) == {"sale", "news"}
