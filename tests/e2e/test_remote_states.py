"""The real command with its state on a server: its whole way, two pipelines, and a store that goes away."""

import getpass
import re
import signal
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import CREATE, QUICKEST_PROJECT, Completed, Repo, created, creates_seen, ids, wait_until
from tests.support.processes import is_stopped, recovery_file
from tests.support.proxy import Proxy
from tests.support.stores import Server, Stores, every_storage, kinds, one_of_each

MANY = 20
SECRET = re.compile("KEY|SECRET|TOKEN|PASSWORD")


@pytest.fixture(params=every_storage())
def kind(request: pytest.FixtureRequest) -> str:
    """Try each remote kind."""
    return str(request.param)


@pytest.fixture
def server(kind: str, stores: Stores) -> Server:
    """Serve states of this kind."""
    return stores.server(kind)


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    """Stand before the server."""
    with Proxy(server.port) as running:
        yield running


@dataclass
class Overheard(Repo):
    """
    A repo all of whose commands are listened to.

    Attributes:
        said: how each of them ended so far, and what it said.
    """

    said: list[Completed] = field(default_factory=list)

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> Completed:
        """Run a command to its end, without a terminal."""
        self.said.append(super().run(*arguments, env=env))
        return self.said[-1]


@pytest.fixture
def repo(tmp_path: Path, sandbox: Sandbox, server: Server, proxy: Proxy) -> Overheard:
    """Make a repo whose pipeline has its state on the server, by the environment alone, and begins it with `init`."""
    place = server.place(tmp_path, port=proxy.port)
    environ = {"PGPASSWORD": "c4nary-of-the-database", **place.environ, "MSGFLASH_STATE": place.url}
    made = Overheard(tmp_path, sandbox, environ)
    made.write("msgflash.yaml", QUICKEST_PROJECT)
    (tmp_path / "campaigns").mkdir()
    begun = made.run("init")
    assert begun.code == 0, begun.err
    return made


def known(repo: Repo) -> tuple[dict[str, str], set[str]]:
    """Read which ids the state has by address, and which addresses are in doubt."""
    entries = repo.run("state", "list", "--format", "json").document["campaigns"]
    assert isinstance(entries, list)
    recorded = {entry["address"]: entry["record"]["id"] for entry in entries if entry["record"]}
    return recorded, {entry["address"] for entry in entries if entry["in_doubt"]}


@pytest.mark.slow
def test_the_whole_way(repo: Overheard, sandbox: Sandbox) -> None:
    """
    From nothing to campaigns that are sent, looked at, changed and forgotten, with nothing kept on this disk.

    Credentials of the store are in no output, log, error or file, whatever goes right or wrong.
    """
    repo.environ["MSGFLASH_LOG"] = "debug"
    repo.campaigns(2)
    assert repo.actions() == {"c00": "create", "c01": "create"}
    assert repo.apply().code == 0
    assert known(repo) == (ids(sandbox), set())

    repo.remove("c01")
    assert repo.apply().code == 0
    assert repo.run("drift").code == 0
    assert repo.run("state", "rm", "c01", "--auto-approve").code == 0
    assert "c01" in repo.run("state", "history").out

    pulled = repo.run("state", "pull").document["campaigns"]
    assert isinstance(pulled, dict)
    assert pulled.keys() == {"c00"}
    assert not (repo.folder / ".msgflash").exists()

    unlock = ("state", "unlock", "nobody")
    wrong = [
        repo.run(*unlock),
        *(repo.run(*command, env=away(repo)) for command in (("apply", "--auto-approve"), unlock)),
    ]
    assert [each.code for each in wrong] == [1, 1, 1]
    secrets = {text for name, text in repo.environ.items() if SECRET.search(name)}
    written = [path.read_text(encoding="utf-8") for path in repo.folder.rglob("*") if path.is_file()]
    everything = "\n".join([*written, *(each.out + each.err for each in repo.said)])
    assert everything.count("DEBUG") > len(repo.said)
    assert not [secret for secret in secrets if secret in everything]


def away(repo: Repo) -> dict[str, str]:
    """Say in the environment that the store is where nothing is."""
    endpoints = {name: re.sub(r":\d+", ":1", text) for name, text in repo.environ.items() if text.startswith("http://")}
    return {**endpoints, "MSGFLASH_STATE": re.sub(r":\d+/", ":1/", repo.environ["MSGFLASH_STATE"])}


