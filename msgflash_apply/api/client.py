"""
MsgFlash's endpoints, one method each; the only door to httpx for them.

Reads are repeated where repeating is harmless, and one that gives nothing usable is an exception that says what to do.
What changes something or sends a message is sent once and returns what is known, never more: `outcome.classify` and
the callers decide what follows. How long and how large an answer may get is in `Bounds`. Source: reference 2, 3 to 8
and 10.5.
"""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self, TypeAlias, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from msgflash_apply.api.access import Access, check_proxies
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.api.models import (
    CampaignStats,
    Contact,
    ContactPage,
    Cursor,
    Group,
    GroupPage,
    Health,
    Instance,
    MessagePage,
    Preview,
    RemoteCampaign,
    Template,
    TemplatePage,
    Usage,
    decoded,
    seconds_in,
)
from msgflash_apply.api.outcome import Answer, NoReply, Reply, data_in, is_rate_limit, problem_in
from msgflash_apply.campaign import Content, Payload
from msgflash_apply.errors import ApiError, NotOnThisPlan, QuotaExhausted, Unauthorized, Unreachable

READ_ATTEMPTS = 4

TEMPLATES_PER_PAGE = 100

CONTACTS_PER_PAGE = 100

TRANSIENT_STATUSES = frozenset({500, 502, 503, 504})

HIDDEN_KEY = "msgf_…".encode()

NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
)
"""Nothing was sent when one of these is raised: no connection was made, or the request never left this process."""

MayLeave: TypeAlias = Callable[[], bool]
"""Says, right before a request leaves, whether it may."""

TOO_LATE = NoReply(sent=False, what="it was not sent within the time that it was announced for")


def always() -> bool:
    """Let a request leave whenever it can."""
    return True


class _TooLateError(Exception):
    """Raised within a request before its first byte."""


REACH_FIX = "Check the network and MSGFLASH_BASE_URL, then run the command again."

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Bounds:
    """
    What an honest MsgFlash never reaches.

    Attributes:
        wait_seconds: for the next bytes of an answer.
        answer_seconds: for a whole answer: a server that sends a byte a minute is never silent for long.
        answer_bytes: of an answer, decompressed.
        pages: of one list.
        after_stop_seconds: for a whole answer, once more, where this process was stopped while it waited.
        second_look_seconds: before what seems to be gone is looked for again.
    """

    wait_seconds: float = 60.0
    answer_seconds: float = 120.0
    answer_bytes: int = 16 * 1024 * 1024
    pages: int = 10_000
    after_stop_seconds: float = 5.0
    second_look_seconds: float = 3.0


USUAL = Bounds()

LONGEST_REQUEST = timedelta(seconds=USUAL.answer_seconds)
"""From its first byte until it has an answer or is given up."""

STOPPED_SECONDS = 0.1
"""A timer that fires so late was stopped with its process, or with the machine."""

REUSED_WITHIN_SECONDS = 0.25
"""A connection that was idle for longer is not used again: servers close idle ones after a second at the soonest, and
what leaves just then is in doubt. At the usual pace the next request follows sooner."""


