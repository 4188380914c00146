"""The endpoints, through the one seam of the client: its transport."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from itertools import count
from typing import TypeVar

import httpx
import pytest

from msgflash_apply.api import client as client_module
from msgflash_apply.api.access import Access
from msgflash_apply.api.client import USUAL, Bounds, Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.api.outcome import NoReply, Reply
from msgflash_apply.errors import ApiError, NotOnThisPlan, QuotaExhausted, Unauthorized, Unreachable

T = TypeVar("T")
Step = httpx.Response | Exception


class Script(httpx.AsyncBaseTransport):
    """A transport that plays prepared answers and keeps the requests."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = iter(steps)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Play the next step."""
        self.requests.append(request)
        step = next(self._steps)
        if isinstance(step, Exception):
            raise step
        return step


def ask(
    steps: Iterable[Step], call: Callable[[Client], Awaitable[T]], bounds: Bounds = USUAL, **access: str
) -> tuple[T, Script]:
    """Run one call against a script, without waits."""
    script = Script(steps)

    async def run() -> T:
        made = Access("https://api.test", access.get("key", "msgf_live_1"), access.get("team"))
        limiter = Limiter(0, jitter=lambda: 0.0)
        async with Client(made, limiter, jitter=lambda: -1.0, transport=script, bounds=bounds) as client:
            return await call(client)

    return asyncio.run(run()), script


def ok(data: object, status: int = 200) -> httpx.Response:
    """Answer with the success envelope."""
    return httpx.Response(status, json={"data": data})


def problem(status: int, code: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """Answer with the error envelope."""
    return httpx.Response(status, json={"error": {"code": code, "message": "no"}}, headers=headers)


def test_reads_send_key_and_team() -> None:
    """Every request carries the key, and the team where there is one."""
    found, script = ask([ok([{"id": "i1", "name": "shop", "status": "connected"}])], lambda c: c.instances(), team="t1")

    assert [instance.is_connected for instance in found] == [True]
    assert script.requests[0].headers["x-api-key"] == "msgf_live_1"
    assert script.requests[0].headers["x-team-id"] == "t1"
    assert script.requests[0].url == "https://api.test/api/v1/instances"


def test_templates_are_one_request_per_page() -> None:
    """Pages are read until the total is reached."""
    pages = [
        ok({"templates": [{"id": str(n)} for n in range(100)], "total": 101}),
        ok({"templates": [{"id": "100"}], "total": 101}),
    ]
    found, script = ask(pages, lambda c: c.templates())

    assert len(found) == 101
    assert [request.url.params["page"] for request in script.requests] == ["1", "2"]


def test_a_page_that_lies_about_its_total_ends() -> None:
    """An empty page ends the reading, whatever the total says."""
    found, _ = ask([ok({"templates": [], "total": 5})], lambda c: c.templates())

    assert found == ()


@pytest.mark.parametrize("call", [lambda c: c.campaign("x"), lambda c: c.contact("x"), lambda c: c.template("x")])
def test_absent_things_are_none(call: Callable[[Client], Awaitable[object]]) -> None:
    """A 404 with the envelope is an answer, not an error."""
    found, _ = ask([problem(404, "NOT_FOUND")], call)

    assert found is None


def test_ids_cannot_leave_their_path() -> None:
    """An id with slashes stays one segment of the path."""
    _, script = ask([ok({"id": "a", "status": "paused"})], lambda c: c.campaign("../usage?x"))

    assert script.requests[0].url.raw_path == b"/api/v1/campaigns/..%2Fusage%3Fx"


def test_contacts_are_counted_in_both_editions() -> None:
    """The count comes from the total, or from the bare array of the earlier edition."""
    assert ask([ok({"contacts": [], "total": 7})], lambda c: c.contacts_total())[0] == 7
    assert ask([ok([{"id": "1"}, {"id": "2"}])], lambda c: c.contacts_total())[0] == 2


def test_team_keys_do_not_ask_for_usage() -> None:
    """A team's key may not read usage, so no request is spent on it."""
    usage, script = ask([], lambda c: c.usage(), key="msgf_team_1")

    assert usage is None
    assert script.requests == []


def test_usage_tells_what_is_left() -> None:
    """Requests left are the quota less what was used, and never below zero."""
    body = {"limits": {"monthlyApiRequestQuota": 10}, "usage": {"apiRequestsCount": 12}}
    usage, _ = ask([ok(body)], lambda c: c.usage())

    assert usage is not None
    assert usage.requests_left == 0
    unlimited, _ = ask([ok({})], lambda c: c.usage())
    assert unlimited is not None
    assert unlimited.requests_left is None


@pytest.mark.parametrize(
    "first",
    [
        problem(429, "API_RATE_LIMIT_EXCEEDED", {"retry-after": "0"}),
        problem(500, "INTERNAL_ERROR", {"retry-after": "0.001"}),
        httpx.Response(503, text="<html>busy</html>"),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
    ],
    ids=["rate", "500", "503 html", "timeout", "refused"],
)
def test_reads_are_repeated(first: Step) -> None:
    """A read that failed for the moment is sent again."""
    found, script = ask([first, ok([])], lambda c: c.instances())

    assert found == ()
    assert len(script.requests) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(401, "UNAUTHORIZED"), Unauthorized),
        (problem(403, "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN"), NotOnThisPlan),
        (problem(429, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED"), QuotaExhausted),
        (problem(400, "VALIDATION_ERROR"), ApiError),
        (httpx.Response(302, headers={"location": "https://evil.test"}), Unreachable),
        (httpx.Response(404, text="not found"), Unreachable),
        (ok({"id": 1}), ApiError),
    ],
)
def test_useless_answers_say_what_to_do(answer: httpx.Response, error: type[ApiError]) -> None:
    """A read without hope raises the class that says what to do, after one request."""
    with pytest.raises(error):
        ask([answer], lambda c: c.campaign("x"))


