"""Ids are compared without case, everywhere, and go out in lower case."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from msgflash_apply.api.models import RemoteCampaign
from msgflash_apply.campaign import Address, Fingerprint, fingerprint, plain_id, with_plain_ids
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.operations.resolve import refuse_known_id
from msgflash_apply.plan.diff import differences
from msgflash_apply.plan.echo import differences_from
from msgflash_apply.plan.plan import Action
from msgflash_apply.state.codec import decode, encode
from tests.support.builders import a_desired, a_payload, a_record, a_snapshot, some_facts
from tests.unit.files.repos import in_short, loaded
from tests.unit.plan.accounts import SHOP, Account
from tests.unit.plan.test_planner import named, planned

ONE, TWO = "44444444-4444-4444-8444-44444444abcd", "55555555-5555-4555-8555-55555555abcd"
TO_BOTH = {"type": "explicit", "value": [ONE, TWO]}
CAPITALS = {"type": "explicit", "value": [TWO.upper(), ONE.upper()]}
CAMPAIGN = "name: Spring\nschedule: 2099-03-02T10:00Z\ntype: text\nbody: hi\n"
SENT = a_payload(name="sale", recipients=TO_BOTH)
SENT_IN_CAPITALS = a_payload(name="sale", recipients=CAPITALS)


@pytest.mark.parametrize(
    ("written", "plain"),
    [(ONE.upper(), ONE), (ONE, ONE), ("cmp_ABC", "cmp_ABC"), ("", ""), (ONE.upper() + "\n", ONE.upper() + "\n")],
)
def test_one_spelling_of_an_id(written: str, plain: str) -> None:
    """A UUID is spelled in lower case; the case of any other id may count."""
    assert plain_id(written) == plain


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instanceId", ONE),
        ("templateId", ONE),
        ("recipients", {"type": "group", "groupId": ONE}),
        ("recipients", {"type": "explicit", "value": [ONE]}),
    ],
)
def test_ids_of_a_payload_have_no_case(field: str, value: object) -> None:
    """Wherever an id is in a payload, its case is no difference; a tag that looks like one keeps its case."""
    lower = {**a_payload(), field: value}
    written = {**lower, field: json.loads(json.dumps(value).replace(ONE, ONE.upper()))}

    assert with_plain_ids(written) == lower
    assert with_plain_ids(lower) is lower
    assert fingerprint(written) == fingerprint(lower)
    assert differences(written, lower) == ()


def test_tags_have_a_case() -> None:
    """A tag is no id, whatever it looks like."""
    tags = (a_payload(recipients={"type": "tags", "value": [text]}) for text in (ONE, ONE.upper()))

    assert len({fingerprint(payload) for payload in tags}) == 2


def test_files_that_differ_by_the_case_of_an_id_are_one_mailing(tmp_path: Path) -> None:
    """The same message to the same people is found out, however their ids are spelled."""
    recipients = "recipients: {type: explicit, value: [%s]}\n"

    result = loaded(tmp_path, {"a.yaml": CAMPAIGN + recipients % ONE, "b.yaml": CAMPAIGN + recipients % ONE.upper()})

    assert {diagnostic.code for diagnostic in result.diagnostics} == {"MF407"}


def test_ids_go_out_in_lower_case_and_once(tmp_path: Path) -> None:
    """A contact that is listed in both cases draws the warning for repeats, at its place, and is sent to once."""
    text = f"instance: {TWO.upper()}\n{CAMPAIGN}recipients: {{type: explicit, value: [{ONE.upper()}, {TWO}, {ONE}]}}\n"

    result = loaded(tmp_path, {"a.yaml": text})

    assert in_short(result.diagnostics) == ["a.yaml:6:114 MF410"]
    (campaign,) = result.campaigns
    assert campaign.payload["recipients"] == TO_BOTH
    assert campaign.payload["instanceId"] == TWO


@pytest.mark.parametrize("sent", [SENT, SENT_IN_CAPITALS])
@pytest.mark.parametrize("wanted", [SENT, SENT_IN_CAPITALS])
def test_case_is_no_change(sent: Mapping[str, object], wanted: Mapping[str, object]) -> None:
    """A file whose ids change only in case is unchanged, whatever case the record has."""
    plan = planned(
        a_desired("sale", payload=wanted), state=a_snapshot({"sale": a_record("sale", facts=some_facts(sent))})
    )

    assert [change.action for change in plan.changes] == [Action.NO_OP]


def test_record_of_an_earlier_version_compares_equal() -> None:
    """Such a record has a fingerprint in which the capitals counted: it is made anew when the state is read."""
    record = a_record("sale", facts=some_facts(SENT_IN_CAPITALS))
    object.__setattr__(record.facts, "fingerprint", Fingerprint("sha256:" + 64 * "0"))

    read = decode(encode(a_snapshot({"sale": record})), where="here")

    (found,) = read.campaigns.values()
    assert found.facts.fingerprint == fingerprint(SENT)
    assert found.facts.payload == SENT_IN_CAPITALS


@pytest.mark.parametrize("identifier", [ONE, ONE.upper()])
def test_account_may_use_either_case(identifier: str) -> None:
    """Instances are found by an id in either case, and what their names mean is spelled one way."""
    account = Account(instances=[{**SHOP, "id": identifier}])

    by_name, by_id = planned(named("a"), a_desired("b", payload=a_payload(instanceId=ONE)), account=account).changes

    assert [str((change.after or {})["instanceId"]) for change in (by_name, by_id)] == [ONE, ONE]
    assert (by_name.action, by_id.action) == (Action.CREATE, Action.CREATE)


def test_campaign_in_doubt_is_found_in_either_case() -> None:
    """The case of an id in MsgFlash's answer is no difference from what was announced."""
    remote = RemoteCampaign.model_validate({**SENT_IN_CAPITALS, "id": "cmp-1", "status": "scheduled"})

    assert differences_from(SENT, remote) == ()


def test_id_on_record_is_known_in_either_case() -> None:
    """An id that the state has is not given to another address because of its case."""
    state = a_snapshot({"sale": a_record("sale", identifier=ONE.upper())})

    with pytest.raises(MsgflashApplyError) as caught:
        refuse_known_id(state, Address("tea"), ONE, in_history=True)

    assert caught.value.detail == "The state has it at sale."