class Client:
    """
    One connection pool, one pace.

    Args:
        access: host and key.
        limiter: shared by every request of the process.
        jitter: a number from 0 to 1 for the waits between attempts.
        transport: replaces the network; the one seam of this class.
        bounds: what counts as no answer; connecting has ten seconds.
        now: this machine's clock.

    Attributes:
        clock_error: how far this machine's clock is ahead of MsgFlash's, by the `Date` of its last answer; None before.

    Raises:
        ApiError: a proxy or an authority that the process's environment names cannot be used.
    """

    def __init__(
        self,
        access: Access,
        limiter: Limiter,
        *,
        jitter: Callable[[], float],
        transport: httpx.AsyncBaseTransport | None = None,
        bounds: Bounds = USUAL,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.access = access
        self.limiter = limiter
        self.requests_sent = 0
        self.clock_error: timedelta | None = None
        self._jitter = jitter
        self._bounds = bounds
        self._now = now
        headers = {"x-api-key": access.api_key, "accept": "application/json"}
        if access.team_id:
            headers["x-team-id"] = access.team_id
        try:
            if not access.is_loopback:
                check_proxies()
            self._http = httpx.AsyncClient(
                base_url=access.base_url,
                headers=headers,
                # Plain http needs no authority: reading those of the machine takes longer than all of its requests.
                verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if access.is_plain else True,
                follow_redirects=False,  # a redirect must not carry the key to another host
                trust_env=not access.is_loopback,  # plain http must not travel through a proxy
                # For an answer there is `_Patience`: httpx gives up what came while the process was stopped.
                timeout=httpx.Timeout(bounds.wait_seconds, connect=10.0, read=None),
                limits=httpx.Limits(
                    max_connections=100, max_keepalive_connections=20, keepalive_expiry=REUSED_WITHIN_SECONDS
                ),
                transport=transport,
            )
        except (OSError, ValueError, ImportError, httpx.InvalidURL) as err:
            # Not in the error's words, which may quote a password.
            raise ApiError(
                "The network settings of the environment cannot be used.",
                f"HTTPS_PROXY, ALL_PROXY, NO_PROXY, SSL_CERT_FILE or SSL_CERT_DIR: {type(err).__name__}.",
                "Fix them: a proxy is http://host:port, and SSL_CERT_FILE and SSL_CERT_DIR name what is there.",
            ) from err

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def instances(self) -> tuple[Instance, ...]:
        """`GET /instances`: one request, whatever their number."""
        data = await self._read("/instances")
        items = data if isinstance(data, list) else [data]
        return tuple(self._parse(Instance, item) for item in items)

    async def templates(self) -> tuple[Template, ...]:
        """`GET /templates`: one request per hundred."""
        found: list[Template] = []
        for page_number in range(1, self._bounds.pages + 1):
            parameters = {"page": str(page_number), "limit": str(TEMPLATES_PER_PAGE)}
            page = self._parse(TemplatePage, await self._read("/templates", parameters))
            found += page.templates
            if not page.templates or len(found) >= page.total:
                return tuple(found)
        raise endless(self.access, "/api/v1/templates")

    async def template(self, identifier: str) -> Template | None:
        """`GET /templates/{id}`; None where there is none."""
        return await self._read_one(Template, f"/templates/{_segment(identifier)}")

    async def create_template(self, name: str, content: Content, may_leave: MayLeave = always) -> Answer:
        """`POST /templates`, once; see `create`."""
        sent = {"name": name, "type": content.type, "body": content.body, "mediaUrl": content.media_url}
        return await self._send("POST", "/templates", body=_without_none(sent), may_leave=may_leave)

    async def update_template(
        self, identifier: str, name: str, content: Content, may_leave: MayLeave = always
    ) -> Answer:
        """`PUT /templates/{id}`, once; the same again changes nothing, and the type stays. See `create`."""
        sent = {"name": name, "body": content.body, "mediaUrl": content.media_url}
        path = f"/templates/{_segment(identifier)}"
        return await self._send("PUT", path, body=_without_none(sent), may_leave=may_leave)

    async def delete_template(self, identifier: str, may_leave: MayLeave = always) -> Answer:
        """`DELETE /templates/{id}`, once; see `create`."""
        return await self._send("DELETE", f"/templates/{_segment(identifier)}", may_leave=may_leave)

    async def preview_template(
        self, identifier: str, *, instance_id: str | None, contact_id: str, variables: Mapping[str, object]
    ) -> Preview | None:
        """`POST /templates/{id}/preview`, which sends nothing and so is repeated as reads are; None for no template."""
        sent = {"instanceId": instance_id, "contactId": contact_id, "variables": variables or None}
        path = f"/templates/{_segment(identifier)}/preview"
        return await self._read_one(Preview, path, method="POST", body=_without_none(sent))

    async def groups(self) -> tuple[Group, ...]:
        """`GET /contacts/groups`, all of them: one request per hundred."""
        found: list[Group] = []
        async for data in self._pages("/contacts/groups"):
            page = self._parse(GroupPage, {"groups": data} if isinstance(data, list) else data)
            found += page.groups
        return tuple(found)

    async def contact(self, identifier: str) -> Contact | None:
        """`GET /contacts/{id}`; None where there is none."""
        return await self._read_one(Contact, f"/contacts/{_segment(identifier)}")

    async def contacts_total(self) -> int | None:
        """Count the contacts of the account with one request; None where the answer gives no total."""
        data = await self._read("/contacts", {"limit": "1"})
        if isinstance(data, list):  # an earlier edition answers with all of them (reference 6.1)
            return len(data)
        return self._parse(ContactPage, data).total

    async def contacts(self, *, most_requests: int | None = None) -> tuple[tuple[Contact, ...] | None, int | None]:
        """
        `GET /contacts`: one request per hundred. There is no filter by tag (reference 6.1).

        Args:
            most_requests: more are not sent; None for no such limit.

        Returns:
            All contacts, None where reading them takes more requests; and how many there are, as far as MsgFlash says.
        """
        found: list[Contact] = []
        requests, total = 0, None
        async for data in self._pages("/contacts", {"sort": "createdAt_desc"}):
            # An earlier edition answers with all of them (reference 6.1).
            page = self._parse(ContactPage, {"contacts": data} if isinstance(data, list) else data)
            found += page.contacts
            requests, total = requests + 1, page.total
            needed = requests + page.has_more if total is None else -(-total // CONTACTS_PER_PAGE)
            if most_requests is not None and needed > most_requests:
                return None, total
        return tuple(found), len(found) if total is None else total

    async def _pages(self, path: str, parameters: Mapping[str, str] | None = None) -> AsyncIterator[object]:
        """Read a list page by page, by cursor (reference 2.5): what each answer holds."""
        cursor: str | None = None
        for _ in range(self._bounds.pages):
            asked = {"limit": str(CONTACTS_PER_PAGE), **(parameters or {})} | ({"cursor": cursor} if cursor else {})
            data = await self._read(path, asked)
            yield data
            page = self._parse(Cursor, {} if isinstance(data, list) else data)
            if not page.has_more or page.next_cursor is None or page.next_cursor == cursor:
                return
            cursor = page.next_cursor
        raise endless(self.access, f"/api/v1{path}")

    async def health(self, instance_id: str) -> Health | None:
        """`GET /instances/{id}/health`; None where there is none."""
        return await self._read_one(Health, f"/instances/{_segment(instance_id)}/health")

    async def usage(self) -> Usage | None:
        """`GET /usage`; None for team keys, which may not read it (reference 2.3)."""
        return None if self.access.is_team else self._parse(Usage, await self._read("/usage"))

    async def campaign(self, identifier: str) -> RemoteCampaign | None:
        """`GET /campaigns/{id}`; None where there is none."""
        return await self._read_one(RemoteCampaign, f"/campaigns/{_segment(identifier)}")

    async def campaign_stats(self, identifier: str) -> CampaignStats | None:
        """`GET /campaigns/{id}/stats`; None where there is no such campaign."""
        return await self._read_one(CampaignStats, f"/campaigns/{_segment(identifier)}/stats")

    async def second_look(self, identifiers: Iterable[str]) -> Mapping[str, CampaignStats | None]:
        """
        Look again for campaigns that a read did not find, some seconds later and at another endpoint.

        Returns:
            By id; None for one that is gone.

        Raises:
            ApiError: MsgFlash finds nothing else of the account either, so that nothing is proven.
        """
        await asyncio.sleep(self._bounds.second_look_seconds)
        await self.instances()
        wanted = list(identifiers)
        found = await asyncio.gather(*(self.campaign_stats(identifier) for identifier in wanted))
        return dict(zip(wanted, found, strict=True))

    async def messages(self, instance_id: str, cursor: str | None = None) -> MessagePage:
        """`GET /messages` of one instance, one page; there is no filter by campaign (reference 7)."""
        parameters = {"instanceId": instance_id, "limit": "100"} | ({"cursor": cursor} if cursor else {})
        return self._parse(MessagePage, await self._read("/messages", parameters))

    async def create(self, payload: Payload, may_leave: MayLeave = always) -> Answer:
        """
        `POST /campaigns`, once. The caller has written its intent down and has awaited `limiter.acquire()`.

        Args:
            payload: the body.
            may_leave: called when the connection is there and the first byte is about to leave, and again before the
                body; where it says no, the answer is `TOO_LATE`. Without its body nothing can be created.
        """
        return await self._send("POST", "/campaigns", body=payload, may_leave=may_leave)

    async def pause(self, identifier: str, may_leave: MayLeave = always) -> Answer:
        """`POST /campaigns/{id}/pause`, once; see `create`."""
        return await self._send("POST", f"/campaigns/{_segment(identifier)}/pause", may_leave=may_leave)

    async def resume(self, identifier: str, may_leave: MayLeave = always) -> Answer:
        """`POST /campaigns/{id}/resume`, once; see `create`."""
        return await self._send("POST", f"/campaigns/{_segment(identifier)}/resume", may_leave=may_leave)

    async def send_message(self, message: Payload) -> Answer:
        """`POST /messages/send`, once; see `create`. It goes out at once, and what is not answered may have."""
        return await self._send("POST", "/messages/send", body=message)

    async def back_off(self, attempt: int) -> None:
        """Wait before the attempt that follows `attempt`, from 1: half a second, then twice as long each time."""
        await asyncio.sleep(0.25 * 2**attempt * (1 + self._jitter()))

    async def _read_one(
        self, model: type[Model], path: str, *, method: str = "GET", body: Payload | None = None
    ) -> Model | None:
        """Read what may be absent. Only MsgFlash's own 404 says so: an empty or foreign 200 proves nothing."""
        answer = await self._ask(path, method=method, body=body)
        problem = problem_in(answer) if isinstance(answer, Reply) else None
        if problem is not None and problem.is_absence:
            return None
        return self._parse(model, self._data(path, answer, method=method))

    async def _read(self, path: str, parameters: Mapping[str, str] | None = None) -> object:
        return self._data(path, await self._ask(path, parameters))

    async def _ask(
        self,
        path: str,
        parameters: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: Payload | None = None,
    ) -> Answer:
        """Ask what changes nothing until there is an answer or no hope."""
        attempt = 0
        while True:
            await self.limiter.acquire()
            answer = await self._send(method, path, parameters=parameters, body=body)
            if is_rate_limit(answer) and not self.limiter.is_hopeless:
                continue  # no attempt: the limiter waits as long as MsgFlash wants
            attempt += 1
            transient = isinstance(answer, NoReply) or answer.status in TRANSIENT_STATUSES
            if attempt == READ_ATTEMPTS or not transient:
                return answer
            if isinstance(answer, Reply) and answer.retry_after_seconds:
                await asyncio.sleep(answer.retry_after_seconds)
            else:
                await self.back_off(attempt)

    def _data(self, path: str, answer: Answer, *, method: str = "GET") -> object:
        """Unwrap a 200; anything else is an ApiError that says what to do."""
        if isinstance(answer, Reply) and answer.status == 200:
            return data_in(answer)
        raise failure(self.access, f"/api/v1{path}", answer, method=method)

    async def _send(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        body: Payload | None = None,
        may_leave: MayLeave = always,
    ) -> Answer:
        self.requests_sent += 1
        sent_at = asyncio.get_running_loop().time()
        # ASCII with escapes: whatever text a variable brought along can be written, and the server judges it.
        content_sent = None if body is None else json.dumps(body, separators=(",", ":")).encode("ascii")
        headers = None if body is None else {"content-type": "application/json"}
        request = self._http.build_request(
            method, f"/api/v1{path}", params=parameters, content=content_sent, headers=headers
        )
        got = await self._exchange(request, may_leave)
        if isinstance(got, NoReply):
            return got
        response, content = got
        self._compare_clocks(response.headers.get("date", ""))
        # Error texts go on into the journal: one that echoes our key must not carry it there (contract section 12).
        content = content.replace(self.access.api_key.encode("ascii"), HIDDEN_KEY)
        reply = Reply(response.status_code, decoded(content), seconds_in(response.headers.get("retry-after", "")))
        if is_rate_limit(reply):
            self.limiter.refuse(sent_at, reply.retry_after_seconds or 0.0)
        else:
            self.limiter.admit(sent_at)
        return reply

    async def _exchange(self, request: httpx.Request, may_leave: MayLeave) -> tuple[httpx.Response, bytes] | NoReply:
        """Send a request and read its answer; where there is none, say whether the request left."""
        parts = ("headers", "body") if request.method != "GET" and request.headers.get("content-type") else ("headers",)
        steps = tuple(f".send_request_{part}.started" for part in parts)
        has_left, patience = False, _Patience(self._bounds)

        async def look(step: str, _about: object) -> None:
            nonlocal has_left
            # Nothing is waited for between these steps and the bytes: not the limiter, nor a connection or its TLS.
            if step.endswith(steps):
                if not may_leave():
                    raise _TooLateError
                has_left = True
                patience.renew()

        request.extensions["trace"] = look
        try:
            async with patience:
                response = await self._http.send(request, stream=True)
                try:
                    return response, await _content(response, self._bounds.answer_bytes, patience)
                finally:
                    await response.aclose()
        except _TooLateError:
            return TOO_LATE
        except httpx.ProxyError as err:
            # The status alone: the words behind it are the proxy's, which may quote the password that we gave it.
            return NoReply(sent=False, what=f"the proxy let nothing through to {self.access.host}: {str(err)[:3]}")
        except NOT_SENT as err:
            return NoReply(sent=False, what=f"could not connect to {self.access.host}: {_words_of(err)}")
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as err:
            return NoReply(sent=True, what=f"no complete answer from {self.access.host}: {_words_of(err)}")
        except RuntimeError as err:
            if has_left:
                raise
            # There is no thread to be had, in which a host's name is looked up.
            return NoReply(sent=False, what=f"could not connect to {self.access.host}: {err}")

    def _compare_clocks(self, date: str) -> None:
        """Take the time of an answer; one that is none says nothing."""
        with suppress(ValueError, OverflowError):
            theirs = parsedate_to_datetime(date)
            self.clock_error = self._now() - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))

    def _parse(self, model: type[Model], data: object) -> Model:
        try:
            return model.model_validate(data)
        except ValidationError as err:
            first = err.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise ApiError(
                "MsgFlash answered with something else than documented.",
                f"{self.access.host}: {model.__name__}, {where}: {first['msg']}.",
            ) from err


