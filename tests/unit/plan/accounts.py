"""An account behind the client's one seam, its transport: what a plan asks, in memory, with every request kept."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import httpx

from msgflash_apply.api.access import Access
from msgflash_apply.api.client import Bounds, Client
from msgflash_apply.api.limiter import Limiter
from tests.support.builders import INSTANCE_ID

T = TypeVar("T")
Object = Mapping[str, object]

SHOP: Object = {"id": INSTANCE_ID, "name": "shop", "waNumber": "+33612345678", "status": "connected"}
WELCOME: Object = {
    "id": "t-welcome",
    "name": "welcome",
    "type": "text",
    "body": "Hello {{contact.firstName}}: {{custom.code}}",
    "variables": ["contact.firstName", "custom.code"],
}
USED = {"apiRequestsCount": 40, "effectiveOutboundUsage": 0}
AT_ONCE = Bounds(second_look_seconds=0.0)
ZEROES = {"planned": 0, "queued": 0, "sent": 0, "delivered": 0, "read": 0, "failed": 0, "cancelled": 0}


@dataclass
class Account(httpx.AsyncBaseTransport):
    """
    What the account holds, and what it was asked.

    Attributes:
        asked: paths below `/api/v1`, in order, with the page of a list.
    """

    instances: Sequence[Object] = (SHOP,)
    templates: Sequence[Object] = (WELCOME,)
    groups: Mapping[str, Object] = field(default_factory=dict)
    campaigns: Mapping[str, Object] = field(default_factory=dict)
    contacts: int | None = 120
    tagged: Sequence[Sequence[str]] = ()
    known: Sequence[str] = ()
    features: Object = field(default_factory=dict)
    health: Object | None = None
    health_is_forbidden: bool = False
    messages_left: int = 1000
    asked: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a read."""
        path = request.url.path.removeprefix("/api/v1")
        page = int(request.url.params.get("page", 0))
        self.asked.append(f"{path}?{page}" if page else path)
        if self.health_is_forbidden and path.endswith("/health"):
            return httpx.Response(403, json={"error": {"code": "FEATURE_NOT_AVAILABLE_ON_PLAN", "message": "no"}})
        found = self._find(path, page, request.url.params.get("cursor"))
        if found is None:
            return httpx.Response(404, json={"error": {"code": "NOT_FOUND", "message": "no"}})
        return httpx.Response(200, json={"data": found})

    def _find(self, path: str, page: int, cursor: str | None) -> object:  # noqa: C901 - one branch for each endpoint
        match path.strip("/").split("/"):
            case ["instances"]:
                return self.instances
            case ["templates"]:
                return {"templates": self.templates[100 * page - 100 : 100 * page], "total": len(self.templates)}
            case ["templates", identifier]:
                return {"id": identifier, "type": "text", "body": "Hi", "variables": ["custom.code"]}
            case ["contacts"]:
                first = 100 * int(cursor or 0)
                shown = [{"id": f"c{n}", "tags": tags} for n, tags in enumerate(self.tagged)][first : first + 100]
                more = first + 100 < len(self.tagged)
                return {"contacts": shown, "total": self.contacts, "hasMore": more, "nextCursor": str(first // 100 + 1)}
            case ["instances", _, "health"]:
                return self.health
            case ["contacts", "groups"]:
                return {"groups": list(self.groups.values()), "total": len(self.groups), "hasMore": False}
            case ["contacts", identifier]:
                return {"id": identifier} if identifier in self.known else None
            case ["campaigns", identifier]:
                return self.campaigns.get(identifier)
            case ["messages"]:  # without end, and of campaigns that are gone
                one = {"id": f"m{len(self.asked)}", "campaignId": f"c{len(self.asked)}", "status": "sent"}
                return {"messages": [one], "nextCursor": "more", "hasMore": True}
            case ["usage"]:
                limits = {"monthlyApiRequestQuota": 100, "monthlyOutboundQuota": self.messages_left}
                return {"limits": limits, "usage": USED, "features": self.features}
            case _:
                return None

    def use(self, call: Callable[[Client], Awaitable[T]], *, key: str = "msgf_live_1") -> T:
        """Run one call with a client of this account, without waits."""

        async def run() -> T:
            limiter = Limiter(0, jitter=lambda: 0.0)
            access = Access("https://api.test", key)
            async with Client(access, limiter, jitter=lambda: -1.0, transport=self, bounds=AT_ONCE) as client:
                return await call(client)

        return asyncio.run(run())


def a_remote(identifier: str, *, status: str = "scheduled", sent: int = 0) -> Object:
    """Build a campaign as a GET tells it."""
    return {"id": identifier, "status": status, "stats": {**ZEROES, "sent": sent}}
