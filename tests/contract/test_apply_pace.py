"""The pace of an apply on storages far away, against a server that enforces its limit and takes its time."""

from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from msgflash_apply.api.client import Client
from msgflash_apply.api.limiter import Limiter
from msgflash_apply.apply.result import Outcome
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.backends.base import Appends
from tests.support.builders import a_desired, a_payload
from tests.support.command import CREATE
from tests.support.doors import SlowBackend
from tests.support.runs import LATER, STILL, World

COUNT = 40
RATE = 10
LIMIT_ENFORCED = replace(STILL, requests_per_second=RATE, latency_seconds=0.2)
ATTEMPTS = 3
"""A machine that is busy with other things may hold the client or the server up; one good run shows what they can."""


@dataclass
class UsualWorld(World):
    """A world whose requests leave at the usual pace."""

    def client(self, transport: httpx.AsyncBaseTransport | None = None, *, timeout_seconds: float = 5.0) -> Client:
        """Connect to the sandbox at 9.85 requests a second."""
        made = super().client(transport, timeout_seconds=timeout_seconds)
        made.limiter = Limiter(9.85, jitter=lambda: 0.5)
        return made


def slowness(folder: Path, appends: Appends, seconds: float) -> float:
    """Create forty campaigns with appends that take so long; tell the time it took against what the limit allows."""
    folder.mkdir()
    starts = [LATER + timedelta(minutes=number) for number in range(COUNT)]
    payloads = [a_payload(name=f"c{number:02d}", starts_at=at) for number, at in enumerate(starts)]
    with Sandbox(LIMIT_ENFORCED) as sandbox:
        world = UsualWorld(sandbox, folder)
        wanted = [a_desired(str(payload["name"]), payload=payload) for payload in payloads]
        report = world.apply(wanted, backend=SlowBackend(world.backend, appends, seconds=seconds))
        assert report.summary[Outcome.DONE] == COUNT == len(world.created())
        sent_at = [seen.time for seen in sandbox.requests if f"{seen.method} {seen.path}" == CREATE]
    return (sent_at[-1] - sent_at[0]) * RATE / (COUNT - 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("appends", "seconds"),
    [(Appends(), 0.0), (Appends(ahead=4), 0.05), (Appends(ahead=4), 0.15), (Appends(ahead=16, every_seconds=1.5), 0.1)],
    ids=["a disk", "near", "far", "a single document"],
)
def test_latency_of_the_storage_costs_nothing(tmp_path: Path, appends: Appends, seconds: float) -> None:
    """Creates leave nearly as fast as the limit allows, however long the journal's storage takes for an append."""
    assert any(slowness(tmp_path / str(attempt), appends, seconds) <= 1.15 for attempt in range(ATTEMPTS))


@pytest.mark.slow
def test_one_at_a_time_would_cost(tmp_path: Path) -> None:
    """Without announcing ahead each append of a storage far away delays the next create: the others are no accident."""
    assert slowness(tmp_path / "one", Appends(), 0.3) > 2
