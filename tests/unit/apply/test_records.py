"""What an apply writes without a request, on a real ledger in a folder."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from msgflash_apply.api.access import DEFAULT_BASE_URL
from msgflash_apply.apply.journal_writer import JournalWriter
from msgflash_apply.apply.records import entries_of_all, entries_without_requests, refusals
from msgflash_apply.apply.result import Outcome, Result
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Address, Content, Desired, Lifecycle, Seen, Source
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.decide import decide
from msgflash_apply.plan.lookup import NameTable, fill_in
from msgflash_apply.plan.plan import Action, Audience, Change, Plan, Reason, RequestForecast, Sender, UsedTemplate
from msgflash_apply.plan.refresh import PriorState, RemoteStatus
from msgflash_apply.state.journal import Approved, Bound, Described, Kept, Observed, Retired
from msgflash_apply.state.ledger import Ledger, read_state
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import NOW, a_desired, a_payload, a_record, a_snapshot, facts_as_sent, some_facts
from tests.support.doors import FailingBackend
from tests.support.states import ENVIRONMENT, a_run, a_state, created, intended


def kept(folder: Path, *desired: Desired, known: tuple[str, ...], observed: str = "scheduled") -> Snapshot:
    """Make records, write what a plan for some files writes without a request, and read the state that is left."""
    backend = a_state(folder)
    with a_run(backend, "first") as ledger:
        for address in known:
            ledger.append(intended(address), created(address))
            ledger.append(Observed(Address(address), observed, NOW))
    with a_run(backend, "second") as ledger:
        stop = Stop()
        keep(plan_for(desired, ledger.snapshot), ledger, stop)
        assert not stop.is_set
    return read_state(backend, environment=ENVIRONMENT)


def keep(plan: Plan, ledger: Ledger, stop: Stop) -> frozenset[Address]:
    """Write what a plan writes without a request, and give the addresses of which all is durable."""

    async def run() -> frozenset[Address]:
        async with JournalWriter(ledger, stop) as writer:
            entries = entries_without_requests(plan, ledger.snapshot, NOW)
            queued = {address: writer.queue(*wanted) for address, wanted in entries.items()}
            refused = {address for address, written in queued.items() if not await writer.is_durable(written)}
            return frozenset(change.address for change in plan.changes) - refused

    return asyncio.run(run())


def plan_for(
    desired: tuple[Desired, ...], state: Snapshot, readings: dict[str, RemoteStatus | None] | None = None
) -> Plan:
    """Decide without a request."""
    items = [fill_in(item, NameTable([])) for item in desired]
    changes = decide(items, PriorState(state, readings or {}), now=NOW, policy=Policy(min_lead_time=timedelta(0)))
    return Plan(
        ENVIRONMENT,
        DEFAULT_BASE_URL,
        "l",
        1,
        NOW,
        complete=True,
        changes=changes,
        diagnostics=(),
        requests=RequestForecast(0, 0),
    )


def renamed(address: str, former: str, *, body: str = "Hello") -> Desired:
    """Build a campaign that stood elsewhere."""
    return a_desired(address, payload=a_payload(name=former, body=body), moved_from=(former,))


@pytest.mark.parametrize("last", ["c", "0"], ids=["upwards", "downwards"])
@pytest.mark.parametrize("body", ["Hello", "Edited, so blocked"])
def test_chain_of_moves_frees_each_address_first(tmp_path: Path, last: str, body: str) -> None:
    """`a` to `b` and `b` onwards works in any order of names, and when the last of them is blocked."""
    state = kept(tmp_path, renamed("b", "a"), renamed(last, "b", body=body), known=("a", "b"))

    assert {address: record.id for address, record in state.campaigns.items()} == {"b": "id-a", last: "id-b"}


def test_doubt_moves_with_its_file(tmp_path: Path) -> None:
    """A create in doubt is found at the address of its file, so that it can be resolved there."""
    backend = a_state(tmp_path)
    with a_run(backend, "first") as ledger:
        ledger.append(intended("old"))
    with a_run(backend, "second") as ledger:
        plan = plan_for((renamed("new", "old"),), ledger.snapshot)
        keep(plan, ledger, Stop())

        assert set(ledger.snapshot.in_doubt) == {"new"}


@pytest.mark.parametrize(("paused", "status"), [(None, "scheduled"), (True, "scheduled"), (False, "paused")])
def test_what_a_file_says_about_its_removal_is_kept(tmp_path: Path, paused: bool | None, status: str) -> None:
    """`on_remove` is on record after any apply, a pause or resume included: the file may be gone the next time."""
    desired = a_desired(paused=paused, lifecycle=Lifecycle(on_remove="keep"))
    state = kept(tmp_path, desired, known=("sale",), observed=status)

    assert state.campaigns[Address("sale")].facts.on_remove == "keep"


def test_blocked_campaign_keeps_its_description(tmp_path: Path) -> None:
    """Nothing is written about a blocked campaign that stays where it is."""
    desired = a_desired(payload=a_payload(body="Other"), lifecycle=Lifecycle(on_remove="keep"))
    state = kept(tmp_path, desired, known=("sale",))

    assert state.campaigns[Address("sale")].facts.on_remove == "pause"


def test_kept_one_without_a_file_keeps_its_description(tmp_path: Path) -> None:
    """What `on_remove: keep` leaves alone has no file to be described by, and nothing is written about it."""
    backend = a_state(tmp_path)
    with a_run(backend, "first") as ledger:
        ledger.append(intended(facts=some_facts(on_remove="keep")), created())
    with a_run(backend, "second") as ledger:
        before = ledger.snapshot
        keep(plan_for((), before), ledger, Stop())

        assert ledger.snapshot == before


def test_moved_record_is_described_anew(tmp_path: Path) -> None:
    """After a move the record names the new file and its labels."""
    desired = replace(renamed("new", "sale"), labels={"season": "spring"})
    record = kept(tmp_path, desired, known=("sale",)).campaigns[Address("new")]

    assert (record.facts.file, record.facts.labels) == ("campaigns/new.yaml", {"season": "spring"})


@pytest.mark.parametrize(("labels", "line"), [({}, 1), ({"season": "spring"}, 9)])
def test_line_is_renewed_with_the_rest(tmp_path: Path, labels: dict[str, str], line: int) -> None:
    """Another line alone is no reason to write; with another label it is written too."""
    desired = replace(a_desired(labels=labels), source=Source("campaigns/sale.yaml", 9))

    assert kept(tmp_path, desired, known=("sale",)).campaigns[Address("sale")].facts.line == line


@pytest.mark.parametrize(("address", "paused"), [("sale", True), ("new", True), ("sale", None)])
def test_retired_one_whose_file_is_back_is_managed_again(tmp_path: Path, address: str, paused: bool | None) -> None:
    """A file that is back ends retirement, also under a new name; only a resume waits for MsgFlash's answer."""
    backend = a_state(tmp_path)
    with a_run(backend, "first") as ledger:
        ledger.append(intended("sale"), created("sale"), Retired(Address("sale"), NOW, "paused"))
    with a_run(backend, "second") as ledger:
        desired = a_desired(address, payload=a_payload(name="sale"), paused=paused)
        keep(plan_for((desired,), ledger.snapshot), ledger, Stop())

        record = ledger.slot(Address(address)).record
        assert record is not None
        assert record.retired is (paused is None)


