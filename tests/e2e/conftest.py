"""One account and one repo for each test: a sandbox starts in milliseconds, so no test shares one."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import FAST, Repo, a_repo


@pytest.fixture(scope="session")
def reserved_port() -> Iterator[int]:
    """Reserve a port for the sandboxes of these tests, one after the other: a state belongs to its server's address."""
    with socket.socket() as reservation:
        # Bound and never listening: a sandbox may listen in its place, and the system gives the port to no client.
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reservation.bind(("127.0.0.1", 0))
        yield int(reservation.getsockname()[1])


@pytest.fixture
def sandbox(reserved_port: int) -> Iterator[Sandbox]:
    """Run a MsgFlash of the test's own, without a rate limit."""
    with Sandbox(replace(FAST, port=reserved_port)) as running:
        yield running


@pytest.fixture
def repo(tmp_path: Path, sandbox: Sandbox) -> Repo:
    """Make a repo without campaigns, whose state is ready."""
    return a_repo(tmp_path, sandbox)
