"""Campaigns of the sandbox against the reference, over a real socket."""

from dataclasses import replace

import pytest

from msgflash_apply.sandbox.assumptions import HEADER
from msgflash_apply.sandbox.seed import BOUTIQUE_ID, OLD_PHONE_ID, PRESS_ID, TEST_PHONE_ID, WELCOME_ID, contact_id
from tests.support.sandbox import STILL, Client, a_body, a_template_body, running

UNKNOWN_ID = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"
COUNTERS = {"planned", "queued", "sent", "delivered", "read", "failed", "cancelled"}
TIMES = {"processingStartedAt", "lastEnqueuedAt", "completedAt", "cancelledAt"}


def create(client: Client, **changes: object) -> str:
    """Create a campaign and return its id."""
    answer = client.post("/campaigns", a_body(**changes))
    assert answer.status == 201, answer.document
    return str(answer.at("data.id"))


def test_create_in_template_mode() -> None:
    """A template campaign is 201, scheduled, with null direct fields, zero counters and advice (5.2)."""
    with running() as (_, client):
        answer = client.post("/campaigns", a_template_body())
    assert (answer.status, answer.at("data.status"), answer.at("data.repeat")) == (201, "scheduled", "none")
    assert [answer.at(f"data.{name}") for name in ("type", "body", "mediaUrl")] == [None] * 3
    assert answer.at("data.templateId") == WELCOME_ID
    assert answer.at("data.stats") == dict.fromkeys(COUNTERS, 0)
    assert answer.at("data.safety.decision") == "allow"


def test_create_in_direct_mode() -> None:
    """A direct campaign has a null templateId, and its schedule is echoed in UTC with milliseconds (5.2, 10.2)."""
    with running() as (_, client):
        answer = client.post("/campaigns", a_body(schedule="2027-03-01T15:00:00+02:00"))
    assert (answer.at("data.templateId"), answer.at("data.type")) == (None, "text")
    assert answer.at("data.schedule") == "2027-03-01T13:00:00.000Z"


def test_create_echoes_buttons() -> None:
    """The fields of a buttons campaign come back (5.5, 10.4)."""
    buttons = [{"type": "reply", "displayText": "Yes", "id": "yes"}]
    body = a_body(type="buttons", body=None, title="T", description="D", footer="F", buttons=buttons)
    with running() as (_, client):
        answer = client.post("/campaigns", body)
    assert (answer.status, answer.at("data.buttons"), answer.at("data.footer")) == (201, buttons, "F")


def test_buttons_need_whatsapp_business() -> None:
    """Without WhatsApp Business buttons are 403 UNSUPPORTED_FEATURE (5.5)."""
    buttons = [{"type": "reply", "displayText": "Yes", "id": "yes"}]
    body = a_body(type="buttons", body=None, title="T", description="D", buttons=buttons)
    with running(replace(STILL, whatsapp_business=False)) as (_, client):
        answer = client.post("/campaigns", body)
    assert (answer.status, answer.at("error.code")) == (403, "UNSUPPORTED_FEATURE")


@pytest.mark.parametrize(
    ("changes", "status", "code", "message"),
    [
        ({"instanceId": UNKNOWN_ID}, 404, "NOT_FOUND", "Instance not found"),
        ({"type": None, "body": None, "templateId": UNKNOWN_ID}, 404, "NOT_FOUND", "Template not found"),
        ({"recipients": {"type": "group", "groupId": UNKNOWN_ID}}, 404, "NOT_FOUND", "Group not found"),
        ({"recipients": {"type": "explicit", "value": [UNKNOWN_ID]}}, 400, "VALIDATION_ERROR", "Invalid request data"),
        ({"body": None}, 400, "VALIDATION_ERROR", "Invalid request data"),
    ],
)
def test_refusals_use_the_error_envelope(changes: dict[str, object], status: int, code: str, message: str) -> None:
    """Every refusal is an error envelope with status, code and message, and creates nothing (2.4, 5.2, 10.4)."""
    with running() as (sandbox, client):
        answer = client.post("/campaigns", a_body(**changes))
        assert sandbox.campaigns() == []
    assert (answer.status, answer.at("error.code"), answer.at("error.message")) == (status, code, message)


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"name": NaN}', b"\xff", b"[" * 100_000])
def test_bodies_that_are_no_object(body: bytes) -> None:
    """A body that is no JSON object is 400 VALIDATION_ERROR (2.7)."""
    with running() as (_, client):
        answer = client.send("POST", "/api/v1/campaigns", body)
    assert (answer.status, answer.at("error.code")) == (400, "VALIDATION_ERROR")


def test_order_of_checks() -> None:
    """Of several mistakes the earliest check speaks: plan before body, body before ids (10.1)."""
    with running() as (sandbox, client):
        ids_and_body = client.post("/campaigns", a_body(instanceId=UNKNOWN_ID, body=None))
        sandbox.world.account.campaigns = False
        plan_and_body = client.post("/campaigns", {})
        no_key = Client(sandbox.url).post("/campaigns", {})
    codes = [answer.at("error.code") for answer in (no_key, plan_and_body, ids_and_body)]
    assert codes == ["UNAUTHORIZED", "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN", "VALIDATION_ERROR"]


