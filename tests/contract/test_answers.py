"""The answer to a create is held against what was sent, over a real socket and on a real state: contract section 6."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from msgflash_apply.apply.result import ApplyReport, Outcome
from msgflash_apply.campaign import Address, Desired, Lifecycle
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.operations.resolve import resolve_created
from msgflash_apply.sandbox.seed import WELCOME_ID
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.journal import Removed
from tests.support.builders import a_desired, a_payload
from tests.support.runs import LATER, STILL, World
from tests.support.states import a_run

CREATE = "POST /api/v1/campaigns"
SALE = Address("sale")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Run an account without campaigns."""
    with Sandbox(STILL) as sandbox:
        yield World(sandbox, tmp_path)


def campaign(address: str = "sale", *, paused: bool | None = None, **fields: object) -> Desired:
    """Build a campaign that starts the next day."""
    payload = a_payload(name=address, starts_at=LATER, **fields)
    return a_desired(address, payload=payload, paused=paused, lifecycle=Lifecycle(on_change="replace"))


def ends(report: ApplyReport) -> dict[str, Outcome]:
    """Give the outcomes by address."""
    return {result.address: result.outcome for result in report.results}


@pytest.mark.parametrize(
    ("fault", "path"),
    [
        ("alter field=schedule value=2027-03-09T12:00:00.000Z", "schedule"),
        ('alter field=recipients value={"type":"tags","value":["vip"]}', "recipients.type"),
        ("alter field=instanceId value=22222222-2222-4222-8222-222222222222", "instanceId"),
        ("alter field=name value=Other", "name"),
        ("alter field=body value=Bye", "body"),
        (f"misreport field=templateId value={WELCOME_ID}", "templateId"),
        ("misreport field=type value=image", "type"),
    ],
)
def test_campaign_created_otherwise_needs_a_person(world: World, fault: str, path: str) -> None:
    """It is on record with what was sent, is reported as failed with both values, and is never created again."""
    world.sandbox.add_fault(f"{CREATE} {fault}")
    report = world.apply([campaign()])

    (result,) = report.results
    assert (result.outcome, report.exit_code) == (Outcome.FAILED, 3)
    assert path in {diff.path for diff in result.differences}
    assert f"created as {result.id}; MsgFlash's answer is not what was sent: " in str(result.error)
    assert result.is_stoppable
    record = world.snapshot().campaigns[SALE]
    assert (record.id, record.facts.payload) == (result.id, campaign().payload)
    assert ends(world.apply([campaign()])) == {}
    assert sum(world.created().values()) == 1


def test_long_differences_are_cut_in_the_message_alone(world: World) -> None:
    """The message stays short; the result has both values."""
    world.sandbox.add_fault(f"{CREATE} alter field=body value={'x' * 1000}")
    (result,) = world.apply([campaign()]).results

    assert str(result.error).endswith("is not what was sent: body differs")
    assert [diff.after for diff in result.differences] == ["x" * 1000]


@pytest.mark.parametrize("field", ["schedule", "recipients", "name", "instanceId", "type", "body", "repeat"])
def test_abridged_answer_is_a_success(world: World, field: str) -> None:
    """A field that the answer leaves out says nothing."""
    world.sandbox.add_fault(f"{CREATE} misreport field={field} value=null")

    assert ends(world.apply([campaign()])) == {"sale": Outcome.DONE}


def test_normalised_template_campaign_is_a_success(world: World) -> None:
    """Ids in capitals, empty for null, another order of tags: what was sent."""
    tags = {"type": "tags", "value": ["vip", "paris"]}
    world.sandbox.add_fault(f"{CREATE} normalise")
    desired = campaign(
        type=None, body=None, templateId=WELCOME_ID, variables={"code": 12, "brand": "Acme"}, recipients=tags
    )

    assert ends(world.apply([desired])) == {"sale": Outcome.DONE}


@pytest.mark.parametrize(("pause_fault", "status"), [("delay seconds=0.01", "paused"), ("400", "scheduled")])
def test_campaign_created_otherwise_is_paused_if_its_file_says_so(world: World, pause_fault: str, status: str) -> None:
    """`paused: true` holds for it all the more; only what still may send can be stopped."""
    world.sandbox.add_fault(f"{CREATE} alter field=body value=Bye")
    world.sandbox.add_fault(f"POST /api/v1/campaigns/*/pause {pause_fault}")
    (result,) = world.apply([campaign(paused=True)]).results

    assert (result.outcome, world.statuses()) == (Outcome.FAILED, {"sale": status})
    assert "body: 'Hello' was sent, it has 'Bye'" in str(result.error)
    assert result.is_stoppable is (status == "scheduled")
    assert ("it is paused" in str(result.error)) is (status == "paused")


def test_id_on_record_is_not_taken_for_a_new_one(world: World) -> None:
    """A 201 with the id of another record proves nothing: in doubt, and the other record stays as it was."""
    world.apply([campaign("first")])
    before = world.snapshot().campaigns
    known = before[Address("first")].id.upper()
    world.sandbox.add_fault(f"{CREATE} misreport field=id value={known}")
    report = world.apply([campaign("first"), campaign()])

    (result,) = report.results
    assert (result.outcome, report.exit_code) == (Outcome.IN_DOUBT, 3)
    assert f"{known}, and that is the campaign first on record" in str(result.error)
    assert (world.snapshot().campaigns, set(world.snapshot().in_doubt)) == (before, {SALE})


def retire(world: World) -> None:
    """Take the file away: the campaign is paused for good, and stays on record."""
    world.apply([])


def replace_it(world: World) -> None:
    """Change what was sent: a new campaign takes its place, and the first is one of its former ids."""
    world.apply([campaign("first", body="New")])


def take_off_the_record(world: World) -> None:
    """Remove it by hand: it is in the history."""
    with a_run(world.backend, "removal") as ledger:
        ledger.append(Removed(Address("first"), world.now()))


@pytest.mark.parametrize("put_away", [retire, replace_it, take_off_the_record])
def test_id_of_the_past_is_not_taken_for_a_new_one(world: World, put_away: Callable[[World], None]) -> None:
    """Neither an apply nor a person can record it as what a create made, however it is spelled."""
    world.apply([campaign("first")])
    known = world.snapshot().campaigns[Address("first")].id.upper()
    put_away(world)
    world.sandbox.add_fault(f"{CREATE} misreport field=id value={known}")

    assert ends(world.apply([campaign()]))[SALE] is Outcome.IN_DOUBT
    with a_run(world.backend) as ledger, pytest.raises(MsgflashApplyError) as refused:
        asyncio.run(resolve_created(ledger, world.client(), SALE, known, world.now))
    assert refused.value.detail == "The state has it at first."


def test_one_id_for_two_creates_of_a_run(world: World) -> None:
    """Two answers with one id in one run: the first is believed, the other campaign is in doubt."""
    world.sandbox.add_fault(f"{CREATE} misreport field=id value=same times=2")
    report = world.apply([campaign("first"), campaign()])

    assert sorted(ends(report).values()) == [Outcome.DONE, Outcome.IN_DOUBT]
    assert len(world.snapshot().campaigns) == len(world.snapshot().in_doubt) == 1


def test_replacement_with_the_former_id_is_in_doubt(world: World) -> None:
    """The id of the campaign that is being replaced is no new one either."""
    world.apply([campaign()])
    former = world.snapshot().campaigns[SALE].id
    world.sandbox.add_fault(f"{CREATE} misreport field=id value={former}")

    assert ends(world.apply([campaign(body="New")])) == {"sale": Outcome.IN_DOUBT}
    assert world.snapshot().campaigns[SALE].id == former
