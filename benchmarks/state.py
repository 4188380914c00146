"""
What a state costs where it is kept: requests, bytes and time of a plan, of an apply, and of each create in it.

    python -m benchmarks.state [--campaigns 100 1000 10000] [--kinds local s3-seaweedfs postgres http]

The real command works against the tests' own servers on this machine, through a proxy that counts; MsgFlash is the
sandbox. Each line begins with a state of so many campaigns. A create's share is the difference between an apply of few
creates and one of many, at the usual pace of 9.85 a second, so that what opening and closing a state costs is apart.
Requests are turns on a connection: an HTTP request and its answer, or a turn of PostgreSQL's protocol, logins included.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final

from benchmarks.corpus import write_corpus
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import FAST, Repo, in_days
from tests.support.proxy import Proxy
from tests.support.stores import KINDS, Server

FEW: Final = 20
MANY: Final = 120
HEADINGS: Final = (
    "storage", "campaigns", "plan: requests", "kB", "s", "apply: requests", "kB", "create: requests", "kB",
    f"{MANY} creates: s",
)  # fmt: skip


@dataclass(frozen=True)
class Cost:
    """What one command took: requests (exchanges with the storage), bytes in both directions, seconds in all."""

    requests: int
    size_bytes: int
    seconds: float


@dataclass(frozen=True)
class Line:
    """What was measured of one storage with one number of campaigns."""

    kind: str
    campaigns: int
    plan: Cost
    few: Cost
    many: Cost

    @property
    def requests_per_create(self) -> float:
        """What one more create in an apply takes."""
        return (self.many.requests - self.few.requests) / (MANY - FEW)

    @property
    def bytes_per_create(self) -> float:
        """Likewise."""
        return (self.many.size_bytes - self.few.size_bytes) / (MANY - FEW)

    def cells(self) -> tuple[str, ...]:
        """Word it for the table."""
        opening = self.few.requests - FEW * self.requests_per_create
        opening_bytes = self.few.size_bytes - FEW * self.bytes_per_create
        return (
            self.kind,
            f"{self.campaigns}",
            f"{self.plan.requests}",
            _kilobytes(self.plan.size_bytes),
            f"{self.plan.seconds:.1f}",
            f"{opening:.0f}",
            _kilobytes(opening_bytes),
            f"{self.requests_per_create:.2f}",
            _kilobytes(self.bytes_per_create),
            f"{self.many.seconds:.1f}",
        )


class Bench:
    """
    A campaigns repo whose state is somewhere.

    Args:
        repo: with campaigns, all of which are on record.
        proxy: on the way to the storage; None where there is no way to count.
    """

    def __init__(self, repo: Repo, proxy: Proxy | None) -> None:
        self._repo = repo
        self._proxy = proxy
        self._numbers = count(1)

    def plan(self) -> Cost:
        """Plan once so that the disk is warm, and once to be measured."""
        self._run("plan")
        return self._run("plan")

    def apply(self, creates: int) -> Cost:
        """Apply so many new campaigns."""
        for number in (next(self._numbers) for _ in range(creates)):
            self._repo.campaign(f"new/c{number:04d}", schedule=in_days(30, minutes=number))
        return self._run("apply", "--auto-approve")

    def _run(self, *arguments: str) -> Cost:
        if self._proxy is not None:
            self._proxy.count()
        began_at = time.monotonic()
        process = self._repo.start(*arguments).process
        out, err = process.communicate()  # however long it takes
        seconds = time.monotonic() - began_at
        if process.returncode:
            raise RuntimeError(f"{arguments} ended with {process.returncode}:\n{out[-2000:]}{err[-2000:]}")
        if self._proxy is None:
            return Cost(0, 0, seconds)
        return Cost(self._proxy.exchanges, self._proxy.sent_bytes + self._proxy.received_bytes, seconds)


def measure(kind: str, server: Server, campaigns: int, folder: Path) -> Line:
    """Measure one storage with one number of campaigns, in an empty folder."""
    with a_bench(server, campaigns, folder) as bench:
        bench.apply(1)  # From here on there is a former document to be kept, as there is in real life.
        return Line(kind, campaigns, bench.plan(), bench.apply(FEW), bench.apply(MANY))


@contextmanager
def a_bench(server: Server, campaigns: int, folder: Path) -> Iterator[Bench]:
    """Make a repo of so many campaigns, all on record in a state that a server keeps."""
    write_corpus(folder, campaigns)
    document = folder / ".msgflash/default.json"
    with Sandbox(FAST) as sandbox, Proxy(server.port) if server.port else nullcontext() as proxy:
        place = server.place(folder, port=0 if proxy is None else proxy.port)
        if proxy is not None:
            place.client().write(document.read_bytes(), expected=None)
        environ = dict(place.environ) | ({} if proxy is None else {"MSGFLASH_STATE": place.url})
        yield Bench(Repo(folder, sandbox, environ), proxy)


def _kilobytes(size_bytes: float) -> str:
    return f"{size_bytes / 1000:.1f}" if size_bytes < 10_000 else f"{size_bytes / 1000:.0f}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def main() -> None:
    """Measure what the command line names, and print a table."""
    parser = argparse.ArgumentParser(description="Measure what a state costs where it is kept.")
    parser.add_argument("--campaigns", type=int, nargs="+", default=[100, 1_000, 10_000])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=["local", "s3-seaweedfs", "postgres", "http"])
    arguments = parser.parse_args()
    sys.stdout.write(_row(HEADINGS) + _row(["---"] * len(HEADINGS)))
    for kind in arguments.kinds:
        with tempfile.TemporaryDirectory() as data, KINDS[kind][0](Path(data)) as server:
            for campaigns in arguments.campaigns:
                with tempfile.TemporaryDirectory() as folder:
                    line = measure(kind, server, campaigns, Path(folder))
                sys.stdout.write(_row(line.cells()))
                sys.stdout.flush()


if __name__ == "__main__":
    main()
