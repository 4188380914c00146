"""
What happens to one request, without a socket: key and team, limits, route, endpoint.

The order of the checks is reference 10.1, the table of endpoints reference 1. A service is shared by the server's
thread and by tests: code that touches its world holds `lock`, which is never held while waiting for anything else.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import RLock
from time import monotonic
from typing import Final, Generic, NamedTuple, TypeAlias, TypeVar
from uuid import uuid4

from msgflash_apply.sandbox import account, campaigns, messages, templates
from msgflash_apply.sandbox.access import ApiCall, RateLimit, authenticate, check_team
from msgflash_apply.sandbox.clock import Clock
from msgflash_apply.sandbox.exchange import JsonObject, RefusedError, Request, Response, not_found
from msgflash_apply.sandbox.faults import Fault, FaultQueue
from msgflash_apply.sandbox.options import Options
from msgflash_apply.sandbox.persistence import load, save
from msgflash_apply.sandbox.seed import demo_account, demo_world
from msgflash_apply.sandbox.validation import Rules
from msgflash_apply.sandbox.values import Account
from msgflash_apply.sandbox.world import World

Handler = TypeVar("Handler")

Endpoint: TypeAlias = Callable[[World, ApiCall], Response]
"""The world has been advanced to now. A RefusedError carries a response too."""

OnMessage: TypeAlias = Callable[[JsonObject], None]
"""Gets each single message that is accepted, as its answer shows it; called with the service's lock."""

API_PREFIX: Final = "/api/v1"


@dataclass(frozen=True, slots=True)
class Route(Generic[Handler]):
    """One line of a table of routes; parts of the path in braces are parameters."""

    method: str
    path: str
    handler: Handler

    def match(self, method: str, path: str) -> dict[str, str] | None:
        """Return the parameters if the request is for this route, else None."""
        expected, given = self.path.split("/"), path.split("/")
        if method != self.method or len(expected) != len(given):
            return None
        pairs = list(zip(expected, given, strict=True))
        if any(part != value for part, value in pairs if not part.startswith("{")):
            return None
        return {part.strip("{}"): value for part, value in pairs if part.startswith("{")}


def find_route(routes: Iterable[Route[Handler]], method: str, path: str) -> tuple[Handler, dict[str, str]]:
    """Find the handler and its parameters for a path below the prefix, or 404 `Route not found` (reference 10.1)."""
    for route in routes:
        parameters = route.match(method, path)
        if parameters is not None:
            return route.handler, parameters
    raise not_found("Route", assumption="10.1")


ROUTES: Final[tuple[Route[Endpoint], ...]] = (
    Route("POST", "/campaigns", campaigns.create_campaign),
    Route("GET", "/campaigns/{id}", campaigns.get_campaign),
    Route("GET", "/campaigns/{id}/stats", campaigns.get_campaign_stats),
    Route("POST", "/campaigns/{id}/pause", campaigns.pause_campaign),
    Route("POST", "/campaigns/{id}/resume", campaigns.resume_campaign),
    Route("GET", "/instances", account.list_instances),
    Route("GET", "/instances/{id}", account.get_instance),
    Route("GET", "/instances/{id}/state", account.get_instance_state),
    Route("GET", "/instances/{id}/health", account.get_instance_health),
    Route("GET", "/templates", templates.list_templates),
    Route("POST", "/templates", templates.create_template),
    Route("GET", "/templates/{id}", templates.get_template),
    Route("PUT", "/templates/{id}", templates.update_template),
    Route("DELETE", "/templates/{id}", templates.delete_template),
    Route("POST", "/templates/{id}/preview", templates.preview_template),
    # Groups before contacts: `groups` in `/contacts/groups` is not the id of a contact.
    Route("GET", "/contacts/groups", account.list_groups),
    Route("GET", "/contacts/groups/{groupId}", account.get_group),
    Route("GET", "/contacts/groups/{groupId}/members", account.list_group_members),
    Route("GET", "/contacts", account.list_contacts),
    Route("GET", "/contacts/{id}", account.get_contact),
    Route("GET", "/contacts/{id}/groups", account.list_groups_of_contact),
    Route("POST", "/messages/send", messages.send_message),
    Route("GET", "/messages", messages.list_messages),
    Route("GET", "/messages/{id}", messages.get_message),
    Route("GET", "/usage", account.get_usage),
    Route("GET", "/billing/usage", account.get_usage),
)