def test_two_equal_creates_make_two_campaigns() -> None:
    """There is no idempotency: the same body twice is two campaigns (10.1)."""
    with running() as (sandbox, client):
        ids = {create(client), create(client)}
        assert len(ids) == len(sandbox.campaigns()) == 2
        assert all(campaign["payload"] == a_body() for campaign in sandbox.campaigns())


def test_warns_about_a_large_audience() -> None:
    """More recipients than the number should write to is a warning, and still a 201 (5.10)."""
    with running() as (_, client):
        answer = client.post("/campaigns", a_body(instanceId=TEST_PHONE_ID, recipients={"type": "all"}))
    assert (answer.status, answer.at("data.safety.decision")) == (201, "warn")
    assert answer.at("data.safety.audience.totalRecipients") == 120
    assert answer.at("data.safety.appliedLimits.maxCampaignRecipients") == 100


def test_get_shows_counters_and_times() -> None:
    """Get adds templateVariables and the four times, and has no safety (5.6)."""
    with running() as (_, client):
        created = client.post("/campaigns", a_template_body())
        answer = client.get(f"/campaigns/{created.at('data.id')}")
    assert answer.status == 200
    assert answer.at("data.templateVariables") == {"brand": "Acme", "code": "PROMO10"}
    assert answer.at("data.stats") == dict.fromkeys(COUNTERS, 0) | dict.fromkeys(TIMES)
    assert "safety" not in answer.object_at("data")


@pytest.mark.parametrize("method_and_tail", ["GET ", "GET /stats", "POST /pause", "POST /resume"])
@pytest.mark.parametrize("identity", [UNKNOWN_ID, "not-a-uuid"])
def test_unknown_campaign_is_404(method_and_tail: str, identity: str) -> None:
    """An unknown or malformed id is 404 NOT_FOUND (5.6, 10.1)."""
    method, tail = method_and_tail.split(" ")
    with running() as (_, client):
        answer = client.send(method, f"/api/v1/campaigns/{identity}{tail}")
    assert (answer.status, answer.at("error.message")) == (404, "Campaign not found")


def test_stats_of_a_running_campaign() -> None:
    """Stats show counters with their total, progress, and the timeline (5.7)."""
    with running() as (sandbox, client):
        identity = create(client)
        sandbox.advance(3600 + 10)
        answer = client.get(f"/campaigns/{identity}/stats")
    assert answer.at("data.status") == "running"
    assert (answer.at("data.stats.total"), answer.at("data.stats.sent"), answer.at("data.stats.queued")) == (40, 10, 30)
    assert answer.at("data.progressPercent") == 25
    assert answer.at("data.timeline.scheduledFor") == answer.at("data.startedAt") == "2027-03-01T13:00:00.000Z"
    assert answer.at("data.timeline.lastActivityAt") == "2027-03-01T13:00:10.000Z"
    assert answer.at("data.estimatedCompletionAt") is None


def test_pause_and_resume() -> None:
    """Pause answers with seven counters, resume with status running and without counters (5.8)."""
    with running() as (sandbox, client):
        identity = create(client)
        sandbox.advance(3600 + 10)
        paused = client.post(f"/campaigns/{identity}/pause")
        resumed = client.post(f"/campaigns/{identity}/resume")
    assert (paused.status, paused.at("data.status")) == (200, "paused")
    assert (paused.at("data.stats.queued"), paused.at("data.stats.cancelled")) == (30, 0)
    assert (resumed.status, resumed.at("data.status")) == (200, "running")
    data = resumed.object_at("data")
    assert "stats" not in data
    assert resumed.object_at("data.safety").keys().isdisjoint({"audience", "appliedLimits"})


def test_pause_twice_and_resume_twice() -> None:
    """Neither is idempotent: the second time is 400 BAD_REQUEST (10.3)."""
    with running() as (_, client):
        identity = create(client)
        statuses = [client.post(f"/campaigns/{identity}/{verb}").status for verb in ("pause", "pause", "resume")]
        again = client.post(f"/campaigns/{identity}/resume")
    assert statuses == [200, 400, 200]
    assert (again.status, again.at("error.code"), again.headers[HEADER]) == (400, "BAD_REQUEST", "10.3")


def test_resume_ahead_of_the_start_says_that_it_assumes() -> None:
    """Resumed before its start a campaign is scheduled, and the answer names the assumption (10.3)."""
    with running() as (_, client):
        identity = create(client)
        client.post(f"/campaigns/{identity}/pause")
        answer = client.post(f"/campaigns/{identity}/resume")
    assert (answer.at("data.status"), answer.headers[HEADER]) == ("scheduled", "10.3")


