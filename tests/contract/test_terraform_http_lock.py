"""The lock of a state behind HTTP: proven before it is trusted, and never left behind by accident."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError, StateConflict, StateLocked
from msgflash_apply.state.backends.base import Location, Stored
from msgflash_apply.state.backends.terraform_http.connection import Connection
from msgflash_apply.state.backends.terraform_http.endpoints import credentials_for, endpoints_of
from msgflash_apply.state.backends.terraform_http.server import Retries, Server
from msgflash_apply.state.backends.terraform_http.server_lock import FENCE_SECONDS, ServerLock
from msgflash_apply.state.backends.terraform_http.store import TerraformHttpStore
from tests.support.states import a_holder
from tests.support.stores.http import GITLAB, HTML, LENIENT, ONCE, PLAIN, a_client, environment, methods
from tests.support.stores.http_server import Fault, Reply, StateServer

FIRST = b"one" * 10_000
NEXT = b"two" * 10_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StateServer]:
    """Run a server in this process, where a test can see what it gets and spoil what it answers."""
    with StateServer(tmp_path / "server") as running:
        yield running


def test_server_that_gives_the_lock_to_everybody_is_refused(server: StateServer) -> None:
    """A server that grants a lock twice is not trusted, and keeps no lock of ours."""
    server.checks_lock = False

    with pytest.raises(BackendError, match="gave the lock away twice"):
        a_client(server).lock(a_holder())

    assert methods(server) == ["LOCK", "LOCK", "UNLOCK", "UNLOCK"]


def test_server_that_writes_for_everybody_is_refused(server: StateServer) -> None:
    """A server that takes writes under any lock is not trusted; what was there stays."""
    first = a_client(server)
    version = first.write(b"one", expected=None)
    server.checks_writes = False

    with pytest.raises(BackendError, match="does not enforce its lock"):
        a_client(server).write(b"two", expected=version)

    stored = first.read()
    assert stored is not None
    assert stored.document == b"one"


def test_trouble_proves_nothing(server: StateServer) -> None:
    """Whether a server asks for the lock is asked again if it was in trouble the first time."""
    server.faults = [Fault("POST", HTML)]
    client = a_client(server)

    version = client.write(b"one", expected=None)
    server.checks_writes = False

    with pytest.raises(BackendError, match="does not enforce its lock"):
        client.write(b"two", expected=version)


def test_lock_that_can_not_be_tried_is_given_back(server: StateServer) -> None:
    """Where the lock was taken and the server then fails, it does not stay locked."""
    client = a_client(server, environ=ONCE)
    client.lock(a_holder())
    client.unlock("run-1")
    other = a_client(server, environ=ONCE)
    server.faults = [Fault("LOCK", Reply(200), is_done=True), Fault("LOCK", Reply(501))]

    with pytest.raises(BackendError, match="attempt to lock was answered with 501"):
        other.lock(a_holder("run-2"))

    assert server.state("prod").lock is None


@pytest.mark.parametrize("path", [PLAIN, GITLAB])
def test_lock_whose_answer_was_lost_is_ours(server: StateServer, path: str) -> None:
    """A lock that was granted without our hearing of it is found to be ours."""
    server.faults = [Fault("POST" if path == GITLAB else "LOCK", reply, is_done=True) for reply in (None, HTML)]
    client = a_client(server, path)

    client.lock(a_holder())

    assert client.holder() == a_holder()


def test_lock_that_may_be_ours_is_given_back(server: StateServer) -> None:
    """Where nobody knows whether the lock was granted, it is given back."""
    server.faults = [Fault("LOCK", HTML, is_done=True)]

    with pytest.raises(BackendError, match="answered with 502"):
        a_client(server, environ=ONCE).lock(a_holder())

    assert server.state("prod").lock is None


def test_unlock_whose_answer_was_lost_is_done(server: StateServer) -> None:
    """A lock that was given back without our hearing of it is free, and nobody is told otherwise."""
    client = a_client(server)
    client.lock(a_holder())
    server.faults = [Fault("UNLOCK", None, is_done=True)]

    client.unlock("run-1")

    assert client.holder() is None


def test_unlock_that_fails_is_told(server: StateServer) -> None:
    """A lock that stays because the server is in trouble is an error."""
    client = a_client(server)
    client.lock(a_holder())
    server.faults = [Fault("UNLOCK", HTML)] * 3

    with pytest.raises(BackendError, match="attempt to unlock was answered with 502"):
        client.unlock("run-1")


def test_lock_that_can_not_be_broken_is_told(server: StateServer) -> None:
    """A server that keeps a lock that was to be broken is not believed to have let go."""
    a_client(server).lock(a_holder())
    server.faults = [Fault("UNLOCK", Reply(409))]

    with pytest.raises(BackendError, match="attempt to unlock was answered with 409"):
        a_client(server).break_lock("run-1")


def test_lock_for_one_change_is_waited_for(server: StateServer) -> None:
    """A lock that lasts for one change, or that the server does not name, makes nobody fail: it is gone soon."""
    server.faults = [
        Fault("LOCK", Reply(423, body)) for body in (b'{"ID": "look-1"}', b"locked", b'{"ID": "change-1"}')
    ]
    client = a_client(server)

    client.lock(a_holder())

    assert client.holder() == a_holder()


def test_left_over_lock_for_one_change_is_told(server: StateServer) -> None:
    """A lock for one change that its maker left behind can be found, and broken by its id."""
    server.state("prod").lock = {"ID": "change-1"}
    client = a_client(server, short_lock_seconds=0)

    with pytest.raises(StateLocked, match="state unlock change-1"):
        client.write(b"one", expected=None)
    client.break_lock("change-1")

    client.write(b"one", expected=None)


def test_run_keeps_changes_of_others_out(server: StateServer) -> None:
    """While a run holds the lock, a change from outside is refused at once, with the run's name."""
    a_client(server).lock(a_holder())

    with pytest.raises(StateLocked, match="held by ada on here"):
        a_client(server).write(b"one", expected=None)


