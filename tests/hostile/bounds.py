"""A bomb goes off in a process of its own: with little memory, little time, and nobody else to hurt."""

import json
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

MEMORY_BYTES = 1024**3
"""Of address space, the program's own and its libraries' included: they take half of it before anything is read."""

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ending:
    """
    How one input ended.

    Attributes:
        what: `read`, or what was refused, in the words of the refusal.
        seconds: of processor time.
        peak_bytes: the most memory that the process ever had.
    """

    what: str
    seconds: float
    peak_bytes: int


class Broken(AssertionError):
    """An input that ended in something else than a value or an error of ours."""


def confined(reader: str, data: bytes, *, seconds: int = 10) -> Ending:
    """
    Let a reader of `readers.READERS` read bytes in a process that is ended when it takes too much.

    Raises:
        Broken: it died, or ran out of time or memory, or raised what no caller expects.
    """
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-m", "tests.hostile.bounds", reader],
        input=data,
        capture_output=True,
        check=False,
        cwd=ROOT,
        preexec_fn=lambda: _limit(seconds),
    )
    if done.returncode:
        raise Broken(f"{reader}: ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}")
    return Ending(**json.loads(done.stdout))


def _limit(seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Read standard input with the reader that is named, and tell how it ended."""
    from tests.hostile.readers import READERS  # noqa: PLC0415 - it imports the whole program

    what = READERS[sys.argv[1]](sys.stdin.buffer.read())
    used = resource.getrusage(resource.RUSAGE_SELF)
    said = {"what": what, "seconds": used.ru_utime + used.ru_stime, "peak_bytes": used.ru_maxrss * 1024}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main()
