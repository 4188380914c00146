"""Single messages of the sandbox against reference 7."""

from dataclasses import replace

import pytest

from msgflash_apply.sandbox.access import DEMO_TEAM_ID, ApiKey
from msgflash_apply.sandbox.seed import (
    BOUTIQUE_ID,
    LOYALTY_CARD_ID,
    OLD_PHONE_ID,
    TEST_PHONE_ID,
    WELCOME_ID,
    contact_id,
)
from msgflash_apply.sandbox.server import Sandbox
from tests.support.sandbox import STILL, Client, JsonObject, running

ME = "+33600000001"
UNKNOWN_ID = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"


def a_message(**changes: object) -> JsonObject:
    """Make a good body, a text; a change to None leaves a field out."""
    body: JsonObject = {"instanceId": BOUTIQUE_ID, "to": ME, "type": "text", "text": "Hello"}
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def a_template_message(**changes: object) -> JsonObject:
    """Make a good body that sends the demo account's welcome template."""
    variables = {"brand": "Acme", "code": "A1"}
    template: JsonObject = {"templateId": WELCOME_ID, "variables": variables, "contactId": contact_id(1)}
    return a_message(**{"type": None, "text": None, **template, **changes})


def test_text_from_queue_to_phone() -> None:
    """A message is queued, then sent, then delivered; it is listed, counts as outbound, and belongs to no campaign."""
    with running() as (sandbox, client):
        created = client.post("/messages/send", a_message())
        path, statuses = f"/messages/{created.at('data.id')}", []
        for seconds in (1, 2, 60):
            sandbox.advance(seconds)
            statuses.append(client.get(path).at("data.status"))
        listed = client.get(f"/messages?instanceId={BOUTIQUE_ID}")
        used = client.get("/usage").at("data.usage.messagesCount")
    assert (created.status, created.at("data.status"), created.at("data.body")) == (201, "queued", "Hello")
    assert (created.at("data.from"), created.at("data.to")) == ("+33612345678", ME)
    assert statuses == ["sent", "delivered", "delivered"]
    assert listed.at("data.messages.0.id") == created.at("data.id")
    assert (created.at("data.campaignId"), created.at("data.contactId"), used) == (None, None, 1)


def test_template_is_filled_in() -> None:
    """In template mode the answer has the words for that contact, and the type and media of the template."""
    with running() as (_, client):
        text = client.post("/messages/send", a_template_message())
        card = client.post(
            "/messages/send", a_template_message(templateId=LOYALTY_CARD_ID, variables={"points_name": "x"})
        )
    assert text.at("data.body") == "Hello Bruno, welcome to Acme! Your code: A1"
    assert (card.at("data.type"), card.at("data.mediaUrl")) == ("image", "https://cdn.example.com/loyalty-card.png")


def test_buttons_have_their_kind_under_title() -> None:
    """The kind of a button is `title` here, where it is `type` in campaigns (5.5)."""
    reply = {"displayText": "Yes", "id": "yes"}
    buttons = a_message(type="buttons", text=None, title="Sale", description="Come?", footer="Acme")
    with running() as (_, client):
        sent = client.post("/messages/send", {**buttons, "buttons": [{"title": "reply", **reply}]})
        wrong = client.post("/messages/send", {**buttons, "buttons": [{"type": "reply", **reply}]})
    assert (sent.status, sent.at("data.body")) == (201, "Come?")
    assert wrong.at("error.details.0.path") == "buttons[0].title"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (a_message(to=None), 400, "VALIDATION_ERROR"),
        (a_message(text=None, body="Hello"), 400, "VALIDATION_ERROR"),
        (a_message(type=None), 400, "VALIDATION_ERROR"),
        (a_message(templateId=WELCOME_ID), 400, "VALIDATION_ERROR"),
        (a_message(variables={"code": "A1"}), 400, "VALIDATION_ERROR"),
        (a_message(type="location"), 400, "VALIDATION_ERROR"),
        (a_message(text="x" * 4097), 400, "VALIDATION_ERROR"),
        (a_message(idempotencyKey="1"), 400, "VALIDATION_ERROR"),
        (a_template_message(variables={"brand": "Acme"}), 400, "TEMPLATE_VARIABLES_MISSING"),
        (a_template_message(contactId=None), 400, "TEMPLATE_VARIABLES_MISSING"),
        (a_template_message(contactId=UNKNOWN_ID), 400, "TEMPLATE_CONTEXT_UNAVAILABLE"),
        (a_template_message(templateId=UNKNOWN_ID), 404, "NOT_FOUND"),
        (a_message(instanceId=UNKNOWN_ID), 404, "NOT_FOUND"),
        (a_message(to="0600000001"), 422, "INVALID_DESTINATION"),
    ],
)  # fmt: skip
def test_bad_messages_are_refused(body: JsonObject, status: int, code: str) -> None:
    """What is refused sends nothing and counts for nothing."""
    with running() as (sandbox, client):
        answer = client.post("/messages/send", body)
        assert not sandbox.world.messages
        assert not sandbox.world.outbound
    assert (answer.status, answer.at("error.code")) == (status, code)


