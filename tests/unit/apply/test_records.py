"""What an apply writes without a request, on a real ledger in a folder."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from msgflash_apply.api.access import DEFAULT_BASE_URL
from msgflash_apply.apply.journal_writer import JournalWriter
from msgflash_apply.apply.records import entries_without_requests
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Address, Desired, Lifecycle, Source
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.decide import decide
from msgflash_apply.plan.lookup import NameTable, fill_in
from msgflash_apply.plan.plan import Plan, RequestForecast
from msgflash_apply.plan.refresh import PriorState, RemoteStatus
from msgflash_apply.state.journal import Observed, Retired
from msgflash_apply.state.ledger import Ledger, read_state
from msgflash_apply.state.snapshot import Snapshot
from tests.support.builders import NOW, a_desired, a_payload, some_facts
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