@pytest.mark.slow
@pytest.mark.parametrize("kind", one_of_each(), indirect=True)
def test_second_pipeline_is_refused_or_waits(repo: Repo, sandbox: Sandbox) -> None:
    """While an apply has the lock, another is told who has it, or waits with --lock-timeout and finds nothing to do."""
    repo.campaigns(MANY)
    sandbox.add_fault(f"{CREATE} delay times=* seconds=0.5")
    first = repo.start("apply", "--auto-approve")
    wait_until(lambda: creates_seen(sandbox) > 0 or first.process.poll() is not None)
    first.signal(signal.SIGSTOP)
    sandbox.clear_faults()

    refused = repo.apply()
    waiting = repo.start("apply", "--auto-approve", "--lock-timeout", "60s")
    first.signal(signal.SIGCONT)
    done, waited = first.wait(), waiting.wait()

    assert (done.code, refused.code, waited.code) == (0, 1, 0), done.err + waited.err
    holder = f"held by {getpass.getuser()} on {socket.gethostname()} (process {first.process.pid}) for `apply` since 20"
    assert holder in refused.err
    assert "Your files match the recorded state" in waited.out
    assert created(sandbox) == {f"c{number:02d}": 1 for number in range(MANY)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", one_of_each(), indirect=True)
def test_store_that_goes_away_and_comes_back(repo: Repo, sandbox: Sandbox, proxy: Proxy) -> None:
    """An apply whose store goes away sends nothing more; its recovery file completes the record once it is back."""
    repo.campaigns(MANY)
    sandbox.add_fault(f"{CREATE} delay times=* seconds=0.5")
    running = repo.start("apply", "--auto-approve")
    wait_until(lambda: creates_seen(sandbox) >= 2 or running.process.poll() is not None)
    proxy.refuse()
    ended = running.wait()
    proxy.heal()
    sandbox.clear_faults()

    assert ended.code == 1, ended.out + ended.err
    assert "Stopped early" in ended.out
    assert "Traceback" not in ended.err
    assert creates_seen(sandbox) < MANY
    recovered = with_the_lock_taken_away(repo, "state", "recover", str(recovery_file(ended)))
    assert recovered.code == 0, recovered.err
    recorded, doubts = known(repo)
    assert recorded == ids(sandbox)
    repo.let_an_hour_pass()
    for address in doubts:  # announced just when the store went away, and never sent
        assert repo.run("resolve", address, "--not-created", "--yes").code == 0
    assert repo.apply().code == 0
    assert created(sandbox) == {f"c{number:02d}": 1 for number in range(MANY)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds("http-lenient"), indirect=True)
def test_apply_that_was_stopped_before_a_write_and_overtaken(repo: Repo, sandbox: Sandbox, proxy: Proxy) -> None:
    """An apply that wakes after its lock was broken overwrites nothing, exits 1, and keeps what it learned."""
    repo.campaigns(2)
    steps = count(1)
    running = repo.start("apply", "--auto-approve")

    def stop_at_the_second(_number: int) -> None:
        if creates_seen(sandbox) > 0 and next(steps) == 2:  # it has read, proves its lock, and is about to write
            running.signal(signal.SIGSTOP)

    proxy.fate = stop_at_the_second
    wait_until(lambda: is_stopped(running.process.pid))
    lock_id = re.findall(r"state unlock (\S+)", repo.apply().err)[0]
    assert repo.run("state", "unlock", lock_id, "--force").code == 0
    assert repo.apply().code == 3
    taken_over = repo.run("state", "pull").out

    running.signal(signal.SIGCONT)
    ended = running.wait()

    assert ended.code == 1, ended.out + ended.err
    assert "The state's lock was lost." in ended.out
    assert repo.run("state", "pull").out == taken_over
    assert repo.run("state", "recover", str(recovery_file(ended))).code == 0
    assert known(repo) == (ids(sandbox), set())
    assert created(sandbox) == {"c00": 1, "c01": 1}


def with_the_lock_taken_away(repo: Repo, *command: str) -> Completed:
    """Run a command; where a dead run left its lock, first do what the error says, as whoever knows that it is dead."""
    done = repo.run(*command)
    told = re.search(r"msgflash-apply (state unlock \S+)", done.err)
    if told is None:
        return done
    assert repo.run(*told[1].split()).code == 0
    return repo.run(*command)
