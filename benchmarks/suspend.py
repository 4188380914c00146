"""
An apply whose machine sleeps in the middle: how many creates come into doubt, which should be none.

    python -m benchmarks.suspend [--creates 600] [--seconds 66] [--store local]

The real command is stopped (SIGSTOP) after a third of its creates, for longer than it waits for an answer, and goes on.
The server answers after 200 ms and enforces 10 requests a second; so creates are in flight at that moment, and all
their answers wait for it. An hour's apply has 36 000 creates. Exits 1 where one is in doubt, was created twice, or is
missing.
"""

import argparse
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.corpus import LINEAGE, PROJECT, write_corpus
from msgflash_apply.sandbox.server import Options, Sandbox
from msgflash_apply.state.commit import init_state
from msgflash_apply.state.reading import read_state
from tests.support.command import Repo, created
from tests.support.stores import KINDS

QUOTA = 10_000_000
OPTIONS = Options(latency_seconds=0.2, monthly_outbound=QUOTA, monthly_api_requests=QUOTA)


@dataclass(frozen=True)
class Slept:
    """What became of an apply that slept: the command's end, creates wanted, in doubt, twice and missing, refusals."""

    code: int
    seconds: float
    creates: int
    in_doubt: int
    twice: int
    missing: int
    refused: int

    @property
    def is_good(self) -> bool:
        """Whether everything was created once, and is known."""
        return (self.code, self.in_doubt, self.twice, self.missing) == (0, 0, 0, 0)


def apply(kind: str, creates: int, seconds: float) -> Slept:
    """Apply so many creates on an empty state, and stop the command for some seconds."""
    with ExitStack() as exits:
        folder, data = (Path(exits.enter_context(tempfile.TemporaryDirectory())) for _ in range(2))
        sandbox = exits.enter_context(Sandbox(OPTIONS))
        place = exits.enter_context(KINDS[kind][0](data)).place(folder)
        write_corpus(folder, creates, state=False)
        (folder / "msgflash.yaml").write_text(PROJECT, encoding="utf-8")
        init_state(place.client(), environment="default", lineage=LINEAGE)
        repo = Repo(folder, sandbox, {**place.environ, "MSGFLASH_STATE": place.url})
        began_at = time.monotonic()
        process = repo.start("apply", "--auto-approve", "--override", "request-quota", "--format", "json").process
        while process.poll() is None and len(sandbox.campaigns()) < creates // 3:
            time.sleep(0.05)
        process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        process.send_signal(signal.SIGCONT)
        process.communicate()
        found = created(sandbox)
        return Slept(
            code=process.returncode,
            seconds=time.monotonic() - began_at,
            creates=creates,
            in_doubt=len(read_state(place.client(), environment="default").in_doubt),
            twice=sum(times - 1 for times in found.values()),
            missing=creates - len(found),
            refused=sum(request.status == 429 for request in sandbox.requests),
        )


def main() -> int:
    """Measure, and print a line; returns the exit code."""
    parser = argparse.ArgumentParser(description="Let an apply sleep, and count its doubts.")
    parser.add_argument("--creates", type=int, default=600)
    parser.add_argument("--seconds", type=float, default=66.0)
    parser.add_argument("--store", choices=KINDS, default="local", help="where the state is kept")
    arguments = parser.parse_args()
    slept = apply(arguments.store, arguments.creates, arguments.seconds)
    sys.stdout.write(f"{arguments.store}: {slept}\n")
    return 0 if slept.is_good else 1


if __name__ == "__main__":
    sys.exit(main())
