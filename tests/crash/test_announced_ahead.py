"""Die before and after every effect of an apply that announces several creates ahead, run again, and count."""

from collections import Counter
from pathlib import Path

import pytest

from msgflash_apply.apply.loop import most_in_flight
from msgflash_apply.campaign import Desired
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.backends.base import Appends
from tests.support.builders import a_desired, a_payload
from tests.support.doors import CrashingBackend, SlowBackend, When
from tests.support.runs import LATER, STILL, CrashingTransport, World, names, survives

FEW, MANY = Appends(ahead=4), Appends(ahead=16, every_seconds=0.02)


def campaign(number: int, *, paused: bool | None = None) -> Desired:
    """Build a campaign that starts the next day."""
    address = f"c{number:02d}"
    return a_desired(address, payload=a_payload(name=address, starts_at=LATER), paused=paused)


WANTED = [campaign(0, paused=True), *(campaign(number) for number in range(1, 8))]


def dying_run(world: World, appends: Appends, *, journal_at: int = 0, http_at: int = 0, when: When) -> tuple[bool, int]:
    """Apply with a process that dies at one effect; whether it lived, and how many effects the dying door had."""
    backend = CrashingBackend(SlowBackend(world.backend, appends), at=journal_at, when=when)
    transport = CrashingTransport(at=http_at, when=when)
    lived = survives(lambda: world.apply(WANTED, backend=backend, transport=transport))
    return lived, transport.effects if http_at else backend.effects


def check_promises(world: World) -> None:
    """Check that nobody got anything twice, and that every campaign of the server is on record or named."""
    snapshot = world.snapshot()
    recorded = {str(record.facts.payload["name"]) for record in snapshot.campaigns.values()}
    doubtful = {str(intent.facts.payload["name"]) for intent in snapshot.in_doubt.values()}

    assert max(world.created().values(), default=1) == 1
    assert recorded <= set(world.created()) <= recorded | doubtful


@pytest.mark.parametrize("appends", [FEW, MANY], ids=["4 ahead", "16 ahead"])
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("door", ["journal", "http"])
def test_dying_anywhere_sends_nothing_twice(tmp_path: Path, appends: Appends, when: When, door: str) -> None:
    """Die at each effect, run again: at most once each, done or in doubt; and no more in doubt than were under way."""
    at, lived = 0, False
    while not lived:
        at += 1
        (tmp_path / str(at)).mkdir()
        with Sandbox(STILL) as sandbox:
            world = World(sandbox, tmp_path / str(at))
            lived, effects = dying_run(world, appends, when=when, **{f"{door}_at": at})
            assert lived is (at > effects)
            check_promises(world)
            assert len(world.snapshot().in_doubt) <= min(len(WANTED), most_in_flight(appends))
            doubtful = {str(intent.facts.payload["name"]) for intent in world.snapshot().in_doubt.values()}
            world.apply(WANTED)
            check_promises(world)
            assert names(WANTED) <= set(world.created()) | doubtful
    assert at > 5


def test_what_was_sent_and_answered_is_not_in_doubt(tmp_path: Path) -> None:
    """With four ahead a crash leaves in doubt what was announced and what was in flight, and no other campaign."""
    many = [campaign(number) for number in range(60)]
    with Sandbox(STILL) as sandbox:
        world = World(sandbox, tmp_path)
        transport = CrashingTransport(at=40)
        assert not survives(lambda: world.apply(many, backend=SlowBackend(world.backend, FEW), transport=transport))
        snapshot = world.snapshot()

    assert len(snapshot.in_doubt) <= most_in_flight(FEW)
    assert len(snapshot.campaigns) + len(snapshot.in_doubt) >= len(world.created())
    assert Counter(world.created()).most_common(1)[0][1] == 1
