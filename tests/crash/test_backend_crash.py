"""
Die before and after every effect on a state of each kind, run again from another machine, and count on the server.

What an apply does with people's campaigns is tried in `test_apply_crash.py`, on files. Here it is the storage's turn: a
run that died elsewhere leaves its lock behind, with its lease or its session, and a person takes it away.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from msgflash_apply.plan.plan import Action
from msgflash_apply.sandbox.server import Sandbox
from tests.support.builders import a_desired, a_payload
from tests.support.doors import CrashingBackend, When
from tests.support.runs import LATER, STILL, World, survives
from tests.support.states import take_the_lock_away
from tests.support.stores import Server, Stores, every_storage, one_of_each

WANTED = [a_desired(name, payload=a_payload(name=name, starts_at=LATER)) for name in ("one", "two", "three")]
NAMES = {"one", "two", "three"}
AT_ONCE = 4
LEAST_EFFECTS = 6
"""Of any run with something to do: lock, head of the journal, two appends, document, unlock."""


@pytest.fixture(params=every_storage())
def server(request: pytest.FixtureRequest, stores: Stores) -> Server:
    """Serve states of each storage."""
    return stores.server(request.param)


def dying_run(world: World, at: int, when: When) -> CrashingBackend:
    """Apply with a process that dies at one effect and leaves what it leaves."""
    backend = CrashingBackend(world.storage(), at=at, when=when, leaves_lock=True)
    survives(lambda: world.apply(WANTED, backend=backend))
    return backend


def go_on(world: World) -> None:
    """Take the lock of a dead run away, and apply."""
    take_the_lock_away(world.storage())
    world.apply(WANTED)


def check_promises(world: World) -> None:
    """Check that nobody got anything twice, and that every campaign is on record or named."""
    snapshot = world.snapshot()
    names = {campaign["id"]: campaign["name"] for campaign in world.sandbox.campaigns()}

    assert set(world.created().values()) <= {1}
    assert {names[record.id] for record in snapshot.campaigns.values()} == set(snapshot.campaigns)
    assert snapshot.campaigns.keys() | snapshot.in_doubt.keys() == NAMES
    assert snapshot.in_doubt.keys() | world.created().keys() == NAMES
    assert {change.action for change in world.plan(WANTED).changes} <= {Action.NO_OP, Action.BLOCKED}


@contextmanager
def a_world(server: Server, folder: Path) -> Iterator[World]:
    """Run a sandbox, with a new state on the server."""
    folder.mkdir()
    with Sandbox(STILL) as sandbox:
        yield World(sandbox, folder, server.place(folder))


def for_each_effect(server: Server, folder: Path, die: Callable[[World, int], bool]) -> None:
    """
    Die once at each effect that a whole run has, go on, and check the promises.

    Several at a time, since they mostly wait. Entries gather while an append is on its way, so that one run may have
    fewer effects than another: where it has come to its end before, it has lived, and the promises hold as well.
    """
    with a_world(server, folder / "whole") as world:
        whole = dying_run(world, 0, "before")
        check_promises(world)
        assert world.snapshot().in_doubt == {}

    def one(at: int) -> bool:
        with a_world(server, folder / str(at)) as world:
            died = die(world, at)
            go_on(world)
            check_promises(world)
        return died

    with ThreadPoolExecutor(AT_ONCE) as pool:
        died = list(pool.map(one, range(1, whole.effects + 1)))
    assert sum(died) >= LEAST_EFFECTS


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
def test_dying_anywhere_sends_nothing_twice(server: Server, tmp_path: Path, when: When) -> None:
    """Die before or after each effect on the storage, run again elsewhere: at most once each, and done or in doubt."""
    for_each_effect(server, tmp_path, lambda world, at: dying_run(world, at, when).is_dead)


@pytest.mark.slow
@pytest.mark.parametrize("server", one_of_each(), indirect=True)
def test_dying_twice_sends_nothing_twice(server: Server, tmp_path: Path) -> None:
    """Die, run again and die again at some other effect, run a third time: the same holds."""

    def die_twice(world: World, at: int) -> bool:
        first = dying_run(world, at, "after")
        take_the_lock_away(world.storage())
        dying_run(world, 1 + at % LEAST_EFFECTS, "after")
        return first.is_dead

    for_each_effect(server, tmp_path, die_twice)
