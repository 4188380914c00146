"""Instances, templates, contacts, groups, usage, keys and limits of the sandbox against the reference."""

from dataclasses import replace

import pytest

from msgflash_apply.sandbox.access import DEMO_TEAM_ID, DEMO_TEAM_KEY, ApiKey
from msgflash_apply.sandbox.seed import (
    BOUTIQUE_ID,
    EARLY_BIRDS_ID,
    LOYALTY_CARD_ID,
    OLD_PHONE_ID,
    PRESS_ID,
    TEST_PHONE_ID,
    WELCOME_ID,
    contact_id,
)
from tests.support.sandbox import STILL, Answer, Client, a_body, running

UNKNOWN_ID = "eeeeeeee-eeee-4eee-8eee-eeeeeeeeeeee"


def refusal(answer: Answer) -> tuple[int, object]:
    """Shorten a refusal to status and code."""
    return answer.status, answer.at("error.code")


def test_instances_are_a_bare_array() -> None:
    """Instances come as an array without pages, with the documented fields (3)."""
    with running() as (_, client):
        answer = client.get("/instances")
    data = answer.objects_at("data")
    assert [(i["id"], i["name"], i["waNumber"], i["status"]) for i in data] == [
        (BOUTIQUE_ID, "boutique-principale", "+33612345678", "connected"),
        (TEST_PHONE_ID, "test-phone", "+33698765432", "connected"),
        (OLD_PHONE_ID, "old-phone", "+33611223344", "disconnected"),
    ]
    assert {"webhook", "meta", "deletedAt", "createdAt", "updatedAt"} <= set(data[0])


def test_one_instance() -> None:
    """An instance, its state and its health can be read by id (3)."""
    with running() as (_, client):
        instance = client.get(f"/instances/{BOUTIQUE_ID}")
        state = client.get(f"/instances/{BOUTIQUE_ID}/state")
        health = client.get(f"/instances/{BOUTIQUE_ID}/health")
        unknown = client.get(f"/instances/{UNKNOWN_ID}/health")
    assert instance.at("data.id") == BOUTIQUE_ID
    assert state.at("data") == {"instanceId": BOUTIQUE_ID, "status": "connected", "providerState": "open"}
    assert (health.at("data.safetyState"), health.at("data.warmupPolicy.maxCampaignRecipients")) == ("stable", 1000)
    assert refusal(unknown) == (404, "NOT_FOUND")


def test_health_counts_what_was_sent() -> None:
    """The usage window of an instance counts the messages of campaigns (3)."""
    with running() as (sandbox, client):
        client.post("/campaigns", a_body(recipients={"type": "group", "groupId": PRESS_ID}))
        sandbox.advance(2 * 3600)
        answer = client.get(f"/instances/{BOUTIQUE_ID}/health")
    assert (answer.at("data.usageWindowSummary.outbound1h"), answer.at("data.usageWindowSummary.outbound24h")) == (5, 5)


def test_templates_come_in_pages() -> None:
    """Templates use the page form, and show the variables of their body (2.5, 4)."""
    with running() as (_, client):
        first = client.get("/templates?limit=2")
        second = client.get("/templates?limit=2&page=2")
        single = client.get(f"/templates/{WELCOME_ID}")
    assert first.at("data.total") == second.at("data.total") == 3
    assert [first.at(f"data.templates.{n}.name") for n in (0, 1)] == ["welcome", "loyalty-card"]
    assert second.at("data.templates.0.name") == "seasonal-visit"
    assert single.at("data.variables") == ["contact.firstName", "custom.brand", "custom.code"]


def test_template_from_birth_to_death() -> None:
    """A template is created, changed with its variables worked out again, and deleted (4)."""
    with running() as (_, client):
        body = {"name": "hi", "type": "text", "body": "{{custom.a}}", "variables": ["ignored"]}
        created = client.post("/templates", body)
        path = f"/api/v1/templates/{created.at('data.id')}"
        changed = client.send("PUT", path, {"body": "{{custom.b}}"})
        deleted = client.send("DELETE", path)
        gone = client.send("GET", path)
    assert (created.status, created.at("data.variables")) == (201, ["custom.a"])
    assert (changed.status, changed.at("data.variables"), changed.at("data.name")) == (200, ["custom.b"], "hi")
    assert (deleted.status, deleted.document, gone.status) == (200, {"data": {"deleted": True}}, 404)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"name": "x", "type": "text"}, "VALIDATION_ERROR"),
        ({"name": "x", "type": "image", "body": "caption"}, "VALIDATION_ERROR"),
        ({"name": "x", "type": "voice_note", "mediaUrl": "https://example.com/a"}, "VALIDATION_ERROR"),
        ({"name": "x" * 101, "type": "text", "body": "y"}, "VALIDATION_ERROR"),
        ({"name": "x", "type": "text", "body": "{{shop.name}}"}, "TEMPLATE_INVALID"),
    ],
)
def test_bad_templates_are_refused(body: dict[str, str], code: str) -> None:
    """Missing content is VALIDATION_ERROR, a bad placeholder TEMPLATE_INVALID (4, 4.1)."""
    with running() as (_, client):
        answer = client.post("/templates", body)
    assert refusal(answer) == (400, code)