def test_statuses_that_were_read_and_ends_are_kept(tmp_path: Path) -> None:
    """A reading goes on record, and a campaign that is over and has no file moves to the history with it."""
    backend = a_state(tmp_path)
    with a_run(backend, "first") as ledger:
        ledger.append(intended("sale"), created("sale"), intended("drop"), created("drop"))
    with a_run(backend, "second") as ledger:
        readings: dict[str, RemoteStatus | None] = {
            "id-sale": RemoteStatus("running"),
            "id-drop": RemoteStatus("completed"),
        }
        plan = plan_for((a_desired(),), ledger.snapshot, readings)
        durable = keep(plan, ledger, Stop())

        assert durable == {"sale", "drop"}
        assert ledger.snapshot.campaigns[Address("sale")].status == "running"
        assert [record.status for record in ledger.snapshot.history[Address("drop")]] == ["completed"]


def test_what_is_not_durable_is_not_told_as_done(tmp_path: Path) -> None:
    """Where the storage fails the run stops, and only the addresses without anything to write are told."""
    backend = FailingBackend(a_state(tmp_path), at=0)
    with a_run(backend, "first") as ledger:
        ledger.append(intended("a"), created("a"), intended("sale"), created("sale"))
    with a_run(backend, "second") as ledger:
        stop, plan = Stop(), plan_for((renamed("x", "a"), a_desired("sale")), ledger.snapshot)
        backend.fail_soon()
        durable = keep(plan, ledger, stop)
        backend.heal()

        assert durable == {"sale"}
        assert "storage failed" in str(stop.why)


# What was approved beside the payload.


WELCOME = UsedTemplate("t", "welcome", Content("text", "Hello"))
SHOP = Sender("i", "shop", "+33600000001")
APPROVED = Seen(WELCOME.content.digest, "+33600000001", 100, 500)


