"""
The state behind HTTP: what is asked of the server, what a lost answer means, and what is never overwritten.

What every backend promises is in `test_backend_suite.py`, which runs on both dialects of the server; connections that
are cut are in `test_backend_faults.py`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError, MsgflashApplyError, StateConflict
from msgflash_apply.state.backends.base import Backend
from tests.support.states import a_holder
from tests.support.stores.http import GITLAB, HTML, PLAIN, a_client, methods
from tests.support.stores.http_server import Fault, Reply, StateServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StateServer]:
    """Run a server in this process, where a test can see what it gets and spoil what it answers."""
    with StateServer(tmp_path / "server") as running:
        yield running


def test_run_asks_little(server: StateServer) -> None:
    """A lock is two requests, a change under it three; each first one of a client tries what the server checks."""
    client = a_client(server)

    client.lock(a_holder())
    assert methods(server) == ["LOCK", "LOCK"]
    client.append("run-1", b"one\n")
    assert methods(server) == ["GET", "LOCK", "POST", "LOCK", "POST"]
    client.append("run-1", b"two\n")
    assert methods(server) == ["GET", "LOCK", "POST"]
    client.write(b"one", expected=None)
    assert methods(server) == ["GET", "LOCK", "POST", "LOCK"]
    client.unlock("run-1")
    assert methods(server) == ["UNLOCK"]


def test_change_without_a_run_takes_the_lock_for_itself(server: StateServer) -> None:
    """A change outside a run locks, writes under that lock, and unlocks; where nothing changes nothing is written."""
    client = a_client(server, GITLAB)

    client.write(b"one", expected=None)
    assert methods(server) == ["POST", "POST", "GET", "POST", "DELETE"]
    client.drop("run-1")
    assert methods(server) == ["POST", "GET", "DELETE"]
    assert server.state("prod", "gitlab").lock is None


def test_gitlab_keeps_every_version(server: StateServer) -> None:
    """Every write has the next serial, as GitLab demands."""
    client = a_client(server, GITLAB)

    version = client.write(b"one", expected=None)
    client.append("run-1", b"line\n")
    client.write(b"two", expected=version)

    assert server.state("prod", "gitlab").serials() == [1, 2, 3]


def test_variables_choose_methods_and_addresses(server: StateServer) -> None:
    """The environment's methods and addresses are the ones used."""
    gitlab = f"{server.url}{GITLAB}/elsewhere/lock"
    variables = {"TF_HTTP_UPDATE_METHOD": "PUT", "TF_HTTP_LOCK_METHOD": "POST", "TF_HTTP_UNLOCK_METHOD": "DELETE"}
    client = a_client(server, environ={**variables, "TF_HTTP_LOCK_ADDRESS": gitlab})
    server.checks_writes = False

    with pytest.raises(BackendError, match="took a write under a lock that is not held"):
        client.write(b"one", expected=None)

    assert {request.partition("?")[0] for request in server.requests} == {
        f"POST {GITLAB}/elsewhere/lock",
        f"GET {PLAIN}/prod",
        f"PUT {PLAIN}/prod",
        f"DELETE {GITLAB}/elsewhere/lock",
    }


@pytest.mark.parametrize("path", [PLAIN, GITLAB])
@pytest.mark.parametrize("reply", [None, HTML])
def test_write_whose_answer_was_lost_is_found(server: StateServer, path: str, reply: Reply | None) -> None:
    """A write that came through without our hearing of it is looked up and holds; it is not written twice."""
    client = a_client(server, path)
    client.lock(a_holder())
    client.append("run-1", b"one\n")
    proof = [] if path == GITLAB else ["LOCK"]
    server.requests.clear()
    server.faults = [Fault("POST", reply, is_done=True)]

    client.append("run-1", b"two\n")

    assert methods(server) == ["GET", *proof, "POST", "GET"]
    assert client.read_journal("run-1") == b"one\ntwo\n"


