"""Whether a campaign of an answer is the one that was sent: what counts for nothing, and what counts."""

from collections.abc import Mapping
from typing import TypeAlias

import pytest

from msgflash_apply.api.models import RemoteCampaign
from msgflash_apply.plan.echo import differences_from, differences_in_answer, is_similar, spelled
from tests.support.builders import a_payload

Fields: TypeAlias = dict[str, object]

ID = "abcdefab-1111-4111-8111-abcdefabcdef"
OTHER_ID = "bbbbbbbb-2222-4222-8222-bbbbbbbbbbbb"
TEMPLATE: Fields = {"type": None, "body": None, "templateId": ID}
BUTTONS: Fields = {
    "type": "buttons",
    "body": None,
    "title": "T",
    "description": "D",
    "footer": "F",
    "buttons": [{"type": "reply", "displayText": "Yes", "id": "y"}],
}
TAGS: Fields = {"recipients": {"type": "tags", "value": ["vip", "paris"]}}
UNECHOED: Fields = dict.fromkeys(("title", "description", "footer", "buttons"))

SAME: Mapping[str, tuple[Fields, Fields]] = {
    "nothing changed": ({}, {}),
    "trimmed": ({"body": " Hello \n", "name": "Sale "}, {"body": "Hello", "name": "Sale"}),
    "line ends": ({"body": "a\nb"}, {"body": "a\r\nb"}),
    "decomposed": ({"body": "caf\u00e9"}, {"body": "cafe\u0301"}),
    "case of the instance": ({"instanceId": ID}, {"instanceId": ID.upper()}),
    "case of the template": (TEMPLATE, {"templateId": ID.upper()}),
    "case of a group": (
        {"recipients": {"type": "group", "groupId": ID}},
        {"recipients": {"type": "group", "groupId": ID.upper(), "value": []}},
    ),
    "order and case of contacts": (
        {"recipients": {"type": "explicit", "value": [ID, OTHER_ID]}},
        {"recipients": {"type": "explicit", "value": [OTHER_ID.upper(), ID], "groupId": None}},
    ),
    "order of tags": (TAGS, {"recipients": {"value": ["paris", "vip", "vip"], "type": "tags"}}),
    "an empty list beside all": ({}, {"recipients": {"type": "all", "value": []}}),
    "empty for absent": ({}, {"mediaUrl": "", "templateVariables": {}, "buttons": [], "footer": "", "title": None}),
    "none": ({}, {"repeat": "none"}),
    "noe": ({}, {"repeat": "noe"}),
    "none on record": ({"repeat": "none"}, {"repeat": None}),
    "another zone": ({}, {"schedule": "2026-11-27T13:00:00+01:00"}),
    "no milliseconds": ({}, {"schedule": "2026-11-27T12:00:00Z"}),
    "numbers as texts": (
        TEMPLATE | {"variables": {"a": 12, "b": 9.5, "c": "7", "d": 12.0}},
        {"templateVariables": {"a": "12", "b": "9.5", "c": 7, "d": 12}},
    ),
    "no variables": (TEMPLATE, {"templateVariables": {}}),
    "direct content beside a template": (TEMPLATE, {"type": "text", "body": "rendered"}),
    "buttons not echoed": (BUTTONS, UNECHOED),
    "kind of a button": (BUTTONS, {"buttons": [{"title": "reply", "displayText": "Yes", "id": "y", "url": None}]}),
    "the next week": ({"repeat": "weekly"}, {"schedule": "2026-12-04T12:00:00.000Z"}),
}

DIFFERENT: Mapping[str, tuple[Fields, Fields, str]] = {
    "instance": ({}, {"instanceId": OTHER_ID}, "instanceId"),
    "name": ({}, {"name": "sale"}, "name"),
    "no name": ({}, {"name": None}, "name"),
    "body": ({}, {"body": "Hello!"}, "body"),
    "no body": ({}, {"body": None}, "body"),
    "white space within": ({"body": "a b"}, {"body": "a  b"}, "body"),
    "an hour later": ({}, {"schedule": "2026-11-27T13:00:00Z"}, "schedule"),
    "no instant": ({}, {"schedule": "soon"}, "schedule"),
    "an earlier start of a repeating one": ({"repeat": "daily"}, {"schedule": "2026-11-26T12:00:00Z"}, "schedule"),
    "repeats": ({}, {"repeat": "daily"}, "repeat"),
    "repeats no more": ({"repeat": "daily"}, {"repeat": "none"}, "repeat"),
    "everyone": (TAGS, {"recipients": {"type": "all"}}, "recipients.type"),
    "a tag less": (TAGS, {"recipients": {"type": "tags", "value": ["vip"]}}, "recipients.value"),
    "no list of tags": (TAGS, {"recipients": {"type": "tags", "value": "vip"}}, "recipients.value"),
    "tags beside all": ({}, {"recipients": {"type": "all", "value": "vip"}}, "recipients.value"),
    "case of a tag": (TAGS, {"recipients": {"type": "tags", "value": ["VIP", "paris"]}}, "recipients.value"),
    "a group": ({}, {"recipients": {"type": "group", "groupId": ID}}, "recipients.groupId"),
    "a template": ({}, {"templateId": ID}, "templateId"),
    "another template": (TEMPLATE, {"templateId": OTHER_ID}, "templateId"),
    "a text for a template": (TEMPLATE, {"templateId": None, "type": "text", "body": "Hi"}, "type"),
    "spelling of a number": (
        TEMPLATE | {"variables": {"price": "9.90"}},
        {"templateVariables": {"price": 9.9}},
        "variables.price",
    ),
    "truth is no number": (
        TEMPLATE | {"variables": {"a": 1}},
        {"templateVariables": {"a": True}},
        "variables.a",
    ),
    "a variable less": (
        TEMPLATE | {"variables": {"a": 1, "b": 2}},
        {"templateVariables": {"a": "1"}},
        "variables.b",
    ),
    "media": (
        {"type": "image", "mediaUrl": "https://a.example/1.jpg"},
        {"mediaUrl": "https://a.example/2.jpg"},
        "mediaUrl",
    ),
    "echoed title": (BUTTONS, {"title": "Other"}, "title"),
    "echoed button": (
        BUTTONS,
        {"buttons": [{"type": "reply", "displayText": "No", "id": "y"}]},
        "buttons[0].displayText",
    ),
    "buttons of no shape": (BUTTONS, {"buttons": ["reply"]}, "buttons[0]"),
    "a footer that was not sent": ({}, {"footer": "Unsubscribe"}, "footer"),
}


