"""Signals while the state's storage accepts everything and answers nothing: the run ends all the same."""

import re
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from msgflash_apply.apply.loop import IN_FLIGHT
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import PROGRAM, QUICKEST_PROJECT, Completed, Repo, Running, created, creates_seen, wait_until
from tests.support.fates import Silence, always, since
from tests.support.keys import KEY
from tests.support.processes import recovery_file
from tests.support.proxy import Proxy
from tests.support.stores import Server, Stores, one_of_each

SLOW = "POST /api/v1/campaigns delay seconds=0.7 times=*"
MANY = 30
"""More than are in flight, so that the storage falls silent before all of them are sent."""

AT_ONCE_SECONDS = 8.0
"""The 5 seconds of the contract, and what a loaded machine may add."""

IMPATIENT = """
import sys
from msgflash_apply.cli import interrupts
interrupts.ORDERLY_SECONDS = 1.0
from msgflash_apply.__main__ import main
main()
"""
"""The real command, with one second instead of twenty for an orderly end."""


@pytest.fixture
def kind() -> str:
    """Choose the quickest server, where a test does not say otherwise."""
    return "http"


@pytest.fixture
def server(kind: str, stores: Stores) -> Server:
    """Serve states of this kind."""
    return stores.server(kind)


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """Stand before the server."""
    with Proxy(server.port) as running:
        yield running


@pytest.fixture
def repo(tmp_path: Path, sandbox: Sandbox, server: Server, proxy: Proxy) -> Repo:
    """Make a repo whose state is on the server, and some campaigns whose creates take a while."""
    place = server.place(tmp_path, port=proxy.port)
    made = Repo(tmp_path, sandbox, {**place.environ, "MSGFLASH_STATE": place.url})
    made.write("msgflash.yaml", QUICKEST_PROJECT)
    made.campaigns(MANY)
    begun = made.run("init")
    assert begun.code == 0, begun.err
    sandbox.add_fault(SLOW)
    return made


def silenced(repo: Repo, proxy: Proxy, program: tuple[str, ...] = PROGRAM) -> Running:
    """
    Start an apply, and let the storage fall silent once creates are in flight.

    Returns when an append hangs, and an outcome waits for it.
    """
    running = repo.start("apply", "--auto-approve", program=program)
    wait_until(lambda: creates_seen(repo.sandbox) >= 3)
    proxy.count(always(Silence()))
    wait_until(lambda: proxy.exchanges > 0)
    seen = 0
    while seen < (seen := creates_seen(repo.sandbox)):
        time.sleep(1.0)  # longer than an answer takes: none is awaited any more
    return running


def settled(repo: Repo, *command: str) -> Completed:
    """Run a command that needs the lock, which a dead run may have left behind."""
    done = repo.run(*command)
    if (named := re.search(r"state unlock (\S+)", done.err)) is not None:
        assert repo.run("state", "unlock", named[1], "--force").code == 0
        done = repo.run(*command)
    return done


def stopped(running: Running, began_at: float) -> Completed:
    """Wait for a command that has its last signal, and look at how and when it ended."""
    done = running.wait()
    assert done.code == 143, done.err
    assert time.monotonic() - began_at < AT_ONCE_SECONDS
    return done


@pytest.mark.slow
@pytest.mark.parametrize("kind", one_of_each())
def test_second_signal_ends_a_run_whose_storage_hangs(repo: Repo, proxy: Proxy) -> None:
    """It ends within seconds, what came back meanwhile is in a file, and nothing is sent twice or lost."""
    running = silenced(repo, proxy)
    running.signal(signal.SIGTERM)
    running.read_until("Stopping")
    running.signal(signal.SIGTERM)
    continues_after(stopped(running, time.monotonic()), repo, proxy)


@pytest.mark.slow
def test_time_ends_a_run_whose_storage_hangs(repo: Repo, proxy: Proxy) -> None:
    """The first signal alone does the same, some time later."""
    running = silenced(repo, proxy, (sys.executable, "-c", IMPATIENT))
    running.signal(signal.SIGTERM)
    continues_after(stopped(running, time.monotonic()), repo, proxy)


def continues_after(done: Completed, repo: Repo, proxy: Proxy) -> None:
    """Let the storage answer again, and see that the next run does the rest."""
    sandbox = repo.sandbox
    proxy.heal()
    sandbox.clear_faults()
    recovered = settled(repo, "state", "recover", str(recovery_file(done)))
    assert recovered.code == 0, recovered.err
    again = repo.apply("--format", "json")
    doubtful = {address for address, action in repo.actions().items() if action == "blocked"}
    assert again.code == (3 if doubtful else 0), again.err
    assert len(doubtful) <= IN_FLIGHT
    assert set(created(sandbox).values()) == {1}
    assert creates_seen(sandbox) == len(created(sandbox))
    assert created(sandbox).keys() | doubtful == {f"c{number:02d}" for number in range(MANY)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", one_of_each())
def test_command_that_only_reads_ends_at_the_first_signal(repo: Repo, proxy: Proxy) -> None:
    """While the state cannot be read nothing is under way, whatever library waits for it."""
    proxy.count(always(Silence()))
    running = repo.start("plan")
    wait_until(lambda: proxy.exchanges > 0)
    running.signal(signal.SIGTERM)
    stopped(running, time.monotonic())


@pytest.mark.slow
def test_change_of_the_state_ends_at_the_second_signal(repo: Repo, proxy: Proxy) -> None:
    """The first lets a storage finish what it was sent."""
    proxy.count(since(2, Silence()))
    running = repo.start("state", "rekey", env={"MSGFLASH_STATE_KEY": KEY})
    wait_until(lambda: proxy.exchanges > 1)
    running.signal(signal.SIGTERM)
    wait_until(lambda: not running.is_signal_pending)
    running.signal(signal.SIGTERM)
    stopped(running, time.monotonic())
