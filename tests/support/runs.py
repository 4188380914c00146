"""Whole runs in this process with the real parts: planner, ledger on a local file, client on a socket to a sandbox."""

import asyncio
import ssl
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from msgflash_apply.api.access import Access
from msgflash_apply.api.client import Bounds, Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.apply.loop import apply_plan
from msgflash_apply.apply.marker import marker_writer
from msgflash_apply.apply.result import ApplyReport, Event
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Desired
from msgflash_apply.models.project import Policy
from msgflash_apply.plan.plan import Plan
from msgflash_apply.plan.planner import Planner, PlanOptions
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.sandbox.server import Options, Sandbox
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Backend, Holder, Location
from msgflash_apply.state.commit import init_state
from msgflash_apply.state.ledger import open_ledger
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.reading import read_state
from msgflash_apply.state.snapshot import Snapshot
from tests.support.doors import Crash, When
from tests.support.stores import Place

ENVIRONMENT = "default"


def plain_network() -> httpx.AsyncHTTPTransport:
    """Make a network for plain http, which trusts no authority and so reads none."""
    return httpx.AsyncHTTPTransport(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def is_create(request: httpx.Request) -> bool:
    """Whether a request creates a campaign."""
    return (request.method, request.url.path) == ("POST", "/api/v1/campaigns")


def is_write(request: httpx.Request) -> bool:
    """Whether a request changes anything."""
    return request.method == "POST"


class CrashingTransport(httpx.AsyncBaseTransport):
    """
    The network of a process that dies before or after its nth request, and stays dead.

    Args:
        at: the request, from 1; 0 for never.
        when: whether MsgFlash still gets it.
        counts: whether a request counts; the others always pass.
    """

    def __init__(
        self, *, at: int = 0, when: When = "before", counts: Callable[[httpx.Request], bool] = lambda _: True
    ) -> None:
        self._inner = plain_network()
        self._at = at
        self._when = when
        self._counts = counts
        self.effects = 0
        self.is_dead = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Count, send, or die."""
        is_counted = self._counts(request)
        self.effects += is_counted
        is_last = is_counted and self.effects == self._at
        if self.is_dead or (is_last and self._when == "before"):
            self._die()
        response = await self._inner.handle_async_request(request)
        if self.is_dead or is_last:
            await response.aclose()
            self._die()
        return response

    async def aclose(self) -> None:
        """Close the sockets, as the kernel does for the dead."""
        await self._inner.aclose()

    def _die(self) -> None:
        self.is_dead = True
        raise Crash


def _ignore(_event: Event, _stop: Stop) -> None:
    """Tell nobody."""


def _approve(_plan: Plan, _snapshot: Snapshot) -> None:
    """Let any plan pass, as `--auto-approve` does."""


@dataclass
class World:
    """
    One account and one state, and runs against them.

    Attributes:
        sandbox: running.
        folder: where the state is, unless it has a place elsewhere.
        place: where the state is; None for a file in the folder.
        events: what the last apply told.
    """

    sandbox: Sandbox
    folder: Path
    place: Place | None = None
    policy: Policy = field(default_factory=lambda: Policy().without(["max-creates", "max-retires"]))
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.backend = self.storage()
        init_state(self.backend, environment=ENVIRONMENT, lineage=str(uuid.uuid4()))

    def storage(self) -> Backend:
        """Build a client of the state, as each process has its own."""
        return self.place.client() if self.place else open_backend(Location("state.json", self.folder))

    def now(self) -> datetime:
        """Read the sandbox's clock, which is this world's."""
        return self.sandbox.now()

    def snapshot(self) -> Snapshot:
        """Read the state as anybody would."""
        return read_state(self.backend, environment=ENVIRONMENT)

    def client(self, transport: httpx.AsyncBaseTransport | None = None, *, timeout_seconds: float = 5.0) -> Client:
        """Connect to the sandbox, without waits."""
        access = Access(self.sandbox.url, self.sandbox.api_key)
        limiter = Limiter(0, jitter=lambda: 0.0)
        return Client(
            access,
            limiter,
            jitter=lambda: -1.0,
            transport=transport,
            bounds=Bounds(timeout_seconds, second_look_seconds=0.0),
        )

    def planner(self, desired: Sequence[Desired], client: Client | None, refresh: Refresh) -> Planner:
        """Make a planner for some campaigns."""
        return Planner(
            desired, (), PlanOptions(ENVIRONMENT, self.policy, refresh, server=self.sandbox.url), client, self.now
        )

    def plan(self, desired: Sequence[Desired], refresh: Refresh = Refresh.CHANGED) -> Plan:
        """Plan as `plan` does."""

        async def run() -> Plan:
            async with self.client() as client:
                return await self.planner(desired, client, refresh).plan(self.snapshot())

        return asyncio.run(run())

    def apply(
        self,
        desired: Sequence[Desired],
        *,
        backend: Backend | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeout_seconds: float = 5.0,
        on_event: Callable[[Event, Stop], None] = _ignore,
        approve: Callable[[Plan, Snapshot], object] = _approve,
    ) -> ApplyReport:
        """Plan under the lock, have that approved, and carry it out, as `apply` does."""
        holder = Holder(str(uuid.uuid4()), "tester", "here", 1, "apply", self.now())
        self.events.clear()

        async def run() -> ApplyReport:
            stop = Stop()

            def tell(event: Event) -> None:
                self.events.append(event)
                on_event(event, stop)

            with open_ledger(backend or self.storage(), Claim(ENVIRONMENT, holder, self.now)) as ledger:
                async with self.client(transport, timeout_seconds=timeout_seconds) as client:
                    planner = self.planner(desired, client, Refresh.CHANGED)
                    plan = await planner.plan(ledger.snapshot)
                    approve(plan, ledger.snapshot)
                    marker = marker_writer(planner.marker, holder, ledger.snapshot, client)
                    run_id = holder.lock_id
                    return await apply_plan(
                        plan, ledger, client, stop=stop, run_id=run_id, marker=marker, on_event=tell, now=self.now
                    )

        return asyncio.run(run())

    def created(self) -> dict[str, int]:
        """Count the campaigns on the server by name."""
        names = [str(campaign["name"]) for campaign in self.sandbox.campaigns()]
        return {name: names.count(name) for name in names}

    def statuses(self) -> dict[str, str]:
        """Look up the status of every campaign on the server by name."""
        return {str(campaign["name"]): str(campaign["status"]) for campaign in self.sandbox.campaigns()}


STILL = Options(clock_speed=0, start_at=datetime(2027, 3, 1, 12, 0, tzinfo=UTC), requests_per_second=0)
LATER = datetime(2027, 3, 1, 12, 0, tzinfo=UTC) + timedelta(days=1)


def crashed(error: BaseException) -> bool:
    """Whether an error is a crash on cue, alone or in a group of them."""
    if isinstance(error, BaseExceptionGroup):
        return all(crashed(inner) for inner in error.exceptions)
    return isinstance(error, Crash)


def survives(run: Callable[[], object]) -> bool:
    """Run something that may crash on cue; whether it came to its end."""
    try:
        run()
    except BaseException as err:
        if not crashed(err):
            raise
        return False
    return True


def names(desired: Iterable[Desired]) -> set[str]:
    """Collect the names of some campaigns."""
    return {str(item.payload["name"]) for item in desired}
