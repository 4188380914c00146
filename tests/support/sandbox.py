"""A sandbox to talk to, a plain HTTP client that shares nothing with ours, and bodies to send it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from itertools import count
from typing import TypeAlias
from urllib.parse import urlsplit

from msgflash_apply.sandbox.seed import BOUTIQUE_ID, WELCOME_ID, demo_account, demo_world
from msgflash_apply.sandbox.server import Options, Sandbox
from msgflash_apply.sandbox.values import Campaign
from msgflash_apply.sandbox.world import World

JsonObject: TypeAlias = dict[str, object]

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
STILL = Options(clock_speed=0, start_at=NOON, requests_per_second=0)
"""A sandbox whose time stands still at noon, without a rate limit."""


@dataclass(frozen=True)
class Answer:
    """A whole answer; `document` is None where the body is no JSON."""

    status: int
    document: object
    headers: Mapping[str, str] = field(default_factory=dict)

    def at(self, path: str) -> object:
        """Walk down by names and indexes: `data.contacts.0.id`."""
        return at(self.document, path)

    def object_at(self, path: str) -> JsonObject:
        """Walk down to an object."""
        found = self.at(path)
        assert isinstance(found, dict)
        return found

    def objects_at(self, path: str) -> list[JsonObject]:
        """Walk down to a list of objects."""
        found = self.at(path)
        assert isinstance(found, list)
        return found


@dataclass(frozen=True)
class Client:
    """Sends single requests, each over its own connection; five seconds without an answer are an error."""

    url: str
    key: str | None = None

    def get(self, path: str) -> Answer:
        """Send a GET below `/api/v1`."""
        return self.send("GET", f"/api/v1{path}")

    def post(self, path: str, body: object = None) -> Answer:
        """Send a POST below `/api/v1`."""
        return self.send("POST", f"/api/v1{path}", body)

    def send(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Send anything; bytes go as they are, other bodies as JSON."""
        sent = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=5)
        try:
            key = {} if self.key is None else {"x-api-key": self.key}
            connection.request(method, path, sent, {**key, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, _parse(response.read()), {k.lower(): v for k, v in response.getheaders()})
        finally:
            connection.close()


def at(document: object, path: str) -> object:
    """Walk down a JSON document by names and indexes, `data.contacts.0.id`; AssertionError where the way ends."""
    for step in path.split("."):
        if isinstance(document, list):
            document = document[int(step)]
        else:
            assert isinstance(document, dict), f"nothing at {step} of {path}"
            document = document[step]
    return document


@contextmanager
def running(options: Options = STILL) -> Iterator[tuple[Sandbox, Client]]:
    """Run a sandbox, with a client that has its key."""
    with Sandbox(options) as sandbox:
        yield sandbox, Client(sandbox.url, sandbox.api_key)


def a_body(**changes: object) -> JsonObject:
    """Make a good create body, a text to the `vip` tag an hour after noon; a change to None leaves a field out."""
    body: JsonObject = {
        "instanceId": BOUTIQUE_ID,
        "name": "Spring",
        "schedule": "2027-03-01T13:00:00.000Z",
        "recipients": {"type": "tags", "value": ["vip"]},
        "type": "text",
        "body": "Spring is here",
    }
    return {name: value for name, value in {**body, **changes}.items() if value is not None}


def a_template_body(**changes: object) -> JsonObject:
    """Make a good create body that uses the demo account's welcome template."""
    variables = {"brand": "Acme", "code": "PROMO10"}
    return a_body(**{"type": None, "body": None, "templateId": WELCOME_ID, "variables": variables, **changes})


def a_world() -> World:
    """Make the demo account at noon, with ids that count up."""
    numbers = count(1)
    return demo_world(demo_account(), NOON, lambda: f"dddddddd-dddd-4ddd-8ddd-{next(numbers):012d}")


def a_campaign(world: World, schedule: datetime = NOON, **changes: object) -> Campaign:
    """Add a campaign to a world without asking whether its body is good."""
    return world.create_campaign(a_body(**changes), schedule)


def _parse(body: bytes) -> object:
    try:
        document: object = json.loads(body)
    except ValueError:
        return None
    return document
