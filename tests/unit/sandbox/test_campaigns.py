"""The strict check of a create body, and the advice that comes with a create."""

import pytest

from msgflash_apply.sandbox.campaigns import BUTTONS, assess_audience, check_create
from msgflash_apply.sandbox.exchange import JsonObject, RefusedError
from msgflash_apply.sandbox.seed import BOUTIQUE_ID, PRESS_ID, TEST_PHONE_ID, WELCOME_ID, contact_id
from msgflash_apply.sandbox.validation import Rules
from tests.support.sandbox import a_body, a_template_body, a_world, at

STRICT = Rules()


LENIENT = Rules(strict=False)


IMAGE = "https://cdn.example.com/a.png"


def findings(body: object, rules: Rules = STRICT) -> list[str]:
    """List the paths that are refused; none where the body is accepted."""
    try:
        check_create(body, rules)
    except RefusedError as refused:
        if refused.code != "VALIDATION_ERROR":
            raise
        return [str(detail["path"]) for detail in refused.details]
    return []


def a_button(kind: str) -> JsonObject:
    """Make a good button."""
    return {"type": kind, **dict.fromkeys(BUTTONS[kind], "x")}


def buttons_body(*buttons: JsonObject) -> JsonObject:
    """Make a buttons campaign."""
    return a_body(type="buttons", body=None, title="T", description="D", buttons=list(buttons))


@pytest.mark.parametrize(
    "body",
    [
        a_body(),
        a_template_body(),
        a_template_body(variables=None),
        a_body(repeat="weekly"),
        a_body(recipients={"type": "all"}),
        a_body(recipients={"type": "all", "value": []}),
        a_body(recipients={"type": "explicit", "value": [contact_id(1)]}),
        a_body(recipients={"type": "group", "groupId": PRESS_ID}),
        a_body(schedule="2027-03-01T13:00:00+02:00"),
        a_body(body="x" * 4096),
        *(a_body(type=kind, mediaUrl=IMAGE) for kind in ("image", "video", "document", "audio", "voice_note")),
        *(a_body(type=kind, mediaUrl=IMAGE, body=None) for kind in ("image", "audio")),
        buttons_body(a_button("reply"), a_button("pix")),
        *(buttons_body(a_button(kind)) for kind in BUTTONS),
    ],
)
def test_good_bodies_are_kept_as_they_are(body: JsonObject) -> None:
    """Every documented form is accepted unchanged (5.1 to 5.5)."""
    assert check_create(body, STRICT) == body


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ([], ["", "instanceId", "name", "schedule", "recipients", ""]),
        (a_body(instanceId=None), ["instanceId"]),
        (a_body(instanceId="boutique-principale"), ["instanceId"]),
        (a_body(name="  "), ["name"]),
        (a_body(name=7), ["name"]),
        (a_body(schedule="2027-03-01"), ["schedule"]),
        (a_body(schedule="2027-03-01T13:00:00"), ["schedule"]),
        (a_body(schedule="2027-02-30T13:00:00Z"), ["schedule"]),
        (a_body(schedule="0001-01-01T00:00:00+09:00"), ["schedule"]),
        (a_body(repeat="noe"), ["repeat"]),
        (a_body(repeat="monthly"), ["repeat"]),
        (a_body(body="x" * 4097), ["body"]),
        (a_body(body=None), ["body"]),
        (a_body(type=None), [""]),
        (a_body(type="sticker"), ["type"]),
        (a_body(type="image"), ["mediaUrl"]),
        (a_body(type="image", mediaUrl="a.png"), ["mediaUrl"]),
        (a_body(type="image", mediaUrl="ftp://example.com/a.png"), ["mediaUrl"]),
        (a_body(type="image", mediaUrl="https://[/a.png"), ["mediaUrl"]),
        (a_body(type="image", mediaUrl="https://example.com/a b.png"), ["mediaUrl"]),
        (a_body(mediaUrl=IMAGE), ["mediaUrl"]),
        (a_body(variables={"a": "b"}), ["variables"]),
        (a_body(key="value"), ["key"]),
        (a_body() | {"repeat": None}, ["repeat"]),
        (a_body(templateId=WELCOME_ID), ["type", "body"]),
        (a_template_body(templateId="welcome"), ["templateId"]),
        (a_template_body(body="x"), ["body"]),
        (a_template_body(variables={"custom": {"code": "x"}}), ["variables"]),
        (a_template_body(variables={"code": True}), ["variables"]),
        (a_template_body(variables=[]), ["variables"]),
        (a_body(recipients=None), ["recipients"]),
        (a_body(recipients="all"), ["recipients", "recipients.type"]),
        (a_body(recipients={"type": "everyone"}), ["recipients.type"]),
        (a_body(recipients={"type": "all", "value": ["vip"]}), ["recipients.value"]),
        (a_body(recipients={"type": "tags", "value": []}), ["recipients.value"]),
        (a_body(recipients={"type": "tags", "value": ["vip"], "groupId": PRESS_ID}), ["recipients.groupId"]),
        (a_body(recipients={"type": "explicit", "value": ["+33600000001"]}), ["recipients.value"]),
        (a_body(recipients={"type": "group"}), ["recipients.groupId"]),
        (buttons_body(), ["buttons"]),
        (buttons_body(a_button("reply"), a_button("url"), a_button("call")), ["buttons"]),
        (buttons_body({"title": "reply", "displayText": "x", "id": "1"}), ["buttons[0].type"]),
        (buttons_body({"type": "reply", "displayText": "x"}), ["buttons[0].id"]),
        (buttons_body(a_button("reply") | {"url": "x"}), ["buttons[0].url"]),
        (buttons_body(a_button("reply")) | {"title": ""}, ["title"]),
    ],
)
def test_bad_bodies_name_each_mistake(body: object, paths: list[str]) -> None:
    """Each mistake is refused at its place, and only there (5.1 to 5.5, 10.1, 10.4)."""
    assert findings(body) == paths


