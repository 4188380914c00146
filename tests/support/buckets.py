"""A bucket on a server in this process, which lies and fails on cue, and clients of it on clocks that are told."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from obstore.store import GCSStore

from msgflash_apply.state.backends.backend import StoreBackend
from msgflash_apply.state.backends.object_store.lock import Terms
from msgflash_apply.state.backends.object_store.objects import Objects
from msgflash_apply.state.backends.object_store.store import ObjectStore
from tests.support.stores.gcs_server import BUCKET, TOKEN, GcsServer, Reply, Request

UNHURRIED = Terms(renew_seconds=3600.0)
"""A lease that nobody renews by itself while a test runs."""


@dataclass
class Clock:
    """A clock that is told."""

    seconds: float = 1_000_000.0

    def __call__(self) -> float:
        """Read it."""
        return self.seconds


@dataclass
class Bucket:
    """
    The server, and its clients.

    Attributes:
        server: see there for how to make it fail.
        clock: of every client, for leases and for the age of journals.
        pauses: how long clients waited, in seconds; they did not really.
    """

    server: GcsServer
    clock: Clock = field(default_factory=Clock)
    pauses: list[float] = field(default_factory=list)

    def objects(self, bucket: str = BUCKET, token: str = TOKEN, port: int = 0) -> Objects:
        """Open the state's folder, perhaps through another port; the library asks again soon."""
        store = GCSStore(
            bucket,
            prefix="team",
            config={"base_url": f"http://127.0.0.1:{port or self.server.port}", "bearer_token": token},
            client_options={"allow_http": True},
            retry_config={"max_retries": 2, "backoff": {"init_backoff": timedelta(seconds=0.01)}},
        )
        return Objects(store, f"gs://{bucket}/team", by_generation=True, pause=self.pauses.append)

    def client(self, terms: Terms = UNHURRIED) -> StoreBackend:
        """Build a client of the state; two of them are two processes as far as the store can tell."""
        return StoreBackend(ObjectStore(self.objects(), terms=terms, clock=self.clock, now=self.clock))

    def listing(self) -> list[str]:
        """List the keys of the state, without their folder."""
        return [key.removeprefix("team/") for key in self.server.listing()]


@contextmanager
def a_bucket(folder: Path) -> Iterator[Bucket]:
    """Serve an empty bucket."""
    with GcsServer(folder).serving() as server:
        yield Bucket(server)


def once(method: str, ending: str, reply: Callable[[Request], Reply | None]) -> Callable[[Request], Reply | None]:
    """Answer the first request of this kind otherwise, and all others as usual."""
    left = [reply]

    def answer(request: Request) -> Reply | None:
        is_it = request.method == method and request.key.endswith(ending)
        return left.pop()(request) if left and is_it else None

    return answer
