"""Two applies of one state at the same time, as real processes: they wait, are refused, or find out; none is lost."""

import getpass
import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.state.backends.files import alone
from tests.support.command import CREATE, Completed, Repo, Running, created, creates_seen, ids, wait_until
from tests.support.sandbox import JsonObject

SLOW = f"{CREATE} delay times=* seconds=2"
PATIENT = ("apply", "--auto-approve", "--lock-timeout", "60s")


@pytest.fixture
def lock(repo: Repo) -> Path:
    """Say where the lock of the repo's state is."""
    return repo.state.with_suffix(".lock")


@dataclass(frozen=True)
class Held:
    """An apply that stands still in the middle of its work: it has announced some creates, and read no answer."""

    running: Running

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.running.process.pid

    def go_on(self) -> Completed:
        """Let it go on to its end."""
        self.running.signal(signal.SIGCONT)
        return self.running.wait()

    def kill(self) -> None:
        """End it on the spot."""
        self.running.signal(signal.SIGKILL)
        self.running.wait()


@contextmanager
def at_work(repo: Repo, *, creates: int) -> Iterator[Held]:
    """Start an apply, and hold it once it has announced so many creates; the server takes its time to answer them."""
    repo.sandbox.add_fault(SLOW)
    running = repo.start(*PATIENT)
    try:
        wait_until(lambda: announced(repo) >= creates)
        with alone(repo.state.with_suffix(".guard")):  # so that it stops in none of the steps that others wait for
            running.signal(signal.SIGSTOP)
        repo.sandbox.clear_faults()
        yield Held(running)
    finally:
        with running.process:
            running.process.kill()


def announced(repo: Repo) -> int:
    """Count the creates that are announced in a journal."""
    journals = repo.state.parent.glob("default.journal-*.jsonl")
    return sum(path.read_bytes().count(b'"kind":"intended"') for path in journals)


def known(repo: Repo) -> tuple[JsonObject, set[str]]:
    """Read which ids the state has by name, and which names are in doubt."""
    entries = repo.run("state", "list", "--format", "json").document["campaigns"]
    assert isinstance(entries, list)
    records = {entry["record"]["payload"]["name"]: entry["record"]["id"] for entry in entries if entry["record"]}
    return records, {entry["in_doubt"]["payload"]["name"] for entry in entries if entry["in_doubt"]}


def test_second_apply_is_refused_with_who_where_what_since(repo: Repo, sandbox: Sandbox, lock: Path) -> None:
    """While one apply is at work, another is told whose lock it is, and sends nothing."""
    repo.campaign("sale")
    with at_work(repo, creates=1) as first:
        signed = json.loads(lock.read_text(encoding="utf-8"))
        refused = repo.apply()
        done = first.go_on()

    place = f"held by {getpass.getuser()} on {socket.gethostname()} (process {first.pid}) for `apply` since 20"
    assert (refused.code, done.code) == (1, 0)
    assert place in refused.err
    assert f"msgflash-apply state unlock {signed['lock_id']}" in refused.err
    assert created(sandbox) == {"sale": 1}


def test_second_apply_waits_and_finds_nothing_to_do(repo: Repo, sandbox: Sandbox) -> None:
    """With --lock-timeout the second apply begins when the first has ended, and knows what it did."""
    repo.campaigns(2)
    with at_work(repo, creates=2) as first:
        waiting = repo.start(*PATIENT)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.process.wait(timeout=2)
        done, second = first.go_on(), waiting.wait()

    assert (done.code, second.code) == (0, 0), second.err
    assert "Your files match the recorded state" in second.out
    assert created(sandbox) == {"c00": 1, "c01": 1}


def test_waiting_has_an_end(repo: Repo, lock: Path) -> None:
    """An apply that waited as long as it was told to is refused like one that does not wait."""
    repo.campaign("sale")
    with at_work(repo, creates=1):
        assert lock.exists()
        refused = repo.apply("--lock-timeout", "0.2s")

    assert refused.code == 1
    assert "The state is locked." in refused.err


def test_lock_of_a_killed_process_is_taken_over(repo: Repo, sandbox: Sandbox, lock: Path) -> None:
    """An apply that was killed leaves its lock; the next one goes on, and what was in flight is in doubt, not sent."""
    repo.campaigns(2)
    with at_work(repo, creates=2) as first:
        first.kill()
    assert lock.exists()

    second = repo.apply()

    assert second.code == 3, second.err
    assert not lock.exists()
    assert known(repo) == ({}, {"c00", "c01"})
    assert set(created(sandbox).values()) <= {1}