def test_preview_fills_in_and_lists_what_is_missing() -> None:
    """Preview is 200 either way; unresolved variables make it not valid (4.2, 10.4)."""
    with running() as (_, client):
        missing = client.post(f"/templates/{LOYALTY_CARD_ID}/preview", {"contactId": contact_id(1)})
        whole = client.post(
            f"/templates/{LOYALTY_CARD_ID}/preview",
            {"contactId": contact_id(1), "instanceId": BOUTIQUE_ID, "variables": {"points_name": "stars"}},
        )
    assert (missing.status, missing.at("data.valid"), missing.at("data.missingVariables")) == (
        200,
        False,
        ["custom.points_name"],
    )
    assert (whole.at("data.rendered"), whole.at("data.valid")) == ("Bruno, this card holds your stars.", True)


def test_preview_without_a_contact() -> None:
    """Without contact and body, a template that greets by name is not valid, and its placeholders stay (10.4)."""
    with running() as (_, client):
        answer = client.post(f"/templates/{WELCOME_ID}/preview")
    assert answer.at("data.missingVariables") == ["contact.firstName", "custom.brand", "custom.code"]
    assert (
        answer.at("data.rendered")
        == "Hello {{contact.firstName}}, welcome to {{custom.brand}}! Your code: {{custom.code}}"
    )


def test_preview_of_an_unknown_contact() -> None:
    """A requested context that does not exist is 400 TEMPLATE_CONTEXT_UNAVAILABLE (4, 10.4)."""
    with running() as (_, client):
        answer = client.post(f"/templates/{WELCOME_ID}/preview", {"contactId": UNKNOWN_ID})
    assert refusal(answer) == (400, "TEMPLATE_CONTEXT_UNAVAILABLE")


def test_contacts_are_read_page_by_page() -> None:
    """Following the cursor shows all 120 contacts once, the newest first, with their tags (2.5, 6.1)."""
    seen: list[object] = []
    with running() as (_, client):
        path = "/contacts?limit=50"
        while True:
            page = client.get(path)
            contacts = page.objects_at("data.contacts")
            seen += [contact["id"] for contact in contacts]
            if page.at("data.hasMore") is False:
                break
            path = f"/contacts?limit=50&cursor={str(page.at('data.nextCursor')).replace('+', '%2B')}"
    assert seen == [contact_id(number) for number in range(120, 0, -1)]
    assert (page.at("data.total"), page.at("data.limit"), page.at("data.sort")) == (120, 50, "createdAt_desc")


def test_seeded_tags() -> None:
    """Every third contact is a vip, every second takes the newsletter, two cities have 40 each, and three are staff."""
    with running() as (sandbox, _):
        tags = [tag for contact in sandbox.world.contacts.values() for tag in contact.tags]
    assert {tag: tags.count(tag) for tag in tags} == {
        "paris": 40,
        "newsletter": 60,
        "vip": 40,
        "lyon": 40,
        "staff": 3,
    }


def test_contacts_are_searched_and_sorted() -> None:
    """Search looks in name and phone, in any case; name_asc sorts by name (6.1)."""
    with running() as (_, client):
        by_name = client.get("/contacts?search=BRUNO&sort=name_asc&limit=100")
        by_phone = client.get("/contacts?search=600000007")
        unsorted = client.get("/contacts?sort=age")
    found = by_name.objects_at("data.contacts")
    names = [str(contact["name"]) for contact in found]
    assert names == sorted(names)
    assert (len(names), by_name.at("data.total")) == (10, 10)
    assert by_phone.at("data.contacts.0.id") == contact_id(7)
    assert refusal(unsorted) == (400, "VALIDATION_ERROR")


def test_one_contact() -> None:
    """A contact can be read by id (6.1)."""
    with running() as (_, client):
        contact, unknown = client.get(f"/contacts/{contact_id(3)}"), client.get(f"/contacts/{UNKNOWN_ID}")
    assert (contact.at("data.phone"), contact.at("data.tags")) == ("+33600000003", ["vip", "paris", "staff"])
    assert refusal(unknown) == (404, "NOT_FOUND")


