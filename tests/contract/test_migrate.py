"""
States that move between storages of different kinds; every kind is left once and reached once.

The state is filled at the one place, and read at the other; the real command goes on between one kind of each family.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import pytest

from msgflash_apply.errors import StateError
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.ledger import init_state
from tests.support.command import FAST, Repo, a_repo, created
from tests.support.doors import Crash, CrashingBackend
from tests.support.moves import fill, live, marked, move, read
from tests.support.states import ENVIRONMENT, LINEAGE
from tests.support.stores import KINDS, Place, Stores

ROUND = tuple(zip(KINDS, [*list(KINDS)[1:], *KINDS], strict=False))


@dataclass(frozen=True)
class Move:
    """Where a state is, and where it goes."""

    old: Place
    new: Place


def moves(pairs: Iterable[tuple[str, str]]) -> list[object]:
    """Give some moves as parameters for tests, marked with the programs that they need."""
    return [
        pytest.param(
            pair,
            marks=[pytest.mark.needs(program) for kind in pair for program in KINDS[kind][1]],
            id=" to ".join(pair),
        )
        for pair in pairs
    ]


@pytest.fixture(params=moves(ROUND))
def places(request: pytest.FixtureRequest, stores: Stores, tmp_path: Path) -> Move:
    """Make two empty places."""
    old, new = request.param
    return Move(stores.place(old, tmp_path / "old"), stores.place(new, tmp_path / "new"))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a MsgFlash of the test's own, without a rate limit."""
    with Sandbox(FAST) as running:
        yield running


def at(place: Place) -> Mapping[str, str]:
    """Say in the environment where the state is."""
    return {**place.environ, "MSGFLASH_STATE": place.url if "://" in place.url else str(place.root / place.url)}


def a_state_at(place: Place) -> None:
    """Make a state with a campaign, a doubt and a run that died."""
    init_state(place.client(), environment=ENVIRONMENT, lineage=LINEAGE)
    fill(place.client(), place.client())


def test_state_moves_there_and_back(places: Move) -> None:
    """All of it arrives, the former place refuses and holds a whole copy, and takes the state back."""
    a_state_at(places.old)
    before = read(places.old.client())

    there = move(places.old.client(), places.new.client(), "mover-1")
    assert live([places.old.client(), places.new.client()]) == [there] == [read(places.new.client())]
    assert replace(there, serial=before.serial) == replace(before, journal=None)

    back = move(places.new.client(), places.old.client(), "mover-2")
    assert live([places.old.client(), places.new.client()]) == [back] == [read(places.old.client())]
    assert replace(back, serial=there.serial) == there
    assert [place.client().holder() for place in (places.old, places.new)] == [None, None]


@pytest.mark.parametrize(("step", "places_live"), [(1, 1), (3, 0)])
def test_interrupted_move_is_finished(places: Move, step: int, places_live: int) -> None:
    """Before the switch the state is live where it was, after it nowhere; moving again ends it."""
    a_state_at(places.old)
    new = CrashingBackend(places.new.client(), at=step, when="after" if step == 1 else "before")

    with pytest.raises(Crash):
        move(places.old.client(), new, "mover-1")
    assert marked(places.new.client()).moved == places.old.client().url
    assert len(live([places.old.client(), places.new.client()])) == places_live

    moved = move(places.old.client(), places.new.client(), "mover-2")
    assert live([places.old.client(), places.new.client()]) == [moved]
    assert (set(moved.campaigns), set(moved.in_doubt)) == ({"sale"}, {"tea"})


def test_one_place_under_two_names_is_found_out(places: Move) -> None:
    """Whatever the kind, a state does not move to where it is."""
    a_state_at(places.new)

    with pytest.raises(StateError, match="cannot move to where it is"):
        move(places.new.client(), places.new.client())

    assert set(read(places.new.client()).campaigns) == {"sale"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "places", moves(pairwise(["local", "http", "s3-seaweedfs", "postgres", "local"])), indirect=True
)
def test_real_runs_go_on_at_the_new_place(places: Move, sandbox: Sandbox, tmp_path: Path) -> None:
    """After a move the plan there has nothing to do, a new campaign is created, and the old place refuses."""
    repo = a_repo(tmp_path / "repo", sandbox)
    repo.campaigns(3)
    run(repo, places.old)("init")
    assert run(repo, places.old)("apply", "--auto-approve") == 0
    move(places.old.client(), places.new.client())

    assert run(repo, places.new)("plan", "--detailed-exitcode") == 0
    repo.campaign("news")
    assert run(repo, places.old)("apply", "--auto-approve") == 1
    assert run(repo, places.new)("apply", "--auto-approve") == 0
    assert created(sandbox) == {"c00": 1, "c01": 1, "c02": 1, "news": 1}


def run(repo: Repo, place: Place) -> Callable[..., int]:
    """Run commands whose state is at a place; gives their exit codes."""
    return lambda *command: repo.run(*command, env=at(place)).code
