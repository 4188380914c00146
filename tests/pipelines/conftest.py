"""A checkout, a sandbox, a GitHub and a runner for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.pipelines.github_server import GitHub, a_github
from tests.pipelines.runner import Runner
from tests.support.command import FAST, Repo, a_repo


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Run a MsgFlash of the test's own, without a rate limit."""
    with Sandbox(FAST) as running:
        yield running


@pytest.fixture
def github() -> Iterator[GitHub]:
    """Run a GitHub of the test's own."""
    with a_github() as running:
        yield running


@pytest.fixture
def repo(tmp_path: Path, sandbox: Sandbox) -> Repo:
    """Make a checkout with one campaign, whose state is ready."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    repo = a_repo(folder, sandbox)
    repo.campaign("promo")
    return repo


@pytest.fixture
def runner(tmp_path: Path, repo: Repo, github: GitHub) -> Runner:
    """Make a machine that runs the action in the checkout."""
    folder = tmp_path / "runner"
    folder.mkdir()
    return Runner(repo, github, folder)