def test_switch_accepts_noe() -> None:
    """`noe` passes where it is asked for (5.3)."""
    assert findings(a_body(repeat="noe"), Rules(accept_noe=True)) == []


def test_lenient_drops_what_it_does_not_know() -> None:
    """Lenient mode ignores unknown fields, nulls, and variables of direct content (10.1)."""
    odd = a_body(key="value", variables={"a": "b"}) | {"repeat": None}
    assert check_create(odd, LENIENT) == a_body()


def test_lenient_takes_the_other_kind_key() -> None:
    """Lenient mode takes a button's kind under `title`, as messages have it (10.4)."""
    body = buttons_body({"title": "reply", "displayText": "x", "id": "1"})
    assert findings(body, LENIENT) == []


@pytest.mark.parametrize(
    "body", [a_body(templateId=WELCOME_ID), a_body(type=None, body=None), a_template_body(body="x")]
)
def test_lenient_still_wants_one_mode(body: JsonObject) -> None:
    """Exactly one content mode is a rule of the API, strict or not (5.1)."""
    assert findings(body, LENIENT)


def test_small_warm_audience_is_allowed() -> None:
    """Within the limits the decision is allow, without reasons (5.10)."""
    world = a_world()
    safety = assess_audience(world.instances[BOUTIQUE_ID], list(world.contacts.values()))
    assert (safety["decision"], safety["reasons"]) == ("allow", [])


def test_too_many_recipients_warn() -> None:
    """More recipients than the instance's maxCampaignRecipients is a warning with the numbers (5.10)."""
    world = a_world()
    safety = assess_audience(world.instances[TEST_PHONE_ID], list(world.contacts.values()))
    assert (safety["decision"], safety["riskLevel"]) == ("warn", "medium")
    assert at(safety, "audience.totalRecipients") == 120
    assert at(safety, "appliedLimits.maxCampaignRecipients") == 100


def test_too_cold_an_audience_warns() -> None:
    """A share of cold contacts above maxColdRatio is a warning (5.10)."""
    world = a_world()
    cold = [contact for contact in world.contacts.values() if contact.temperature == "cold"]
    warm = [contact for contact in world.contacts.values() if contact.temperature == "warm"]
    safety = assess_audience(world.instances[BOUTIQUE_ID], cold[:5] + warm[:3])
    assert safety["decision"] == "warn"
    assert at(safety, "audience.coldRatio") == 0.625


def test_nobody_is_no_risk() -> None:
    """An empty audience is allowed, with ratios of 0 (5.10)."""
    safety = assess_audience(a_world().instances[BOUTIQUE_ID], [])
    assert (safety["decision"], at(safety, "audience.coldRatio")) == ("allow", 0.0)
