"""Die before and after every effect at both doors, run again, and count on the server what people would have got."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from msgflash_apply.campaign import Desired, Lifecycle
from msgflash_apply.plan.plan import Action, Reason
from msgflash_apply.sandbox.seed import WELCOME_ID
from msgflash_apply.sandbox.server import Sandbox
from tests.support.builders import a_desired, a_payload
from tests.support.doors import CrashingBackend, When
from tests.support.runs import LATER, STILL, CrashingTransport, World, is_create, survives

Door = Literal["journal", "http"]


def campaign(
    address: str,
    *,
    body: str = "Hello",
    paused: bool | None = None,
    moved_from: tuple[str, ...] = (),
    replace: bool = False,
) -> Desired:
    """Build a campaign whose name tells its payload, so that the server's campaigns can be counted by it."""
    payload = a_payload(name=f"{address}: {body}", body=body, starts_at=LATER)
    lifecycle = Lifecycle(on_change="replace" if replace else "block")
    return a_desired(address, payload=payload, paused=paused, lifecycle=lifecycle, moved_from=moved_from)


BEFORE = [campaign("calm"), campaign("swap"), campaign("drop"), campaign("old"), campaign("halt", paused=True)]
MOVED = campaign("old")
AFTER = [
    campaign("calm", paused=True),
    campaign("swap", body="Better", replace=True),
    a_desired("new-place", payload=MOVED.payload, moved_from=("old",)),
    campaign("halt", paused=False),
    campaign("one"),
    campaign("two", paused=True),
]
WANTED = {"calm: Hello", "swap: Better", "old: Hello", "halt: Hello", "one: Hello", "two: Hello"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Run a sandbox with the campaigns of BEFORE created."""
    with Sandbox(STILL) as sandbox:
        made = World(sandbox, tmp_path)
        made.apply(BEFORE)
        yield made


def dying_run(world: World, door: Door, at: int, when: When) -> tuple[bool, int]:
    """Apply AFTER with a process that dies at one effect of one door; whether it lived, and how many effects it had."""
    backend = CrashingBackend(world.backend, at=at if door == "journal" else 0, when=when)
    transport = CrashingTransport(at=at if door == "http" else 0, when=when)
    # The other door dies with the process: what the one has seen last is what the other has seen last.
    lived = survives(lambda: world.apply(AFTER, backend=backend, transport=transport))
    return lived, backend.effects if door == "journal" else transport.effects


def check_promises(world: World) -> None:
    """Check that nobody got anything twice, and that every campaign is done or named."""
    counts, snapshot = world.created(), world.snapshot()
    doubtful = {str(intent.facts.payload["name"]) for intent in snapshot.in_doubt.values()}
    recorded = {str(record.facts.payload["name"]): record for record in snapshot.campaigns.values()}
    by_id = {campaign["id"]: campaign["name"] for campaign in world.sandbox.campaigns()}

    assert max(counts.values()) == 1
    assert recorded.keys() | doubtful >= WANTED
    assert all(by_id[record.id] == name for name, record in recorded.items())
    statuses = world.statuses()
    assert statuses["drop: Hello"] == "paused"
    assert statuses["calm: Hello"] == "paused"
    assert statuses["halt: Hello"] == "scheduled"
    if "swap: Better" in statuses:
        assert statuses["swap: Hello"] == "paused"


def test_without_a_crash_everything_is_done(world: World) -> None:
    """The run that the others interrupt comes to its end and leaves nothing to do."""
    lived, _ = dying_run(world, "journal", 0, "before")

    assert lived
    check_promises(world)
    assert world.snapshot().in_doubt == {}
    assert {change.action for change in world.plan(AFTER).changes} == {Action.NO_OP}


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("door", ["journal", "http"])
def test_dying_anywhere_sends_nothing_twice(tmp_path: Path, door: Door, when: When) -> None:
    """Die before or after each effect, run again: at most once each, and done or in doubt."""
    for_each_crash(tmp_path, door, when, lambda world, _at: survives(lambda: world.apply(AFTER)))


@pytest.mark.slow
@pytest.mark.parametrize("door", ["journal", "http"])
def test_dying_twice_sends_nothing_twice(tmp_path: Path, door: Door) -> None:
    """Die, run again and die again a few effects later, run a third time: the same holds."""

    def die_again(world: World, at: int) -> None:
        dying_run(world, door, 1 + at % 9, "after")
        survives(lambda: world.apply(AFTER))

    for_each_crash(tmp_path, door, "after", die_again)


def for_each_crash(folder: Path, door: Door, when: When, go_on: Callable[[World, int], object]) -> None:
    """Crash at effect 1, 2, 3 and so on until a run lives, and check the promises after each."""
    at, lived = 0, False
    while not lived:
        at += 1
        place = folder / str(at)
        place.mkdir()
        with Sandbox(STILL) as sandbox:
            world = World(sandbox, place)
            world.apply(BEFORE)
            lived, effects = dying_run(world, door, at, when)
            assert lived is (at > effects)
            go_on(world, at)
            check_promises(world)
    assert at > 10


def test_doubt_stays_until_a_person_decides(world: World) -> None:
    """A create whose answer was lost is blocked in every later plan, and never sent again."""
    transport = CrashingTransport(at=1, when="after", counts=is_create)
    assert not survives(lambda: world.apply(AFTER, transport=transport))
    for _ in range(3):
        world.apply(AFTER)
    blocked = world.plan(AFTER).blocked

    assert {change.reason for change in blocked} == {Reason.IN_DOUBT}
    assert max(world.created().values()) == 1


WORDED = a_payload(
    name="worded",
    type=None,
    body=None,
    templateId=WELCOME_ID,
    variables={"brand": "Acme", "code": "A"},
    starts_at=LATER,
)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("accepting", [False, True], ids=["create", "accept"])
def test_dying_anywhere_loses_no_approved_words(tmp_path: Path, when: When, accepting: bool) -> None:
    """What is created or accepted has on record what its template said then, wherever the run dies and goes on."""
    at, lived = 0, False
    while not lived:
        at += 1
        (tmp_path / str(at)).mkdir()
        with Sandbox(STILL) as sandbox:
            world = World(sandbox, tmp_path / str(at))
            if accepting:
                world.apply([a_desired("worded", payload=WORDED)])
                sandbox.world.templates[WELCOME_ID].body = "Bye {{custom.brand}}: {{custom.code}}"
            backend = CrashingBackend(world.backend, at=at, when=when)
            lived = survives(partial(world.apply, [a_desired("worded", payload=WORDED)], backend=backend))
            survives(partial(world.apply, [a_desired("worded", payload=WORDED)]))

            snapshot = world.snapshot()
            [facts] = snapshot.facts()
            assert facts.seen is not None
            assert snapshot.contents[facts.seen.content or ""].body == sandbox.world.templates[WELCOME_ID].body
            assert snapshot.server == sandbox.url
            assert not world.plan([a_desired("worded", payload=WORDED)]).effective
            assert world.created() == {"worded": 1} or snapshot.in_doubt
    assert at > 3