def test_failed_change_leaves_no_lock(server: StateServer) -> None:
    """A change that is refused gives the lock back that it took."""
    client = a_client(server)
    client.write(b"one", expected=None)

    with pytest.raises(StateConflict):
        client.write(b"two", expected=None)

    assert server.state("prod").lock is None


@pytest.mark.parametrize(
    ("path", "words"), [(PLAIN, "it was broken"), (LENIENT, "it was broken"), (GITLAB, "a lock that was broken")]
)
def test_broken_lock_stops_its_run(server: StateServer, path: str, words: str) -> None:
    """A run whose lock was broken can write nothing, whether or not another run has the lock by now."""
    run, other = a_client(server, path), a_client(server, path)
    run.lock(a_holder())
    run.append("run-1", b"one\n")
    other.break_lock("run-1")

    with pytest.raises(BackendError, match=words):
        run.append("run-1", b"two\n")
    other.lock(a_holder("run-2"))
    with pytest.raises(BackendError, match=words):
        run.append("run-1", b"two\n")

    assert other.read_journal("run-1") == b"one\n"


def test_document_written_under_a_broken_lock_is_no_success(server: StateServer) -> None:
    """A run whose lock is broken in the moment of its write says so, since it may have overwritten another's."""
    client = a_client(server, LENIENT)
    client.lock(a_holder())
    client.append("run-1", b"one\n")
    state = server.state("prod", "lenient")
    server.faults = [Fault("POST", Reply(200), is_done=True, then=lambda: setattr(state, "lock", None))]

    with pytest.raises(BackendError, match="lock was lost"):
        client.write(b"one", expected=None)

    assert state.lock is None


