"""Campaigns as MsgFlash returns them."""

import pytest

from msgflash_apply.api.models import RemoteCampaign
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


def test_template_campaign_is_spelled_as_its_request() -> None:
    """`templateVariables` of an answer are `variables` of a request, and no direct content counts beside a template."""
    remote = a_remote(templateId="t1", templateVariables={"code": "A"}, repeat="daily")
    expected = a_payload(type=None, body=None, templateId="t1", variables={"code": "A"}, repeat="daily")

    assert remote.as_payload() == {**expected, "schedule": remote.schedule}


@pytest.mark.parametrize("repeat", ["none", "noe", None])
@pytest.mark.parametrize("extra", [{}, {"value": []}, {"groupId": None}])
def test_what_says_nothing_is_left_out(repeat: str | None, extra: dict[str, object]) -> None:
    """A request has no field for what an answer says with a null, an empty list or `none`."""
    remote = a_remote(repeat=repeat, recipients={"type": "all", **extra}, mediaUrl="")

    assert remote.as_payload() == a_payload(schedule=remote.schedule)


@pytest.mark.parametrize("counter", ZEROES)
def test_any_counter_means_that_it_began(counter: str) -> None:
    """One counter above zero is enough for something to have been sent."""
    assert a_remote(stats={**ZEROES, counter: 1}).has_sent


def test_nothing_was_sent_only_when_the_counters_say_so() -> None:
    """Without counters it is not certain that nothing was sent."""
    assert not a_remote(stats=ZEROES).has_sent
    assert a_remote(stats=None).has_sent
