"""`sandbox`: the embedded MsgFlash as a person starts it in one terminal and uses it from another."""

import re
import signal
from collections.abc import Iterator

import pytest

from tests.support.command import Repo, Running
from tests.support.sandbox import Client


@pytest.fixture
def serving(repo: Repo) -> Iterator[Running]:
    """Start the sandbox on any free port."""
    running = repo.start("sandbox", "--port", "0")
    yield running
    running.signal(signal.SIGKILL)
    running.wait()


def read_up_to(running: Running, pattern: str) -> re.Match[str]:
    """Read lines of stdout until one fits."""
    assert running.process.stdout is not None
    for line in running.process.stdout:
        if found := re.search(pattern, line):
            return found
    raise AssertionError(f"nothing fits {pattern}")


def test_it_says_how_to_use_it(serving: Running, repo: Repo) -> None:
    """The lines that it prints can be pasted, and then a plan finds it."""
    url = read_up_to(serving, r"export MSGFLASH_BASE_URL=(\S+)")[1]
    key = read_up_to(serving, r"export MSGFLASH_API_KEY=(\S+)")[1]
    repo.campaign("sale")
    planned = repo.run("plan", env={"MSGFLASH_BASE_URL": url, "MSGFLASH_API_KEY": key})
    assert planned.code == 0, planned.err
    assert Client(url, key).get("/instances").status == 200


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0)])
def test_it_ends_in_good_order(serving: Running, number: int, code: int) -> None:
    """Ctrl-C is how it is stopped: no error, no traceback."""
    read_up_to(serving, "export MSGFLASH_API_KEY")
    serving.signal(number)
    stopped = serving.wait()
    assert stopped.code == code, stopped.err
    assert stopped.err == ""


@pytest.mark.parametrize(
    "arguments",
    [("--host", "0.0.0.0"), ("--fault", "nonsense"), ("--start-at", "tomorrow"), ("--clock", "-1")],  # noqa: S104 - refused
    ids=" ".join,
)
def test_what_it_can_not_be(repo: Repo, arguments: tuple[str, ...]) -> None:
    """Options that make no sense, or would open it to other machines, are errors."""
    refused = repo.run("sandbox", *arguments)
    assert refused.code == 1
    assert refused.err.startswith("Error: ")
    assert "Traceback" not in refused.err
