"""Readers of what a hostile MsgFlash may answer: one body to every request, through the client into all its users."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import httpx

from msgflash_apply.api.access import Access
from msgflash_apply.api.client import Bounds, Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.apply.loop import apply_plan
from msgflash_apply.apply.result import ApplyReport
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Address
from msgflash_apply.cli.import_ import read_back, text_to_adopt
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.models.project import Policy, Settings
from msgflash_apply.operations.import_ import fields_of, record_of
from msgflash_apply.operations.resolve import probe
from msgflash_apply.operations.status import read_status
from msgflash_apply.plan.audience import Counting
from msgflash_apply.plan.echo import differences_from
from msgflash_apply.plan.lookup import NameTable, fill_in
from msgflash_apply.plan.planner import Planner, PlanOptions
from msgflash_apply.plan.refresh import Refresh
from msgflash_apply.report.apply_text import apply_to_text
from msgflash_apply.report.json_ import apply_to_json
from msgflash_apply.report.layout import PLAIN
from msgflash_apply.report.status_text import status_to_json, status_to_text
from msgflash_apply.state.snapshot import Snapshot
from tests.hostile.campaigns import tell_plan
from tests.hostile.records import use
from tests.support.builders import NOW, a_desired, a_payload, a_record, a_snapshot, an_intent, some_facts
from tests.support.states import a_run, a_state

T = TypeVar("T")
PAST = some_facts({**a_record().facts.payload, "schedule": "2026-11-01T12:00:00.000Z"})
SNAPSHOT = a_snapshot(
    {"sale": a_record("sale"), "old": a_record("old", retired=True)}, {"doubt": an_intent(facts=PAST)}
)
WANTED = [
    a_desired("sale"),
    a_desired("named", names={"instanceId": "shop", "templateId": "welcome"}),
    a_desired("only", names={"instanceId": ""}),
]


class Parrot(httpx.AsyncBaseTransport):
    """A network on which every request has one answer: reads with 200, creates with 201."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        return httpx.Response(201 if request.method == "POST" else 200, content=self._body)


def read_everything(data: bytes) -> None:
    """Let every command that asks MsgFlash be answered so."""
    for use_of_it in (_plan, _status, _probe, _compare):
        with suppress(MsgflashApplyError):
            asking(Parrot(data), use_of_it)
    with suppress(MsgflashApplyError):
        use(asking(Parrot(data), _apply))


def read_adopted(data: bytes) -> None:
    """Write the file of a campaign that is to be adopted."""
    asking(Parrot(data), _adopt)


def asking(transport: httpx.AsyncBaseTransport, use_of_it: Callable[[Client], Awaitable[T]]) -> T:
    """Run something with a client that does not wait."""

    async def run() -> T:
        limiter = Limiter(0, jitter=lambda: 0.0)
        access = Access("https://api.test", "msgf_live_1")
        bounds = Bounds(pages=3, second_look_seconds=0.0)
        async with Client(access, limiter, jitter=lambda: -1.0, transport=transport, bounds=bounds) as client:
            return await use_of_it(client)

    return asyncio.run(run())


async def _plan(client: Client) -> None:
    for refresh in Refresh:
        options = PlanOptions("default", Policy(), refresh, counting=Counting.ALWAYS)
        for wanted in (WANTED, WANTED[:1]):
            with suppress(MsgflashApplyError):
                tell_plan(await Planner(wanted, (), options, client, lambda: NOW).plan(SNAPSHOT))


async def _status(client: Client) -> None:
    report = await read_status(SNAPSHOT, client)
    json.loads(status_to_json(report))
    status_to_text(report, environment="default", paint=PLAIN)


async def _probe(client: Client) -> None:
    await probe(SNAPSHOT, client, Address("doubt"), NOW)


async def _compare(client: Client) -> None:
    remote = await client.campaign("x")
    if remote is not None:
        assert isinstance(differences_from(a_payload(), remote), tuple)


async def _apply(client: Client) -> Snapshot:
    """Create, and tell how it went: nothing but the parrot's words decides that."""
    with tempfile.TemporaryDirectory() as folder:
        backend = a_state(Path(folder))
        with a_run(backend) as ledger:
            plan = await Planner(WANTED[:1], (), PlanOptions("default", Policy()), None, lambda: NOW).plan(
                ledger.snapshot
            )
            report = await apply_plan(
                plan, ledger, client, stop=Stop(), run_id="run-1", on_event=lambda _: None, now=lambda: NOW
            )
        _tell(report)
        with a_run(backend, "run-2") as ledger:
            return ledger.snapshot


def _tell(report: ApplyReport) -> None:
    json.loads(apply_to_json(report))
    apply_to_text(report, paint=PLAIN, width=100)


async def _adopt(client: Client) -> None:
    remote = await client.campaign("x")
    if remote is None:
        return
    item = fill_in(a_desired("adopted", payload=a_payload(name="adopted")), NameTable([]))
    with suppress(MsgflashApplyError):
        record_of(item, remote, NOW)
    text = text_to_adopt(fields_of(remote, (), (), None), remote)
    read_back(text, "campaigns/adopted.yaml", Settings(Path()))
