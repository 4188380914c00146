"""A real process that holds the lock, and is killed with it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from msgflash_apply.errors import StateLocked
from msgflash_apply.state.ledger import read_state
from tests.support.states import ENVIRONMENT, a_backend, a_run, a_state

RUN = """
import sys
from pathlib import Path
from tests.support.states import a_backend, a_run, intended
with a_run(a_backend(Path(sys.argv[1])), "run-1") as ledger:
    ledger.append(intended())
    print("announced", flush=True)
    sys.stdin.read()
"""


@contextmanager
def a_process_at_work(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a run in another process and wait until its intent is durable; kill it at the end."""
    command = [sys.executable, "-c", RUN, str(folder)]
    repo = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=repo, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "announced\n"
            yield process
        finally:
            process.kill()


def test_living_process_keeps_its_lock(tmp_path: Path) -> None:
    """While a process is at work nobody else gets the lock, and its intent is already there to be read."""
    backend = a_state(tmp_path)

    with a_process_at_work(tmp_path), pytest.raises(StateLocked), a_run(backend, "run-2"):
        pass

    assert set(read_state(backend, environment=ENVIRONMENT).in_doubt) == {"sale"}


def test_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    """A process that was killed leaves its lock and its intent; the next run takes the lock and knows of the intent."""
    a_state(tmp_path)
    with a_process_at_work(tmp_path):
        pass

    backend = a_backend(tmp_path)
    assert backend.holder() is not None
    with a_run(backend, "run-2") as ledger:
        assert (set(ledger.snapshot.in_doubt), ledger.snapshot.serial) == ({"sale"}, 2)

    assert backend.holder() is None
