"""Quota is money at any size: ten thousand campaigns cost what ten do, and what costs a request each says so."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.corpus import write_corpus
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import PROGRAM, Repo

MANY = 10_000
FEW = 10


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a repo of ten thousand campaigns, all of them created, with names to look up."""
    root = tmp_path_factory.mktemp("many")
    write_corpus(root, MANY)
    return root


@pytest.mark.parametrize(
    ("arguments", "most"),
    [
        (("plan",), 5),
        (("plan", "--refresh", "none"), 0),
        (("plan", "--offline"), 0),
        (("plan", "--offline", "--no-state"), 0),
        (("validate",), 0),
        (("state", "list"), 0),
        (("calendar",), 0),
    ],
    ids=["plan", "no refresh", "offline", "preview", "validate", "state list", "calendar"],
)
def test_ten_thousand_unchanged_campaigns(many: Path, sandbox: Sandbox, arguments: tuple[str, ...], most: int) -> None:
    """However many campaigns stay as they are, none of them costs a request."""
    environ = Repo(many, sandbox)._environment(None)

    done = subprocess.run([*PROGRAM, *arguments], cwd=many, env=environ, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-1000:]
    assert len(sandbox.requests) <= most


def test_requests_that_grow_with_the_campaigns(repo: Repo, sandbox: Sandbox) -> None:
    """An apply sends one request per create and a few more; drift and status read each campaign once."""
    repo.campaigns(FEW)
    sent = []
    for arguments in (("apply", "--auto-approve"), ("apply", "--auto-approve"), ("drift",), ("status",)):
        before = len(sandbox.requests)
        assert repo.run(*arguments).code == 0
        sent.append(len(sandbox.requests) - before)

    first, again, drift, status = sent
    assert FEW < first <= FEW + 6
    assert again <= 1
    assert FEW <= drift <= FEW + 2
    assert FEW <= status <= 2 * FEW
