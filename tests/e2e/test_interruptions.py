"""Signals, kills and a second pipeline in the middle of an apply: what is sent, and what the next run makes of it."""

import signal

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import PATIENCE_SECONDS, Repo, Running, created, creates_seen, wait_until

SLOW = "POST /api/v1/campaigns delay seconds=0.7 times=*"
MANY = 24


@pytest.fixture
def running(repo: Repo, sandbox: Sandbox) -> Running:
    """Start an apply of many campaigns whose creates take a while, and return with a few of them in flight."""
    repo.campaigns(MANY)
    sandbox.add_fault(SLOW)
    started = repo.start("apply", "--auto-approve")
    wait_until(lambda: creates_seen(sandbox) >= 3)
    return started


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_first_signal_drains(running: Running, repo: Repo, sandbox: Sandbox, number: int, code: int) -> None:
    """What is in flight is finished and recorded, nothing new starts, and the next run does the rest."""
    running.signal(number)
    stopped = running.wait()
    sandbox.clear_faults()
    assert stopped.code == code
    assert f"Interrupted by {signal.Signals(number).name}" in stopped.out
    assert sorted(repo.records) == sorted(created(sandbox))
    assert len(repo.records) < MANY
    assert repo.apply().code == 0
    assert created(sandbox) == dict.fromkeys(repo.records, 1)
    assert len(repo.records) == MANY


def test_second_signal_leaves_doubt(running: Running, repo: Repo, sandbox: Sandbox) -> None:
    """A second signal stops at once; what was in flight is in doubt, named, and not sent again."""
    running.signal(signal.SIGINT)
    wait_until(lambda: creates_seen(sandbox) >= 3)
    running.signal(signal.SIGTERM)
    stopped = running.wait()
    sandbox.clear_faults()
    before = created(sandbox)
    listed, again = repo.run("state", "list"), repo.apply()
    assert stopped.code in {130, 143}
    assert "in doubt" in stopped.err
    assert "in doubt" in listed.out
    assert again.code == 3
    assert set(created(sandbox).values()) == {1}
    assert before.keys() <= created(sandbox).keys()


def test_killed_apply_sends_nothing_twice(running: Running, repo: Repo, sandbox: Sandbox) -> None:
    """After kill -9 the next apply takes over the lock; every campaign was sent at most once, or is in doubt."""
    running.signal(signal.SIGKILL)
    assert running.wait().code == -signal.SIGKILL
    sandbox.clear_faults()
    again = repo.apply("--format", "json")
    doubtful = {address for address, action in repo.actions().items() if action == "blocked"}
    assert again.code == 3
    assert doubtful
    assert set(created(sandbox).values()) == {1}
    assert repo.records.keys() | doubtful == {f"c{number:02d}" for number in range(MANY)}
    assert creates_seen(sandbox) <= MANY


def test_second_writer_is_told_who_is_at_it(repo: Repo, sandbox: Sandbox) -> None:
    """While one apply runs another is refused: who, where, what, since when; looking stays free."""
    repo.campaigns(2)
    sandbox.add_fault("POST /api/v1/campaigns stall times=*")
    running = repo.start("apply", "--auto-approve")
    wait_until(lambda: repo.state.with_suffix(".lock").exists())
    refused, listed = repo.apply(), repo.run("state", "list")
    running.signal(signal.SIGKILL)
    running.wait()
    assert (refused.code, listed.code) == (1, 0)
    assert str(running.process.pid) in refused.err
    assert "apply" in refused.err
    assert created(sandbox) == {}


def test_lock_timeout_waits_for_the_first(repo: Repo, sandbox: Sandbox) -> None:
    """With --lock-timeout the second apply waits, and finds nothing left to do."""
    repo.campaigns(2)
    sandbox.add_fault("POST /api/v1/campaigns delay seconds=1.5 times=*")
    first = repo.start("apply", "--auto-approve")
    wait_until(lambda: repo.state.with_suffix(".lock").exists())
    second = repo.apply("--lock-timeout", "20s")
    assert first.wait().code == 0
    assert second.code == 0, second.err
    assert created(sandbox) == {"c00": 1, "c01": 1}


def test_reader_of_the_log_who_goes_away_stops_nothing(running: Running, repo: Repo, sandbox: Sandbox) -> None:
    """An apply whose log is cut off, as by `2>&1 | head`, sends what is left all the same and ends as it would have."""
    with running.process as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.stderr.close()
        sandbox.clear_faults()
        code = process.wait(timeout=PATIENCE_SECONDS)

    assert code == 0
    assert created(sandbox) == dict.fromkeys(repo.records, 1)
    assert len(repo.records) == MANY