def test_lock_whose_holder_the_server_does_not_name_is_ours(server: StateServer) -> None:
    """A server that refuses the lock without saying whose it is keeps others out all the same."""
    client = a_client(server)
    client.lock(a_holder())
    server.faults = [Fault("LOCK", Reply(423, b"locked"))] * 3

    client.write(b"one", expected=None)

    assert client.read() is not None


class Slow:
    """A clock of a machine that is so slow, in some of the next steps, that no proof holds until the last of them."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = list(seconds)
        self.at = 0.0

    def __call__(self) -> float:
        """Read it."""
        self.at += self.seconds.pop(0) if self.seconds else 0
        return self.at


def a_server(server: StateServer, *, sleep: Callable[[float], None] = time.sleep) -> Server:
    """Build what asks the server for the state `prod`, once each time."""
    location = Location(f"{server.url}{LENIENT}/prod", Path(), environment(), is_trusted=True)
    endpoints = endpoints_of(location)
    connection = Connection(credentials_for(location, endpoints), is_loopback=True, is_plain=True, timeout_seconds=10)
    return Server(endpoints, connection, Retries(repeats=0), sleep=sleep)


def a_store(server: StateServer, clock: Slow) -> TerraformHttpStore:
    """Open the store of that state by this clock, its lock held by `run-1`."""
    asking = a_server(server)
    lock = ServerLock(asking, short_lock_seconds=0, elapsed=clock)
    lock.take(a_holder())
    return TerraformHttpStore(asking, lock)


@pytest.mark.parametrize("slow", [(0.0, 9.0), (0.0, 0.0, 9.0)], ids=["before the first byte", "before the last bytes"])
def test_write_whose_proof_is_old_is_proven_again(server: StateServer, slow: tuple[float, ...]) -> None:
    """A machine that slept between proof and write proves again; the server never has the whole of the late one."""
    clock = Slow()
    store = a_store(server, clock)
    version = store.put_if(FIRST, expected=None)
    server.requests.clear()
    clock.seconds = list(slow)

    version = store.put_if(NEXT, expected=version)

    assert methods(server).count("LOCK") == 3
    assert store.read() == Stored(NEXT, str(version))


def test_write_that_can_not_leave_in_time_is_reported(server: StateServer) -> None:
    """On a machine or a network that is always too slow, nothing is written, and the error says why."""
    clock = Slow()
    store = a_store(server, clock)
    version = store.put_if(FIRST, expected=None)
    clock.seconds = [9.0] * 100

    with pytest.raises(BackendError, match="too slow to send it in time"):
        store.put_if(NEXT, expected=version)

    assert store.read() == Stored(FIRST, str(version))


def test_lock_that_is_broken_keeps_others_out_for_a_while(server: StateServer) -> None:
    """While the run whose lock was broken may still be about to write, none can take the lock: it would not notice."""
    holder = replace(a_holder(), host=socket.gethostname(), pid=os.getpid())
    a_client(server, LENIENT).lock(holder)
    seen = []

    def look(seconds: float) -> None:
        held = server.state("prod", "lenient").lock or {}
        seen.append((seconds, str(held["ID"]).partition("-")[0]))

    breaking = a_server(server, sleep=look)
    ServerLock(breaking, short_lock_seconds=0).take_away("run-1")

    assert seen == [(FENCE_SECONDS, "change")]
    assert server.state("prod", "lenient").lock is None


def test_lock_that_is_broken_between_proof_and_write_is_reported(server: StateServer) -> None:
    """A write that the server refuses for its lock, right behind the proof that it was held, is not repeated."""
    client = a_client(server)
    client.lock(a_holder())
    client.append("run-1", b"one\n")
    server.requests.clear()
    server.faults = [Fault("POST", Reply(423, b"locked"))]

    with pytest.raises(BackendError, match=r"refused to write under this run's lock \(423\)"):
        client.append("run-1", b"two\n")

    assert methods(server) == ["GET", "LOCK", "POST", "GET"]
