"""Die before and after every effect on the storage, once and twice: what was durable stays, and nothing else is."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.errors import StateMissing
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.journal import Adopted, Entry, Forgotten, Moved, NotCreated, Removed
from msgflash_apply.state.ledger import init_state, read_state
from msgflash_apply.state.replay import fold
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import NOW, a_record
from tests.support.doors import Crash, CrashingBackend, When
from tests.support.states import ENVIRONMENT, LINEAGE, a_backend, a_run, created, intended

TEA = Address("tea")
RUNS: tuple[tuple[Entry, ...], ...] = (
    (intended("sale"), created("sale"), intended("tea")),
    (),
    (NotCreated(TEA, "resolved", NOW), intended("tea", attempt=2), created("tea"), Moved(TEA, Address("coffee"))),
    (Forgotten(Address("sale"), NOW),),
    (Removed(Address("coffee"), NOW), Adopted(TEA, a_record("tea"))),
)
BEGIN = Snapshot(LINEAGE, 1, ENVIRONMENT, campaigns={}, in_doubt={}, history={})


def live(backend: Backend, durable: list[Entry]) -> None:
    """Make a state and run five times; `durable` gets each entry that is."""
    init_state(backend, environment=ENVIRONMENT, lineage=LINEAGE)
    for number, entries in enumerate(RUNS):
        with a_run(backend, f"run-{number}") as ledger:
            for entry in entries:
                ledger.append(entry)
                durable.append(entry)


def die(backend: CrashingBackend) -> list[Entry]:
    """Live until the crash; returns what was durable by then."""
    durable: list[Entry] = []
    with suppress(Crash):
        live(backend, durable)
    return durable


def read(folder: Path) -> Snapshot | None:
    """Read what is known, without what only the document says of itself; None where there is no state."""
    try:
        state = read_state(a_backend(folder), environment=ENVIRONMENT)
    except StateMissing:
        return None
    return replace(state, serial=1, journal=None)


def what_may_be_known(durable: list[Entry]) -> list[Snapshot]:
    """Fold what was durable, with and without the one entry that the crash may have fallen into."""
    every = [entry for entries in RUNS for entry in entries]
    return [fold(BEGIN, durable), fold(BEGIN, every[: len(durable) + 1])]


def effects(folder: Path) -> int:
    """Count the effects of a whole life."""
    folder.mkdir()
    backend = CrashingBackend(a_backend(folder), at=0)
    live(backend, [])
    return backend.effects


def every_crash(folder: Path) -> Iterator[tuple[Path, CrashingBackend]]:
    """Give a new folder and a backend that dies in it, for each effect, before and after."""
    cases: list[tuple[int, When]] = [(at, when) for at in range(1, effects(folder / "whole") + 1) for when in WHENS]
    for at, when in cases:
        place = folder / f"{at}-{when}"
        place.mkdir()
        yield place, CrashingBackend(a_backend(place), at=at, when=when)


WHENS: tuple[When, ...] = ("before", "after")


def test_crash_at_any_effect_loses_nothing_durable(tmp_path: Path) -> None:
    """After a crash at any effect the state is what was durable, and at most the one entry on its way besides."""
    for folder, backend in every_crash(tmp_path):
        durable = die(backend)

        state = read(folder)

        assert backend.is_dead
        assert state in what_may_be_known(durable) or (state is None and backend.effects == 1)


def test_run_after_a_crash_knows_the_same_and_commits_it(tmp_path: Path) -> None:
    """The next run begins with what a reader saw, makes it the document, and leaves no journal but the last."""
    for folder, backend in every_crash(tmp_path):
        die(backend)
        seen = read(folder)
        if seen is None:
            continue

        with a_run(a_backend(folder), "next") as ledger:
            found = replace(ledger.snapshot, serial=1, journal=None)

        assert found == seen == read(folder)
        assert set(a_backend(folder).journals()) <= {ledger.snapshot.journal}


@pytest.mark.slow
@pytest.mark.parametrize("when", WHENS)
def test_crash_while_cleaning_up_after_a_crash_loses_nothing(tmp_path: Path, when: When) -> None:
    """A second crash, at any effect of the run that follows a crash, changes nothing of what is known."""
    for folder, backend in every_crash(tmp_path):
        die(backend)
        seen = read(folder)
        for at in range(1, 12 if seen else 0):
            again = CrashingBackend(a_backend(folder), at=at, when=when)
            with suppress(Crash), a_run(again, f"again-{at}"):
                pass
            assert read(folder) == seen
