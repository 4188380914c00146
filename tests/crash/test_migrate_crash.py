"""
Die, or fail, before and after every effect of a move of a state, on either side, once and twice; then move again.

Never are two copies live, nothing is lost, and at the end the state is live where it was to go, and nowhere else.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TypeAlias

import pytest

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.snapshot import Snapshot
from tests.support.doors import CrashingBackend, FailingBackend, When
from tests.support.moves import an_old_state, live, marked, move, put, read
from tests.support.runs import survives
from tests.support.states import a_backend, a_run, a_run_that_ends, created, intended

Case: TypeAlias = tuple[str, int, When]
"""The side, the effect on it, and whether it still happens."""


def empty(old: Path, _new: Path) -> None:
    """Move to a place where nothing is."""
    an_old_state(old)


def outdated(old: Path, new: Path) -> None:
    """Move to a place where an earlier move was interrupted, before the state went on."""
    empty(old, new)
    put(a_backend(new), replace(read(a_backend(old)), moved=a_backend(old).url))
    with a_run(a_backend(old), "run-3") as ledger:
        ledger.append(created("tea"), intended("news"))


def back(old: Path, new: Path) -> None:
    """Move back to where the state came from, after it went on elsewhere, where a run died."""
    an_old_state(new)
    move(a_backend(new), a_backend(old), "first")
    with pytest.raises(KeyboardInterrupt):
        a_run_that_ends(KeyboardInterrupt(), a_backend(old), created("tea"), intended("news"), lock_id="run-3")


SCENES = (empty, outdated, back)
Scene: TypeAlias = Callable[[Path, Path], None]


class Places:
    """Two places as a scene makes them, and clients of them that nothing has happened to."""

    def __init__(self, folder: Path, scene: Scene) -> None:
        folder.mkdir()
        self._old, self._new = folder / "old", folder / "new"
        scene(self._old, self._new)
        self.before = read(self.old)

    @property
    def old(self) -> Backend:
        """A client of where the state is."""
        return a_backend(self._old)

    @property
    def new(self) -> Backend:
        """A client of where it goes."""
        return a_backend(self._new)

    def crash(self, case: Case, lock_id: str) -> None:
        """Move, and die on the way, or right after the end."""
        side, at, when = case
        old = CrashingBackend(self.old, at=at if side == "old" else 0, when=when)
        new = CrashingBackend(self.new, at=at if side == "new" else 0, when=when)
        survives(lambda: move(old, new, lock_id))

    def check_one_life(self) -> None:
        """Check that at most one copy is live, and has all of it; where none is, both are whole and marked."""
        found = live([self.old, self.new])
        assert len(found) <= 1
        copies = found or [marked(self.old), marked(self.new)]
        assert [content(copy) for copy in copies] == [content(self.before)] * len(copies)

    def check_arrived(self) -> None:
        """Move again, and check that the state is live where it was to go, and nowhere else."""
        moved = move(self.old, self.new, "at-last")
        assert live([self.old, self.new]) == [moved] == [read(self.new)]
        assert content(moved) == content(marked(self.old)) == content(self.before)
        assert moved.serial > max(marked(self.old).serial, self.before.serial)
        assert (self.old.holder(), self.new.holder()) == (None, None)


def content(state: Snapshot) -> Snapshot:
    """Take a state without what only a place says of it."""
    return replace(state, serial=0, journal=None, moved=None)


def every_effect(folder: Path, scene: Scene) -> list[Case]:
    """List the effects of a whole move, on both sides, before and after."""
    places = Places(folder / "whole", scene)
    old, new = CrashingBackend(places.old, at=0), CrashingBackend(places.new, at=0)
    move(old, new)
    effects = [("old", at) for at in range(1, old.effects + 1)] + [("new", at) for at in range(1, new.effects + 1)]
    whens: tuple[When, ...] = ("before", "after")
    return [(side, at, when) for (side, at), when in product(effects, whens)]


def every_crash(folder: Path, scene: Scene) -> Iterator[tuple[Places, list[Case]]]:
    """Give places after a crash at each effect, with all cases to go on with."""
    cases = every_effect(folder, scene)
    assert len(cases) >= 14
    for side, at, when in cases:
        places = Places(folder / f"{side}-{at}-{when}", scene)
        places.crash((side, at, when), "mover")
        yield places, cases


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_crash_at_any_effect_leaves_at_most_one_live_state(tmp_path: Path, scene: Scene) -> None:
    """After a crash anywhere at most one copy is live, and moving again ends with just the one that was wanted."""
    for places, _ in every_crash(tmp_path, scene):
        places.check_one_life()
        places.check_arrived()


@pytest.mark.slow
@pytest.mark.parametrize("scene", SCENES)
def test_second_crash_changes_nothing_of_that(tmp_path: Path, scene: Scene) -> None:
    """A crash while moving again after a crash, at every effect in turn, leaves at most one live state as well."""
    for places, cases in every_crash(tmp_path, scene):
        for number, case in enumerate(cases):
            places.crash(case, f"again-{number}")
            places.check_one_life()
        places.check_arrived()


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize("scene", SCENES)
def test_storage_that_fails_at_any_effect_leaves_at_most_one_live_state(
    tmp_path: Path, scene: Scene, *, lasting: bool
) -> None:
    """A storage that says no, for once or for good, is told, and when it is well again the move goes on."""
    for side, at, when in every_effect(tmp_path, scene):
        places = Places(tmp_path / f"{side}-{at}-{when}", scene)
        old = FailingBackend(places.old, at=at if side == "old" else 0, when=when, lasting=lasting)
        new = FailingBackend(places.new, at=at if side == "new" else 0, when=when, lasting=lasting)

        with pytest.raises(BackendError, match="on cue"):
            move(old, new)

        places.check_one_life()
        for lock, door in ((places.old, old), (places.new, new)):
            holder = lock.holder()
            if holder is not None:
                door.heal()
                door.unlock(holder.lock_id)
        places.check_arrived()
