"""
Whatever is edited in whatever order: no mailing twice, state and server agree, and after an apply nothing is left.

Each version of a campaign has a body of its own that is never used again, so two campaigns of one payload on the
server can only come from one version that was sent twice.
"""

import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msgflash_apply.campaign import Desired, Lifecycle, Record
from msgflash_apply.findings import InvalidFiles
from msgflash_apply.plan.plan import Action
from msgflash_apply.sandbox.exchange import RefusedError
from msgflash_apply.sandbox.server import Sandbox
from tests.support.builders import a_desired, a_payload, a_record, a_snapshot, some_facts
from tests.support.runs import LATER, STILL, World
from tests.unit.plan.accounts import Account, a_remote
from tests.unit.plan.test_planner import planned

PLACES = ("a", "b", "c")
FAULTS = (None, None, "drop_after", "drop_before", "400", "500_after")
QUICKLY = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@dataclass
class Repo:
    """Files at a few places, what was removed, and the number of the last version that was written."""

    files: dict[str, Desired] = field(default_factory=dict)
    away: list[Desired] = field(default_factory=list)
    version: int = 0

    def desired(self) -> list[Desired]:
        """Give what the files say now."""
        return list(self.files.values())

    def edit(self, deed: str, place: str, other: str) -> None:
        """Do what somebody may do to the file at a place; where it cannot be done nothing happens."""
        file = self.files.get(place)
        if deed == "write":
            self._write(place, file)
        elif deed == "bring back":
            if self.away and file is None:
                self.files[place] = _at(place, self.away.pop())
        elif file is not None:
            self._do(deed, file, other)

    def _do(self, deed: str, file: Desired, other: str) -> None:
        if deed in MOVING:
            MOVING[deed](self, file, other)
        else:
            self._change(deed, file)

    def remove(self, file: Desired, _other: str) -> None:
        """Delete a file."""
        self.away.append(self.files.pop(file.address))

    def rename(self, file: Desired, other: str) -> None:
        """Move a file to a free place, and say so."""
        if other not in self.files:
            moved = _at(other, self.files.pop(file.address))
            self.files[other] = replace(moved, moved_from=(file.address,))

    def rename_silently(self, file: Desired, other: str) -> None:
        """Move a file to a free place."""
        if other not in self.files:
            self.files[other] = _at(other, self.files.pop(file.address))

    def swap(self, file: Desired, other: str) -> None:
        """Let two files change places."""
        if other in self.files:
            self.files |= {file.address: _at(file.address, self.files[other]), other: _at(other, file)}

    def copy(self, file: Desired, other: str) -> None:
        """Write over another file with this one."""
        self.files[other] = _at(other, file)

    def _write(self, place: str, former: Desired | None) -> None:
        self.version += 1
        body = f"version {self.version}"
        starts_at = LATER + timedelta(days=self.version)
        made = a_desired(place, payload=a_payload(name=body, body=body, starts_at=starts_at))
        kept = made if former is None else replace(made, lifecycle=former.lifecycle, paused=former.paused)
        self.files[place] = kept

    def _change(self, deed: str, file: Desired) -> None:
        changed = {
            "pause": replace(file, paused=True),
            "resume": replace(file, paused=False),
            "leave alone": replace(file, paused=None),
            "let replace": replace(file, lifecycle=Lifecycle(on_change="replace")),
        }
        self.files[file.address] = changed[deed]


def _at(place: str, file: Desired) -> Desired:
    return a_desired(place, payload=file.payload, paused=file.paused, lifecycle=file.lifecycle)


MOVING: Mapping[str, Callable[[Repo, Desired, str], None]] = {
    "remove": Repo.remove,
    "rename": Repo.rename,
    "rename silently": Repo.rename_silently,
    "swap": Repo.swap,
    "copy": Repo.copy,
}
DEEDS = ("write", "bring back", "pause", "resume", "leave alone", "let replace", *MOVING)
EDITS = st.tuples(st.sampled_from(DEEDS), st.sampled_from(PLACES), st.sampled_from(PLACES))
ROUNDS = st.lists(st.tuples(st.lists(EDITS, min_size=1, max_size=4), st.sampled_from(FAULTS)), min_size=1, max_size=6)


def apply_if_valid(world: World, desired: list[Desired]) -> bool:
    """Apply; False where the plan is refused as a whole, and then nothing may have been sent."""
    before = world.created()
    try:
        world.apply(desired)
    except InvalidFiles:
        assert world.created() == before
        return False
    return True


def check_promises(world: World) -> None:
    """Nothing twice, and every campaign of the server on record, as what it is, or in doubt."""
    bodies = Counter(str(campaign["body"]) for campaign in world.sandbox.campaigns())
    assert all(times == 1 for times in bodies.values())
    snapshot = world.snapshot()
    on_server = {str(campaign["id"]): campaign for campaign in world.sandbox.campaigns()}
    for record in snapshot.campaigns.values():
        assert on_server[record.id]["body"] == record.facts.payload["body"]
        assert on_server[record.id]["status"] == record.status
    past = [record for records in snapshot.history.values() for record in records]
    known = {identifier for r in [*snapshot.campaigns.values(), *past] for identifier in (r.id, *r.former_ids)}
    doubtful = {intent.facts.payload["body"] for intent in snapshot.in_doubt.values()}
    assert all(on_server[identifier]["body"] in doubtful for identifier in on_server.keys() - known)


