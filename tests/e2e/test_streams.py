"""Streams that are full, closed, gone, never read or not UTF-8, and a process that gets no thread."""

import os
import pty
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import PATIENCE_SECONDS, PROGRAM, Repo, created, wait_until

MANY = 4
FULL_DISK = Path("/dev/full")
APPLY = ("apply", "--auto-approve")

WITHOUT_THREADS = """
import sys, threading
from msgflash_apply.__main__ import main
threading.stack_size(1 << 46)
main()
"""
"""The real command, where the system has no memory for any thread."""


def full_disk() -> Iterator[int]:
    """Give a file that takes nothing."""
    with FULL_DISK.open("wb") as file:
        yield file.fileno()


def fill(descriptor: int) -> None:
    """Write until nothing more fits."""
    os.set_blocking(descriptor, False)
    with suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x" * 16)
    os.set_blocking(descriptor, True)


def full_pipe() -> Iterator[int]:
    """Give a pipe that is full, and whose reader reads nothing."""
    reading, writing = os.pipe()
    fill(writing)
    yield writing
    os.close(reading)
    os.close(writing)


def full_socket() -> Iterator[int]:
    """Give a socket that is full, as of a log service that hangs."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        fill(theirs.fileno())
        yield theirs.fileno()


def abandoned_pipe() -> Iterator[int]:
    """Give a pipe whose reader is gone."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def full_terminal() -> Iterator[int]:
    """Give a terminal that shows nothing any more."""
    ours, theirs = pty.openpty()
    fill(theirs)
    yield theirs
    os.close(ours)
    os.close(theirs)


def closed_terminal() -> Iterator[int]:
    """Give a terminal that is gone."""
    ours, theirs = pty.openpty()
    os.close(ours)
    yield theirs
    os.close(theirs)


KINDS = (full_disk, full_pipe, full_socket, abandoned_pipe, full_terminal, closed_terminal)


@pytest.fixture(params=KINDS, ids=lambda make: make.__name__)
def stream(request: pytest.FixtureRequest) -> Iterator[int]:
    """Make each kind of stream that cannot be written to."""
    make: Callable[[], Iterator[int]] = request.param
    yield from make()


def run(
    repo: Repo, *command: str, out: int = subprocess.PIPE, err: int = subprocess.PIPE, **env: str
) -> tuple[int, str]:
    """Run a command with these streams; gives its code, and what could be read of both."""
    process = subprocess.Popen(
        command,
        cwd=repo.folder,
        env=repo._environment(env),
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=err,
        encoding="utf-8",
    )
    try:
        said = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    return process.returncode, "".join(filter(None, said))


def sends_all(repo: Repo, sandbox: Sandbox) -> bool:
    """Whether everything was sent once and recorded, and the lock given back."""
    is_locked = repo.state.with_suffix(".lock").exists()
    return created(sandbox) == dict.fromkeys(repo.records, 1) and len(repo.records) == MANY and not is_locked


def test_apply_ignores_that_nobody_reads_its_progress(repo: Repo, sandbox: Sandbox, stream: int) -> None:
    """Whatever becomes of standard error, the run ends as it would have."""
    repo.campaigns(MANY)
    code, said = run(repo, *PROGRAM, *APPLY, err=stream, TERM="xterm")
    assert code == 0
    assert f"{MANY} created" in said
    assert sends_all(repo, sandbox)


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_apply_needs_no_streams(repo: Repo, sandbox: Sandbox, closed: str) -> None:
    """Streams that are closed are nobody's: no file of ours takes their place."""
    repo.campaigns(MANY)
    code, _ = run(repo, "sh", "-c", f'exec "$@" {closed}', "sh", *PROGRAM, *APPLY)
    assert code == 0
    assert sends_all(repo, sandbox)


@pytest.mark.parametrize("make", [full_disk, abandoned_pipe, closed_terminal])
def test_apply_sends_all_before_it_fails_for_its_output(
    repo: Repo, sandbox: Sandbox, make: Callable[[], Iterator[int]]
) -> None:
    """A result that cannot be printed is an error, once everything is recorded."""
    repo.campaigns(MANY)
    for stream in make():
        code, said = run(repo, *PROGRAM, *APPLY, out=stream)
    assert code == 1
    assert ("Standard output cannot be written" in said) is (make is not abandoned_pipe)
    assert sends_all(repo, sandbox)


def test_apply_waits_for_its_reader_once_all_is_sent(repo: Repo, sandbox: Sandbox) -> None:
    """A pager that is slow delays neither the sending nor the lock, and misses nothing."""
    repo.campaigns(MANY)
    reading, writing = os.pipe()
    fill(writing)
    filler = os.read(reading, 4096)
    fill(writing)
    with subprocess.Popen(
        [*PROGRAM, *APPLY], cwd=repo.folder, env=repo._environment(None), stdout=writing, stderr=subprocess.DEVNULL
    ) as process:
        os.close(writing)
        wait_until(lambda: len(repo.records) == MANY and sends_all(repo, sandbox))
        assert process.poll() is None
        with os.fdopen(reading, encoding="utf-8") as reader:
            shown = reader.read()
    assert process.returncode == 0
    assert filler.strip(b"x") == b""
    assert shown.strip("x").startswith("Plan")
    assert f"{MANY} created" in shown


@pytest.mark.parametrize("command", ["--version", "--help", "validate", "plan --format json"])
def test_result_that_cannot_be_written_is_an_error(repo: Repo, command: str) -> None:
    """A full disk is named, and nothing calls it a bug."""
    with FULL_DISK.open("wb") as full:
        code, said = run(repo, *PROGRAM, *command.split(), out=full.fileno())
    assert code == 1
    assert said == "Error: Standard output cannot be written.\nNo space left on device.\n"


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "ascii"])
def test_output_is_utf_8_whatever_the_locale(repo: Repo, encoding: str) -> None:
    """A campaign of any name is shown as it is written."""
    repo.campaign("łódź", body="Zażółć \N{DROMEDARY CAMEL}")
    code, said = run(repo, *PROGRAM, "plan", "--offline", "--no-state", PYTHONIOENCODING=encoding, LC_ALL="C")
    assert code == 0, said
    assert "łódź" in said
    assert "Zażółć \N{DROMEDARY CAMEL}" in said


def test_apply_needs_no_thread(repo: Repo, sandbox: Sandbox) -> None:
    """Where the system gives none, the journal is written all the same."""
    repo.campaigns(MANY)
    code, said = run(repo, sys.executable, "-c", WITHOUT_THREADS, *APPLY)
    assert code == 0, said
    assert sends_all(repo, sandbox)


def test_apply_that_needs_a_thread_sends_nothing(repo: Repo, sandbox: Sandbox) -> None:
    """A host's name is looked up in a thread; without one the run ends before anything is sent, and says why."""
    repo.campaigns(MANY)
    url = sandbox.url.replace("127.0.0.1", "localhost")
    code, said = run(repo, sys.executable, "-c", WITHOUT_THREADS, *APPLY, MSGFLASH_BASE_URL=url)
    assert code == 1
    assert "start no thread" in said
    assert created(sandbox) == {}
    assert not repo.state.with_suffix(".lock").exists()
