"""Starting: what only tells something is instant."""

import subprocess
import sys

import pytest

from tests.support.command import Repo
from tests.support.loading import modules_loaded_by

HEAVY = frozenset(
    {"aiohttp", "asyncio", "boto3", "cryptography", "deepdiff", "httpx", "jinja2", "obstore"}
    | {"psycopg", "pydantic", "rich", "ssl", "yaml"}
)
"""What takes longer to load than click."""


def loaded_by(repo: Repo, *arguments: str, **environ: str) -> set[str]:
    """Run a command, and tell the libraries that it loaded."""
    return {name.partition(".")[0] for name in modules_loaded_by(repo, *arguments, **environ)}


OPTIONAL = frozenset({"aiohttp", "boto3", "cryptography", "obstore", "psycopg"})
"""Libraries of the extras, which an installation may lack."""


@pytest.mark.parametrize("arguments", [("--help",), ("completion", "bash"), ("--version",)], ids=" ".join)
def test_help_and_version_load_click_and_nothing_heavy(repo: Repo, arguments: tuple[str, ...]) -> None:
    """The program's own help, its version and completion scripts need no more than click."""
    assert not loaded_by(repo, *arguments) & HEAVY


@pytest.mark.parametrize("command", ["plan", "apply", "state", "sandbox", "demo"])
def test_help_of_a_command_needs_no_extra(repo: Repo, command: str) -> None:
    """The help of a command loads what the command imports, and none of the optional libraries."""
    assert not loaded_by(repo, command, "--help") & OPTIONAL


def test_version_needs_not_even_click(repo: Repo) -> None:
    """`--version` alone answers before anything is loaded."""
    asked = [sys.executable, "-X", "importtime", "-m", "msgflash_apply", "--version"]

    done = subprocess.run(asked, cwd=repo.folder, capture_output=True, text=True, check=True)

    assert done.stdout.startswith("msgflash-apply ")
    assert "click" not in done.stderr


def test_completing_a_word_loads_nothing_heavy(repo: Repo) -> None:
    """What a shell asks at every press of the tab key is answered with click alone."""
    asked = {"_MSGFLASH_APPLY_COMPLETE": "bash_complete", "COMP_WORDS": "msgflash-apply pl", "COMP_CWORD": "1"}

    assert not loaded_by(repo, **asked) & HEAVY