@pytest.mark.parametrize("path", [PLAIN, GITLAB])
def test_write_that_was_lost_is_repeated(server: StateServer, path: str) -> None:
    """A write that did not come through is sent again."""
    client = a_client(server, path)
    client.lock(a_holder())
    client.append("run-1", b"one\n")
    server.faults = [Fault("POST"), Fault("POST", Reply(429, headers={"Retry-After": "0"}))]

    client.append("run-1", b"two\n")

    assert client.read_journal("run-1") == b"one\ntwo\n"


def test_write_that_never_comes_through_is_told(server: StateServer) -> None:
    """After as many attempts as the environment wants, the failure is told and nothing has changed."""
    client = a_client(server)
    version = client.write(b"one", expected=None)
    server.requests.clear()
    server.faults = [Fault("POST", HTML)] * 3

    with pytest.raises(BackendError, match="attempt to write was answered with 502") as caught:
        client.write(b"two", expected=version)

    assert "<html>" not in str(caught.value)
    assert methods(server).count("POST") == 3
    stored = client.read()
    assert stored is not None
    assert stored.version == version


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda client: client.write(b"mine", expected=None), StateConflict),
        (lambda client: client.append("run-1", b"line\n"), BackendError),
    ],
)
def test_write_that_was_overtaken_is_told(
    server: StateServer, change: Callable[[Backend], object], error: type[MsgflashApplyError]
) -> None:
    """Where another bundle is there after a write was lost, it stays, and the write is not repeated."""
    a_client(server).write(b"one", expected=None)
    state = server.state("prod")
    theirs = state.read() or b""
    state.remove()
    client = a_client(server)
    client.lock(a_holder())
    client.drop("run-0")
    server.faults = [
        Fault("POST", Reply(409)),
        Fault("POST", Reply(500), then=lambda: state.write(1, theirs)),
    ]

    with pytest.raises(error, match=r"state changed after it was read|another run wrote"):
        change(client)

    assert state.read() == theirs


def test_journal_that_somebody_wrote_to_is_not_continued(server: StateServer) -> None:
    """A journal that is not as this run left it gets no more lines: one of them would be damage."""
    client = a_client(server)
    client.append("run-1", b"one\n")
    state = server.state("prod")
    state.write(1, (state.read() or b"").replace(b"one", b"another one"))

    with pytest.raises(BackendError, match="not as this run left it"):
        client.append("run-1", b"two\n")


def test_page_of_a_stranger_is_no_state(server: StateServer) -> None:
    """A proxy's sign-in page is neither a state nor the absence of one, and is not repeated."""
    server.faults = [Fault("GET", Reply(200, b"<html>Sign in</html>"))]

    with pytest.raises(BackendError, match="it is no JSON") as caught:
        a_client(server).read()

    assert "Sign in" not in str(caught.value)


@pytest.mark.parametrize("path", [PLAIN, GITLAB])
def test_state_of_terraform_is_never_overwritten(server: StateServer, path: str) -> None:
    """A state of real infrastructure is refused by every method, and stays."""
    theirs = b'{"version": 4, "terraform_version": "1.11.4", "serial": 7, "resources": []}'
    state = server.state("prod", "gitlab" if path == GITLAB else "state")
    state.write(7, theirs)
    client = a_client(server, path)

    for use in (
        client.read,
        client.remains,
        lambda: client.write(b"one", expected=None),
        lambda: client.append("run-1", b"line\n"),
        lambda: client.drop("run-1"),
    ):
        with pytest.raises(BackendError, match="it is a state of Terraform"):
            use()

    assert (state.read(), state.lock) == (theirs, None)


@pytest.mark.parametrize("reply", [Reply(404), Reply(204), Reply(200)])
def test_nothing_is_no_state(server: StateServer, reply: Reply) -> None:
    """404, 204 and an empty answer all mean that nothing is there."""
    server.faults = [Fault("GET", reply)]

    assert a_client(server).read() is None
