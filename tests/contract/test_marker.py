"""Writing the account's marker before the first create, whatever MsgFlash answers."""

import asyncio
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from msgflash_apply.apply.marker import MarkerWriter
from msgflash_apply.apply.result import ApplyReport, Outcome
from msgflash_apply.errors import BackendError, StateBehind
from msgflash_apply.plan.marker import Marker
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.sandbox.values import Template
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import a_desired, a_payload
from tests.support.doors import FailingBackend, When
from tests.support.runs import LATER, STILL, World

TEMPLATES = "/api/v1/templates"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Run an account without campaigns."""
    with Sandbox(STILL) as sandbox:
        yield World(sandbox, tmp_path)


def markers(sandbox: Sandbox) -> list[Template]:
    """Find the markers among the account's templates."""
    return [one for one in sandbox.world.templates.values() if one.name.startswith("msgflash-apply state ")]


def create(world: World, *names: str, backend: Backend | None = None) -> ApplyReport:
    """Apply some campaigns that start later."""
    wanted = [a_desired(name, payload=a_payload(name=name, starts_at=LATER)) for name in names]
    return world.apply(wanted, backend=backend)


@pytest.mark.parametrize("fault", ["plan", "422 code=TEMPLATE_LIMIT"])
def test_account_that_refuses_the_marker_creates_all_the_same(world: World, fault: str) -> None:
    """Where an account may not have it, the run goes on without, and nothing of it is remembered."""
    world.sandbox.add_fault(f"POST {TEMPLATES} {fault}")

    assert [result.outcome for result in create(world, "first").results] == [Outcome.DONE]
    assert (world.created(), markers(world.sandbox)) == ({"first": 1}, [])


@pytest.mark.parametrize("fault", ["500", "drop_after", "unauthorized", "400 code=VALIDATION_ERROR", "html", "no_id"])
def test_unwritten_marker_stops_the_apply_before_anything_is_sent(world: World, fault: str) -> None:
    """What is not known to be remembered is not begun; the same apply goes on when MsgFlash does."""
    world.sandbox.add_fault(f"POST {TEMPLATES} {fault} times=*")
    stopped = create(world, "first")
    assert [result.outcome for result in stopped.results] == [Outcome.SKIPPED]
    assert "the account's marker of the state was not written" in str(stopped.stopped)
    assert world.created() == {}
    world.sandbox.clear_faults()

    assert create(world, "first").exit_code == 0
    assert (world.created(), len(markers(world.sandbox))) == ({"first": 1}, 1)


def test_edit_of_the_marker_is_repeated(world: World) -> None:
    """To write the same twice changes nothing, so a moment's failure keeps nothing back."""
    create(world, "first")
    world.sandbox.add_fault(f"PUT {TEMPLATES}/* 503")
    world.sandbox.add_fault(f"PUT {TEMPLATES}/* reset_after")
    world.sandbox.add_fault(f"PUT {TEMPLATES}/* 429 code=API_RATE_LIMIT_EXCEEDED retry_after=0")

    assert create(world, "first", "second").exit_code == 0
    assert world.created() == {"first": 1, "second": 1}


def test_edit_that_never_succeeds_stops_the_apply(world: World) -> None:
    """After some attempts nothing is sent."""
    create(world, "first")
    world.sandbox.add_fault(f"PUT {TEMPLATES}/* 503 times=*")

    assert create(world, "first", "second").exit_code == 3
    assert world.created() == {"first": 1}


def test_marker_that_is_deleted_during_the_run_is_made_anew(world: World) -> None:
    """Between reading and writing it may go; what is missing cannot be edited, and is made."""
    create(world, "first")
    world.sandbox.add_fault(f"PUT {TEMPLATES}/* 404 code=NOT_FOUND")

    assert create(world, "first", "second").exit_code == 0
    assert len(markers(world.sandbox)) == 2