@QUICKLY
@given(rounds=ROUNDS)
def test_no_edits_send_anything_twice(rounds: list[tuple[list[tuple[str, str, str]], str | None]]) -> None:
    """Any edits with applies in between, some of them hit by a fault, keep the promises."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(STILL) as sandbox:
        world, repo = World(sandbox, Path(folder)), Repo()
        for edits, fault in rounds:
            for edit in edits:
                repo.edit(*edit)
            if fault is not None:
                sandbox.add_fault(f"POST /api/v1/campaigns {fault}")
            apply_if_valid(world, repo.desired())
            sandbox.clear_faults()
            check_promises(world)


@QUICKLY
@given(rounds=ROUNDS)
def test_after_an_apply_nothing_is_left_to_do(rounds: list[tuple[list[tuple[str, str, str]], str | None]]) -> None:
    """After an apply without faults the next plan is all no-op, but for what waits for a person."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(STILL) as sandbox:
        world, repo = World(sandbox, Path(folder)), Repo()
        for edits, _ in rounds:
            for edit in edits:
                repo.edit(*edit)
            if apply_if_valid(world, repo.desired()):
                plan = world.plan(repo.desired())
                assert {change.action for change in plan.changes} <= {Action.NO_OP, Action.BLOCKED}
                again = len(sandbox.requests)
                world.apply(repo.desired())
                assert all(request.method == "GET" for request in sandbox.requests[again:])


CONSOLE = ("cancel", "delete", "pause", "resume", "an hour passes", "a day passes", "a week passes")
SCENES = st.lists(
    st.one_of(EDITS, st.tuples(st.sampled_from(CONSOLE), st.integers(0, 5))), min_size=2, max_size=14
)  # fmt: skip


def act_in_console(world: World, deed: str, number: int) -> None:
    """Do what people do beside us: steer one of the campaigns in MsgFlash's console, or let time pass."""
    seconds = {"an hour passes": 3_600, "a day passes": 86_401, "a week passes": 7 * 86_400}.get(deed)
    if seconds is not None:
        world.sandbox.advance(seconds)
        return
    server = world.sandbox.world
    campaigns = list(server.campaigns.values())
    steps = {"cancel": server.cancel, "delete": server.delete, "pause": server.pause, "resume": server.resume}
    if campaigns:
        with suppress(RefusedError):
            steps[deed](campaigns[number % len(campaigns)])


@QUICKLY
@given(scenes=SCENES)
def test_nobody_gets_a_message_twice(scenes: list[tuple[str, str, str] | tuple[str, int]]) -> None:
    """Whatever people do in files and console, and however time passes, nobody is sent one version twice."""
    with tempfile.TemporaryDirectory() as folder, Sandbox(STILL) as sandbox:
        world, repo = World(sandbox, Path(folder)), Repo()
        for scene in scenes:
            if len(scene) == 3:
                repo.edit(*scene)
            else:
                act_in_console(world, *scene)
            apply_if_valid(world, repo.desired())
        sandbox.advance(30 * 86_400)
        got = Counter((message.contact_id, message.body) for message in sandbox.world.messages.values())
        assert max(got.values(), default=1) == 1


@dataclass(frozen=True)
class Known:
    """What the state knows at a place, and what the file there says."""

    record: str | None
    file: str | None


KNOWN = st.builds(
    Known,
    record=st.sampled_from([None, "scheduled", "paused", "running", "completed", "retired"]),
    file=st.sampled_from([None, "same", "edited", "replaced", "paused", "resumed", "moved"]),
)


def file_at(place: str, kind: str) -> Desired:
    """Build the file of a kind; `moved` carries what was at the place before it in the alphabet."""
    former = chr(ord(place) - 1)
    name, body = (
        (former, "Hello") if kind == "moved" else (place, "Other" if kind in {"edited", "replaced"} else "Hello")
    )
    return a_desired(
        place,
        payload=a_payload(name=name, body=body),
        paused={"paused": True, "resumed": False}.get(kind),
        lifecycle=Lifecycle(on_change="replace" if kind == "replaced" else "block"),
        moved_from=(former,) if kind == "moved" else (),
    )


@settings(max_examples=150, deadline=timedelta(seconds=2))
@given(known=st.fixed_dictionaries(dict.fromkeys("bcdef", KNOWN)), order=st.randoms(use_true_random=False))
def test_order_of_files_changes_no_plan(known: Mapping[str, Known], order: Random) -> None:
    """However the files are read, the plan, its digest and its findings are the same."""
    records = {
        place: a_record(
            place,
            status="paused" if one.record == "retired" else one.record,
            retired=one.record == "retired",
            facts=some_facts(a_payload(name=place)),
        )
        for place, one in known.items()
        if one.record is not None
    }
    desired = [file_at(place, one.file) for place, one in known.items() if one.file is not None]
    account = Account(campaigns={r.id: a_remote(r.id, status=r.status) for r in records.values()})
    shuffled = order.sample(desired, len(desired))

    assert told(desired, records, account) == told(shuffled, records, account)


def told(desired: list[Desired], records: Mapping[str, Record], account: Account) -> object:
    """Plan, and give what a person sees, a refusal included."""
    try:
        plan = planned(*desired, state=a_snapshot(records), account=account)
    except InvalidFiles as err:
        return err.diagnostics
    return plan.digest, plan.changes, plan.diagnostics