def test_lock_of_another_host_is_never_taken_over(repo: Repo, sandbox: Sandbox, lock: Path) -> None:
    """Nobody here can know whether a process of another host lives: its lock stays until a person takes it away."""
    repo.campaign("sale")
    left = {"host": "elsewhere", "lock_id": "run-1", "pid": 7, "since": "2026-11-23T12:00:00+00:00"}
    lock.write_text(json.dumps({**left, "what": "apply", "who": "ada"}), encoding="utf-8")

    refused = repo.apply("--lock-timeout", "0.2s")
    assert refused.code == 1
    assert "held by ada on elsewhere" in refused.err
    assert creates_seen(sandbox) == 0

    assert repo.run("state", "unlock", "run-1").code == 0
    assert repo.apply().code == 0


def test_lock_of_a_living_apply_is_not_taken_away(repo: Repo, sandbox: Sandbox, lock: Path) -> None:
    """`state unlock` leaves an apply that is at work on this host alone, which then ends as if nothing had been."""
    repo.campaign("sale")
    with at_work(repo, creates=1) as first:
        lock_id = json.loads(lock.read_text(encoding="utf-8"))["lock_id"]
        refused = repo.run("state", "unlock", lock_id)
        done = first.go_on()

    assert refused.code == 1
    assert "That run seems to be at work." in refused.err
    assert f"kill {first.pid}" in refused.err
    assert (done.code, created(sandbox)) == (0, {"sale": 1})


def test_nothing_is_pushed_under_an_apply(repo: Repo, sandbox: Sandbox) -> None:
    """A push waits for nobody and robs nobody: while an apply is at work it is refused."""
    file = repo.write("kept.json", repo.run("state", "pull").out)
    repo.campaign("sale")
    with at_work(repo, creates=1) as first:
        refused = repo.run("state", "push", str(file), "--force")
        assert first.go_on().code == 0

    assert refused.code == 1
    assert "The state is locked." in refused.err
    assert known(repo) == (ids(sandbox), set())


@pytest.mark.parametrize("how", ["deleted", "forced"])
def test_broken_lock_loses_nothing(repo: Repo, sandbox: Sandbox, lock: Path, how: str) -> None:
    """With the lock gone under a running apply, a second one takes over: each campaign once, known or in doubt."""
    addresses = repo.campaigns(5)
    with at_work(repo, creates=2) as first:
        break_lock(repo, lock, how)
        second = repo.apply()
        done = first.go_on()

    records, doubts = known(repo)
    assert second.code == 3, second.err
    assert "journal cannot be continued" in done.out + done.err
    assert created(sandbox) == dict.fromkeys(addresses, 1)
    assert records.keys() | doubts == set(addresses)
    assert records.items() <= ids(sandbox).items()


def break_lock(repo: Repo, lock: Path, how: str) -> None:
    """Break a lock by hand, or by the command that says that it is for the desperate."""
    if how == "deleted":
        lock.unlink()
    else:
        lock_id = json.loads(lock.read_text(encoding="utf-8"))["lock_id"]
        assert repo.run("state", "unlock", lock_id, "--force").code == 0


def test_what_the_overtaken_apply_learned_is_brought_in(repo: Repo, sandbox: Sandbox, lock: Path) -> None:
    """The apply that was overtaken leaves its outcomes in a recovery file; brought in, state and server agree."""
    addresses = repo.campaigns(3)
    with at_work(repo, creates=3) as first:
        lock.unlink()
        assert repo.apply().code == 3
        done = first.go_on()
    [file] = set(re.findall(r"\S+msgflash-recovery-\S+\.jsonl", done.out + done.err))
    before = repo.state.read_bytes()

    recovered = repo.run("state", "recover", file)

    assert recovered.code == 0, recovered.err
    assert repo.state.with_name("default.json.backup").read_bytes() == before
    assert known(repo) == (ids(sandbox), set())
    assert created(sandbox) == dict.fromkeys(addresses, 1)
    assert repo.run("state", "recover", file).out.startswith("0 brought in")
    assert repo.apply().code == 0