def failure(access: Access, path: str, answer: Answer, *, method: str = "GET") -> ApiError:
    """
    Translate an answer that is not usable, to what is no create, pause or resume.

    Args:
        access: for the host's name.
        path: of the endpoint, below `/api/v1`.
        answer: what came instead of a 200.
        method: of the request.
    """
    if isinstance(answer, NoReply):
        return Unreachable(f"MsgFlash cannot be reached at {access.host}.", answer.what, REACH_FIX)
    problem = problem_in(answer)
    if problem is None:
        detail = f"{method} {path}: {answer.status} from {access.host}, without an error code of MsgFlash."
        return Unreachable(f"There is no usable answer from {access.host}.", detail, REACH_FIX)
    detail = f"{method} {path}: {problem}"
    if problem.status == 401:
        fix = "Check MSGFLASH_API_KEY (and MSGFLASH_TEAM_ID for a team key)."
        return Unauthorized("MsgFlash does not accept the API key.", detail, fix)
    if problem.stops_the_run and problem.status == 429:
        return QuotaExhausted("A monthly quota of the account is used up.", detail)
    if problem.stops_the_run:
        return NotOnThisPlan("The account's plan does not include this.", detail)
    return ApiError("MsgFlash refused a request.", detail)


def endless(access: Access, path: str) -> ApiError:
    """Say that a list was read page by page and does not end."""
    return ApiError("MsgFlash's answers have no end.", f"GET {path}: {access.host} always returns another page.")


