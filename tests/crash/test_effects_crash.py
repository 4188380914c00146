"""
Die before and after every effect of every verb; then want something else by every verb, and count the server.

An effect that is written ahead has an unknown status until its outcome is recorded: so the brake pauses whatever may be
sending, and what was paused for a reason that is gone goes on.
"""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Literal

import pytest

from msgflash_apply.campaign import Address, Desired, Lifecycle, fingerprint
from msgflash_apply.plan.plan import Action
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.sandbox.seed import SEASONAL_VISIT_ID, WELCOME_ID
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.sandbox.world import OVER
from tests.support.builders import a_desired, a_payload
from tests.support.doors import CrashingBackend, When
from tests.support.runs import LATER, STILL, CrashingTransport, World, is_write, survives

Door = Literal["journal", "http"]
VERBS = ("create", "pause", "resume", "retire", "replace", "move", "forget", "accept")
FOLLOWING = (*VERBS[1:], "revert", "retry")
"""Each is done to the campaign of that name, after a verb was done to all of them; and another one is created."""

SENT = ("create", "pause", "resume", "retire", "replace")
"""Verbs that need a request for each campaign."""

FEWEST = 6
"""Effects that a door sees at least: so the enumeration is one."""

ROUNDS = 4
"""Of plan and apply, at most, until nothing is left to do: what was half done is undone first."""


def template(name: str) -> str:
    """Name the template of a campaign: one has its own."""
    return SEASONAL_VISIT_ID if name == "accept" else WELCOME_ID


def campaign(name: str, verb: str = "create", *, place: str | None = None, code: str = "A") -> list[Desired]:
    """Build the campaign as the files want it for a verb, which is not at all where its file goes."""
    if verb in {"retire", "forget"}:
        return []
    place = place or name
    variables = {"brand": "Acme", "day": "Friday", "code": code}
    content = {"type": None, "body": None, "templateId": template(name), "variables": variables}
    return [
        a_desired(
            place,
            payload=a_payload(name=name, starts_at=LATER, **content),
            paused={"pause": True, "resume": False}.get(verb),
            lifecycle=Lifecycle(on_change="replace" if verb == "replace" else "block"),
            moved_from=tuple(former for former in (name, f"moved/{name}") if former != place),
        )
    ]


def edit_template(world: World, identifier: str) -> None:
    """Say more in it, as people do in the console."""
    world.sandbox.world.templates[identifier].body += " Really."  # type: ignore[operator]


def cancel(world: World, *names: str) -> None:
    """End campaigns, as people do in the console."""
    for one in list(world.sandbox.world.campaigns.values()):
        if one.payload["name"] in names and one.status not in OVER:
            world.sandbox.world.cancel(one)


def prepare(world: World, verb: str) -> list[Desired]:
    """Make the account what it must be for a verb; returns what the files want for it."""
    if verb != "create":
        before = "pause" if verb == "resume" else "create"
        world.apply([one for name in FOLLOWING for one in campaign(name, before)] + campaign("stay"))
    if verb == "forget":
        cancel(world, *FOLLOWING)
    if verb == "accept":
        edit_template(world, WELCOME_ID)
        edit_template(world, SEASONAL_VISIT_ID)
    return [one for name in FOLLOWING for one in wanted(name, verb, "moved", "B")] + campaign("stay")


def wanted(name: str, verb: str, folder: str, code: str) -> list[Desired]:
    """Build what the files want where a verb is to be done to one campaign."""
    place = f"{folder}/{name}" if verb == "move" else None
    return campaign(name, verb, place=place, code=code if verb == "replace" else "A")


def go_on(world: World, verb: str) -> None:
    """Do something else to each campaign, or the same again, until nothing is left to do."""
    cancel(world, "forget")
    edit_template(world, template("accept"))
    then: list[Desired] = [*campaign("stay"), *campaign("create")]
    for name in FOLLOWING:
        then += wanted(name, verb, "moved", "B") if name == "retry" else wanted(name, name, "then", "C")
    for _ in range(ROUNDS):
        world.apply(then)
        if not (left := world.plan(then).effective):
            return
    raise AssertionError([(change.address, change.action, change.explanation) for change in left])