@pytest.mark.parametrize("answer", [httpx.Response(200, text="<html>"), ok(None), problem(404, "TEAM_NOT_FOUND")])
def test_only_a_proof_makes_a_campaign_absent(answer: httpx.Response) -> None:
    """An answer that is not MsgFlash's own "no such campaign" never counts as one: the campaign may be live."""
    with pytest.raises(ApiError):
        ask([answer], lambda c: c.campaign("x"))


def test_unreachable_host_is_named() -> None:
    """Without a network the error names the host."""
    with pytest.raises(Unreachable, match=r"api\.test"):
        ask([httpx.ConnectError("refused")] * 4, lambda c: c.instances())


def test_create_is_sent_once_as_json() -> None:
    """A create is one POST with the payload, and its answer is handed on."""
    answer, script = ask([ok({"id": "c1"}, 201)], lambda c: c.create({"name": "Café"}))

    assert isinstance(answer, Reply)
    assert json.loads(script.requests[0].content) == {"name": "Café"}
    assert len(script.requests) == 1


def test_any_text_can_be_written() -> None:
    """A half character that a variable brought along is sent as an escape, for the server to judge."""
    answer, script = ask([problem(400, "VALIDATION_ERROR")], lambda c: c.create({"name": "\udce9"}))

    assert isinstance(answer, Reply)
    assert script.requests[0].content == b'{"name":"\\udce9"}'
    assert script.requests[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("call", [lambda c: c.create({}), lambda c: c.pause("x"), lambda c: c.resume("x")])
def test_writes_are_never_repeated(call: Callable[[Client], Awaitable[object]]) -> None:
    """Create, pause and resume leave repeating to who knows more."""
    answer, script = ask([httpx.ReadTimeout("")], call)

    assert answer == NoReply(sent=True, what="no complete answer from api.test: ReadTimeout")
    assert len(script.requests) == 1


@pytest.mark.parametrize("error", client_module.NOT_SENT)
def test_no_connection_means_not_sent(error: type[httpx.HTTPError]) -> None:
    """Only failures before the first byte count as not sent."""
    answer, _ = ask([error("no")], lambda c: c.create({}))

    assert isinstance(answer, NoReply)
    assert not answer.sent


def test_words_of_a_proxy_are_not_repeated() -> None:
    """What a proxy says goes into the journal, so of a refusal only the status is kept."""
    answer, _ = ask([httpx.ProxyError("407 no Basic YWRhOnMzY3JldA==")], lambda c: c.create({}))

    assert answer == NoReply(sent=False, what="the proxy let nothing through to api.test: 407")


def test_endless_answers_are_cut() -> None:
    """An answer larger than any honest one is not read to its end and decodes to nothing."""
    huge = httpx.Response(201, content=b'{"data": "' + b"a" * (USUAL.answer_bytes + 1) + b'"}')
    answer, _ = ask([huge], lambda c: c.create({}))

    assert answer == Reply(201, None)


class Drip(httpx.AsyncByteStream):
    """An answer whose bytes come one by one, for ever."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.001)
            yield b" "


def test_dripping_answers_are_left() -> None:
    """A server that is never silent for long and never done proves nothing: the create is in doubt."""
    dripping = httpx.Response(201, stream=Drip())
    answer, _ = ask([dripping], lambda c: c.create({}), Bounds(answer_seconds=0.05))

    assert answer == NoReply(sent=True, what="no complete answer from api.test: TimeoutError")


@pytest.mark.parametrize(
    ("page", "call"),
    [
        ({"templates": [{"id": "t"}], "total": 10**9}, lambda c: c.templates()),
        ({"contacts": [{"id": "c"}], "nextCursor": "x", "hasMore": True}, lambda c: c.contacts()),
    ],
)
def test_endless_lists_are_left(page: dict[str, object], call: Callable[[Client], Awaitable[object]]) -> None:
    """A list that always has another page is an error, once no honest one could be as long."""
    pages = (ok({**page, "nextCursor": str(number)} if "nextCursor" in page else page) for number in count())
    with pytest.raises(ApiError, match="no end"):
        ask(pages, call, Bounds(pages=3))


@pytest.mark.parametrize("moment", ["2026-11-23T12:00:00", "soon", "99999-01-01T00:00:00Z"])
def test_moments_without_a_zone_are_no_moments(moment: str) -> None:
    """A message's time that cannot be compared with a start is an error, and is not guessed."""
    with pytest.raises(ApiError, match=r"messages\.0\.createdAt"):
        ask([ok({"messages": [{"createdAt": moment}]})], lambda c: c.messages("i"))


@pytest.mark.parametrize(("text", "seconds"), [("2", 2.0), ("soon", None), ("-1", None), ("999999", None)])
def test_retry_after_is_read_when_sane(text: str, seconds: float | None) -> None:
    """Retry-After counts when it is a number of seconds within an hour."""
    answer, _ = ask([problem(429, "X", {"retry-after": text})], lambda c: c.create({}))

    assert isinstance(answer, Reply)
    assert answer.retry_after_seconds == seconds


def test_contacts_are_read_to_the_end() -> None:
    """Pages of contacts are followed by their cursor, and a repeated cursor ends them."""
    pages = [
        ok({"contacts": [{"id": "1", "tags": ["a"]}], "nextCursor": "x", "hasMore": True}),
        ok({"contacts": [{"id": "2"}], "nextCursor": "x", "hasMore": True}),
    ]
    (found, total), script = ask(pages, lambda c: c.contacts())

    assert total == 2
    assert [(contact.id, contact.tags) for contact in found or ()] == [("1", ("a",)), ("2", ())]
    assert [request.url.params.get("cursor") for request in script.requests] == [None, "x"]


def test_contacts_of_the_earlier_edition_are_read() -> None:
    """A bare array is all there is."""
    (contacts, total), _ = ask([ok([{"id": "1"}, {"id": "2"}])], lambda c: c.contacts())
    groups, _ = ask([ok([{"id": "g"}])], lambda c: c.groups())

    assert (total, len(contacts or ()), [group.id for group in groups]) == (2, 2, ["g"])


def test_messages_left_are_known_where_there_is_a_limit() -> None:
    """Messages left are the quota less what was sent."""
    usage, _ = ask(
        [ok({"limits": {"monthlyOutboundQuota": 10}, "usage": {"effectiveOutboundUsage": 3}})], lambda c: c.usage()
    )
    unlimited, _ = ask([ok({})], lambda c: c.usage())

    assert usage is not None
    assert unlimited is not None
    assert (usage.messages_left, unlimited.messages_left) == (7, None)


def test_preview_is_repeated_as_reads_are() -> None:
    """A preview changes nothing, so it is sent again where a read is; what is not given is left out."""
    answer = ok({"rendered": "Hi {{custom.code}}", "missingVariables": ["custom.code"], "valid": False})
    steps: list[Step] = [httpx.ReadTimeout("slow"), answer]
    found, script = ask(
        steps, lambda c: c.preview_template("t/1", instance_id=None, contact_id="c1", variables={"day": "Friday"})
    )

    assert found is not None
    assert (found.valid, found.missing_variables) == (False, ("custom.code",))
    assert [request.url.raw_path for request in script.requests] == [b"/api/v1/templates/t%2F1/preview"] * 2
    assert json.loads(script.requests[1].content) == {"contactId": "c1", "variables": {"day": "Friday"}}


def test_preview_of_no_template_and_of_no_contact() -> None:
    """A template that is gone is None; a contact that is gone is MsgFlash's own refusal, which names the request."""

    async def preview(client: Client) -> object:
        return await client.preview_template("t1", instance_id="i1", contact_id="c1", variables={})

    assert ask([problem(404, "NOT_FOUND")], preview)[0] is None
    with pytest.raises(ApiError) as refused:
        ask([problem(400, "TEMPLATE_CONTEXT_UNAVAILABLE")], preview)
    assert refused.value.detail.startswith("POST /api/v1/templates/t1/preview: 400 TEMPLATE_CONTEXT_UNAVAILABLE")


@pytest.mark.parametrize("lost", [httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("gone")])
def test_message_without_an_answer_is_not_sent_again(lost: Exception) -> None:
    """A message leaves once, whatever becomes of its answer."""
    answer, script = ask([lost], lambda c: c.send_message({"to": "+33600000001"}))

    assert isinstance(answer, NoReply)
    assert answer.sent
    assert [(request.method, request.url.path) for request in script.requests] == [("POST", "/api/v1/messages/send")]
