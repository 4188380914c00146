"""A client whose key others use as well: reads that are refused for the rate, again and again."""

import asyncio

import httpx
import pytest

from msgflash_apply.api.access import Access
from msgflash_apply.api.client import READ_ATTEMPTS, Client
from msgflash_apply.api.limiter import HOPELESS_AFTER, Limiter
from msgflash_apply.errors import ApiError

REFUSED = {"success": False, "error": {"code": "API_RATE_LIMIT_EXCEEDED", "message": "Too many API requests"}}


def read(refusals: int, *, before: int = 0) -> int:
    """Read the instances from a server that first refuses so often, after other refusals; return the requests sent."""
    left = refusals

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal left
        left -= 1
        return httpx.Response(429, json=REFUSED) if left >= 0 else httpx.Response(200, json={"data": []})

    async def run() -> int:
        limiter = Limiter(0, jitter=lambda: -0.5)  # without pauses
        for _ in range(before):
            limiter.refuse(asyncio.get_running_loop().time(), 0.0)
        access = Access("https://msgflash.example", "msgf_key")
        async with Client(access, limiter, jitter=lambda: -1.0, transport=httpx.MockTransport(answer)) as client:
            assert await client.instances() == ()
            return client.requests_sent

    return asyncio.run(run())


def test_refusals_for_the_rate_are_no_attempts() -> None:
    """A read that is refused for the rate is sent again more often than one that fails otherwise."""
    assert read(READ_ATTEMPTS + 2) == READ_ATTEMPTS + 3


def test_refusals_without_end_are_an_error() -> None:
    """Once nothing got through for so long that waiting is hopeless, the refusal is reported."""
    with pytest.raises(ApiError, match="refused"):
        read(1, before=HOPELESS_AFTER - 1)
