"""States on a server of Terraform's HTTP backend protocol, in either dialect: the tests' own, in its own process."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from msgflash_apply.state.backends.backend import StoreBackend
from msgflash_apply.state.backends.base import Backend, Location, Store
from msgflash_apply.state.backends.terraform_http.store import open_terraform_http
from tests.support.stores.http_server import WRITER, Reply, StateServer
from tests.support.stores.place import Place

REPO = Path(__file__).parents[3]
PLAIN = "/state"
LENIENT = "/lenient"
GITLAB = "/api/v4/projects/7/terraform/state"
HTML = Reply(502, b"<html>Bad gateway</html>", {"Content-Type": "text/html"})
ONCE = {"TF_HTTP_RETRY_MAX": "0"}
_SERVE = "from tests.support.stores.http_server import main; main()"


class HttpPlace(Place):
    """A place whose clients wait for nothing once they broke a lock; where that matters, tests use `open_backend`."""

    def open(self, location: Location) -> Store:
        """Open the storage."""
        return open_terraform_http(location, fence_seconds=0)


class _HttpStore:
    def __init__(self, folder: Path, path: str) -> None:
        self._folder = folder
        self._path = path
        self._numbers = count(1)
        self.port = 0
        self._process = self._start()

    def place(self, folder: Path, *, port: int = 0) -> Place:
        """Choose an address that nobody uses."""
        name = f"state-{next(self._numbers)}"
        return HttpPlace(f"http://127.0.0.1:{port or self.port}{self._path}/{name}", folder, environment())

    def restart(self) -> None:
        """Kill the server, and start it on its data and its port."""
        self.stop()
        self._process = self._start()

    def stop(self) -> None:
        """Kill the server."""
        self._process.kill()
        self._process.communicate()

    def _start(self) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, self._folder, str(self.port)],
            cwd=REPO,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        self.port = int(process.stdout.readline())  # It listens: whoever connects now is answered.
        return process


def a_client(
    server: StateServer,
    path: str = PLAIN,
    *,
    environ: Mapping[str, str] | None = None,
    short_lock_seconds: float = 20.0,
) -> Backend:
    """Build a client of the state `prod` on a server of this process; what is not said otherwise is as it wants it."""
    variables = {**environment(), "TF_HTTP_RETRY_WAIT_MIN": "0", **(environ or {})}
    location = Location(f"{server.url}{path}/prod", Path(), variables, is_trusted=True)
    return StoreBackend(open_terraform_http(location, short_lock_seconds=short_lock_seconds, fence_seconds=0))


def as_user(user: tuple[str, str]) -> dict[str, str]:
    """Say who asks."""
    return {"TF_HTTP_USERNAME": user[0], "TF_HTTP_PASSWORD": user[1]}


def methods(server: StateServer) -> list[str]:
    """List the methods of the requests so far, and forget them."""
    seen = [request.partition(" ")[0] for request in server.requests]
    server.requests.clear()
    return seen


def environment() -> dict[str, str]:
    """Say who may write there; and try again soon, since the server is near."""
    return {
        **as_user(WRITER),
        "TF_HTTP_RETRY_WAIT_MIN": "0.05",
        "TF_HTTP_RETRY_WAIT_MAX": "0.5",
    }


@contextmanager
def http_store(folder: Path) -> Iterator[_HttpStore]:
    """Serve states as Terraform documents it."""
    with _running(_HttpStore(folder, PLAIN)) as store:
        yield store


@contextmanager
def lenient_store(folder: Path) -> Iterator[_HttpStore]:
    """Serve states as many servers do, which check the lock only while one is held."""
    with _running(_HttpStore(folder, LENIENT)) as store:
        yield store


@contextmanager
def gitlab_store(folder: Path) -> Iterator[_HttpStore]:
    """Serve states as GitLab does."""
    with _running(_HttpStore(folder, GITLAB)) as store:
        yield store


@contextmanager
def _running(store: _HttpStore) -> Iterator[_HttpStore]:
    try:
        yield store
    finally:
        store.stop()
