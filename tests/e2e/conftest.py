"""One account and one repo for each test: a sandbox starts in milliseconds, so no test shares one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import FAST, Repo, a_repo


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a MsgFlash of the test's own, without a rate limit."""
    with Sandbox(FAST) as running:
        yield running


@pytest.fixture
def repo(tmp_path: Path, sandbox: Sandbox) -> Repo:
    """Make a repo without campaigns, whose state is ready."""
    return a_repo(tmp_path, sandbox)