def test_groups_and_members() -> None:
    """Groups show how many they hold; members come by cursor, under `contacts`, with addedAt (6.2)."""
    with running() as (_, client):
        groups = client.get("/contacts/groups?search=EARLY")
        single = client.get(f"/contacts/groups/{PRESS_ID}")
        members = client.get(f"/contacts/groups/{EARLY_BIRDS_ID}/members?limit=10")
        of_contact = client.get(f"/contacts/{contact_id(1)}/groups")
    assert (groups.at("data.total"), groups.at("data.groups.0.contactCount")) == (1, 25)
    assert (single.at("data.name"), single.at("data.contactCount")) == ("press", 5)
    assert (members.at("data.total"), members.at("data.hasMore")) == (25, True)
    assert (members.at("data.contacts.0.id"), members.at("data.contacts.0.addedAt")) == (
        contact_id(1),
        "2026-01-05T10:00:00.000Z",
    )
    assert of_contact.at("data.groups.0.name") == "early-birds"


@pytest.mark.parametrize("path", ["/usage", "/billing/usage"])
def test_usage_counts_requests_and_messages(path: str) -> None:
    """Usage shows plan, limits, features, what was used, and the UTC month (8)."""
    with running() as (sandbox, client):
        client.post("/campaigns", a_body(recipients={"type": "group", "groupId": PRESS_ID}))
        sandbox.advance(7200)
        answer = client.get(path)
    assert answer.at("data.limits.monthlyApiRequestQuota") == 150_000
    assert answer.at("data.features.campaigns") is True
    assert (answer.at("data.usage.apiRequestsCount"), answer.at("data.usage.effectiveOutboundUsage")) == (2, 5)
    assert answer.at("data.period") == {"start": "2027-03-01T00:00:00.000Z", "end": "2027-03-31T23:59:59.999Z"}


def test_keys_over_http() -> None:
    """A missing or unknown key is 401; a team's key wants its id and may not see usage (2.2, 2.3)."""
    with running() as (sandbox, _):
        no_key = Client(sandbox.url).get("/instances")
        team = {"x-api-key": DEMO_TEAM_KEY, "X-Team-Id": DEMO_TEAM_ID}
        shared = Client(sandbox.url).send("GET", "/api/v1/instances", headers=team)
        owner_only = Client(sandbox.url).send("GET", "/api/v1/usage", headers=team)
    assert no_key.document == {"error": {"code": "UNAUTHORIZED", "message": "Invalid or revoked API key"}}
    assert shared.status == 200
    assert refusal(owner_only) == (403, "TEAM_KEY_NOT_ALLOWED")


def test_collaborator_and_someone_elses_number() -> None:
    """A collaborator's call on an instance of others is 403 INSTANCE_NOT_ASSIGNED (2.3)."""
    key = ApiKey("msgf_team_c", team_id=DEMO_TEAM_ID, instances=frozenset({TEST_PHONE_ID}))
    with running(replace(STILL, api_keys=(key,))) as (sandbox, _):
        headers = {"x-api-key": "msgf_team_c", "x-team-id": DEMO_TEAM_ID}
        answer = Client(sandbox.url).send("POST", "/api/v1/campaigns", a_body(), headers)
    assert refusal(answer) == (403, "INSTANCE_NOT_ASSIGNED")


def test_eleventh_request_in_a_second_is_429() -> None:
    """Above ten requests a second the answer is 429 API_RATE_LIMIT_EXCEEDED, and nothing is done (2.6)."""
    with running(replace(STILL, requests_per_second=3)) as (sandbox, client):
        answers = [client.post("/campaigns", a_body()) for _ in range(4)]
        assert len(sandbox.campaigns()) == 3
    assert [answer.status for answer in answers] == [201, 201, 201, 429]
    assert answers[3].at("error") == {"code": "API_RATE_LIMIT_EXCEEDED", "message": "Too many API requests"}
    assert "retry-after" not in answers[3].headers


def test_used_up_requests_refuse_everything() -> None:
    """Beyond the month's requests every call is 429 MONTHLY_API_REQUEST_QUOTA_EXCEEDED; a new month helps (2.6)."""
    with running(replace(STILL, monthly_api_requests=2)) as (sandbox, client):
        answers = [client.get("/instances") for _ in range(3)]
        sandbox.advance(31 * 86_400)
        next_month = client.get("/instances")
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[2].at("error.code") == "MONTHLY_API_REQUEST_QUOTA_EXCEEDED"
    assert next_month.status == 200