@pytest.mark.parametrize("damage", ["deleted", "edited"])
def test_marker_that_is_gone_is_made_anew(world: World, damage: str) -> None:
    """A warning says so, once, and nothing is kept back: the state itself is as it should be."""
    create(world, "first")
    [marker] = markers(world.sandbox)
    if damage == "deleted":
        del world.sandbox.world.templates[marker.id]
    else:
        marker.body = "Hello {{contact.firstName}}"
    wanted = [a_desired(name, payload=a_payload(name=name, starts_at=LATER)) for name in ("first", "second")]
    before = [found.code for found in world.plan(wanted).diagnostics]
    made = world.apply(wanted)
    after = [found.code for found in world.plan([*wanted, a_desired("x", payload=a_payload(name="x"))]).diagnostics]

    assert ("MF525" in before, made.exit_code, "MF525" in after) == (True, 0, False)
    assert world.created() == {"first": 1, "second": 1}


def test_late_marker_is_announced_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that slept between writing its journal and writing the marker proves first that it still may."""
    real, asked = time.clock_gettime, iter([0, 31])
    jumped = [0]

    def clock(number: int) -> float:
        jumped[0] += next(asked, 0)
        return real(number) + jumped[0]

    monkeypatch.setattr(time, "clock_gettime", clock)
    assert create(world, "first").exit_code == 0
    assert (world.created(), len(markers(world.sandbox))) == ({"first": 1}, 1)


def test_end_is_written_or_reported(world: World) -> None:
    """The serial that the run ended with is written after the commit; that it is not is a warning."""
    create(world, "first")
    [template] = markers(world.sandbox)
    marker = Marker(world.snapshot().lineage, "default", 1, "r", template.id)

    async def end() -> MarkerWriter:
        async with world.client() as client:
            writer = MarkerWriter(client, marker, "tester")
            await writer.end(world.snapshot(), world.now())
            return writer

    assert asyncio.run(end()).findings == ()
    assert f"serial: {world.snapshot().serial}" in (template.body or "")
    world.sandbox.add_fault(f"PUT {TEMPLATES}/* 400 code=VALIDATION_ERROR")
    assert [found.code for found in asyncio.run(end()).findings] == ["MF526"]


@pytest.mark.parametrize(("fault", "count"), [("", 1), ("404 code=NOT_FOUND", 2)])
def test_abridged_marker_is_read_by_itself(world: World, fault: str, count: int) -> None:
    """Where the list of templates leaves bodies out; one that is gone by then says nothing."""
    create(world, "first")
    [marker] = markers(world.sandbox)
    listed = json.dumps([{"id": marker.id, "name": marker.name}], separators=(",", ":")).replace(" ", "\\u0020")
    world.sandbox.add_fault(f"GET {TEMPLATES} misreport field=templates value={listed}")
    if fault:
        world.sandbox.add_fault(f"GET {TEMPLATES}/{marker.id} {fault}")

    assert create(world, "first", "second").exit_code == 0
    assert len(markers(world.sandbox)) == count


@pytest.mark.parametrize("when", ["before", "after"])
def test_nothing_is_marked_that_the_state_does_not_know(world: World, when: When) -> None:
    """Wherever the storage fails, the account remembers no run that the state has lost, and the next apply goes on."""
    create(world, "c0")
    for at in range(1, 16):
        backend = FailingBackend(world.backend, at=at, when=when)
        with suppress(BackendError):
            create(world, "c0", f"c{at}", backend=backend)
        if (holder := world.backend.holder()) is not None:  # where giving it back failed
            world.backend.break_lock(holder.lock_id)
        [marker] = markers(world.sandbox)
        [run] = re.findall("^run: (.*)$", marker.body or "", re.MULTILINE)

        assert run in world.snapshot().runs
    assert create(world, "c0", "last").exit_code == 0
    assert set(world.created().values()) == {1}


def test_plan_reads_the_state_again_where_an_apply_has_begun_meanwhile(world: World) -> None:
    """Without the lock a plan may have read the state right before; only a state that stays behind is refused."""
    create(world, "first")
    before = world.snapshot()
    create(world, "first", "second")
    wanted = [a_desired(name, payload=a_payload(name=name, starts_at=LATER)) for name in ("first", "second", "third")]

    async def plan(read: Callable[[], Snapshot]) -> set[str]:
        async with world.client() as client:
            made = await world.planner(wanted, client, Refresh.CHANGED).plan_without_lock(before, read)
            return {change.address for change in made.effective}

    assert asyncio.run(plan(world.snapshot)) == {"third"}
    with pytest.raises(StateBehind):
        asyncio.run(plan(lambda: before))