def expected(verb: str, name: str) -> set[int]:
    """Say how many campaigns may be sending of the one that a verb, and then its own, was done to."""
    following = verb if name == "retry" else name
    if following in {"pause", "retire", "forget"}:
        return {0}
    if verb == "forget":
        return {0, 1}  # it ended on MsgFlash, and its file is back: it is created again if that is on record
    if following in {"resume", "replace"} or verb not in {"pause", "resume"}:
        return {1}
    return {0, 1}  # as it was left: paused or not


def check(world: World, verb: str) -> None:
    """Check that nobody gets anything twice, and what is sending and what is not."""
    snapshot, found = world.snapshot(), world.sandbox.campaigns()
    alive = [one for one in found if one["status"] not in OVER]
    payloads = Counter(fingerprint(one["payload"]) for one in alive)  # type: ignore[arg-type]
    assert max(payloads.values()) == 1
    records = [*snapshot.campaigns.values(), *chain.from_iterable(snapshot.history.values())]
    known = {identifier for record in records for identifier in (record.id, *record.former_ids)}
    doubtful = {str(intent.facts.payload["name"]) for intent in snapshot.in_doubt.values()}
    sending = Counter(str(one["name"]) for one in alive if one["status"] != "paused")
    for name in ("stay", "create", *FOLLOWING):
        if name in doubtful:
            assert sending[name] <= 1
            continue
        assert {str(one["id"]) for one in found if one["name"] == name} <= known
        assert sending[name] in (expected(verb, name) if name in FOLLOWING else {1}), name
    assert not [address for address, record in snapshot.campaigns.items() if record.is_unsettled]
    assert doubtful or Address("then/move") in snapshot.campaigns or verb == "forget"


@contextmanager
def a_world(folder: Path) -> Iterator[World]:
    """Run a sandbox with a state that knows nothing."""
    folder.mkdir()
    with Sandbox(STILL) as sandbox:
        yield World(sandbox, folder)


@pytest.mark.slow
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("door", ["journal", "http"])
@pytest.mark.parametrize("verb", VERBS)
def test_what_is_wanted_after_a_crash_is_done(tmp_path: Path, verb: str, door: Door, when: When) -> None:
    """Whatever a dying run left, the next one that wants something else does that, for every verb after every verb."""
    at, lived = 0, False
    while not lived:
        at += 1
        with a_world(tmp_path / str(at)) as world:
            first = prepare(world, verb)
            lived = dying_run(world, first, door, at, when)
            go_on(world, verb)
            check(world, verb)
    assert at > (FEWEST if door == "journal" or verb in SENT else 0)


def dying_run(world: World, first: Sequence[Desired], door: Door, at: int, when: When) -> bool:
    """Apply with a process that dies at one effect of one door; whether it lived."""
    backend = CrashingBackend(world.backend, at=at if door == "journal" else 0, when=when)
    transport = CrashingTransport(at=at if door == "http" else 0, when=when, counts=is_write)
    return survives(lambda: world.apply(first, backend=backend, transport=transport))


@pytest.mark.parametrize("verb", ["pause", "resume", "retire", "replace"])
def test_the_brake_never_says_that_there_is_nothing_to_do(tmp_path: Path, verb: str) -> None:
    """Even a plan that reads nothing pauses a campaign of which it is not known whether it is sending."""
    with a_world(tmp_path / "world") as world:
        assert not dying_run(world, prepare(world, verb), "http", 1, "after")
        snapshot = world.snapshot()
        planner = world.planner([one for name in FOLLOWING for one in campaign(name, "pause")], None, Refresh.NONE)

        plan = asyncio.run(planner.plan(snapshot))

    unsettled = {address for address, record in snapshot.campaigns.items() if record.is_unsettled}
    assert unsettled
    assert unsettled <= {change.address for change in plan.effective if change.action is Action.PAUSE}