class SeenRequest(NamedTuple):
    """One request as it arrived: `time` in real monotonic seconds, `status` 0 if no answer was sent."""

    time: float
    method: str
    path: str
    status: int
    key: str | None


def ignore(_message: JsonObject) -> None:
    """Report no message."""


class Service:
    """The MsgFlash behind the socket."""

    def __init__(self, options: Options, on_message: OnMessage = ignore) -> None:
        self.options = options
        self._on_message = on_message
        self.lock = RLock()
        self.faults = FaultQueue(options.faults)
        self.seen: list[SeenRequest] = []
        owner = _account_for(options)
        remembered = None if options.data is None else load(options.data, owner, _new_id)
        start_at = options.start_at or datetime.now(UTC)
        self.clock = Clock(max(start_at, remembered.now) if remembered else start_at, options.clock_speed, monotonic)
        self.world = remembered or demo_world(owner, self.clock.now(), _new_id)
        self._limit = RateLimit(options.requests_per_second)

    def answer(self, request: Request) -> Response:
        """Run the checks in the order of reference 10.1, then the endpoint, whose own checks follow it."""
        options = self.options
        with self.lock:
            self.world.advance(self.clock.now())
            try:
                if not request.path.startswith(f"{API_PREFIX}/"):
                    raise not_found("Route", assumption="10.1")
                key = authenticate(options.api_keys, request.headers)
                check_team(key, request.headers, request.path)
                self.world.count_request()
                self._limit.admit(key.secret, monotonic())
                self.world.check_request_quota()
                endpoint, parameters = find_route(ROUTES, request.method, request.path.removeprefix(API_PREFIX))
                rules = Rules(strict=options.strict, accept_noe=options.accept_noe)
                response = endpoint(self.world, ApiCall(request, key, rules, parameters))
                if endpoint is messages.send_message and isinstance(message := response.document["data"], dict):
                    self._on_message(message)
            except RefusedError as refused:
                response = refused.response
            finally:
                if request.method != "GET":
                    self.save()
            return response

    def advance(self, seconds: float) -> datetime:
        """Move the clock ahead; ValueError as `Clock.advance`."""
        with self.lock:
            now = self.clock.advance(seconds)
            self.world.advance(now)
            self.save()
            return now

    def reset(self) -> None:
        """Start again with a new demo account, no faults and no requests seen; the clock goes on."""
        with self.lock:
            self.faults.clear()
            self.seen.clear()
            self.world = demo_world(_account_for(self.options), self.clock.now(), _new_id)
            self.save()

    def take_fault(self, request: Request) -> Fault | None:
        """Return the fault for a request, if any, and count the request."""
        with self.lock:
            return self.faults.take(request.method, request.path)

    def record(self, request: Request, arrived_at: float, status: int) -> None:
        """Add a request to `Sandbox.requests`."""
        key = request.headers.get("x-api-key")
        with self.lock:
            self.seen.append(SeenRequest(arrived_at, request.method, request.path, status, key))

    def save(self) -> None:
        """Save the world to its file, if it has one."""
        with self.lock:
            if self.options.data is not None:
                save(self.world, self.options.data)


def _account_for(options: Options) -> Account:
    return replace(
        demo_account(),
        campaigns=options.campaigns_feature,
        whatsapp_business=options.whatsapp_business,
        monthly_outbound=options.monthly_outbound,
        monthly_api_requests=options.monthly_api_requests,
    )


def _new_id() -> str:
    return str(uuid4())
