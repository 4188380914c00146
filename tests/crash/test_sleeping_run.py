"""A run that is stopped between its announcements and their requests, and wakes up after another one took over."""

import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from msgflash_apply.campaign import Address
from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.codec import decode_journal
from msgflash_apply.state.commit import init_state
from msgflash_apply.state.journal import Announced, Created, Intended, NotCreated, Observed
from msgflash_apply.state.reading import read_state
from tests.support.command import FAST, IN_SECONDS, a_repo, created, ids, statuses, wait_until
from tests.support.states import LINEAGE, take_the_lock_away
from tests.support.stores import Stores, kinds

LONGEST = timedelta(seconds=1)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a MsgFlash without a rate limit."""
    with Sandbox(FAST) as running:
        yield running


def unsettled(backend: Backend) -> set[Address]:
    """Collect what runs have announced in their journals, and not settled."""
    found: set[Address] = set()
    for journal in backend.journals():  # in no order
        here: set[Address] = set()
        for entry in decode_journal(backend.read_journal(journal) or b"", where=journal):
            if isinstance(entry, Intended | Announced):
                here.add(entry.address)
            elif isinstance(entry, Created | NotCreated | Observed):
                here.discard(entry.address)
        found |= here
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["local", *kinds("http", "postgres")])
def test_run_that_wakes_up_sends_nothing(kind: str, tmp_path: Path, sandbox: Sandbox, stores: Stores) -> None:
    """Another run has created what it announced, and paused what it wanted to resume: it ends, and nothing is twice."""
    place, repo = stores.place(kind, tmp_path), a_repo(tmp_path, sandbox)
    repo.environ, repo.program = {**place.environ, "MSGFLASH_STATE": place.url}, IN_SECONDS
    backend = place.client()
    init_state(backend, environment="default", lineage=LINEAGE)
    repo.campaign("brake", paused=True)
    assert repo.apply().code == 0
    repo.campaign("brake", paused=False)
    repo.campaign("sale")
    sandbox.add_fault("POST /api/v1/campaigns* 429 retry_after=5 times=*")
    sleeper = repo.start("apply", "--auto-approve")
    try:
        wait_until(
            lambda: 429 in {seen.status for seen in sandbox.requests} and unsettled(backend) == {"brake", "sale"}
        )
        time.sleep(0.3)  # MsgFlash wants it to wait for five seconds: meanwhile it does nothing at all
        sleeper.signal(signal.SIGSTOP)

        sandbox.clear_faults()
        take_the_lock_away(backend)
        repo.campaign("brake", paused=True)
        doubt = read_state(backend, environment="default").in_doubt[Address("sale")]
        wait_until(lambda: datetime.now(UTC) > doubt.last_sent_at + 2 * LONGEST)
        assert repo.run("resolve", "sale", "--not-created", "--yes").code == 0
        done = repo.apply()
        sleeper.signal(signal.SIGCONT)
        woken = sleeper.wait()
    finally:
        sleeper.process.kill()  # not even when this test fails does it stay stopped

    assert (done.code, woken.code) == (0, 1), done.err + woken.out
    assert "Stopped early: " in woken.out
    assert "skipped  sale (create): " in woken.out
    assert "skipped  brake (resume): " in woken.out
    assert created(sandbox) == {"brake": 1, "sale": 1}
    assert statuses(sandbox) == {"brake": "paused", "sale": "scheduled"}
    left = read_state(backend, environment="default")
    assert (left.in_doubt, {record.id for record in left.campaigns.values()}) == ({}, set(ids(sandbox).values()))
