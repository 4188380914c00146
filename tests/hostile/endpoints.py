"""Every endpoint of the client, asked alone: what one makes of an answer does not depend on what another made of it."""

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path

import httpx
from pydantic import BaseModel

from msgflash_apply.api.client import Client
from msgflash_apply.api.models import RemoteCampaign
from msgflash_apply.api.outcome import NoReply, Reply, classify
from msgflash_apply.apply.actions import Settled, pause, resume
from msgflash_apply.apply.journal_writer import JournalWriter
from msgflash_apply.apply.run import Run
from msgflash_apply.apply.stop import Stop
from msgflash_apply.campaign import Address, Content
from msgflash_apply.errors import ApiError
from msgflash_apply.plan.plan import Action, Change
from msgflash_apply.state.journal import Adopted
from msgflash_apply.state.ledger import Ledger
from tests.hostile.answers import asking
from tests.support.builders import NOW, SOON, a_payload, a_record
from tests.support.states import a_run, a_state

STATUSES = (200, 201, 301, 400, 401, 403, 404, 503)
"""Without 429, which makes everybody wait."""

ENDPOINTS: Mapping[str, Callable[[Client], Awaitable[object]]] = {
    "instances": lambda client: client.instances(),
    "templates": lambda client: client.templates(),
    "template": lambda client: client.template("x"),
    "create_template": lambda client: client.create_template("x", Content("text", "Hello")),
    "update_template": lambda client: client.update_template("x", "x", Content("text", "Hello")),
    "preview_template": lambda client: client.preview_template("x", instance_id="i", contact_id="c", variables={}),
    "delete_template": lambda client: client.delete_template("x"),
    "groups": lambda client: client.groups(),
    "contact": lambda client: client.contact("x"),
    "contacts_total": lambda client: client.contacts_total(),
    "contacts": lambda client: client.contacts(),
    "health": lambda client: client.health("x"),
    "usage": lambda client: client.usage(),
    "campaign": lambda client: client.campaign("x"),
    "campaign_stats": lambda client: client.campaign_stats("x"),
    "second_look": lambda client: client.second_look(["x"]),
    "messages": lambda client: client.messages("x"),
    "create": lambda client: client.create(a_payload()),
    "pause": lambda client: client.pause("x"),
    "resume": lambda client: client.resume("x"),
    "send_message": lambda client: client.send_message({"to": "+33600000001"}),
}
"""By the name of the client's method."""


SALE = Change(Address("sale"), Action.PAUSE, SOON, id="x")


class Echo(httpx.AsyncBaseTransport):
    """A network on which every request has the same body, with a status that can be changed."""

    def __init__(self, body: bytes) -> None:
        self.status = 200
        self._body = body

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - httpx's signature
        """Answer."""
        return httpx.Response(self.status, content=self._body)


def read_each(data: bytes) -> None:
    """Let every endpoint be answered so, with every status; it gives a value that can be used, or an error of ours."""
    network = Echo(data)

    async def ask(client: Client) -> None:
        with tempfile.TemporaryDirectory() as folder, a_run(a_state(Path(folder))) as ledger:
            ledger.append(Adopted(SALE.address, a_record(identifier="x")))
            for network.status in STATUSES:
                for endpoint in ENDPOINTS.values():
                    with suppress(ApiError):
                        _use(await endpoint(client))
                run = _new_run(client, ledger)
                for settling in (pause(run, SALE, "pause"), resume(run, SALE)):
                    with suppress(ApiError):
                        _use(await settling)

    asking(network, ask)


def _new_run(client: Client, ledger: Ledger) -> Run:
    """Build what a pause or resume needs of a run."""
    stop = Stop()
    writer = JournalWriter(ledger, stop)
    return Run("run-1", client, writer, stop, lambda: NOW, lambda _event: None, asyncio.Semaphore())


def _use(told: object) -> None:
    """Do with an answer what the program does with one like it; all of it must go into a strict JSON document."""
    match told:
        case Reply() | NoReply():
            json.dumps(_plain(classify(told)), allow_nan=False).encode()
        case RemoteCampaign():
            json.dumps(told.as_payload(), allow_nan=False).encode()
            assert told.has_sent in {True, False}
        case Settled():
            assert told.status is not None or told.problem
        case _:
            pass
    json.dumps(_plain(told), allow_nan=False, default=str).encode()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        worked_out = [name for name, member in vars(type(value)).items() if isinstance(member, property)]
        return {**value.model_dump(), **{name: getattr(value, name) for name in worked_out}}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