def _without_none(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _segment(identifier: str) -> str:
    return quote(identifier, safe="")


def _words_of(err: Exception) -> str:
    return f"{type(err).__name__}: {err}" if str(err) else type(err).__name__


class _Patience:
    """
    Raises TimeoutError where an answer, or the rest of it, does not come in time.

    A timer that fires late was stopped together with its process. What came meanwhile waits to be read, so there is
    some more time then: else a closed laptop would leave in doubt what was answered at once.
    """

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._limit = asyncio.timeout(None)
        self._loop = asyncio.get_running_loop()
        self._ends_at = self._due = self._loop.time() + bounds.answer_seconds
        self._timer = self._loop.call_at(self._due, self._look)

    def renew(self) -> None:
        """Wait from now on for what comes next: the request leaves, or a part of the answer came."""
        self._look_at(min(self._loop.time() + self._bounds.wait_seconds, self._ends_at))

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        await self._limit.__aexit__(kind, error, trace)

    def _look_at(self, due: float) -> None:
        self._timer.cancel()
        self._due, self._timer = due, self._loop.call_at(due, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        if now < self._due + STOPPED_SECONDS:
            self._limit.reschedule(now)
        else:
            self._ends_at = now + self._bounds.after_stop_seconds
            self._look_at(self._ends_at)


async def _content(response: httpx.Response, most_bytes: int, patience: _Patience) -> bytes:
    """Read an answer, but no more of it than any honest one holds; a larger one counts as not understood."""
    content = bytearray()
    async for chunk in response.aiter_bytes():
        patience.renew()
        content += chunk
        if len(content) > most_bytes:
            return b""
    return bytes(content)
