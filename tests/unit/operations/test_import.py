"""What may be adopted, what the record keeps of it, and how it is written as a file."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from msgflash_apply.api.models import Instance, RemoteCampaign, Template
from msgflash_apply.campaign import Address, fingerprint
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.operations.import_ import fields_of, record_of, refuse_doubtful, refuse_known
from msgflash_apply.plan.lookup import LookedUp
from tests.support.builders import INSTANCE_ID, NOW, a_desired, a_payload, a_record, a_snapshot, an_intent

SALE = Address("sale")
SHOP = Instance(id=INSTANCE_ID, name="shop", status="connected")


def a_remote(payload: Mapping[str, object] | None = None, **fields: object) -> RemoteCampaign:
    """Answer for a campaign as MsgFlash has it."""
    returned = {**(payload or a_payload(name="sale")), "id": "cmp-1", "status": "scheduled", **fields}
    return RemoteCampaign.model_validate({key: value for key, value in returned.items() if value is not None})


def an_item(**fields: object) -> LookedUp:
    """Build the campaign of a file, names looked up."""
    payload = a_payload(**{"name": "sale", **fields})  # type: ignore[arg-type] # the builder's own keywords
    return LookedUp(a_desired("sale", payload=payload), payload, fingerprint(payload))


def test_unknown_campaign_may_be_adopted() -> None:
    """Neither address nor id is known: nothing is refused."""
    state = a_snapshot({"other": a_record("other")}, {"doubt": an_intent("doubt")})
    refuse_known(state, SALE, "cmp-1")
    refuse_doubtful(state, a_remote())


def test_campaign_of_the_history_may_come_back() -> None:
    """What was taken off the record by hand is adopted again by its id."""
    state = replace(a_snapshot(), history={SALE: (a_record("sale"),)})
    refuse_known(state, SALE, "id-sale")


@pytest.mark.parametrize(
    ("address", "identifier", "words"),
    [
        ("taken", "cmp-1", "taken is taken"),
        ("doubt", "cmp-1", "doubt is in doubt"),
        ("sale", "id-taken", "The state has it at taken"),
    ],
)
def test_what_the_state_knows_is_refused(address: str, identifier: str, words: str) -> None:
    """An address that is taken, and an id that the state has at any address, are not adopted again."""
    state = a_snapshot({"taken": a_record("taken")}, {"doubt": an_intent("doubt")})
    with pytest.raises(MsgflashApplyError, match=words):
        refuse_known(state, Address(address), identifier)


def test_campaign_of_a_doubt_is_refused() -> None:
    """A campaign that a create in doubt may have made belongs to its address."""
    with pytest.raises(MsgflashApplyError, match="resolve 'sale' --created cmp-1"):
        refuse_doubtful(a_snapshot(in_doubt={"sale": an_intent("sale")}), a_remote())


def test_record_keeps_what_the_file_says() -> None:
    """The payload is that of the file, the id and the status are MsgFlash's."""
    item = an_item()
    record = record_of(item, a_remote(status="paused"), NOW)
    assert (record.id, record.status, record.read_at, record.retired) == ("cmp-1", "paused", NOW, False)
    assert (record.facts.payload, record.facts.fingerprint) == (item.payload, item.fingerprint)
    assert record.facts.file == "campaigns/sale.yaml"


def test_other_campaign_than_the_file_is_refused() -> None:
    """Every difference is listed."""
    with pytest.raises(MsgflashApplyError, match="body: the file says 'Hello', it has 'Bye'"):
        record_of(an_item(), a_remote(body="Bye"), NOW)


def test_other_campaign_is_recorded_after_its_differences() -> None:
    """A person may take it all the same: what differs is shown, and the record keeps what the file says."""
    shown: list[str] = []
    item = an_item()
    record = record_of(
        item, a_remote(body="Bye"), NOW, accept=lambda differing: shown.extend(diff.path for diff in differing)
    )
    assert (shown, record.facts.payload) == (["body"], item.payload)


@pytest.mark.parametrize(("schedule", "is_same"), [("2026-12-01T12:00:00Z", True), ("2026-11-01T12:00:00Z", False)])
def test_repeating_campaign_may_have_moved_on(schedule: str, *, is_same: bool) -> None:
    """After a run its schedule is a later one; an earlier one is another campaign."""
    item, remote = an_item(repeat="daily"), a_remote(a_payload(name="sale", repeat="daily"), schedule=schedule)
    if is_same:
        assert record_of(item, remote, NOW).facts.payload == item.payload
    else:
        with pytest.raises(MsgflashApplyError, match="schedule"):
            record_of(item, remote, NOW)


def test_fields_of_direct_content() -> None:
    """A text is written as it is, its start in the zone of the project, its instance by name."""
    remote = a_remote(repeat="weekly", schedule="2026-11-27T08:00:00.000Z")
    assert fields_of(remote, [SHOP], [], "Europe/Paris") == {
        "instance": "shop",
        "schedule": "2026-11-27T09:00:00+01:00",
        "name": "sale",
        "repeat": "weekly",
        "recipients": {"type": "all"},
        "type": "text",
        "body": "Hello",
    }


def test_fields_of_a_template() -> None:
    """A template goes by name with its variables; milliseconds of a start are kept."""
    payload = a_payload(type=None, body=None, templateId="t-1", templateVariables={"code": "A"})
    remote = a_remote(payload, schedule="2026-11-27T08:00:00.250Z")
    fields = fields_of(remote, [SHOP], [Template(id="t-1", name="welcome")], None)
    assert (fields["template"], fields["variables"]) == ("welcome", {"code": "A"})
    assert fields["schedule"] == "2026-11-27T08:00:00.250+00:00"


def test_ambiguous_name_is_written_as_id() -> None:
    """Where two instances share a name, or it has none, only the id says which one sends."""
    twin = Instance(id="other", name="shop")
    assert fields_of(a_remote(), [SHOP, twin], [], None)["instanceId"] == INSTANCE_ID
    assert fields_of(a_remote(), [Instance(id=INSTANCE_ID)], [], None)["instanceId"] == INSTANCE_ID


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"type": "buttons", "body": None}, "title, description, footer and buttons"),
        ({"type": None, "body": None}, "return its type"),
        ({"schedule": None, "recipients": None}, "schedule, recipients"),
        ({"schedule": "soon"}, "return its start"),
        ({"schedule": "0001-01-01T00:00:00+14:00"}, "return its start"),
    ],
)
def test_what_is_not_returned_cannot_be_written(fields: dict[str, object], words: str) -> None:
    """Answers leave out the content of buttons; a file that lacks something would be another campaign."""
    with pytest.raises(MsgflashApplyError, match=words):
        fields_of(a_remote(None, **fields), [SHOP], [], None)
