"""Quota is money at any size: thousands of campaigns cost what ten do, and what costs a request each says so."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.corpus import write_corpus
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import PROGRAM, Repo

MANY = 3_000
FEW = 10


COMMANDS = (
    (("plan",), 5),
    (("plan", "--refresh", "none"), 0),
    (("plan", "--offline"), 0),
    (("plan", "--offline", "--no-state"), 0),
    (("validate",), 0),
    (("state", "list"), 0),
    (("calendar",), 0),
)
"""What looks at all campaigns, and how many requests it may send."""


@pytest.mark.slow
def test_thousands_of_unchanged_campaigns(tmp_path: Path, sandbox: Sandbox, subtests: pytest.Subtests) -> None:
    """However many campaigns stay as they are, with names to look up, none of them costs a request."""
    write_corpus(tmp_path, MANY)
    environ = Repo(tmp_path, sandbox)._environment(None)

    for arguments, most in COMMANDS:
        with subtests.test(" ".join(arguments)):
            command, before = [*PROGRAM, *arguments], len(sandbox.requests)
            done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)

            assert done.returncode == 0, done.stderr[-1000:]
            assert len(sandbox.requests) - before <= most


def test_requests_that_grow_with_the_campaigns(repo: Repo, sandbox: Sandbox) -> None:
    """An apply sends one request per create and a few more; drift and status read each campaign once.

    The few more are the account's numbers, health and usage, its templates, its contacts by the hundred, which count
    the people, and the marker of the state twice.
    """
    repo.campaigns(FEW)
    sent = []
    for arguments in (("apply", "--auto-approve"), ("apply", "--auto-approve"), ("drift",), ("status",)):
        before = len(sandbox.requests)
        assert repo.run(*arguments).code == 0
        sent.append(len(sandbox.requests) - before)

    first, again, drift, status = sent
    assert first == FEW + 8
    assert again == 0
    assert drift == FEW + 3
    assert FEW <= status <= 2 * FEW
