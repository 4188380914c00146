"""Signals, kills and a second pipeline in the middle of an apply: what is sent, and what the next run makes of it."""

import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import PATIENCE_SECONDS, PROGRAM, Repo, Running, created, creates_seen, wait_until
from tests.support.fates import Silence, always, since
from tests.support.proxy import Proxy
from tests.support.stores.http import environment
from tests.support.stores.http_server import Fault, Reply, StateServer

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
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
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
    assert "Applied" in stopped.out
    assert again.code == 3
    assert set(created(sandbox).values()) == {1}
    assert before.keys() <= created(sandbox).keys()


def test_terminal_that_closes_is_one_signal(running: Running, repo: Repo, sandbox: Sandbox) -> None:
    """The shell and the system both send SIGHUP then, and nothing gets in doubt by that."""
    running.signal(signal.SIGHUP)
    wait_until(lambda: not running.is_signal_pending)
    running.signal(signal.SIGHUP)
    stopped = running.wait()
    assert stopped.code == 129
    assert sorted(repo.records) == sorted(created(sandbox))
    assert "blocked" not in repo.actions().values()


@pytest.fixture
def way(sandbox: Sandbox) -> Iterator[Proxy]:
    """Stand before MsgFlash."""
    with Proxy(urlsplit(sandbox.url).port or 0) as proxy:
        yield proxy


def test_second_signal_leaves_no_needless_doubt(repo: Repo, way: Proxy) -> None:
    """In doubt is what left this machine; what was announced, and waited for its slot or its connection, is not."""
    repo.campaigns(MANY)
    environ = {"MSGFLASH_BASE_URL": f"http://127.0.0.1:{way.port}"}
    way.count()
    assert repo.run("plan", env=environ).code == 0
    reads = way.exchanges
    way.count(since(reads + 2, Silence()))  # the marker of the state is written
    running = repo.start("apply", "--auto-approve", env=environ)
    wait_until(lambda: way.exchanges >= reads + 5)
    running.signal(signal.SIGTERM)
    running.read_until("Stopping")
    running.signal(signal.SIGTERM)
    assert running.wait().code == 143
    listed = repo.run("state", "list", "--format", "json").document["campaigns"]
    assert isinstance(listed, list)
    wait_until(lambda: len([each for each in listed if each["in_doubt"]]) == way.exchanges - reads - 1)
    assert not repo.state.with_suffix(".lock").exists()


@pytest.mark.parametrize(
    ("command", "number"),
    [
        ("apply --auto-approve", signal.SIGTERM),
        ("apply --auto-approve", signal.SIGHUP),
        ("plan", signal.SIGTERM),
        ("drift", signal.SIGINT),
        ("status", signal.SIGHUP),
        ("import c00 00000000-0000-4000-8000-000000000000", signal.SIGTERM),
    ],
)
def test_signal_before_anything_is_sent(
    repo: Repo, sandbox: Sandbox, way: Proxy, command: str, number: signal.Signals
) -> None:
    """While MsgFlash does not answer, every command ends at the first signal, in order and with its lock given back."""
    repo.campaigns(2)
    assert command != "status" or repo.apply().code == 0
    way.count(always(Silence()))
    running = repo.start(*command.split(), env={"MSGFLASH_BASE_URL": f"http://127.0.0.1:{way.port}"})
    wait_until(lambda: way.exchanges > 0)
    running.signal(number)
    stopped = running.wait()
    assert stopped.code == 128 + number
    assert stopped.err.endswith("Stopped.\n")
    assert not repo.state.with_suffix(".lock").exists()
    assert len(created(sandbox)) == (2 if command == "status" else 0)


@pytest.mark.parametrize(
    "command", ["apply --auto-approve", "state mv c00 c01", "import c00 00000000-0000-4000-8000-000000000000"]
)
def test_signal_while_waiting_for_the_lock(repo: Repo, sandbox: Sandbox, command: str) -> None:
    """Every command that waits for another run's lock ends at the first signal, and leaves that lock alone."""
    repo.campaigns(2)
    sandbox.add_fault("POST /api/v1/campaigns stall times=*")
    first = repo.start("apply", "--auto-approve")
    lock = repo.state.with_suffix(".lock")
    wait_until(lock.exists)
    second = repo.start(*command.split(), "--lock-timeout", "5m")
    wait_until(lambda: second.answers(signal.SIGTERM))
    second.signal(signal.SIGTERM)
    assert second.wait().code == 143
    assert lock.exists()
    first.signal(signal.SIGKILL)
    first.wait()


def test_signal_while_the_state_is_committed(repo: Repo, tmp_path: Path, sandbox: Sandbox) -> None:
    """What is done is reported and recorded, and the lock is given back."""
    held, may_go = Event(), Event()

    def hold() -> None:
        held.set()
        may_go.wait(PATIENCE_SECONDS)

    repo.campaigns(2)
    (server_folder := tmp_path / "server").mkdir()
    with StateServer(server_folder) as server:
        repo.environ |= {**environment(), "MSGFLASH_STATE": f"{server.url}/state/here"}
        assert repo.run("init").code == 0
        server.faults.append(Fault("UNLOCK", Reply(200), is_done=True, then=hold))
        running = repo.start("apply", "--auto-approve")
        assert held.wait(PATIENCE_SECONDS)
        running.signal(signal.SIGTERM)
        wait_until(lambda: not running.is_signal_pending)
        may_go.set()
        stopped = running.wait()
        assert stopped.code == 143
        assert "Applied: 2 created" in stopped.out
        assert server.state("here").lock is None
        assert repo.apply().code == 0
    assert created(sandbox) == {"c00": 1, "c01": 1}


def test_signal_that_is_ignored_stays_ignored(repo: Repo, sandbox: Sandbox) -> None:
    """Under `nohup` an apply outlives its terminal."""
    repo.campaigns(2)
    sandbox.add_fault("POST /api/v1/campaigns delay seconds=0.7 times=*")
    running = repo.start("apply", "--auto-approve", program=("nohup", *PROGRAM))
    wait_until(lambda: running.answers(signal.SIGTERM))
    running.signal(signal.SIGHUP)
    assert running.wait().code == 0
    assert created(sandbox) == {"c00": 1, "c01": 1}


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
