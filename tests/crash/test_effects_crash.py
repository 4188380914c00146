"""
Die before and after every effect of a pause, resume, retire or replace; then want something else, and count the server.

An effect that is written ahead has an unknown status until its outcome is recorded: so the brake pauses whatever may be
sending, and what was paused for a reason that is gone goes on.
"""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest

from msgflash_apply.campaign import Address, Desired, Lifecycle
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.sandbox.server import Sandbox
from tests.support.builders import a_desired, a_payload
from tests.support.doors import CrashingBackend, When
from tests.support.runs import LATER, STILL, CrashingTransport, World, is_write, survives

Door = Literal["journal", "http"]
STAY = a_desired("stay", payload=a_payload(name="stay", starts_at=LATER))


def campaign(*, body: str = "Hello", paused: bool | None = None) -> Desired:
    """Build the campaign that all is about; another body replaces it."""
    payload = a_payload(name="it", body=body, starts_at=LATER)
    lifecycle = Lifecycle(on_change="block" if body == "Hello" else "replace")
    return a_desired("it", payload=payload, paused=paused, lifecycle=lifecycle)


BEFORE = {"pause": campaign(), "resume": campaign(paused=True), "retire": campaign(), "replace": campaign()}
VERBS: dict[str, Sequence[Desired]] = {
    "pause": [campaign(paused=True)],
    "resume": [campaign(paused=False)],
    "retire": [],
    "replace": [campaign(body="Better")],
}
THEN = {"brake": campaign(paused=True), "release": campaign(paused=False), "revert": campaign()}


@contextmanager
def a_world(folder: Path, verb: str) -> Iterator[World]:
    """Run a sandbox on which the campaign is as it must be for a verb."""
    folder.mkdir()
    with Sandbox(STILL) as sandbox:
        world = World(sandbox, folder)
        world.apply([BEFORE[verb], STAY])
        yield world


def statuses(world: World) -> list[str]:
    """The statuses of all campaigns on the server that the one campaign became."""
    return [str(one["status"]) for one in world.sandbox.campaigns() if one["name"] == "it"]


def check(world: World, verb: str, then: str) -> None:
    """Check what is sending, and what is not, once something else is wanted."""
    snapshot, found = world.snapshot(), statuses(world)
    assert len(found) <= 2
    if Address("it") in snapshot.in_doubt:
        return  # a create may have made another one, which nobody can name
    is_replaced = len(found) == 2
    if then == "brake":
        assert set(found) == {"paused"}
    elif is_replaced:
        assert "paused" in found
    elif then == "release" or verb in {"retire", "replace"}:
        assert found == ["scheduled"]
    assert not snapshot.campaigns[Address("it")].is_unsettled


@pytest.mark.slow
@pytest.mark.parametrize("then", THEN)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("door", ["journal", "http"])
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_wanted_after_a_crash_is_done(tmp_path: Path, verb: str, door: Door, when: When, then: str) -> None:
    """Whatever a dying run left, the next one that wants something else does that, for every verb."""
    at, lived = 0, False
    while not lived:
        at += 1
        with a_world(tmp_path / str(at), verb) as world:
            lived = dying_run(world, verb, door, at, when)
            world.apply([THEN[then], STAY])
            check(world, verb, then)
    assert at > 3


def dying_run(world: World, verb: str, door: Door, at: int, when: When) -> bool:
    """Apply a verb with a process that dies at one effect of one door; whether it lived."""
    backend = CrashingBackend(world.backend, at=at if door == "journal" else 0, when=when)
    transport = CrashingTransport(at=at if door == "http" else 0, when=when)
    return survives(lambda: world.apply([*VERBS[verb], STAY], backend=backend, transport=transport))


@pytest.mark.parametrize("verb", VERBS)
def test_the_brake_never_says_that_there_is_nothing_to_do(tmp_path: Path, verb: str) -> None:
    """Even a plan that reads nothing pauses a campaign of which it is not known whether it is sending."""
    with a_world(tmp_path / "world", verb) as world:
        transport = CrashingTransport(at=1, when="after", counts=is_write)
        assert not survives(lambda: world.apply([*VERBS[verb], STAY], transport=transport))
        snapshot = world.snapshot()
        planner = world.planner([THEN["brake"], STAY], None, Refresh.NONE)

        plan = asyncio.run(planner.plan(snapshot))

    assert snapshot.campaigns[Address("it")].is_unsettled
    assert [(change.address, change.action.value) for change in plan.effective] == [("it", "pause")]