def test_plan_and_quota() -> None:
    """Buttons need WhatsApp Business, and a month's messages end."""
    buttons = a_message(type="buttons", text=None, title="Sale", description="Come?")
    buttons["buttons"] = [{"title": "reply", "displayText": "Yes", "id": "yes"}]
    with running(replace(STILL, whatsapp_business=False, monthly_outbound=1)) as (_, client):
        codes = [client.post("/messages/send", body).at("error.code") for body in (buttons,)]
        client.post("/messages/send", a_message())
        codes.append(client.post("/messages/send", a_message()).at("error.code"))
    assert codes == ["UNSUPPORTED_FEATURE", "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"]


def test_disconnected_number_fails_the_message() -> None:
    """A message is accepted on a number that is not connected, fails, and does not count."""
    with running() as (sandbox, client):
        created = client.post("/messages/send", a_message(instanceId=OLD_PHONE_ID))
        sandbox.advance(5)
        later = client.get(f"/messages/{created.at('data.id')}")
        assert not sandbox.world.outbound
    assert (created.status, later.at("data.status"), later.at("data.error")) == (
        201,
        "failed",
        "Instance is not connected",
    )


def test_collaborator_sends_from_assigned_numbers_alone() -> None:
    """An instance of others is 403 (2.3)."""
    key = ApiKey("msgf_team_c", team_id=DEMO_TEAM_ID, instances=frozenset({TEST_PHONE_ID}))
    with running(replace(STILL, api_keys=(key,))) as (sandbox, _):
        headers = {"x-api-key": "msgf_team_c", "x-team-id": DEMO_TEAM_ID}
        answer = Client(sandbox.url).send("POST", "/api/v1/messages/send", a_message(), headers)
    assert answer.at("error.code") == "INSTANCE_NOT_ASSIGNED"


def test_accepted_messages_are_reported() -> None:
    """Whoever started the sandbox learns of each message that it took, and of none that it refused."""
    heard: list[JsonObject] = []
    with Sandbox(STILL, heard.append) as sandbox:
        client = Client(sandbox.url, sandbox.api_key)
        client.post("/messages/send", a_message(text="First"))
        client.post("/messages/send", a_message(to="nobody"))
    assert [message["body"] for message in heard] == ["First"]


@pytest.mark.parametrize(("fault", "sent"), [("drop_before", 0), ("refuse", 0), ("drop_after", 1)])
def test_faults_apply(fault: str, sent: int) -> None:
    """A message can be lost on its way, or its answer can."""
    with running() as (sandbox, client):
        sandbox.add_fault(f"POST /api/v1/messages/send {fault}")
        with pytest.raises(OSError):  # noqa: PT011 - whatever way the connection ends
            client.post("/messages/send", a_message())
        assert len(sandbox.world.messages) == sent
