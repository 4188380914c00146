"""The pace of an apply against a server that enforces its limit."""

from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Options, Sandbox
from tests.support.command import CREATE, a_repo, created

COUNT = 30
RATE = 10
LIMIT_ENFORCED = Options(requests_per_second=RATE, latency_seconds=0.2)


ATTEMPTS = 3
"""A machine that is busy with other things may hold the client or the server up; one good run shows what they can."""


@pytest.mark.slow
def test_latency_costs_nothing_and_no_request_is_refused(tmp_path: Path) -> None:
    """Thirty creates at 200 ms latency leave nearly as fast as the limit allows, and none draws a 429."""
    assert any(is_quick_and_legal(tmp_path / str(attempt)) for attempt in range(ATTEMPTS))


def is_quick_and_legal(folder: Path) -> bool:
    """Apply thirty campaigns, each of which must be created once whatever the pace; say whether the pace was right."""
    folder.mkdir()
    with Sandbox(LIMIT_ENFORCED) as sandbox:
        repo = a_repo(folder, sandbox)
        repo.write("msgflash.yaml", "version: 1\n")
        addresses = repo.campaigns(COUNT)
        done = repo.apply()
        assert done.code == 0, done.out
        assert created(sandbox) == dict.fromkeys(addresses, 1)
        sent_at = [seen.time for seen in sandbox.requests if f"{seen.method} {seen.path}" == CREATE]
        was_refused = any(seen.status == 429 for seen in sandbox.requests)
    return not was_refused and sent_at[-1] - sent_at[0] <= 1.15 * (COUNT - 1) / RATE