def answer(sent: Mapping[str, object], changed: Fields) -> Fields:
    """Answer with what was sent, but for some fields, in the words of answers."""
    echoed = {"templateVariables" if name == "variables" else name: value for name, value in sent.items()}
    return {"id": "c1", "status": "scheduled", **echoed, **changed}


@pytest.mark.parametrize(("fields", "changed"), SAME.values(), ids=SAME)
def test_what_means_the_same(fields: Fields, changed: Fields) -> None:
    """Spelled otherwise is no difference, whichever way it is read."""
    sent = a_payload(**fields)  # type: ignore[arg-type] # the builder's own keywords
    given = answer(sent, changed)

    assert differences_from(sent, RemoteCampaign.model_validate(given)) == ()
    if sent.get("repeat") != "weekly":  # a campaign that was just created has not moved on
        assert differences_in_answer(sent, given) == ()


@pytest.mark.parametrize(("fields", "changed", "path"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_differs(fields: Fields, changed: Fields, path: str) -> None:
    """Anything else is one, at its attribute; of an answer to a create only what it says."""
    sent = a_payload(**fields)  # type: ignore[arg-type] # the builder's own keywords
    given = answer(sent, changed)

    assert path in {diff.path for diff in differences_from(sent, RemoteCampaign.model_validate(given))}
    is_silent = list(changed.values()) == [None]
    assert (path in {diff.path for diff in differences_in_answer(sent, given)}) is not is_silent


@pytest.mark.parametrize("fields", [{}, TEMPLATE | {"variables": {"a": 1}}, BUTTONS, TAGS | {"repeat": "daily"}])
def test_abridged_answer_contradicts_nothing(fields: Fields) -> None:
    """A create is confirmed by an id and a status; fields that are missing, null or empty say nothing."""
    sent = a_payload(**fields)  # type: ignore[arg-type] # the builder's own keywords
    nulls = dict.fromkeys((*sent, "templateId", "templateVariables"))

    assert differences_in_answer(sent, {"id": "c1", "status": "scheduled"}) == ()
    assert differences_in_answer(sent, {"id": "c1", **nulls}) == ()


def test_new_campaign_has_not_moved_on() -> None:
    """The start of a repeating campaign is later after a run, and never in the answer to its create."""
    sent = a_payload(repeat="weekly")
    later = answer(sent, {"schedule": "2026-12-04T12:00:00.000Z"})

    assert [diff.path for diff in differences_in_answer(sent, later)] == ["schedule"]


def test_answer_of_any_shape_is_compared() -> None:
    """Whatever types the answer to a create has, it is another one and no error."""
    odd = answer(a_payload(), {"name": 5, "recipients": "all", "schedule": 7, "templateId": ["x"]})

    paths = {diff.path for diff in differences_in_answer(a_payload(), odd)}

    assert paths >= {"name", "recipients", "schedule", "templateId"}


def test_similar_campaigns_share_instance_name_and_start() -> None:
    """What differs in body or audience may be the same campaign after an edit; another name or start is not."""
    differing = {name: answer(a_payload(), {name: "other"}) for name in ("body", "name", "instanceId", "schedule")}

    similar = {name for name, given in differing.items() if is_similar(differences_in_answer(a_payload(), given))}

    assert similar == {"body"}


def test_differences_in_words() -> None:
    """Both sides are quoted; an absent one is called nothing."""
    differing = differences_in_answer(a_payload(), answer(a_payload(), {"body": "Bye", "footer": "F"}))

    assert list(spelled(differing)) == [
        "body: 'Hello' was sent, it has 'Bye'",
        "footer: nothing was sent, it has 'F'",
    ]
    assert next(spelled(differing, "the file says {}")) == "body: the file says 'Hello', it has 'Bye'"
