"""Campaigns as MsgFlash returns them, compared with what was sent."""

import pytest

from msgflash_apply.api.models import RemoteCampaign
from msgflash_apply.campaign import fingerprint
from tests.support.builders import a_payload

ZEROES = {"planned": 0, "queued": 0, "sent": 0, "delivered": 0, "read": 0, "failed": 0, "cancelled": 0}


def a_remote(**fields: object) -> RemoteCampaign:
    """Read the answer to a GET of a campaign that was sent as `a_payload`."""
    answer = {
        "id": "c1",
        "status": "scheduled",
        "repeat": "none",
        "templateId": None,
        "templateVariables": None,
        "mediaUrl": None,
        **a_payload(schedule="2026-11-27T13:00:00+01:00"),
        **fields,
    }
    return RemoteCampaign.model_validate(answer)


@pytest.mark.parametrize("repeat", ["none", "noe", None])
@pytest.mark.parametrize("recipients", [{"type": "all"}, {"type": "all", "value": []}])
def test_one_off_text_is_recognised(repeat: str | None, recipients: dict[str, object]) -> None:
    """What MsgFlash echoes means what was sent, whatever it adds and however it spells it."""
    payload = a_payload()

    assert fingerprint(a_remote(repeat=repeat, recipients=recipients).as_payload(payload)) == fingerprint(payload)


def test_template_campaign_is_recognised() -> None:
    """`templateVariables` of an answer are `variables` of a request, and no direct content counts beside a template."""
    payload = a_payload(type=None, body=None, templateId="t1", variables={"code": "A"}, repeat="daily")
    remote = a_remote(templateId="t1", templateVariables={"code": "A"}, repeat="daily")

    assert remote.as_payload(payload) == payload


def test_template_without_variables_is_recognised() -> None:
    """Empty variables in an answer are none in the request."""
    payload = a_payload(type=None, body=None, templateId="t1")

    assert a_remote(templateId="t1", templateVariables={}).as_payload(payload) == payload


def test_fields_that_are_not_echoed_are_believed() -> None:
    """Title, description, footer and buttons are taken from the request."""
    buttons = a_payload(type="buttons", body=None, title="T", description="D", footer="F", buttons=[{"type": "reply"}])

    assert a_remote(type="buttons", body=None).as_payload(buttons) == buttons


@pytest.mark.parametrize("field", ["name", "schedule", "instanceId", "recipients", "body"])
def test_absent_and_other_fields_match_nothing(field: str) -> None:
    """A campaign that lacks what was sent, or has something else, is another one."""
    other = {"recipients": {"type": "tags", "value": ["vip"]}}.get(field, "other")

    assert fingerprint(a_remote(**{field: None}).as_payload(a_payload())) != fingerprint(a_payload())
    assert fingerprint(a_remote(**{field: other}).as_payload(a_payload())) != fingerprint(a_payload())


@pytest.mark.parametrize("counter", ZEROES)
def test_any_counter_means_that_it_began(counter: str) -> None:
    """One counter above zero is enough for something to have been sent."""
    assert a_remote(stats={**ZEROES, counter: 1}).has_sent


def test_nothing_was_sent_only_when_the_counters_say_so() -> None:
    """Without counters it is not certain that nothing was sent."""
    assert not a_remote(stats=ZEROES).has_sent
    assert a_remote(stats=None).has_sent
