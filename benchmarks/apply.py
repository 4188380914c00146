"""
An apply of many creates: its pace where a limit is enforced, and what grows with the number of campaigns where none is.

    python -m benchmarks.apply [--paced 200] [--sizes 1000 10000]

Pace: the server answers after 200 ms and enforces 10 requests a second; the time from the first create to the last is
held against n/10 seconds. Then the same with answers that take up to three times as long, with one create in a hundred
refused for the rate, and with requests that are late on their way. Growth: no limit and no latency; time, memory and
journal bytes of each create, which should be the same at every size. The real command, against a sandbox in this
process.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.corpus import LINEAGE, PROJECT, write_corpus
from benchmarks.measure import Run, run
from benchmarks.speed import PROGRAM, environ_for
from msgflash_apply.sandbox.server import Options, Sandbox
from msgflash_apply.state.backends.backend import StoreBackend
from msgflash_apply.state.backends.local import LocalStore
from msgflash_apply.state.commit import init_state

CREATE: Final = ("POST", "/api/v1/campaigns")
LATENCY_SECONDS: Final = 0.2
RATE: Final = 10
UNLIMITED: Final = "api: {requests_per_second: 100000}\n"
QUOTA: Final = 10_000_000


@dataclass(frozen=True)
class Network:
    """How answers come: what to call it, by how much their times differ, faults, and how the pace is held to n/10."""

    told: str
    jitter_seconds: float = 0.0
    faults: tuple[str, ...] = ()
    target: float | None = 1.05


NETWORKS: Final = (
    Network("200 ms"),
    Network("200 to 600 ms, by chance", jitter_seconds=0.4),
    Network("200 ms, one create in a hundred refused", faults=("POST /api/v1/campaigns 429 probability=0.01",)),
    Network(
        "200 ms, half of the requests late on their way, by up to 400 ms",
        faults=(
            "POST /api/v1/campaigns delay probability=0.25 seconds=0.2",
            "POST /api/v1/campaigns delay probability=0.25 seconds=0.4 seed=2",
        ),
        target=None,
    ),
)
"""The last one is worse than any real way: what left evenly arrives in bunches, and some of each is refused."""


@dataclass(frozen=True)
class Applied:
    """What one apply took: the process, the seconds from the first create to the last, refusals, journal bytes."""

    process: Run
    seconds: float
    refused: int
    journal_bytes: int


def apply(folder: Path, campaigns: int, sandbox: Sandbox, project: str) -> Applied:
    """Make a repo and a state without campaigns, and apply it."""
    write_corpus(folder, campaigns, state=False)
    (folder / "msgflash.yaml").write_text(PROJECT + project, encoding="utf-8")
    init_state(StoreBackend(LocalStore(folder / ".msgflash/default.json")), environment="default", lineage=LINEAGE)
    command = (*PROGRAM, "apply", "--auto-approve", "--override", "request-quota", "--format", "json")
    process = run(command, folder=folder, environ=environ_for(sandbox))
    seen = [(one.time, one.status) for one in sandbox.requests if (one.method, one.path) == CREATE]
    sent_at = [time for time, status in seen if status == 201]
    journals = sum(file.stat().st_size for file in (folder / ".msgflash").glob("*.jsonl"))
    refused = sum(status == 429 for _, status in seen)
    return Applied(process, sent_at[-1] - sent_at[0], refused, journals)


def pace(folder: Path, campaigns: int) -> Iterator[str]:
    """Hold the pace of an apply against the limit."""
    yield f"| {campaigns} creates, latency | Seconds | Of n/{RATE} | Target | 429 |\n|---|---|---|---|---|"
    for number, network in enumerate(NETWORKS):
        options = Options(
            requests_per_second=RATE,
            latency_seconds=LATENCY_SECONDS,
            jitter_seconds=network.jitter_seconds,
            monthly_outbound=QUOTA,
            monthly_api_requests=QUOTA,
        )
        with Sandbox(options) as sandbox:
            for fault in network.faults:
                sandbox.add_fault(fault)
            done = apply(folder / f"pace-{number}", campaigns, sandbox, "")
        ratio = done.seconds / (campaigns / RATE)
        target = "" if network.target is None else f"<= {network.target}"
        yield f"| {network.told} | {done.seconds:.1f} | {ratio:.3f} | {target} | {done.refused} |"


def growth(folder: Path, sizes: Sequence[int]) -> Iterator[str]:
    """Tell what a create costs at each size."""
    yield "| Creates | Per second | CPU ms each | Peak MiB | KiB per further create | Journal bytes each |"
    yield "|---|---|---|---|---|---|"
    first: tuple[int, float] | None = None
    for campaigns in sizes:
        options = Options(requests_per_second=0, monthly_outbound=QUOTA, monthly_api_requests=QUOTA)
        with Sandbox(options) as sandbox:
            done = apply(folder / f"growth-{campaigns}", campaigns, sandbox, UNLIMITED)
        first = first or (campaigns, done.process.peak_mib)
        more = campaigns - first[0]
        each = f"{(done.process.peak_mib - first[1]) * 1024 / more:.1f}" if more else ""
        yield (
            f"| {campaigns} | {campaigns / done.seconds:.0f} | {done.process.cpu_seconds / campaigns * 1000:.2f} "
            f"| {done.process.peak_mib:.0f} | {each} | {done.journal_bytes / campaigns:.0f} |"
        )


def main() -> None:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description="Measure applies of many creates.")
    parser.add_argument("--paced", type=int, default=200, help="Creates of the runs with a limit; 0 for none.")
    parser.add_argument("--sizes", type=int, nargs="*", default=[1_000, 10_000])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="msgflash-apply-") as folder:
        if arguments.paced:
            for line in pace(Path(folder), arguments.paced):
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
        for line in growth(Path(folder), arguments.sizes) if arguments.sizes else ():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