def described(change: Change, seen: Seen | None) -> list[Seen | None]:
    """Give what the record of one campaign says was approved, each time that it is written anew."""
    record = a_record(facts=replace(facts_as_sent(a_desired()), seen=seen), status=change.status or "scheduled")
    entries = entries_without_requests(the_plan(change), a_snapshot({"sale": record}), NOW)
    written = entries.get(Address("sale"), ())
    return [entry.facts.seen for entry in written if isinstance(entry, Described)]


def a_change(action: Action, *, template: UsedTemplate | None = WELCOME, count: int | None = None) -> Change:
    """Build a change of the campaign `sale`, with what MsgFlash has behind its ids."""
    desired = a_desired()
    audience = None if count is None else Audience("all", count)
    change = Change(desired.address, action, desired.starts_at, source=desired.source, after=desired.payload)
    return replace(change, template=template, instance=SHOP, audience=audience, max_people=500, timezone=None)


def the_plan(*changes: Change) -> Plan:
    """Build a plan of some changes."""
    return replace(plan_for((), a_snapshot()), changes=changes)


@pytest.mark.parametrize(
    ("action", "seen", "expected"),
    [
        (Action.NO_OP, None, [replace(APPROVED, people=None)]),
        (Action.PAUSE, None, [replace(APPROVED, people=None)]),
        (Action.PAUSE, Seen("old"), []),
        (Action.NO_OP, Seen("old"), []),
        (Action.ACCEPT, Seen("old", people=90), [replace(APPROVED, people=90)]),
        (Action.RESUME, Seen("old", people=90), [replace(APPROVED, people=90)]),
        (Action.RESUME, APPROVED, []),
    ],
)
def test_words_are_recorded_when_they_are_approved(
    action: Action, seen: Seen | None, expected: list[Seen | None]
) -> None:
    """Accepted and resumed campaigns are approved anew, as they are now; others only where nothing was on record."""
    assert described(a_change(action), seen) == expected


def test_people_that_were_counted_again_are_recorded() -> None:
    """A resume reaches those who were counted for it, and not those of its create."""
    assert described(a_change(Action.RESUME, count=120), APPROVED) == [replace(APPROVED, people=120)]


def test_nothing_is_recorded_where_msgflash_was_not_asked() -> None:
    """Without template and instance nothing is known of what was approved."""
    assert described(replace(a_change(Action.ACCEPT), template=None, instance=None), None) == []


def test_what_is_written_first() -> None:
    """Whose server it is, what each template says, once, and what is about to be done; nothing of it twice."""
    change = a_change(Action.CREATE)
    other = a_change(Action.CREATE, template=replace(WELCOME, content=Content("text", "Other")))
    plan = the_plan(
        change,
        replace(change, address=Address("second")),
        replace(other, address=Address("blocked")).blocked(Reason.LIMIT, "too many"),
        replace(a_change(Action.NO_OP, template=None), address=Address("same")),
    )
    kept = Kept(WELCOME.content.digest, WELCOME.content)
    approved = Approved(plan.digest, {Address("sale"): "create", Address("second"): "create"}, NOW)
    known = replace(a_snapshot(), server=plan.server, contents={kept.digest: kept.content})

    assert entries_of_all(plan, a_snapshot(), NOW) == (Bound(plan.server), kept, approved)
    assert entries_of_all(plan, known, NOW) == (approved,)
    assert entries_of_all(the_plan(), known, NOW) == ()


# What MsgFlash refused.


def a_refusal(change: Change, *refused: tuple[str, str]) -> tuple[Change, Result]:
    """Build the result of a create that MsgFlash did not take."""
    return change, Result(change.address, change.action, Outcome.FAILED, None, "400", refused=refused)


def test_refusals_are_said_once_per_cause_at_their_field() -> None:
    """Each field that MsgFlash names is found in the first file that it is about; others are counted."""
    first = replace(a_change(Action.CREATE), names={"templateId": "welcome"})
    second = replace(first, address=Address("second"))
    name, button, body = ("templateId", "is archived"), ("buttons[0].url", "is no URL"), ("", "too long")

    found = refusals([a_refusal(first, name, button), a_refusal(second, name, body), a_refusal(second)])

    assert [(one.code, one.address, one.path, one.message) for one in found] == [
        ("MF523", "sale", ("template",), "MsgFlash: templateId is archived; 2 campaigns were refused for it"),
        ("MF523", "sale", ("buttons", 0, "url"), "MsgFlash: buttons[0].url is no URL"),
        ("MF523", "second", (), "MsgFlash: too long"),
    ]
