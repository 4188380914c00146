"""A connection that is opened with its first request to the sandbox, and not before."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from msgflash_apply.api.client import Client
from msgflash_apply.api.when_needed import ClientWhenNeeded, RequestNeeded, client_behind
from msgflash_apply.sandbox.server import Sandbox
from tests.support.runs import STILL, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Run an account."""
    with Sandbox(STILL) as sandbox:
        yield World(sandbox, tmp_path)


def test_nothing_asked_makes_no_client(world: World) -> None:
    """A run that needs no request ends without a client having been made."""
    made: list[Client] = []

    async def run() -> int:
        async with ClientWhenNeeded(lambda: _kept(world.client(), made)) as connection:
            return connection.requests_sent

    assert asyncio.run(run()) == 0
    assert made == []


def test_first_request_makes_one_for_all(world: World) -> None:
    """Every user of a connection gets the same client; its requests are counted, and it is closed at the end."""
    made: list[Client] = []

    async def run() -> int:
        async with ClientWhenNeeded(lambda: _kept(world.client(), made)) as connection:
            first, second = await client_behind(connection), await client_behind(connection)
            assert first is second
            await first.instances()
            await second.instances()
            return connection.requests_sent

    assert asyncio.run(run()) == 2
    assert len(made) == 1
    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(made[0].instances())


def test_request_outside_is_refused(world: World) -> None:
    """A connection that nobody entered tells that a request is due, and makes no client that nobody would close."""
    made: list[Client] = []
    connection = ClientWhenNeeded(lambda: _kept(world.client(), made))
    with pytest.raises(RequestNeeded):
        asyncio.run(client_behind(connection))
    assert made == []


def test_open_client_is_its_own_connection(world: World) -> None:
    """Who has a client already needs no other."""

    async def run() -> bool:
        async with world.client() as client:
            return await client_behind(client) is client

    assert asyncio.run(run())


def _kept(client: Client, made: list[Client]) -> Client:
    made.append(client)
    return client
