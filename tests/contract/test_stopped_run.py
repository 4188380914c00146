"""
A run that is stopped on its way to a write, as a closed laptop stops it, while another run takes over; then it wakes.

The run is a process of its own. It is stopped within each request that follows its last words, until a person has
broken its lock and another run has committed and unlocked. What that one wrote is still there in the end, and what the
woken one knew besides is in its hands, for a recovery file.
"""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Backend, Location
from msgflash_apply.state.ledger import init_state, read_state
from msgflash_apply.state.lock import Claim
from msgflash_apply.state.recovery import recover
from tests.support.builders import NOW
from tests.support.command import wait_until
from tests.support.processes import is_stopped
from tests.support.proxy import Proxy
from tests.support.states import ENVIRONMENT, LINEAGE, a_holder, a_run, created, intended, take_the_lock_away
from tests.support.stores import Place, Server, Stores, kinds

REPO = Path(__file__).parents[2]
RUN = """
import json, sys
from pathlib import Path
from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.state.backends.base import Location
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.recovery import recovery_lines
from tests.support.states import a_run, created, intended

url, root, environ = json.loads(sys.argv[1])
error = None
try:
    with a_run(open_backend(Location(url, Path(root), environ, is_trusted=True))) as ledger:
        ledger.append(intended("sale"), created("sale"), intended("tea"))
        print("at work", flush=True)
        sys.stdin.readline()
        ledger.append(created("tea"))
except MsgflashApplyError as err:
    error = str(err)
kept = ledger.endangered if error else ledger.unsaved
print(json.dumps([error, recovery_lines(ledger.head, kept).decode() if kept else None]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", kinds("http-lenient", "s3-seaweedfs", "postgres"))
def test_run_stopped_in_any_request_overwrites_nothing(stores: Stores, tmp_path: Path, kind: str) -> None:
    """Wherever a run was stopped, in an append, its commit or its unlock, what the other run wrote stays."""
    server = stores.server(kind)
    with Proxy(server.port) as proxy:
        place = server.place(tmp_path, port=proxy.port)
        with at_work(place) as run:
            proxy.count()
            assert ended(run) == (None, None)
        requests = proxy.exchanges

    with ThreadPoolExecutor(requests) as pool:
        errors = list(pool.map(lambda number: stopped_in(server, tmp_path, number), range(1, requests + 1)))

    assert len(errors) > 1


def test_run_stopped_before_its_commit_overwrites_nothing(stores: Stores, tmp_path: Path) -> None:
    """A run on a folder that wakes after another took over can write nothing, and has the outcome that it learned."""
    place = stores.place("local", tmp_path)

    with at_work(place) as run:
        run.send_signal(signal.SIGSTOP)
        error = overtaken(place.client(), run)

    assert "another run sealed it" in (error or "")


@contextmanager
def at_work(place: Place) -> Iterator["subprocess.Popen[str]"]:
    """Start a run, on a state that another one left, and wait until it has announced all that it will."""
    storage = place.client()
    init_state(storage, environment=ENVIRONMENT, lineage=LINEAGE)
    with a_run(storage, "run-0") as ledger:
        ledger.append(intended("cup"), created("cup"))
    command = [sys.executable, "-c", RUN, json.dumps([place.url, str(place.root), dict(place.environ)])]
    with subprocess.Popen(command, cwd=REPO, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "at work\n"
            yield process
        finally:
            process.kill()


def stopped_in(server: Server, folder: Path, number: int) -> str | None:
    """Stop a run as soon as a request of this number leaves it, and let another one overtake it; returns its error."""
    with Proxy(server.port) as proxy:
        place = server.place(folder, port=proxy.port)
        with at_work(place) as run:

            def stop(at: int) -> None:
                if at == number:
                    run.send_signal(signal.SIGSTOP)

            proxy.count(stop)
            assert run.stdin is not None
            run.stdin.write("\n")
            run.stdin.flush()
            wait_until(lambda: is_stopped(run.pid))
            return overtaken(directly(place, proxy.port, server.port), run)


def overtaken(storage: Backend, run: "subprocess.Popen[str]") -> str | None:
    """
    Break the lock of a run that is stopped, commit something, wake it, and bring in what it alone knew.

    Nothing that was committed may be gone, and nothing at all once it was brought in.
    """
    take_the_lock_away(storage)
    with a_run(storage, "run-2") as ledger:
        ledger.append(intended("milk"), created("milk"))
    committed = read_state(storage, environment=ENVIRONMENT)

    run.send_signal(signal.SIGCONT)
    error, lines = ended(run)

    found = read_state(storage, environment=ENVIRONMENT)
    assert found.campaigns.items() >= committed.campaigns.items()
    assert found.serial >= committed.serial
    if lines is not None:
        claim = Claim(ENVIRONMENT, a_holder("run-3"), lambda: NOW)
        recover(storage, lines.encode(), claim, where="recovery.jsonl")
    brought_in = read_state(storage, environment=ENVIRONMENT)
    assert (set(brought_in.campaigns), brought_in.in_doubt) == ({"cup", "sale", "tea", "milk"}, {})
    return error


def ended(run: "subprocess.Popen[str]") -> tuple[str | None, str | None]:
    """Let a run go on to its end, and read its error and what it knows alone."""
    out, _ = run.communicate("\n", timeout=60)
    error, lines = json.loads(out)
    return error, lines


def directly(place: Place, proxy_port: int, port: int) -> Backend:
    """Open the storage past the proxy, as the command does."""
    text = json.dumps([place.url, dict(place.environ)]).replace(f":{proxy_port}", f":{port}")
    url, environ = json.loads(text)
    return open_backend(Location(url, place.root, environ, is_trusted=True))