def test_life_over_http() -> None:
    """A campaign in the past starts at once and ends completed, everything sent (5.9, 10.2)."""
    with running() as (sandbox, client):
        identity = create(client, schedule="2027-03-01T11:00:00.000Z")
        sandbox.advance(1000)
        answer = client.get(f"/campaigns/{identity}")
    assert (answer.at("data.status"), answer.headers[HEADER]) == ("completed", "10.2")
    assert (answer.at("data.stats.sent"), answer.at("data.stats.queued")) == (40, 0)


def test_disconnected_instance_is_accepted() -> None:
    """A campaign on a disconnected number is created; its messages fail later (3, 10.3)."""
    with running() as (sandbox, client):
        identity = create(client, instanceId=OLD_PHONE_ID)
        sandbox.advance(7200)
        answer = client.get(f"/campaigns/{identity}")
    assert (answer.at("data.status"), answer.at("data.stats.failed")) == ("completed", 40)


def test_empty_audience_is_an_assumption() -> None:
    """A campaign to a tag that no contact has is created, completes, and names the assumption (10.3)."""
    with running() as (sandbox, client):
        identity = create(client, recipients={"type": "tags", "value": ["nobody"]})
        sandbox.advance(7200)
        answer = client.get(f"/campaigns/{identity}")
    assert (answer.at("data.status"), answer.headers[HEADER]) == ("completed", "10.3")


def test_used_up_messages_refuse_creates() -> None:
    """Once the month's messages are used up a create is 429 MONTHLY_OUTBOUND_QUOTA_EXCEEDED (2.6)."""
    with running(replace(STILL, monthly_outbound=5)) as (sandbox, client):
        identity = create(client, recipients={"type": "group", "groupId": PRESS_ID})
        sandbox.advance(7200)
        done = client.get(f"/campaigns/{identity}").at("data.status")
        answer = client.post("/campaigns", a_body())
    assert done == "completed"
    assert (answer.status, answer.at("error.code")) == (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/campaigns"),
        ("DELETE", f"/api/v1/campaigns/{UNKNOWN_ID}"),
        ("PATCH", f"/api/v1/campaigns/{UNKNOWN_ID}/cancel"),
        ("PUT", f"/api/v1/campaigns/{UNKNOWN_ID}"),
        ("GET", f"/api/v1/campaigns/{UNKNOWN_ID}/messages"),
        ("POST", "/api/v1/messages/schedule"),
        ("GET", "/api/v1/webhooks"),
        ("POST", "/api/v1/statuses"),
        ("POST", "/api/v1/contacts"),
        ("PUT", f"/api/v1/contacts/{contact_id(1)}"),
        ("DELETE", f"/api/v1/contacts/{contact_id(1)}"),
        ("POST", "/api/v1/contacts/groups"),
        ("POST", f"/api/v1/contacts/groups/{PRESS_ID}/members"),
        ("DELETE", f"/api/v1/contacts/groups/{PRESS_ID}/members"),
        ("GET", "/api/v1/billing/plans"),
        ("GET", "/api/v1/billing/subscription"),
        ("GET", "/api/campaigns"),
        ("GET", "/"),
    ],
)
def test_what_does_not_exist_is_404(method: str, path: str) -> None:
    """List, cancel, delete, update and everything left out are `Route not found` (5.8, 10.1)."""
    with running() as (_, client):
        answer = client.send(method, path)
    assert (answer.status, answer.headers[HEADER]) == (404, "10.1")
    assert answer.document == {"error": {"code": "NOT_FOUND", "message": "Route not found"}}


def test_messages_lead_to_their_campaign() -> None:
    """Messages carry campaignId and contactId, and can be filtered by instance and status (7)."""
    with running() as (sandbox, client):
        identity = create(client, recipients={"type": "explicit", "value": [contact_id(1), contact_id(2)]})
        sandbox.advance(7200)
        answer = client.get(f"/messages?instanceId={BOUTIQUE_ID}&status=read")
        single = client.get(f"/messages/{answer.at('data.messages.0.id')}")
    assert answer.at("data.messages.0.campaignId") == answer.at("data.messages.1.campaignId") == identity
    assert {answer.at(f"data.messages.{n}.contactId") for n in (0, 1)} == {contact_id(1), contact_id(2)}
    assert (answer.at("data.hasMore"), answer.at("data.nextCursor")) == (False, None)
    assert single.at("data") == answer.at("data.messages.0")


def test_failed_messages_say_why() -> None:
    """A message that misses a variable is failed, with its error and the variables in meta (4.2)."""
    with running() as (sandbox, client):
        client.post("/campaigns", a_template_body(variables={"code": 7}))
        sandbox.advance(7200)
        answer = client.get("/messages?status=failed&limit=1")
    assert answer.at("data.messages.0.error") == "Missing template variables: custom.brand"
    assert answer.at("data.messages.0.meta") == {"missingVariables": ["custom.brand"]}
    assert answer.at("data.hasMore") is True
